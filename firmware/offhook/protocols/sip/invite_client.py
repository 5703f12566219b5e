"""RFC 3261 §9.1, §13.2: an INVITE of ours, from the first request to the end of its dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.core import SDP, Core, Outcome, Sending
from offhook.protocols.sip.dialog import Dialog, is_sips
from offhook.protocols.sip.endpoint_events import (
    RequestReceived,
    TransactionFailed,
    TransactionTimedOut,
)
from offhook.protocols.sip.in_dialog import DialogUsage
from offhook.protocols.sip.invite_client_states import (
    OUTGOING,
    OutgoingAction,
    OutgoingEvent,
    OutgoingState,
)
from offhook.protocols.sip.invite_events import (
    Answered,
    Ended,
    InviteEvent,
    Progress,
    Refused,
)
from offhook.protocols.sip.message import Request, Response
from offhook.protocols.sip.multipart import find_body
from offhook.protocols.sip.values import CSeq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.uri import Uri

MAX_DIALOGS: Final = 8
"""Early and forked dialogs that one INVITE of ours can make; further ones are ignored."""
CANCEL_PATIENCE: Final = 180.0
"""Seconds for which the CANCEL of a ringing call waits for a flow: a proxy's timer C (§16.6)."""


class OutgoingInvite:
    """One call that we make. Its events go to `emit`, with itself; Refused or Ended is the last.

    `offer` is our SDP. Without a flow, or if the flow dies before any response, the INVITE goes
    out on the next one, within 64*T1 in all. The ACK of a 2xx is sent by itself.
    """

    def __init__(
        self,
        core: Core,
        target: Uri,
        offer: bytes,
        emit: Callable[[OutgoingInvite, InviteEvent], None],
        now: float,
        *,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.target = target
        self.state = OutgoingState.WAITING
        self._core = core
        self._offer = offer
        self._owner = emit
        self._headers = tuple(headers)
        self._request = core.new_request("INVITE", target)
        self._sending: Sending | None = None
        self._usages: dict[str, DialogUsage] = {}
        self._acks: dict[str, Request] = {}
        self._session: DialogUsage | None = None
        self._early_answers: dict[str, bytes] = {}
        self._ended = Ended("local", "hung up")
        self._bye_headers: tuple[tuple[str, str], ...] = ()
        self._flow_until = now + core.timers.transaction
        self._linger_until: float | None = None
        self._cancel_until: float | None = None

    @property
    def call_id(self) -> str:
        """The Call-ID, the same through all attempts."""
        return self._request.call_id

    @property
    def dialog(self) -> Dialog | None:
        """The confirmed dialog, once there is one."""
        return self._session.dialog if self._session else None

    @property
    def open_dialogs(self) -> tuple[Dialog, ...]:
        """Every dialog in which the peer may still be: early ones and other forks' too (§15)."""
        return tuple(usage.dialog for usage in self._usages.values() if not usage.finished)

    @property
    def finished(self) -> bool:
        """Whether it is settled and neither a late fork nor a lost CANCEL is waited for."""
        return self.settled and self._linger_until is None and self._cancel_until is None

    @property
    def settled(self) -> bool:
        """Whether the call is over and nothing of it is under way: its BYE is answered."""
        return self.state is OutgoingState.ENDED and all(
            usage.finished for usage in self._usages.values()
        )

    def start(self, now: float) -> None:
        """Send the INVITE if there is a flow."""
        if self._core.ready:
            self._handle(OutgoingEvent.FLOW, None, now)

    def hang_up(self, now: float, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Give up or end the call: CANCEL once allowed, or BYE with `headers` (Reason)."""
        self._bye_headers = tuple(headers)
        self._handle(OutgoingEvent.HANG_UP, None, now)

    cancel = hang_up

    def reoffer(self, make: Callable[[], bytes], now: float) -> None:
        """Propose a changed session by re-INVITE: OfferAccepted or OfferRefused follows.

        `make` gives the offer each time that it goes out: after a glare it is sent again.
        Raises LocalError without a confirmed dialog, or while another offer is open.
        """
        self._confirmed().changes.propose(make, now)

    def awaits(self, transaction: str) -> bool:
        """Whether OfferReceived of `transaction` can still be answered."""
        return self._session is not None and self._session.changes.awaits(transaction)

    def accept_offer(self, transaction: str, body: bytes, now: float) -> bool:
        """Answer OfferReceived 200; False if it isn't open any more."""
        return self._session is not None and self._session.changes.accept(transaction, body, now)

    def refuse_offer(
        self,
        transaction: str,
        status: int,
        reason: str | None,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> bool:
        """Refuse OfferReceived (488 as a rule); the session stays as it is."""
        return self._session is not None and self._session.changes.refuse(
            transaction, status, reason, now, headers
        )

    def owns(self, request: Request) -> bool:
        """Whether a request of the peer's belongs to a dialog of this call."""
        return any(usage.dialog.matches(request) for usage in self._usages.values())

    def receive(self, event: RequestReceived, now: float) -> None:
        """A request in a dialog of this call."""
        for usage in self._usages.values():
            if usage.dialog.matches(event.request):
                usage.receive(event, now)
                return

    def acknowledged(self, ack: Request, now: float) -> None:  # noqa: ARG002  # one shape for both
        """An ACK in a dialog of this call."""
        for usage in self._usages.values():
            if usage.dialog.matches(ack):
                usage.changes.acknowledged(ack)

    def cancelled(self, transaction: str, reason: str, now: float) -> bool:  # noqa: ARG002  # as above
        """A CANCEL of the peer's; False if it isn't for a re-INVITE in this call."""
        return any(u.changes.withdrawn(transaction, now) for u in self._usages.values())

    def flow_opened(self, now: float) -> None:
        """The account has a flow again."""
        self._handle(OutgoingEvent.FLOW, None, now)
        if self._cancel_until is not None and self._sending is not None:
            self._cancel_until = None
            self._core.cancel_lost(self._sending, now)
        if self._linger_until is not None:
            # Whether the ACK got through on the old flow nobody knows; a second one is harmless.
            for ack in self._acks.values():
                self._core.send_ack(ack, now)
        for usage in self._usages.values():
            usage.flow_opened(now)

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        times = [usage.deadline() for usage in self._usages.values()]
        times += [self._linger_until, self._cancel_until]
        if self.state is OutgoingState.WAITING:
            times.append(self._flow_until)
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        for usage in list(self._usages.values()):
            usage.tick(now)
        if self._linger_until is not None and now >= self._linger_until:
            self._linger_until = None
        if self._cancel_until is not None and now >= self._cancel_until:
            self._cancel_until = None
        if self.state is OutgoingState.WAITING and now >= self._flow_until:
            failed = TransactionFailed("", "there is no flow")
            self._handle(OutgoingEvent.UNANSWERED, failed, now)

    def _emit(self, event: InviteEvent) -> None:
        self._owner(self, event)

    def _confirmed(self) -> DialogUsage:
        if self._session is None or self._session.over:
            raise LocalError("the call is not answered, or over")
        return self._session

    def _outcome(self, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, TransactionTimedOut):
            self._handle(OutgoingEvent.UNANSWERED, outcome, now)
        elif isinstance(outcome, TransactionFailed):
            self._handle(OutgoingEvent.FLOW_LOST, outcome, now)
        elif outcome.status < 200:
            self._handle(OutgoingEvent.PROVISIONAL, outcome, now)
        elif outcome.status < 300:
            self._handle(OutgoingEvent.SUCCESS, outcome, now)
        else:
            self._handle(OutgoingEvent.FAILURE, outcome, now)

    def _handle(self, event: OutgoingEvent, outcome: Outcome | None, now: float) -> None:
        reached = OUTGOING.get((self.state, event))
        if reached is None:
            return
        self.state = reached.state
        if self._sending is not None and self.state not in _WILLING:
            self._sending.abandoned = True
        for action in reached.actions:
            if isinstance(outcome, Response):
                self._take(action, outcome, now)
            self._act(action, outcome, now)
        if self.state is OutgoingState.ENDED:
            self._close_early()

    def _act(self, action: OutgoingAction, outcome: Outcome | None, now: float) -> None:
        if action is OutgoingAction.SEND_INVITE:
            self._send_invite(now)
        elif action is OutgoingAction.TELL_ENDED:
            self._emit(self._ended)
        elif action is OutgoingAction.TELL_REFUSED:
            self._emit(self._refusal(outcome))
        elif action is OutgoingAction.CANCEL and self._sending is not None:
            self._core.cancel(self._sending, now)
        elif action is OutgoingAction.CANCEL_LATER:
            self._cancel_until = now + CANCEL_PATIENCE
        elif action is OutgoingAction.HANG_UP and self._session is not None:
            self._session.hang_up(now, self._bye_headers)

    def _take(self, action: OutgoingAction, response: Response, now: float) -> None:
        if action is OutgoingAction.TELL_PROGRESS:
            self._progress(response)
        elif action is OutgoingAction.CONFIRM:
            self._confirm(response, now)
        elif action in {OutgoingAction.ACKNOWLEDGE, OutgoingAction.RELEASE}:
            self._release(response, now)

    def _send_invite(self, now: float) -> None:
        secure = is_sips(self.target)
        request = Request("INVITE", self._request.uri, self._request.headers.copy(), self._offer)
        if self._sending is not None:
            # The same number on another flow would be a merged request to the callee (§8.2.2.2).
            number = self._sending.request.cseq.number + 1
            request.headers.set("CSeq", str(CSeq(number, "INVITE")))
        for name, value in self._core.session_headers(secure=secure, body=self._offer):
            request.headers.add(name, value)
        for name, value in self._headers:
            request.headers.add(name, value)
        self._sending = self._core.send(request, self._outcome, now, resent=self._resent)

    def _resent(self, now: float) -> None:
        self._handle(OutgoingEvent.CHALLENGED, None, now)

    def _refusal(self, outcome: Outcome | None) -> Refused:
        if isinstance(outcome, Response):
            refusal = self._sending.refusal if self._sending else None
            reason = refusal.reason if refusal else outcome.reason
            return Refused(outcome.status, reason, outcome)
        if isinstance(outcome, TransactionFailed):
            return Refused(503, outcome.reason)
        return Refused(408, "no answer")

    def _progress(self, response: Response) -> None:
        body = _sdp(response)
        tag = ""
        if response.status > 100:
            usage = self._usage_of(response, gate=491)
            tag = "" if usage is None else usage.dialog.id.remote_tag
            if usage is not None and body:
                self._early_answers[tag] = body
            if usage is None and response.to.tag:
                return
        self._emit(Progress(response.status, response.reason, body, tag))

    def _confirm(self, response: Response, now: float) -> None:
        self._linger_until = now + self._core.timers.transaction
        usage = self._usage_of(response, gate=None)
        if usage is None:
            self.state = OutgoingState.ENDED
            self._emit(Refused(502, "the answer makes no dialog", response))
            return
        self._session = usage
        usage.dialog.confirm(response)
        usage.changes.gate = None
        self._acknowledge(usage, now)
        if usage.over:
            self.state = OutgoingState.ENDED
            self._emit(Ended("peer", "BYE before the answer"))
            return
        tag = usage.dialog.id.remote_tag
        self._emit(Answered(_sdp(response) or self._early_answers.get(tag, b"")))

    def _release(self, response: Response, now: float) -> None:
        """A 2xx that isn't the first: its own ACK again, or ACK and BYE for another fork's."""
        usage = self._usage_of(response, gate=None)
        if usage is None:
            return
        self._linger_until = self._linger_until or now + self._core.timers.transaction
        first = usage.dialog.id.remote_tag not in self._acks
        if first:
            usage.dialog.confirm(response)
        self._acknowledge(usage, now)
        if first:
            usage.hang_up(now)

    def _acknowledge(self, usage: DialogUsage, now: float) -> None:
        tag = usage.dialog.id.remote_tag
        if tag not in self._acks and self._sending is not None:
            self._acks[tag] = usage.dialog.make_ack(self._sending.request)
        self._core.send_ack(self._acks[tag], now)

    def _usage_of(self, response: Response, gate: int | None) -> DialogUsage | None:
        """The usage of the response's dialog, made if it is new; None beyond 8 or unreadable."""
        if self._sending is None:
            return None
        tag = response.to.tag or ""
        known = self._usages.get(tag)
        if known is not None:
            return known
        if len(self._usages) >= MAX_DIALOGS and not (
            response.status >= 200 and self._drop_one_early()
        ):
            return None
        try:
            dialog = Dialog.from_uac(self._sending.request, response)
        except PeerError:
            return None
        usage = DialogUsage(
            self._core, dialog, self._emit, self._dialog_ended, call_id_is_ours=True, gate=gate
        )
        self._usages[tag] = usage
        return usage

    def _dialog_ended(self, ended: Ended, now: float) -> None:
        if self._session is not None and self._session.over:
            self._ended = ended
            self._handle(OutgoingEvent.OVER, None, now)

    def _drop_one_early(self) -> bool:
        """Make room for an answer: the oldest early dialog goes."""
        for tag, usage in self._usages.items():
            if not usage.dialog.confirmed:
                del self._usages[tag]
                return True
        return False

    def _close_early(self) -> None:
        """The INVITE is over, and with it every dialog that wasn't confirmed (§12.3)."""
        while self._drop_one_early():
            pass


_WILLING: Final = frozenset(
    {OutgoingState.CALLING, OutgoingState.PROCEEDING, OutgoingState.WAITING}
)


def _sdp(message: Response) -> bytes | None:
    try:
        return find_body(message, SDP)
    except PeerError:
        return None
