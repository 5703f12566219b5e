"""The running phone as a status document: read off its parts, with what only events have told."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from offhook import __version__
from offhook.app.commands.session import account_status
from offhook.app.control_report import (
    CallPart,
    CallStateName,
    EndedCall,
    LineName,
    PhonePart,
    Sound,
    Volumes,
    sas_part,
)
from offhook.app.report import AccountStatus, Failure, StatusReport
from offhook.app.runner import AccountRunner
from offhook.base.vocabulary import Lamp, LampLook
from offhook.phone.call.account import Account
from offhook.phone.call.account_events import (
    AccountEvent,
    CallChanged,
    FlowReady,
    Registered,
    Unregistered,
)
from offhook.phone.call.call import Call
from offhook.phone.call.call_events import Over
from offhook.phone.call.states import CallState
from offhook.phone.line.line import Line
from offhook.phone.line.states import STATES, LineState
from offhook.protocols.media.handset_messages import HandsetReport, SoundFound, SoundLost

MOST_ENDED: Final = 8
"""Calls that are over and still told."""

LINE_NAMES: Final[Mapping[LineState, LineName]] = {
    LineState.IDLE: "on hook",
    LineState.RINGING: "ringing",
    LineState.OPENING: "opening",
    LineState.DIAL_TONE: "dial tone",
    LineState.NOT_REGISTERED: "not registered",
    LineState.DIALLING: "dialling",
    LineState.SPEAKING: "speaking",
    LineState.CALLING: "calling",
    LineState.RINGBACK: "ringback",
    LineState.ANSWERING: "answering",
    LineState.TALKING: "talking",
    LineState.WAITING: "call waiting",
    LineState.OFFERED: "call offered",
    LineState.HELD: "call held",
    LineState.KEPT: "call kept",
    LineState.RECALL: "recall",
    LineState.ENDED: "ended",
    LineState.BUSY: "busy",
    LineState.UNREACHABLE: "unreachable",
    LineState.REORDER: "reorder",
    LineState.HOWLER: "howler",
    LineState.PARKED: "parked",
}

_CALL_STATES: Final[Mapping[CallState, CallStateName]] = {
    CallState.PREPARING: "preparing",
    CallState.CALLING: "calling",
    CallState.RINGING: "ringing",
    CallState.ALERTING: "alerting",
    CallState.ACCEPTING: "accepting",
    CallState.TALKING: "talking",
}
"""What is over is no call in hand any more."""


class Ledger:
    """Keeps what events told of registrations, calls that are over, and sound; `began` in s."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._expires: dict[str, float] = {}
        self._failures: dict[str, Failure] = {}
        self._ended: deque[EndedCall] = deque(maxlen=MOST_ENDED)
        self._seen: dict[int, tuple[Account, Call]] = {}
        """Calls that were told as in hand: over before their account has said so, perhaps."""
        self._sound = Sound(state="unknown")

    def note(self, runner: AccountRunner, event: AccountEvent, now: float) -> None:
        """An event of an account, before anything else is told of it."""
        account = runner.account
        name = account.terms.name
        match event:
            case Registered(expires_s=expires_s):
                self._expires[name] = expires_s
                self._failures.pop(name, None)
            case FlowReady() if not account.terms.register:
                self._failures.pop(name, None)
            case Unregistered():
                self._expires.pop(name, None)
                self._failures[name] = _failure(runner, event)
            case CallChanged(call=call, event=Over()):
                self._over(account, call, now)

    def note_sound(self, report: HandsetReport) -> None:
        """A report of the engine; only those of the sound card matter."""
        match report:
            case SoundFound(name=name):
                self._sound = Sound(state="there", name=name)
            case SoundLost(reason=reason):
                self._sound = Sound(state="lost", reason=reason)

    def report(
        self,
        runners: Sequence[AccountRunner],
        line: Line,
        lamps: Mapping[Lamp, LampLook],
        messages: int | None,
        now: float,
    ) -> StatusReport:
        """The phone as it is at `now` (s)."""
        memory = line.memory
        calls = self._calls(runners, now)
        return StatusReport(
            version=__version__,
            accounts=tuple(self._account(each) for each in runners),
            phone=PhonePart(
                pid=os.getpid(),
                running_s=round(max(0.0, now - self._began), 3),
                line=LINE_NAMES[line.state],
                lifted=STATES[line.state].lifted,
                calls=calls,
                ended=tuple(self._ended),
                muted=line.muted,
                volumes=Volumes(ear=memory.ear_step, ring=memory.ring_step),
                lamps={lamp.value: look.name for lamp, look in lamps.items()},
                sound=self._sound,
                messages=messages,
            ),
        )

    def _calls(self, runners: Sequence[AccountRunner], now: float) -> tuple[CallPart, ...]:
        """The calls in hand; those that no longer are join the ones that are over."""
        for each in runners:
            for call in each.account.calls:
                self._seen[call.terms.session] = (each.account, call)
        for account, call in list(self._seen.values()):
            if call.state not in _CALL_STATES:
                self._over(account, call, now)
        return tuple(
            _call(account, call, _CALL_STATES[call.state], now)
            for account, call in self._seen.values()
        )

    def _over(self, account: Account, call: Call, now: float) -> None:
        self._seen.pop(call.terms.session, None)
        if all(each.id != call.terms.session for each in self._ended):
            self._ended.append(_ended_call(account, call, now))

    def _account(self, runner: AccountRunner) -> AccountStatus:
        account = runner.account
        terms = account.terms
        expires_s = self._expires.get(terms.name)
        usable = expires_s is not None or (account.flow is not None and not terms.register)
        failure = self._failures.get(terms.name, _failure_of_none(account))
        return account_status(runner, account.flow, expires_s, None if usable else failure)


def _failure(runner: AccountRunner, event: Unregistered) -> Failure:
    return Failure(
        stage="signalling" if runner.account.flow is None else "registration",
        reason=event.reason,
        rule=runner.times.failed_rule,
    )


def _failure_of_none(account: Account) -> Failure:
    """Nothing has failed yet, nor has it worked."""
    if account.flow is None:
        return Failure(stage="signalling", reason="not connected yet")
    return Failure(stage="registration", reason="not registered yet")


def _call(account: Account, call: Call, state: CallStateName, now: float) -> CallPart:
    record = call.record
    return CallPart(
        id=call.terms.session,
        account=account.terms.name,
        direction=record.direction.value,
        peer=record.peer,
        state=state,
        trust=record.trust.level.value,
        reasons=record.trust.reasons,
        suite=record.suite,
        keying=record.keying,
        codec=record.codec,
        sas=sas_part(record.sas),
        held=call.held,
        talked_s=round(call.talked_s(now), 3),
    )


def _ended_call(account: Account, call: Call, now: float) -> EndedCall:
    record = call.record
    return EndedCall(
        id=call.terms.session,
        account=account.terms.name,
        direction=record.direction.value,
        peer=record.peer,
        outcome=record.outcome.value,
        reason=record.reason,
        ended_by=record.ended_by,
        sip_status=record.status,
        trust=record.trust.level.value,
        reasons=record.trust.reasons,
        suite=record.suite,
        keying=record.keying,
        codec=record.codec,
        talked_s=round(call.talked_s(now), 3),
    )
