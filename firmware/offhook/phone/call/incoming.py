"""A call that somebody else asks for: offer, bell, path, answer, media (RFC 3261 §13.3).

The offer is judged before the bell: what would not be encrypted never rings.
"""

from __future__ import annotations

from offhook.phone.call.call import Call
from offhook.phone.call.call_events import Rang
from offhook.phone.call.call_terms import CallTerms
from offhook.phone.call.record import CallRecord, Direction, Outcome
from offhook.phone.call.states import CallState, Cue
from offhook.protocols.media import keying_messages as engine
from offhook.protocols.sdp.negotiation import Choice, Origin, Unacceptable
from offhook.protocols.sip import invite_events as sip
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook.protocols.sip.values import WarningValue


class IncomingCall(Call):
    """From the INVITE to the end; the owner decides by `accept`, `reject` or `hang_up`."""

    invite: IncomingInvite

    def __init__(
        self, terms: CallTerms, invite: IncomingInvite, origin: Origin, now: float
    ) -> None:
        record = CallRecord(Direction.INCOMING, str(invite.caller.uri))
        super().__init__(terms, record, origin, CallState.ALERTING, now)
        self.invite = invite
        self._choice: Choice | None = None
        self._refusal = 480
        self._refusal_headers: tuple[tuple[str, str], ...] = ()
        self._dialog_open = True
        self.record.invited_ms = 0.0
        try:
            self._choice = self._offer_answer.judge(invite.offer) if invite.offer else None
        except Unacceptable as refusal:
            self._refuse(refusal, now)
            return
        invite.ring(now)
        self.record.ringing_ms = self._since(now)
        self._events.append(Rang())

    @property
    def caller_name(self) -> str:
        """What the caller calls itself: nothing proves it."""
        return self.invite.caller.display_name

    def accept(self, now: float) -> None:
        """Answer: the engine opens a path, then the 200 goes out. Only while it rings."""
        if self.state is CallState.ALERTING:
            self._move(Cue.ACCEPTED)
            self._engine.prepare(now)

    def reject(self, status: int, reason: str, now: float) -> None:
        """Refuse with a SIP status such as 486 or 603. Only while it rings."""
        if self.state is CallState.ALERTING:
            self._refusal = status
            self._end(Outcome.CANCELLED, reason, "local", now)

    def _path_ready(self, now: float) -> None:
        if self._choice is None:
            self.invite.accept(self._offer_answer.make_offer(), now)
            return
        try:
            answer, agreement = self._offer_answer.make_answer(self._choice)
        except Unacceptable as refusal:
            self._refuse(refusal, now)
            return
        self.invite.accept(answer, now)
        self._answered_with(200, "OK")
        self._agree(agreement, now)

    def _take(self, event: sip.InviteEvent, now: float) -> None:
        match event:
            case sip.Cancelled(reason=reason):
                self._answered_with(487, "Request Terminated")
                told = f"the caller gave up ({reason})" if reason else "the caller gave up"
                self._dialog_over(Outcome.CANCELLED, told, "peer", now)
            case sip.Established(body=body):
                if self.state is CallState.ACCEPTING:
                    self._answered_with(200, "OK")
                    self._reanswered(body, now)
                elif self.state is CallState.TALKING:
                    # A stock phone listens for a handshake only now.
                    self._engine.send(engine.PeerReady(self.terms.session))
                self._propose(now)

    def _close_dialog(self, now: float) -> None:
        if self.record.status is None and self.state is CallState.ENDING:
            self._answered_with(self._refusal, self.record.reason)
            self.invite.reject(self._refusal, None, now, self._refusal_headers)
            self._dialog_open = False
        else:
            self.invite.hang_up(now)

    def _refuse(self, refusal: Unacceptable, now: float) -> None:
        """RFC 3261 §21.4.26: a 488 says in a Warning why."""
        printable = "".join(each if each.isprintable() else "?" for each in refusal.reason)
        told = str(WarningValue(refusal.warning_code, self.terms.local_host, printable))
        self._refusal = refusal.status or 488
        self._refusal_headers = (("Warning", told),)
        self._insecure(refusal.reason, now)

    def _answered_with(self, status: int, reason: str) -> None:
        self.record.status, self.record.sip_reason = status, reason
