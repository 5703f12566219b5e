"""Joins a line and its accounts: legs become calls, and calls' reports become the line's events.

The only place that knows both. Whoever owns the accounts hands in their events, writes what they
have to send after every call of a method here, and carries out the actions that are left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from offhook.base.errors import LocalError
from offhook.phone.call.account import Account
from offhook.phone.call.account_events import (
    AccountEvent,
    CallArrived,
    CallChanged,
    FlowReady,
    Registered,
    Unregistered,
)
from offhook.phone.call.call import Call
from offhook.phone.call.call_events import CallEvent, Released
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.line import Line
from offhook.phone.line.troubles import account_down
from offhook.protocols.sip.uri import SipUri, TelUri, Uri

Diagnosis = Callable[[Account, Unregistered], on.AccountDown]
"""What a person is told of an account that isn't registered."""


def _by_status(_account: Account, event: Unregistered) -> on.AccountDown:
    return account_down(event.status)


class Exchange:
    """One line on one or more accounts; calls go out by the first that is registered."""

    def __init__(
        self,
        line: Line,
        accounts: Sequence[Account],
        legs: Iterator[int],
        diagnose: Diagnosis = _by_status,
    ) -> None:
        self.line = line
        self._accounts = tuple(accounts)
        self._legs = legs
        self._diagnose = diagnose
        self._ready: set[str] = set()
        self._down: dict[str, on.AccountDown] = {}
        self._told: on.AccountReady | on.AccountDown | None = None
        self._calls: dict[int, tuple[Account, Call]] = {}
        self._left: list[do.Action] = list(line.actions())

    def receive(self, event: on.LineEvent, now: float) -> None:
        """An event of the handset, of prompts, or of messages."""
        self.line.receive(event, now)
        self._obey(now)

    def tick(self, now: float) -> None:
        """The line's deadline has come."""
        self.line.tick(now)
        self._obey(now)

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        return self.line.deadline()

    def actions(self) -> list[do.Action]:
        """Tones, bell, lamps, words, volumes: everything that is no call's."""
        left, self._left = self._left, []
        return left

    def take(
        self, account: Account, event: AccountEvent, now: float, wall_time: float | None = None
    ) -> None:
        """An event of one of the accounts."""
        match event:
            case Registered():
                self._registered(account, now)
            case FlowReady():
                if not account.terms.register:
                    self._registered(account, now)
            case Unregistered():
                self._ready.discard(account.terms.name)
                self._down[account.terms.name] = self._diagnose(account, event)
                self._tell(now)
            case CallArrived(call=call):
                leg = next(self._legs)
                self._calls[leg] = (account, call)
                self.receive(on.LegArrived(leg, caller_of(call), wall_time), now)
            case CallChanged(call=call, event=change):
                self._changed(call, change, now)

    def call_of(self, leg: int) -> Call | None:
        """The call behind a leg, for whoever shows it."""
        known = self._calls.get(leg)
        return known[1] if known is not None else None

    # Accounts

    def _registered(self, account: Account, now: float) -> None:
        self._ready.add(account.terms.name)
        self._tell(now)

    def _tell(self, now: float) -> None:
        told = self._standing()
        if told is not None and told != self._told:
            self._told = told
            self.receive(told, now)

    def _standing(self) -> on.AccountReady | on.AccountDown | None:
        """The first account that is ready, else what keeps the first one that is known."""
        for account in self._accounts:
            if account.terms.name in self._ready:
                return on.AccountReady(account.terms.user)
        known = (self._down.get(account.terms.name) for account in self._accounts)
        return next((down for down in known if down is not None), None)

    def _way_out(self, *, emergency: bool) -> Account | None:
        """By which account to call; an emergency call takes any that has a flow."""
        for account in self._accounts:
            if account.terms.name in self._ready and account.flow is not None:
                return account
        if emergency:
            return next((each for each in self._accounts if each.flow is not None), None)
        return None

    # Calls

    def _changed(self, call: Call, change: CallEvent, now: float) -> None:
        leg = next((leg for leg, (_, known) in self._calls.items() if known is call), None)
        if leg is None:
            return
        record = call.record
        trust = record.trust
        told = on.LegChanged(leg, change, record.status, trust.level, trust.cautions)
        self.receive(told, now)
        if isinstance(change, Released):
            del self._calls[leg]

    def _obey(self, now: float) -> None:
        """Carry out what concerns calls; leave the rest."""
        failed: list[int] = []
        for action in self.line.actions():
            if isinstance(action, do.PlaceCall):
                if not self._place(action, now):
                    failed.append(action.leg)
            elif not self._command(action, now):
                self._left.append(action)
        for leg in failed:
            self.receive(on.LegFailed(leg), now)

    def _place(self, action: do.PlaceCall, now: float) -> bool:
        account = self._way_out(emergency=action.emergency)
        if account is None:
            return False
        try:
            call = account.dial(action.number, now, hurried=action.emergency)
        except LocalError:
            return False
        self._calls[action.leg] = (account, call)
        account.settle(now)
        return True

    def _command(self, action: do.Action, now: float) -> bool:
        """Whether the action was a call's; a call that is gone takes none."""
        if not isinstance(action, _OF_A_CALL):
            return False
        if action.leg in self._calls:
            account, call = self._calls[action.leg]
            _carry_out(action, call, now)
            account.settle(now)
        return True


_CallAction = (
    do.AnswerCall
    | do.RefuseCall
    | do.HangUp
    | do.HoldCall
    | do.ResumeCall
    | do.SendDigit
    | do.CompareSas
)
_OF_A_CALL = (
    do.AnswerCall,
    do.RefuseCall,
    do.HangUp,
    do.HoldCall,
    do.ResumeCall,
    do.SendDigit,
    do.CompareSas,
)


def _carry_out(action: _CallAction, call: Call, now: float) -> None:
    match action:
        case do.AnswerCall():
            if isinstance(call, IncomingCall):
                call.accept(now)
        case do.RefuseCall(refusal=refusal):
            if isinstance(call, IncomingCall):
                call.reject(refusal.value, refusal.name.lower().replace("_", " "), now)
        case do.HangUp():
            call.hang_up(now)
        case do.HoldCall():
            call.hold(now, held=True)
        case do.ResumeCall():
            call.hold(now, held=False)
        case do.SendDigit(digit=digit):
            call.send_digits(digit)
        case do.CompareSas(same=same):
            call.compare_sas(same=same)


def caller_of(call: IncomingCall) -> on.Caller:
    """Who the caller claims to be, the user part or the number, and whether that was proven."""
    return on.Caller(_number(call.invite.caller.uri), call.record.caller_verified)


def _number(uri: Uri) -> str:
    match uri:
        case SipUri(user=user):
            return "" if user is None or user.lower() == "anonymous" else user
        case TelUri(number=number):
            return number
        case _:
            return ""
