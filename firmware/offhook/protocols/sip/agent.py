"""RFC 3261 §8: the user agent of one account, over one TLS flow after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.sip.agent_events import (
    AgentEvent,
    BadBytes,
    CallEvent,
    FlowFailed,
    IncomingCall,
    Registered,
    RequestReceived,
)
from offhook.protocols.sip.core import METHODS, Core, Identity, Outcome
from offhook.protocols.sip.endpoint import Endpoint
from offhook.protocols.sip.endpoint_events import (
    AckReceived,
    EndpointEvent,
    InviteCancelled,
    TransactionFailed,
)
from offhook.protocols.sip.invite_client import OutgoingInvite
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook.protocols.sip.left_over import LeftOverDialog
from offhook.protocols.sip.message import Response, response_to
from offhook.protocols.sip.registration import (
    Registration,
    RegistrationPolicy,
    RegistrationState,
)
from offhook.protocols.sip.screening import Refusal, screen, screen_method

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.base.randomness import Randomness
    from offhook.base.vocabulary import PathAddress
    from offhook.protocols.sip.dialog import Dialog
    from offhook.protocols.sip.digest import DigestClient
    from offhook.protocols.sip.invite_events import InviteEvent
    from offhook.protocols.sip.keepalive import KeepAlive
    from offhook.protocols.sip.timers import Timers
    from offhook.protocols.sip.uri import SipUri, Uri

__all__ = ["Identity", "UserAgent"]

MAX_CALLS: Final = 32
"""Calls at once, those included that end in the background."""


class UserAgent:
    """One account in SIP: octets, commands and the time in; octets, events and a deadline out.

    Calls outlive the flow: after `flow_lost` they wait for the next `flow_opened`. With a
    `registration` policy the account registers by itself on each flow, and requests of ours wait
    until the registrar has answered. `surfaced` methods are handed out as RequestReceived where
    they belong to no call, to be answered by `respond` (a registrar's REGISTER).

    After each call, drain `data_to_send()` and `next_event()`, and ask `deadline()`; the same after
    each call of a method of an invite.
    """

    def __init__(
        self,
        identity: Identity,
        authorizer: DigestClient | None,
        randomness: Randomness,
        *,
        registration: RegistrationPolicy | None = None,
        registrar: SipUri | None = None,
        keepalive: KeepAlive | None = None,
        timers: Timers | None = None,
        surfaced: Iterable[str] = (),
    ) -> None:
        self._surfaced = frozenset(surfaced)
        self._core = Core(
            identity,
            randomness,
            authorizer=authorizer,
            timers=timers,
            methods=tuple(dict.fromkeys((*METHODS, *sorted(self._surfaced)))),
        )
        self._authorizer = authorizer
        self._randomness = randomness
        self._keepalive = keepalive
        self._registration: Registration | None = None
        if registration is not None:
            self._registration = Registration(
                identity.aor,
                authorizer,
                randomness,
                registration,
                registrar=registrar,
                display_name=identity.display_name,
                headers=[("User-Agent", identity.user_agent)],
            )
        self._calls: list[OutgoingInvite | IncomingInvite | LeftOverDialog] = []
        self._events: deque[AgentEvent] = deque()

    @property
    def endpoint(self) -> Endpoint | None:
        """The flow that is up, with its counters; None while there is none."""
        return self._core.endpoint

    @property
    def calls(self) -> tuple[OutgoingInvite | IncomingInvite, ...]:
        """The calls that aren't settled: in progress, or ended with a BYE not yet answered."""
        return tuple(
            call
            for call in self._calls
            if not isinstance(call, LeftOverDialog) and not call.settled
        )

    @property
    def open_dialogs(self) -> tuple[Dialog, ...]:
        """The dialogs that a BYE of ours may end: answered ones, and those that we make ring."""
        return tuple(dialog for call in self._calls for dialog in call.open_dialogs)

    def end_left_over(self, dialog: Dialog, now: float) -> None:
        """End a dialog of an earlier run by a BYE, as soon as requests may go out."""
        if dialog.authorized and self._authorizer is not None:
            self._authorizer.take_up(dialog.id.call_id, dialog.id.local_tag)
        call = LeftOverDialog(self._core, dialog)
        self._calls.append(call)
        if self._core.ready:
            call.flow_opened(now)

    def flow_opened(
        self, local: PathAddress, peer: PathAddress, now: float, *, other_server: bool = False
    ) -> None:
        """A verified flow is up between `local` and `peer`; an older one counts as lost."""
        if self._core.endpoint is not None:
            self.flow_lost("another flow took its place", now)
        endpoint = Endpoint(
            local,
            self._randomness,
            peer=peer,
            timers=self._core.timers,
            keepalive=self._keepalive,
        )
        if self._keepalive is not None:
            self._keepalive.start(now)
        self._core.flow_opened(endpoint, now)
        if self._registration is not None:
            contact = self._core.contact()
            self._registration.flow_opened(contact, now, other_server=other_server)
        else:
            if self._authorizer is not None:
                self._authorizer.flow_opened()
            self._use_flow(now)
        self._settle(now)

    def flow_lost(self, reason: str, now: float) -> None:
        """The flow is gone. Calls live on; what was under way on it has failed."""
        if self._registration is not None:
            self._registration.flow_lost(reason, now)
        elif self._authorizer is not None:
            self._authorizer.flow_lost()
        for event in self._core.flow_lost(reason, now):
            self._dispatch(event, now)
        self._settle(now)

    def receive(self, data: bytes, now: float) -> None:
        """Octets from the flow."""
        if self._core.endpoint is not None:
            self._core.endpoint.receive(data, now)
            self._settle(now)

    def invite(
        self, target: Uri, offer: bytes, now: float, headers: Iterable[tuple[str, str]] = ()
    ) -> OutgoingInvite:
        """Call `target` with the SDP `offer`. Without a flow the call waits up to 64*T1 for one.

        Raises LocalError if `headers` or `target` can't be put into bytes.
        """
        call = OutgoingInvite(self._core, target, offer, self._tell, now, headers=headers)
        self._calls.append(call)
        call.start(now)
        self._settle(now)
        return call

    def register(self, now: float) -> None:
        """Want to be registered, as is so from the start with a registration policy."""
        if self._registration is not None:
            self._registration.register(now)
            self._settle(now)

    def unregister(self, now: float) -> None:
        """Remove our binding; Unregistered follows."""
        if self._registration is not None:
            self._registration.unregister(now)
            self._settle(now)

    def respond(self, transaction: str, response: Response, now: float) -> None:
        """Answer a RequestReceived of a surfaced method."""
        self._core.respond(transaction, response, now)

    def data_to_send(self) -> list[bytes]:
        """What is to be written now, one SIP message, ping or pong per element."""
        return [] if self._core.endpoint is None else self._core.endpoint.data_to_send()

    def next_event(self) -> AgentEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        times = [call.deadline() for call in self._calls]
        if self._core.endpoint is not None:
            times.append(self._core.endpoint.deadline())
        if self._registration is not None:
            times.append(self._registration.deadline())
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        if self._core.endpoint is not None:
            self._core.endpoint.tick(now)
        if self._registration is not None:
            self._registration.tick(now)
        for call in list(self._calls):
            call.tick(now)
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Work off the endpoint's events and what the registration makes of them."""
        while True:
            endpoint = self._core.endpoint
            event = None if endpoint is None else endpoint.next_event()
            if event is not None:
                self._dispatch(event, now)
            elif not self._register(now):
                break
        self._calls = [call for call in self._calls if not call.finished]

    def _register(self, now: float) -> bool:
        """Move the registration on; False if it had nothing to do."""
        registration = self._registration
        if registration is None:
            return False
        moved = False
        while (event := registration.next_event()) is not None:
            moved = True
            self._events.append(event)
            if isinstance(event, Registered) and self._keepalive is not None:
                self._keepalive.flow_timer(event.flow_timer_s, now)
        if self._core.endpoint is None:
            return moved
        request = registration.next_request(now)
        if request is not None:
            moved = True
            self._core.send(request, self._registered, now, authorized=False)
        if registration.state not in _REGISTERING:
            self._use_flow(now)
        return moved

    def _registered(self, outcome: Outcome, now: float) -> None:
        if self._registration is None:
            return
        if isinstance(outcome, Response):
            self._registration.response(outcome, now)
        elif isinstance(outcome, TransactionFailed):
            self._registration.failed(outcome.reason, now)
        else:
            self._registration.failed("no answer", now)

    def _use_flow(self, now: float) -> None:
        """Requests of ours may go out: first those that waited."""
        if self._core.ready or self._core.endpoint is None:
            return
        self._core.ready = True
        for call in list(self._calls):
            call.flow_opened(now)

    def _dispatch(self, event: EndpointEvent, now: float) -> None:
        if isinstance(event, RequestReceived):
            self._request(event, now)
        elif isinstance(event, AckReceived):
            for call in self._calls:
                if call.owns(event.request):
                    call.acknowledged(event.request, now)
        elif isinstance(event, InviteCancelled):
            reason = event.cancel.headers.get("Reason") or ""
            any(call.cancelled(event.transaction, reason, now) for call in self._calls)
        elif isinstance(event, FlowFailed | BadBytes):
            self._events.append(event)
        else:
            self._core.dispatch(event, now)

    def _request(self, event: RequestReceived, now: float) -> None:
        request = event.request
        refusal = screen_method(request, self._core.methods)
        if refusal is not None:
            self._refuse(event, refusal, now)
            return
        call = next((call for call in self._calls if call.owns(request)), None)
        surfaced = request.method in self._surfaced
        in_dialog = request.to.tag is not None or request.method in _DIALOG_ONLY
        if call is None and in_dialog and not surfaced:
            self._refuse(event, Refusal(481), now)
            return
        refusal = screen(request)
        if refusal is not None:
            self._refuse(event, refusal, now)
        elif call is not None:
            call.receive(event, now)
        elif surfaced:
            self._events.append(event)
        elif request.method == "INVITE":
            self._invited(event, now)
        else:
            self._options(event, now)

    def _invited(self, event: RequestReceived, now: float) -> None:
        if len(self._calls) >= MAX_CALLS:
            self._refuse(event, Refusal(486), now)
            return
        try:
            call = IncomingInvite(self._core, event, self._tell, now)
        except PeerError as error:
            self._refuse(event, Refusal(error.status or 400, error.reason), now)
            return
        for other in self._calls:
            if isinstance(other, IncomingInvite):
                other.superseded(event.request, now)
        self._calls.append(call)
        self._events.append(IncomingCall(call))

    def _options(self, event: RequestReceived, now: float) -> None:
        """§11.2; the answer inside a dialog is `DialogUsage`'s."""
        self._refuse(event, Refusal(200, headers=tuple(self._core.capabilities())), now)

    def _refuse(self, event: RequestReceived, refusal: Refusal, now: float) -> None:
        response = response_to(
            event.request,
            refusal.status,
            refusal.reason,
            to_tag=event.to_tag,
            headers=refusal.headers,
        )
        self._core.respond(event.transaction, response, now)

    def _tell(self, call: OutgoingInvite | IncomingInvite, event: InviteEvent) -> None:
        self._events.append(CallEvent(call, event))


_REGISTERING: Final = frozenset({RegistrationState.DUE, RegistrationState.PENDING})
_DIALOG_ONLY: Final = frozenset({"BYE", "INFO", "UPDATE"})
