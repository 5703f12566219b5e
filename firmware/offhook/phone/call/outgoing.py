"""A call that the person asks for: path, offer, INVITE, answer, media (RFC 3261 §13.2)."""

from __future__ import annotations

from collections.abc import Callable

from offhook.base.errors import LocalError
from offhook.phone.call.call import Call, CallTerms, Rang
from offhook.phone.call.record import CallRecord, Direction, Outcome
from offhook.phone.call.states import CallState, Cue
from offhook.protocols.sdp.negotiation import Origin, Unacceptable
from offhook.protocols.sip import invite_events as sip
from offhook.protocols.sip.invite_client import OutgoingInvite

Send = Callable[[bytes, float], OutgoingInvite]
"""Sends an INVITE with this offer at this time. Raises LocalError without a flow."""


class OutgoingCall(Call):
    """From dialling to the end; `send` puts the INVITE on the account's flow."""

    def __init__(
        self, terms: CallTerms, target: str, origin: Origin, send: Send, now: float
    ) -> None:
        record = CallRecord(Direction.OUTGOING, target)
        super().__init__(terms, record, origin, CallState.PREPARING, now)
        self._send = send
        self._prepare()

    def _path_ready(self, now: float) -> None:
        self.record.invited_ms = self._since(now)
        try:
            self.invite = self._send(self._offer_answer.make_offer(), now)
        except LocalError as error:
            self._end(Outcome.FAILED, str(error), "network", now)
            return
        self._dialog_open = True
        self._move(Cue.INVITE_SENT)

    def _take(self, event: sip.InviteEvent, now: float) -> None:
        match event:
            case sip.Progress(status=status):
                if status >= 180 and self.state in {CallState.CALLING, CallState.RINGING}:
                    self._ringing(now)
            case sip.Answered(body=body):
                self._answered(body, now)
            case sip.Refused(status=status, reason=reason, response=response):
                self.record.status, self.record.sip_reason = status, reason
                self._dialog_over(
                    _outcome_of(status),
                    f"{status} {reason}",
                    "peer" if response is not None else "network",
                    now,
                )

    def _ringing(self, now: float) -> None:
        if self.record.ringing_ms is None:
            self.record.ringing_ms = self._since(now)
            self._events.append(Rang())
        self._move(Cue.PROGRESS)

    def _answered(self, body: bytes, now: float) -> None:
        if self.state not in {CallState.CALLING, CallState.RINGING}:
            return
        self.record.status, self.record.sip_reason = 200, "OK"
        try:
            agreement = self._offer_answer.read_answer(body)
        except Unacceptable as refusal:
            self._insecure(refusal.reason, now)
            return
        self._agree(agreement, now)

    def _close_dialog(self, now: float) -> None:
        if self.invite is not None:
            self.invite.hang_up(now)


def _outcome_of(status: int) -> Outcome:
    return Outcome.CANCELLED if status == 487 else Outcome.REFUSED
