"""A call that the person asks for: path, offer, INVITE, answer, media (RFC 3261 §13.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from offhook.base.errors import LocalError
from offhook.phone.call.call import Call
from offhook.phone.call.call_events import Rang
from offhook.phone.call.call_terms import CallTerms
from offhook.phone.call.ladder import Ladder
from offhook.phone.call.record import CallRecord, Direction, Outcome
from offhook.phone.call.states import CallState, Cue
from offhook.protocols.sdp.negotiation import OfferForm, Origin, Unacceptable
from offhook.protocols.sip import invite_events as sip
from offhook.protocols.sip.invite_client import OutgoingInvite

_UNANSWERED: Final = frozenset({CallState.CALLING, CallState.RINGING})

Send = Callable[[bytes, float], OutgoingInvite]
"""Sends an INVITE with this offer at this time. Raises LocalError without a flow."""


class OutgoingCall(Call):
    """From dialling to the end; `send` puts the INVITE on the account's flow.

    A peer that refuses a form of the offer gets the next one in another INVITE, within the same
    call. `hurried`: as in Ladder.
    """

    def __init__(
        self,
        terms: CallTerms,
        target: str,
        origin: Origin,
        send: Send,
        now: float,
        *,
        hurried: bool = False,
    ) -> None:
        record = CallRecord(Direction.OUTGOING, target)
        super().__init__(terms, record, origin, CallState.PREPARING, now)
        self._send = send
        self._ladder = Ladder(terms.account, target, terms.learned, hurried=hurried)
        self._engine.prepare(now)

    def _path_ready(self, now: float) -> None:
        form = self._ladder.begin(self._offer_answer.forms())
        if form is None:
            self._insecure("this telephone has no keying that the account allows", now)
            return
        self.record.invited_ms = self._since(now)
        self._invite(form, now)

    def _invite(self, form: OfferForm, now: float) -> None:
        """One attempt; the invite of the one before is no longer heard."""
        try:
            self.invite = self._send(self._offer_answer.make_offer(form=form), now)
        except LocalError as error:
            self._end(Outcome.FAILED, str(error), "network", now)
            return
        self.record.attempts += 1
        self.record.form = form.value
        self._dialog_open = True
        self._move(Cue.INVITE_SENT)

    def _take(self, event: sip.InviteEvent, now: float) -> None:
        match event:
            case sip.Progress(status=status):
                if status >= 180 and self.state in _UNANSWERED:
                    self._ringing(now)
            case sip.Answered(body=body):
                self._answered(body, now)
            case sip.Refused(status=status, reason=reason, response=response):
                self.record.status, self.record.sip_reason = status, reason
                form = self._ladder.refused(status) if response is not None else None
                if form is not None and self.state in _UNANSWERED:
                    self._invite(form, now)
                    return
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
        if self.state not in _UNANSWERED:
            return
        self.record.status, self.record.sip_reason = 200, "OK"
        try:
            agreement = self._offer_answer.read_answer(body)
        except Unacceptable as refusal:
            self._unusable(refusal, now)
            return
        self._agree(agreement, now)

    def _unusable(self, refusal: Unacceptable, now: float) -> None:
        """ACK and BYE; then the next form, or the end."""
        form = self._ladder.unusable(refusal)
        if form is None or self.invite is None:
            self._insecure(refusal.reason, now)
            return
        self.invite.hang_up(now)
        self._invite(form, now)

    def _keys_confirmed(self, now: float) -> None:
        super()._keys_confirmed(now)
        self._ladder.worked()

    def _end(self, outcome: Outcome, reason: str, ended_by: str, now: float) -> None:
        if outcome in {Outcome.INSECURE, Outcome.NO_MEDIA}:
            self._ladder.failed()
        super()._end(outcome, reason, ended_by, now)

    def _close_dialog(self, now: float) -> None:
        if self.invite is not None:
            self.invite.hang_up(now)


def _outcome_of(status: int) -> Outcome:
    return Outcome.CANCELLED if status == 487 else Outcome.REFUSED
