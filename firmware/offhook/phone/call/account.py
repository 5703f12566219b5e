"""An account: one identity, its registration, its flow and its calls (RFC 3261 §10, RFC 5626 §4).

A machine. The shell does what `actions()` asks (look a name up, open or close a flow), feeds back
what came of it, writes `data_to_send()` on the open flow and hands `commands_to_send()` to the
media engine. There is one flow at a time, and no call without one: a flow that is lost is sought
anew, and calls in progress outlive it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import FlowReport, PathAddress
from offhook.phone.call.account_events import (
    AccountEvent,
    Action,
    BadBytes,
    CallArrived,
    CallChanged,
    CloseFlow,
    FlowReady,
    Lookup,
    OpenFlow,
    Registered,
    Unregistered,
)
from offhook.phone.call.account_terms import AccountTerms, Keepsakes
from offhook.phone.call.call import Call
from offhook.phone.call.call_events import Released
from offhook.phone.call.call_terms import CallTerms
from offhook.phone.call.flow_states import FlowCue, FlowState, next_state
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.call.left_over import LeftOver
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.states import CallState
from offhook.phone.call.suite_change import without_suites
from offhook.phone.call.target import dialled_uri
from offhook.phone.call.trust import Hops
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import Origin
from offhook.protocols.sip import agent_events as ua
from offhook.protocols.sip.agent import UserAgent
from offhook.protocols.sip.backoff import Backoff
from offhook.protocols.sip.invite_client import OutgoingInvite
from offhook.protocols.sip.invite_events import InviteEvent
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook.protocols.sip.locate import DnsFailed, DnsQuery, Locator
from offhook.protocols.sip.locate_records import DnsRecord

__all__ = [
    "Account",
    "AccountEvent",
    "AccountTerms",
    "Action",
    "BadBytes",
    "CallArrived",
    "CallChanged",
    "CloseFlow",
    "FlowReady",
    "Keepsakes",
    "Lookup",
    "OpenFlow",
    "Registered",
    "Unregistered",
]

_RECONNECT_BASE_S = 1.0
"""The first wait after a lost flow: short, since the person can't be called meanwhile."""
_RECONNECT_MAX_S = 120.0


