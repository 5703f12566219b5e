"""RFC 3261 §9.2, §13.3: an INVITE of the peer's, from its arrival to the end of its dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.acknowledgement import AckDue, AckWait
from offhook.protocols.sip.core import SDP, Core
from offhook.protocols.sip.dialog import Dialog
from offhook.protocols.sip.in_dialog import DialogUsage
from offhook.protocols.sip.invite_events import Cancelled, Ended, Established, InviteEvent
from offhook.protocols.sip.invite_server_states import (
    INCOMING,
    IncomingAction,
    IncomingEvent,
    IncomingState,
)
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.multipart import find_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.endpoint_events import RequestReceived
    from offhook.protocols.sip.values import NameAddr


class IncomingInvite:
    """One call that comes in. Its events go to `emit`, with itself; Cancelled or Ended is the last.

    `offer` is the caller's SDP; empty if the caller wants the offer from us, and then
    `Established.body` is the answer. Raises PeerError (with the status to answer) from the
    constructor for an INVITE that can't make a dialog.
    """

    def __init__(
        self,
        core: Core,
        event: RequestReceived,
        emit: Callable[[IncomingInvite, InviteEvent], None],
        now: float,
    ) -> None:
        self.request = event.request
        self.transaction = event.transaction
        self.state = IncomingState.PROCEEDING
        self.offer = find_body(event.request, SDP) or b""
        self._core = core
        self._owner = emit
        self._to_tag = event.to_tag
        self._usage = DialogUsage(
            core,
            Dialog.from_uas(event.request, event.to_tag),
            self._emit,
            self._dialog_ended,
            call_id_is_ours=False,
            gate=500,
        )
        expires = event.request.expires
        self._expires_at = None if not expires else now + expires
        self._response: Response | None = None
        self._ring_again_at: float | None = None
        self._waiting_answer: bytes | None = None
        self._wait: AckWait | None = None
        self._outcome: Ended | Cancelled = Ended("local", "hung up")
        self._answer_in_ack = b""
        self._bye_headers: tuple[tuple[str, str], ...] = ()

    @property
    def caller(self) -> NameAddr:
        """The From of the INVITE: a claim, not an identity."""
        return self.request.from_

    @property
    def call_id(self) -> str:
        """The caller's Call-ID."""
        return self.request.call_id

    @property
    def dialog(self) -> Dialog:
        """The dialog, early until the call is answered."""
        return self._usage.dialog

    @property
    def open_dialogs(self) -> tuple[Dialog, ...]:
        """The dialog, from our 200 until the peer has let go of it."""
        usage = self._usage
        return (usage.dialog,) if usage.dialog.confirmed and not usage.finished else ()

    @property
    def finished(self) -> bool:
        """Whether the call is over and nothing of it is under way: its BYE is answered."""
        return self.state is IncomingState.ENDED and self._wait is None and self._usage.finished

    settled = finished

    def ring(self, now: float, status: int = 180, body: bytes = b"") -> bool:
        """Send a provisional response (180, or 183 with early media); repeated each minute.

        False if the call isn't pending any more.
        """
        self._response = self._answer(status, None, self._headers(body), body)
        return self._handle(IncomingEvent.RING, now)

    def accept(self, body: bytes, now: float) -> bool:
        """Answer 200 with `body`; False if the call isn't pending any more.

        Without a flow the answer goes out on the next one.
        """
        if self.state is not IncomingState.PROCEEDING:
            return False
        if self._core.endpoint is None:
            self._waiting_answer = body
            return True
        self._response = self._answer(200, None, self._headers(body), body)
        return self._handle(IncomingEvent.ACCEPT, now)

    def reject(
        self,
        status: int,
        reason: str | None,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> bool:
        """Answer with a final failure; False if the call isn't pending any more.

        Raises LocalError for a status below 300.
        """
        if not 300 <= status <= 699:
            raise LocalError(f"{status} rejects nothing")
        self._response = self._answer(status, reason, headers)
        self._outcome = Ended("local", f"rejected with {status}")
        return self._handle(IncomingEvent.REJECT, now)

    def hang_up(self, now: float, headers: Iterable[tuple[str, str]] = ()) -> None:
        """End the call: 480 before the answer; after it a BYE, which waits for the ACK (§15)."""
        if self.state is IncomingState.PROCEEDING:
            self.reject(480, None, now)
            return
        self._bye_headers = tuple(headers)
        self._handle(IncomingEvent.HANG_UP, now)

    def reoffer(self, make: Callable[[], bytes], now: float) -> None:
        """Propose a changed session by re-INVITE: OfferAccepted or OfferRefused follows.

        `make` gives the offer each time that it goes out: after a glare it is sent again.
        Raises LocalError without a confirmed dialog, or while another offer is open.
        """
        if self.state is not IncomingState.CONFIRMED:
            raise LocalError("the call is not established, or over")
        self._usage.changes.propose(make, now)

    def awaits(self, transaction: str) -> bool:
        """Whether OfferReceived of `transaction` can still be answered."""
        return self._usage.changes.awaits(transaction)

    def accept_offer(self, transaction: str, body: bytes, now: float) -> bool:
        """Answer OfferReceived 200; False if it isn't open any more."""
        return self._usage.changes.accept(transaction, body, now)

    def refuse_offer(
        self,
        transaction: str,
        status: int,
        reason: str | None,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> bool:
        """Refuse OfferReceived (488 as a rule); the session stays as it is."""
        return self._usage.changes.refuse(transaction, status, reason, now, headers)

    def owns(self, request: Request) -> bool:
        """Whether a request of the peer's belongs to this call's dialog."""
        return self._usage.dialog.matches(request)

    def receive(self, event: RequestReceived, now: float) -> None:
        """A request in this call's dialog."""
        self._usage.receive(event, now)

    def acknowledged(self, ack: Request, now: float) -> None:
        """An ACK in this call's dialog."""
        if self._wait is None or ack.cseq.number != self._wait.cseq:
            self._usage.changes.acknowledged(ack)
            return
        self._wait = None
        self._usage.changes.gate = None
        if not self.offer:
            self._answer_in_ack = _sdp(ack)
        self._handle(IncomingEvent.ACK, now)

    def cancelled(self, transaction: str, reason: str, now: float) -> bool:
        """A CANCEL of the peer's; False if it isn't for an INVITE of this call."""
        if transaction != self.transaction:
            return self._usage.changes.withdrawn(transaction, now)
        self._give_up(reason, now)
        return True

    def superseded(self, invite: Request, now: float) -> None:
        """Another INVITE came: give way if it is this pending one, sent again by its caller.

        So does a caller whose flow died before it saw a response: same Call-ID and tag, higher
        number. Without this the first copy would ring on by itself.
        """
        if (
            self.state is IncomingState.PROCEEDING
            and invite.call_id == self.call_id
            and invite.from_.tag == self.caller.tag
            and invite.cseq.number > self.request.cseq.number
        ):
            self._give_up("the caller sent the call again", now)

    def flow_opened(self, now: float) -> None:
        """The account has a flow again."""
        if self._waiting_answer is not None:
            body, self._waiting_answer = self._waiting_answer, None
            self.accept(body, now)
        elif self.state is not IncomingState.PROCEEDING:
            self._usage.flow_opened(now)

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        times = [self._usage.deadline(), None if self._wait is None else self._wait.deadline()]
        if self.state is IncomingState.PROCEEDING:
            times += [self._expires_at, self._ring_again_at]
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        if self.state is IncomingState.PROCEEDING:
            if self._expires_at is not None and now >= self._expires_at:
                self._give_up("the invitation has expired", now)
            elif self._ring_again_at is not None and now >= self._ring_again_at:
                self._handle(IncomingEvent.RING, now)
        if self._wait is not None:
            due = self._wait.due(now)
            if due is AckDue.RESEND:
                self._core.respond(self.transaction, self._wait.response, now)
            elif due is AckDue.GIVE_UP:
                self._wait = None
                self._outcome = Ended("local", "the ACK of our answer never came")
                self._handle(IncomingEvent.NO_ACK, now)
        self._usage.tick(now)

    def _emit(self, event: InviteEvent) -> None:
        self._owner(self, event)

    def _give_up(self, reason: str, now: float) -> None:
        self._outcome = Cancelled(reason)
        self._response = self._answer(487, None, ())
        self._handle(IncomingEvent.CANCELLED, now)

    def _handle(self, event: IncomingEvent, now: float) -> bool:
        reached = INCOMING.get((self.state, event))
        if reached is None:
            return False
        self.state = reached.state
        for action in reached.actions:
            self._act(action, now)
        return True

    def _act(self, action: IncomingAction, now: float) -> None:
        if action in _SENDING and self._response is not None:
            self._core.respond(self.transaction, self._response, now)
            if action is IncomingAction.SEND_PROVISIONAL:
                self._ring_again_at = now + self._core.timers.progress
            elif action is IncomingAction.SEND_SUCCESS:
                self._usage.dialog.confirmed = True
                self._wait = AckWait(self.transaction, self._response, self._core.timers, now)
                self._usage.changes.gate = 491
            else:
                self._usage.close(now)
        elif action is IncomingAction.HANG_UP:
            self._usage.hang_up(now, self._bye_headers)
        elif action is IncomingAction.TELL_ESTABLISHED:
            self._emit(Established(self._answer_in_ack))
        elif action in {IncomingAction.TELL_ENDED, IncomingAction.TELL_CANCELLED}:
            self._emit(self._outcome)

    def _dialog_ended(self, ended: Ended, now: float) -> None:
        if self.state is IncomingState.PROCEEDING:
            self._give_up(ended.reason, now)
            return
        self._wait = None
        self._outcome = ended
        self._handle(IncomingEvent.OVER, now)

    def _headers(self, body: bytes) -> list[tuple[str, str]]:
        if self._core.endpoint is None:
            return []
        return self._core.session_headers(secure=self._usage.dialog.secure, body=body)

    def _answer(
        self,
        status: int,
        reason: str | None,
        headers: Iterable[tuple[str, str]],
        body: bytes = b"",
    ) -> Response:
        response = response_to(self.request, status, reason, to_tag=self._to_tag, headers=headers)
        response.body = body
        return response


_SENDING: Final = frozenset(
    {
        IncomingAction.SEND_PROVISIONAL,
        IncomingAction.SEND_SUCCESS,
        IncomingAction.SEND_FAILURE,
        IncomingAction.SEND_487,
    }
)


def _sdp(message: Request) -> bytes:
    try:
        return find_body(message, SDP) or b""
    except PeerError:
        return b""
