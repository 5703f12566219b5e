"""RFC 3261 §14, RFC 3311 §5: offers and answers in a confirmed dialog, either way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import fraction
from offhook.protocols.sip.acknowledgement import AckDue, AckWait
from offhook.protocols.sip.core import SDP, Core, Outcome, Sending
from offhook.protocols.sip.endpoint_events import (
    RequestReceived,
    TransactionFailed,
    TransactionTimedOut,
)
from offhook.protocols.sip.invite_events import (
    AnswerReceived,
    InviteEvent,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
    OfferWithdrawn,
)
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.multipart import find_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.dialog import Dialog

MAX_GLARES: Final = 3


class SessionChanges:
    """The offer/answer state of one dialog: at most one offer is open at a time.

    `gate` is the status that refuses every offer while the initial INVITE is not settled (491 for
    its UAC, 500 for its UAS), None from then on. `lost` is called with a reason when the dialog
    can't go on (§12.2.1.2, §14.2).
    """

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        emit: Callable[[InviteEvent], None],
        lost: Callable[[str, float], None],
        *,
        call_id_is_ours: bool,
        gate: int | None,
    ) -> None:
        self.gate = gate
        self._core = core
        self._dialog = dialog
        self._emit = emit
        self._lost = lost
        self._call_id_is_ours = call_id_is_ours
        self._closed = False
        self._received: RequestReceived | None = None
        self._unacknowledged: AckWait | None = None
        self._offered_in_2xx = False
        self._sending: Sending | None = None
        self._ack: Request | None = None
        self._ack_until = 0.0
        self._make: Callable[[], bytes] = bytes
        self._glares = 0
        self._retry_at: float | None = None

    def receive(self, event: RequestReceived, now: float) -> None:
        """A re-INVITE, or an UPDATE with or without an offer."""
        request = event.request
        try:
            offer = find_body(request, SDP) or b""
        except PeerError as error:
            self._answer(event, error.status or 400, now, error.reason)
            return
        if request.method == "UPDATE" and not offer:
            self._dialog.refresh(request)
            self._answer(event, 200, now, headers=self._headers(b""))
        elif self._received is not None:
            self._answer(event, 500, now, headers=[self._retry_after()])
        elif self.gate is not None:
            headers = [self._retry_after()] if self.gate == 500 else []
            self._answer(event, self.gate, now, headers=headers)
        elif self._sending is not None or self._unacknowledged is not None:
            self._answer(event, 491, now)
        else:
            self._received = event
            self._emit(OfferReceived(event.transaction, request.method, offer))

    def awaits(self, transaction: str) -> bool:
        """Whether the offer that came by `transaction` is open: neither answered nor withdrawn."""
        return self._received is not None and self._received.transaction == transaction

    def accept(self, transaction: str, body: bytes, now: float) -> bool:
        """Answer the open offer 200 with `body`; False if it isn't open any more."""
        event = self._take(transaction)
        if event is None:
            return False
        request = event.request
        self._dialog.refresh(request)
        response = response_to(request, 200, to_tag=event.to_tag, headers=self._headers(body))
        response.body = body
        self._core.respond(transaction, response, now)
        if request.method == "INVITE":
            self._offered_in_2xx = not request.body
            self._unacknowledged = AckWait(transaction, response, self._core.timers, now)
        return True

    def refuse(
        self,
        transaction: str,
        status: int,
        reason: str | None,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> bool:
        """Answer the open offer with a failure: session and target stay as they were."""
        event = self._take(transaction)
        if event is None:
            return False
        self._answer(event, status, now, reason, headers)
        return True

    def propose(self, make: Callable[[], bytes], now: float) -> None:
        """Send a re-INVITE with the offer that `make` gives: asked again after a glare (§14.1).

        It waits for the ACK of a re-INVITE of the peer's. Raises LocalError while another offer is
        open; then `make` is not asked.
        """
        if self._closed or self.gate is not None:
            raise LocalError("there is no confirmed dialog to change")
        if any(one is not None for one in (self._received, self._sending, self._retry_at)):
            raise LocalError("another offer is open")
        self._make = make
        self._glares = 0
        if self._unacknowledged is None:
            self._propose(now)
        else:
            self._retry_at = now + self._glare_pause()

    def acknowledged(self, ack: Request) -> bool:
        """An ACK in this dialog; False if it is none for a 2xx of ours to a re-INVITE."""
        if self._unacknowledged is None or self._unacknowledged.cseq != ack.cseq.number:
            return False
        self._unacknowledged = None
        if self._offered_in_2xx:
            try:
                self._emit(AnswerReceived(find_body(ack, SDP) or b""))
            except PeerError:
                self._emit(AnswerReceived(b""))
        return True

    def withdrawn(self, transaction: str, now: float) -> bool:
        """A CANCEL came for the INVITE `transaction`; False if it isn't the open offer's."""
        event = self._take(transaction)
        if event is None:
            return False
        self._answer(event, 487, now)
        self._emit(OfferWithdrawn(transaction))
        return True

    def flow_opened(self, now: float) -> None:
        """A new flow: an ACK that may have died with the old one goes out again."""
        if self._ack is not None and now < self._ack_until:
            self._core.send_ack(self._ack, now)

    def close(self, now: float) -> None:
        """The dialog is over: answer what is pending 487 (§15.1.2), propose nothing any more."""
        self._closed = True
        self._unacknowledged = None
        self._retry_at = None
        if self._received is not None:
            self.withdrawn(self._received.transaction, now)

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        times = [self._retry_at]
        if self._unacknowledged is not None:
            times.append(self._unacknowledged.deadline())
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Send a 2xx again, or a re-INVITE that waited; give up on an ACK that never came."""
        if self._unacknowledged is not None:
            due = self._unacknowledged.due(now)
            if due is AckDue.RESEND:
                wait = self._unacknowledged
                self._core.respond(wait.transaction, wait.response, now)
            elif due is AckDue.GIVE_UP:
                self._unacknowledged = None
                self._lost("the ACK of our answer to a re-INVITE never came", now)
        if self._retry_at is not None and now >= self._retry_at:
            if self._received is not None or self._unacknowledged is not None:
                self._retry_at = now + self._glare_pause()
            else:
                self._retry_at = None
                self._propose(now)

    def _propose(self, now: float) -> None:
        if self._core.endpoint is None:
            self._emit(OfferRefused(503, "there is no flow"))
            return
        offer = self._make()
        request = self._dialog.make_request("INVITE", self._headers(offer), offer)
        self._ack = None
        self._sending = self._core.send(request, self._outcome, now, self._dialog)

    def _outcome(self, outcome: Outcome, now: float) -> None:
        sending = self._sending
        if isinstance(outcome, Response) and 200 <= outcome.status < 300:
            self._accepted(outcome, now)
        elif sending is None or (isinstance(outcome, Response) and outcome.status < 200):
            return
        else:
            self._sending = None
            self._refused(outcome, sending, now)

    def _accepted(self, response: Response, now: float) -> None:
        if self._sending is not None:
            self._ack = self._dialog.make_ack(self._sending.request)
            self._ack_until = now + self._core.timers.transaction
            self._sending = None
            self._dialog.refresh(response)
            try:
                answer = find_body(response, SDP) or b""
            except PeerError:
                answer = b""
            if not self._closed:
                self._emit(OfferAccepted(answer))
        if self._ack is not None:
            self._core.send_ack(self._ack, now)

    def _refused(self, outcome: Outcome, sending: Sending, now: float) -> None:
        if self._closed:
            return
        if isinstance(outcome, TransactionTimedOut):
            self._lost("our re-INVITE was not answered", now)
        elif isinstance(outcome, TransactionFailed):
            self._emit(OfferRefused(503, outcome.reason))
        elif outcome.status in {408, 481}:
            self._lost(f"our re-INVITE was answered {outcome.status} {outcome.reason}", now)
        elif outcome.status == 491 and self._glares < MAX_GLARES:
            self._glares += 1
            self._retry_at = now + self._glare_pause()
        else:
            reason = sending.refusal.reason if sending.refusal else outcome.reason
            self._emit(OfferRefused(outcome.status, reason))

    def _glare_pause(self) -> float:
        """§14.1: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, by 10 ms."""
        low, high = (210, 400) if self._call_id_is_ours else (0, 200)
        return max(low + int(fraction(self._core.randomness) * (high - low + 1)), 1) / 100

    def _retry_after(self) -> tuple[str, str]:
        return "Retry-After", str(int(fraction(self._core.randomness) * 11))

    def _headers(self, body: bytes) -> list[tuple[str, str]]:
        if self._core.endpoint is None:
            return [("Content-Type", SDP)] if body else []
        return self._core.session_headers(secure=self._dialog.secure, body=body)

    def _take(self, transaction: str) -> RequestReceived | None:
        if not self.awaits(transaction):
            return None
        event, self._received = self._received, None
        return event

    def _answer(
        self,
        event: RequestReceived,
        status: int,
        now: float,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        response = response_to(event.request, status, reason, to_tag=event.to_tag, headers=headers)
        self._core.respond(event.transaction, response, now)