class Account:
    """One account; `sessions` numbers the engine's sessions and is shared by all accounts.

    So are `keepsakes`.
    """

    def __init__(
        self,
        terms: AccountTerms,
        agent: UserAgent,
        randomness: Randomness,
        sessions: Iterator[int],
        keepsakes: Keepsakes,
    ) -> None:
        self.terms = terms
        self._keepsakes = keepsakes
        self.flow: FlowReport | None = None
        self.flow_state = FlowState.STOPPED
        self._agent = agent
        self._randomness = randomness
        self._sessions = sessions
        self._backoff = Backoff(randomness, base_s=_RECONNECT_BASE_S, max_s=_RECONNECT_MAX_S)
        self._locator = self._new_locator()
        self._retry_at: float | None = None
        self._last_failure = "no server was found"
        self._bound = self._other_server = False
        self._calls: dict[int, Call] = {}
        self._actions: deque[Action] = deque()
        self._events: deque[AccountEvent] = deque()

    # What a person or the app asks for

    def start(self, now: float) -> None:
        """Seek a flow and, where the settings say so, register on it."""
        self._move(FlowCue.START)
        self._seek(now)

    def end_left_over(self, left: Iterable[LeftOver], now: float) -> None:
        """End dialogs of an earlier run that was cut off in a call, once there is a flow.

        Raises LocalError for one that can't be a dialog.
        """
        for each in left:
            self._agent.end_left_over(each.dialog(), now)

    @property
    def open_dialogs(self) -> tuple[LeftOver, ...]:
        """What has to be ended by the next run, should this one be cut off now."""
        return tuple(LeftOver.of(each) for each in self._agent.open_dialogs)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to be said on the flow: no call, no registration."""
        agent = self._agent
        busy = self._calls or agent.calls or agent.open_dialogs or self._bound
        return self.flow is None or not busy

    def stop(self, now: float) -> None:
        """End every call and remove the registration; `close` may follow once `idle`."""
        for call in list(self._calls.values()):
            call.hang_up(now)
        if self.flow_state is FlowState.OPEN:
            self._agent.unregister(now)

    def close(self) -> None:
        """Close the flow and seek no other."""
        if self.flow_state is FlowState.OPEN:
            self._actions.append(CloseFlow())
        self._move(FlowCue.STOP)
        self._retry_at = None

    def dial(self, target: str, now: float, *, hurried: bool = False) -> OutgoingCall:
        """Call `target`: a number or name of our domain, or a URI. LocalError where it is none.

        `hurried`, as for an emergency number: what worked last with anybody is tried first, and
        any encryption is enough.
        """
        uri = dialled_uri(target, self.terms.domain)
        if self.flow is None:
            raise LocalError(f"account {self.terms.name} has no connection: {self._last_failure}")
        terms = self._call_terms(self.flow)
        if hurried:
            terms = replace(terms, policy=terms.policy.in_emergency())
        call = OutgoingCall(
            terms,
            str(uri),
            Origin.fresh(self._randomness, terms.local_host),
            lambda offer, when: self._agent.invite(uri, offer, when),
            now,
            hurried=hurried,
        )
        self._calls[terms.session] = call
        return call

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are not yet released."""
        return tuple(self._calls.values())

    # What the shells report

    def looked_up(
        self, query: DnsQuery, answer: Sequence[DnsRecord] | DnsFailed, now: float
    ) -> None:
        """Take the answer to a `Lookup`."""
        if self.flow_state is FlowState.LOCATING:
            self._locator.answer(query, answer)
            self._seek(now)

    def flow_opened(self, report: FlowReport, now: float) -> None:
        """The flow is open and its peer verified: now, and only now, SIP begins."""
        self._move(FlowCue.OPENED)
        self.flow = report
        if not self.terms.register:
            self._backoff.success()
        self._agent.flow_opened(report.local, report.peer, now, other_server=self._other_server)
        self._other_server = False
        self._events.append(FlowReady(report))
        if not self.terms.register:
            self._reach_calls(now)
        self.settle(now)

    def flow_failed(self, reason: str, now: float) -> None:
        """A target could not be reached or trusted: the next one is tried."""
        self._last_failure = reason
        self._move(FlowCue.FAILED)
        self._seek(now)

    def flow_lost(self, reason: str, now: float) -> None:
        """The open flow is gone; calls stay, a new flow is sought."""
        if self.flow_state is not FlowState.OPEN:
            return
        self._move(FlowCue.LOST)
        self.flow = None
        self._last_failure = reason
        self._agent.flow_lost(reason, now)
        self._wait(now)
        self.settle(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the open flow."""
        if self.flow_state is FlowState.OPEN:
            self._agent.receive(data, now)
            self.settle(now)

    def receive_report(self, report: engine.SessionReport, now: float) -> bool:
        """One report of the engine; False where its session is not of this account."""
        call = self._calls.get(report.session)
        if call is None:
            return False
        call.receive_report(report, now)
        self.settle(now)
        return True

    def tick(self, now: float) -> None:
        """The deadline has come."""
        self._agent.tick(now)
        for call in self._calls.values():
            call.tick(now)
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._locator.restart()
            self._move(FlowCue.RETRY)
            self._seek(now)
        self.settle(now)

    # What the machine gives

    def deadline(self) -> float | None:
        """When `tick` is due, or None."""
        times = [self._agent.deadline(), self._retry_at]
        times += [call.deadline() for call in self._calls.values()]
        return min((at for at in times if at is not None), default=None)

    def data_to_send(self) -> list[bytes]:
        """SIP messages for the open flow, one TLS write each."""
        return self._agent.data_to_send()

    def commands_to_send(self) -> list[engine.SessionCommand]:
        """Commands for the media engine."""
        return [command for call in self._calls.values() for command in call.commands_to_send()]

    def actions(self) -> list[Action]:
        """What the shell is to do; each is given once."""
        actions = list(self._actions)
        self._actions.clear()
        return actions

    def next_event(self) -> AccountEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    # Inside

    def _move(self, cue: FlowCue) -> None:
        self.flow_state = next_state(self.flow_state, cue)

    def _fail_over(self, reason: str, now: float) -> None:
        """RFC 3263 §4.3: the server can't serve us now; the domain's next one is tried at once."""
        target = self._locator.next_target() if self.flow_state is FlowState.OPEN else None
        if target is None:
            return
        self._move(FlowCue.FAIL_OVER)
        self.flow = None
        self._actions.append(CloseFlow())
        self._agent.flow_lost(reason, now)
        self._move(FlowCue.LOCATED)
        self._other_server = True
        self._actions.append(OpenFlow(PathAddress(target.address, target.port)))

    def _new_locator(self) -> Locator:
        host, port = self.terms.server or (self.terms.domain, None)
        return Locator(host, port, self._randomness)

    def _seek(self, now: float) -> None:
        while (query := self._locator.next_query()) is not None:
            self._actions.append(Lookup(query))
        if not self._locator.finished:
            return
        target = self._locator.next_target()
        if target is not None:
            self._move(FlowCue.LOCATED)
            self._actions.append(OpenFlow(PathAddress(target.address, target.port)))
            return
        if self._locator.problems:
            self._last_failure = self._locator.problems[0]
        self._move(FlowCue.NOWHERE)
        self._wait(now)

    def _wait(self, now: float) -> None:
        wait_s = self._backoff.failure()
        self._retry_at = now + wait_s
        self._events.append(Unregistered(self._last_failure, None, wait_s))

    def _tell(
        self, invite: OutgoingInvite | IncomingInvite, event: InviteEvent, now: float
    ) -> None:
        for call in list(self._calls.values()):
            if call.invite is invite:
                call.receive_event(event, now)

    def _reach_calls(self, now: float) -> None:
        for call in self._calls.values():
            call.flow_ready(now)

    def _arrive(self, invite: IncomingInvite, now: float) -> None:
        if self.flow is None:
            invite.reject(480, None, now)
            return
        terms = self._call_terms(self.flow)
        origin = Origin.fresh(self._randomness, terms.local_host)
        call = IncomingCall(terms, invite, origin, now)
        self._calls[terms.session] = call
        if call.state is CallState.ALERTING:
            self._events.append(CallArrived(call))

    def _call_terms(self, flow: FlowReport) -> CallTerms:
        terms, learned = self.terms, self._keepsakes.learned
        return CallTerms(
            session=next(self._sessions),
            account=terms.name,
            hops=Hops(flow.verdict.name, flow.group),
            local_host=terms.media_host or flow.local.host,
            policy=without_suites(terms.policy, learned.broken_suites(terms.name)),
            media_dscp=terms.media_dscp,
            learned=learned,
            zrtp=self._keepsakes.zrtp,
            ice=terms.ice,
            opus=terms.opus,
        )

    def settle(self, now: float) -> None:
        """Bring the user agent's events to the calls, and theirs to the owner.

        Every input of the account does so itself; it is called after a call's own methods.
        """
        while (event := self._agent.next_event()) is not None:
            self._take(event, now)
        for session, call in list(self._calls.items()):
            while (change := call.next_event()) is not None:
                self._events.append(CallChanged(call, change))
                if isinstance(change, Released):
                    del self._calls[session]

    def _take(self, event: ua.AgentEvent, now: float) -> None:
        match event:
            case ua.Registered(expires_s=expires_s):
                self._bound = True
                # Only now: a server that takes flows and drops them must not be stormed.
                self._backoff.success()
                self._events.append(Registered(expires_s))
                self._reach_calls(now)
            case ua.RegistrationFailed(status=status, reason=reason, retry_at=retry_at):
                retry_s = None if retry_at is None else retry_at - now
                self._events.append(Unregistered(reason, status, retry_s))
                if event.fail_over:
                    self._fail_over(reason, now)
            case ua.Unregistered():
                self._bound = False
            case ua.BadBytes(reason=reason):
                self._events.append(BadBytes(reason))
            case ua.IncomingCall(invite=invite):
                self._arrive(invite, now)
            case ua.CallEvent(invite=invite, event=invite_event):
                self._tell(invite, invite_event, now)
            case ua.FlowFailed(reason=reason):
                self._actions.append(CloseFlow())
                self.flow_lost(reason, now)
