"""One call: its dialog, its offer and answer, the engine's session for it, its trust.

Nobody else puts these together (RFC 3261 §13, RFC 3264). A call is a machine: the invite's events
and the engine's reports come in with the time in seconds; commands for the engine and events for
the line come out. What is written on the flow goes through the invite that the call owns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Final

from offhook.base.errors import LocalError
from offhook.phone.call.call_events import (
    Answered,
    CallEvent,
    DigitHeard,
    Heard,
    HeardAgain,
    HoldChanged,
    MediaSilent,
    Over,
    Released,
)
from offhook.phone.call.call_terms import CallTerms
from offhook.phone.call.engine_session import EngineSession
from offhook.phone.call.keying import CallKeying, NoKeys
from offhook.phone.call.offer_answer import OfferAnswer
from offhook.phone.call.proposals import Proposals
from offhook.phone.call.record import CallRecord, Cause, Outcome
from offhook.phone.call.record import Direction as CallDirection
from offhook.phone.call.states import CallState, Cue, next_state
from offhook.phone.call.suite_change import other_suite
from offhook.phone.call.trust import Caution
from offhook.protocols.keying.methods import Keying
from offhook.protocols.media import keying_messages as keys
from offhook.protocols.media import messages as engine
from offhook.protocols.media import path_messages as path
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    Minimum,
    Origin,
    Unacceptable,
)
from offhook.protocols.sip import invite_events as sip
from offhook.protocols.sip.invite_client import OutgoingInvite
from offhook.protocols.sip.invite_server import IncomingInvite

_MediaReport = (
    engine.FirstPacketSent
    | engine.KeysConfirmed
    | engine.DtmfReceived
    | engine.MediaLost
    | engine.MediaBack
)

_NO_KEYS: Final = "the other side would not encrypt"
_NO_ENGINE: Final = "the media engine does not answer"
_PREPARING: Final = frozenset({CallState.PREPARING, CallState.ACCEPTING})
"""The engine opens a path."""
_OVER: Final = frozenset({CallState.ENDING, CallState.ENDED})


class Call(ABC):
    """What outgoing and incoming calls share: the engine's session, the end, the record."""

    def __init__(
        self,
        terms: CallTerms,
        record: CallRecord,
        origin: Origin,
        state: CallState,
        now: float,
    ) -> None:
        self.terms = terms
        self.state = state
        self.record = record
        self.invite: OutgoingInvite | IncomingInvite | None = None
        self._began = now
        self._engine = EngineSession(terms, controlling=record.direction is CallDirection.OUTGOING)
        self._events: deque[CallEvent] = deque()
        self._offer_answer = OfferAnswer(terms.policy, origin)
        self._keying = CallKeying(
            terms.session,
            terms.hops,
            terms.zrtp if terms.speaks_zrtp else None,
            needs_zrtp=terms.policy.minimum is Minimum.END_TO_END,
        )
        self._dialog_open = False
        self._proposals = Proposals()
        self._gathering: sip.OfferReceived | None = None
        """An offer that begins ICE anew, which waits for our new description of the path."""
        self._way_lost = False
        self._apart = False
        """Whether the person is not to be heard or to hear, whatever the peer agrees to."""

    @property
    def held(self) -> bool:
        """Whether we hold the peer."""
        return self._proposals.held

    # What a person does

    def hang_up(self, now: float) -> None:
        """End the call, whatever it is doing; harmless on one that is over."""
        answered = self.state is CallState.TALKING
        outcome = self._verdict() if answered else Outcome.CANCELLED
        told = "hung up here" if answered else "given up"
        if self._engine.due is not None and not answered:
            told += " before the media engine was ready"
        self._end(outcome, told, "local", now)

    def hold(self, now: float, *, held: bool = True) -> None:
        """Hold the call, or resume it (RFC 3264 §8.4); `HoldChanged` follows if the peer agrees.

        From now on the peer hears nothing of us and we nothing of the peer, even where it doesn't
        agree or can't be asked.
        """
        self._proposals.hold_wanted = held
        if self._apart != held:
            self._apart = held
            self._retell_media()
        self._propose(now)

    def compare_sas(self, *, same: bool) -> None:
        """The person compared the string with the other one (RFC 6189 §7)."""
        command = self._keying.compared(same=same)
        if command is not None and self.state is CallState.TALKING:
            self._engine.send(command)
        self._restate_trust()

    def talked_s(self, now: float) -> float:
        """How long media has been flowing, or flowed (s)."""
        answered, ended = self.record.answered_ms, self.record.ended_ms
        if answered is None:
            return 0.0
        return ((self._since(now) if ended is None else ended) - answered) / 1000

    def send_digits(self, digits: str) -> None:
        """Send telephone-events (RFC 4733); dropped unless the call is talking."""
        if self.state is CallState.TALKING:
            self._engine.send(engine.SendDtmf(self.terms.session, digits))

    # What the engine reports

    def receive_report(self, report: engine.SessionReport, now: float) -> None:
        """Take one report of the engine about this call's session."""
        match report:
            case engine.LocalReady():
                self._local_ready(report, now)
            case engine.SessionFailed(reason=reason):
                self._engine.failed()
                self._end(Outcome.FAILED, reason, "local", now)
                self._settle()
            case engine.Stopped(statistics=statistics):
                self._engine.released()
                self.record.statistics = statistics
                self._settle()
            case (
                engine.FirstPacketSent()
                | engine.KeysConfirmed()
                | engine.DtmfReceived()
                | engine.MediaLost()
                | engine.MediaBack()
            ):
                self._take_media(report, now)
            case keys.SuiteBroken(suite=suite):
                self._suite_broke(suite, now)
            case path.PathFound():
                self._way_lost = False
            case path.PathLost(reason=reason, standing=standing):
                self._path_lost(reason, now, standing=standing)
            case _:
                self._take_keying(report, now)
        self._restate_trust()

    def _local_ready(self, report: engine.LocalReady, now: float) -> None:
        self._offer_answer.path_ready(report)
        self._engine.ready()
        if self.state in _PREPARING:
            self._path_ready(now)
        elif self._gathering is not None:
            event, self._gathering = self._gathering, None
            self._reoffered(event, now, gathered=True)
            self._propose(now)
        elif self._way_lost:
            self._proposals.path_wanted = True
            self._propose(now)

    def _take_media(self, report: _MediaReport, now: float) -> None:
        match report:
            case engine.FirstPacketSent():
                self._keying.keys.spoke()
                if self.record.first_sent_ms is None:
                    self.record.first_sent_ms = self._since(now)
            case engine.KeysConfirmed():
                self._keys_confirmed(now)
            case engine.DtmfReceived(digit=digit):
                self.record.digits_received += digit
                self._events.append(DigitHeard(digit))
            case engine.MediaLost(silent_ms=silent_ms):
                self._media_lost(silent_ms, now)
            case engine.MediaBack(silent_ms=silent_ms):
                self._keying.keys.silent(silent=False)
                self._events.append(HeardAgain(silent_ms))

    # What the dialog reports

    def receive_event(self, event: sip.InviteEvent, now: float) -> None:
        """Take one event of the invite that this call owns."""
        match event:
            case sip.Ended(by=by, reason=reason):
                self._dialog_over(self._verdict(), reason, by, now)
            case sip.OfferReceived():
                self._reoffered(event, now)
            case sip.AnswerReceived(body=body):
                self._reanswered(body, now)
            case sip.OfferAccepted(body=body):
                self._proposed(accepted=True)
                self._reanswered(body, now)
                self._propose(now)
            case sip.OfferRefused():
                self._proposed(accepted=False)
                self._propose(now)
            case _:
                self._take(event, now)

    def flow_ready(self, now: float) -> None:
        """Requests reach the peer again: a way that was lost may be there again too."""
        if self._way_lost:
            self._seek_way(now)

    # What time brings

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        times = (self._engine.due, self._keying.due)
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> None:
        """The deadline may have come."""
        missing = self._keying.no_goodbye(now)
        if missing is not None:
            self._insecure(missing.reason, now, missing.cause)
        if self._engine.due is not None and now >= self._engine.due:
            self._engine_silent(now)
        self._restate_trust()

    # What the machine gives

    def commands_to_send(self) -> list[engine.SessionCommand]:
        """Commands for the engine, in order; each is given once."""
        return self._engine.commands_to_send()

    def next_event(self) -> CallEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    # What the two kinds of call fill in

    @abstractmethod
    def _path_ready(self, now: float) -> None:
        """The engine has opened a path, and the call still wants it."""

    @abstractmethod
    def _take(self, event: sip.InviteEvent, now: float) -> None:
        """Take an event that only this kind of call knows."""

    @abstractmethod
    def _close_dialog(self, now: float) -> None:
        """Say on the flow that the call is over, as its state asks."""

    # What they use

    def _move(self, cue: Cue) -> None:
        self.state = next_state(self.state, cue)

    def _since(self, now: float) -> float:
        return (now - self._began) * 1000

    def _agree(self, agreement: Agreement, now: float) -> None:
        """Hand what was agreed to the engine; the first time, let media flow."""
        first = self.state is not CallState.TALKING
        self._keying.agreed(agreement, self.record)
        self._tell_media(agreement)
        self.record.codec = agreement.codec.encoding
        if first:
            self._engine.send(engine.Start(self.terms.session))
            self.record.answered_ms = self._since(now)
            self._events.append(Answered())
        self._move(Cue.AGREED)

    def _tell_media(self, agreement: Agreement) -> None:
        """What the engine is to do with `agreement` as the call stands."""
        quiet = self._apart or self._keying.waits
        self._engine.agree(agreement, sending=not (self.held or quiet), receiving=not quiet)

    def _retell_media(self) -> None:
        """The engine is to do something else with what was agreed on."""
        if self.state is CallState.TALKING and self._offer_answer.agreement is not None:
            self._tell_media(self._offer_answer.agreement)

    def _reoffered(self, event: sip.OfferReceived, now: float, *, gathered: bool = False) -> None:
        """A re-INVITE or UPDATE: the same policy, or 488 and the call goes on as it was.

        One that begins ICE anew is answered once we have a new description too (`gathered`).
        """
        if self.invite is None or not self.invite.awaits(event.transaction):
            return
        if self.state is not CallState.TALKING:
            self.invite.refuse_offer(event.transaction, 491, None, now)
            return
        direction = Direction.SENDONLY if self.held else Direction.SENDRECV
        if not event.body:
            offer = self._offer_answer.make_offer(direction)
            self.invite.accept_offer(event.transaction, offer, now)
            return
        try:
            choice = self._offer_answer.judge(event.body)
            if self._offer_answer.restarts_ice(choice) and not gathered:
                self._gathering = event
                if self._engine.due is None:  # else we had lost the way too, and it is under way
                    self._engine.gather_again(now)
                return
            answer, agreement = self._offer_answer.make_answer(choice, direction)
        except Unacceptable as refusal:
            self.invite.refuse_offer(event.transaction, refusal.status or 488, None, now)
            return
        self.invite.accept_offer(event.transaction, answer, now)
        self._agree(agreement, now)

    def _propose(self, now: float) -> None:
        """Offer what is wanted, unless an offer is still open."""
        proposal = self._proposals.next
        if proposal is None or self.state is not CallState.TALKING or self.invite is None:
            return

        def offer() -> bytes:
            return self._offer_answer.make_offer(
                proposal.direction, fresh_key=proposal.key, ice_restart=proposal.path
            )

        try:
            self.invite.reoffer(offer, now)
        except LocalError:
            return
        self._proposals.offered(proposal)

    def _proposed(self, *, accepted: bool) -> None:
        if self._proposals.answered(accepted=accepted):
            self._events.append(HoldChanged(self.held))

    def _suite_broke(self, suite: str, now: float) -> None:
        """Ask once for another one: the path works, for packets came."""
        agreement, local = self._offer_answer.agreement, self._offer_answer.local
        if self.record.broken_suite is not None or agreement is None or local is None:
            return
        self.record.broken_suite = suite
        current = self._keying.keys.current
        if current is None or current.keying is not Keying.SDES:
            # An offer would not change it: the suite came with the other keying.
            return
        self.terms.learned.broke(self.terms.account, suite)
        key = other_suite(agreement, local, self.terms.policy)
        if key is not None:
            self._proposals.key_wanted = key
            self._keying.warn(Caution.SUITE_BROKEN)
            self._propose(now)

    def _take_keying(self, report: keys.KeyingReport, now: float) -> None:
        """What the engine tells of keys."""
        waited = self._keying.waits
        follows = self._keying.take(report, now)
        if isinstance(follows, NoKeys):
            self._insecure(follows.reason, now, follows.cause)
        elif follows is not None:
            self._engine.send(follows)
        elif waited and not self._keying.waits:
            self._retell_media()

    def _reanswered(self, answer: bytes, now: float) -> None:
        if self.state not in {CallState.TALKING, CallState.ACCEPTING}:
            return
        if not answer and self.state is CallState.TALKING:
            return
        try:
            self._agree(self._offer_answer.read_answer(answer), now)
        except Unacceptable as refusal:
            self._insecure(refusal.reason, now)

    def _keys_confirmed(self, now: float) -> None:
        """Those of now: the first ones, or others since."""
        if self.record.first_received_ms is None:
            self.record.first_received_ms = self._since(now)
        self._keying.keys.heard()
        self._events.append(Heard())

    def _engine_silent(self, now: float) -> None:
        """It was asked for something, and nothing came: no call waits for ever for a path."""
        if self.state in _PREPARING:
            self._end(Outcome.FAILED, _NO_ENGINE, "local", now)
        elif self.state is CallState.TALKING:
            self._not_gathered(now)
        else:
            self._engine.released()
            self._settle()

    def _not_gathered(self, now: float) -> None:
        """There is no new description of the path: the call goes on by the one it has."""
        self._engine.due = None
        event, self._gathering = self._gathering, None
        if event is not None and self.invite is not None:
            self.invite.refuse_offer(event.transaction, 500, None, now)

    def _media_lost(self, silent_ms: float, now: float) -> None:
        if self.record.first_received_ms is None:
            self._end(Outcome.NO_MEDIA, "no authenticated packet came from the peer", "policy", now)
        else:
            self._keying.keys.silent(silent=True)
            self._events.append(MediaSilent(silent_ms))

    def _path_lost(self, reason: str, now: float, *, standing: bool) -> None:
        """Without a way from the beginning there is no call; later another way is looked for."""
        if standing:
            return
        if self.record.first_received_ms is None:
            self._end(Outcome.NO_MEDIA, reason, "policy", now)
        elif not self._way_lost:
            self._way_lost = True
            self._seek_way(now)

    def _seek_way(self, now: float) -> None:
        """Begin ICE anew (RFC 8445 §9), unless that is under way."""
        agreement = self._offer_answer.agreement
        by_ice = agreement is not None and agreement.ice is not None
        if by_ice and self.state is CallState.TALKING and self._engine.due is None:
            self._engine.gather_again(now)

    def _insecure(self, reason: str, now: float, cause: Cause | None = None) -> None:
        if self.state in _OVER:
            return
        self.record.cause = cause
        told = _NO_KEYS if cause is None else cause.value
        self._end(Outcome.INSECURE, f"{told}: {reason}", "policy", now)

    def _verdict(self) -> Outcome:
        """How a call that was answered came out, from packets seen."""
        both = self.record.first_received_ms is not None and self.record.first_sent_ms is not None
        return Outcome.COMPLETED if both else Outcome.NO_MEDIA

    def _end(self, outcome: Outcome, reason: str, ended_by: str, now: float) -> None:
        if self.state in _OVER:
            return
        self._move(Cue.OVER)
        self._keying.over()
        record = self.record
        record.outcome, record.reason, record.ended_by = outcome, reason, ended_by
        record.ended_ms = self._since(now)
        self._events.append(Over(outcome, reason, record.cause))
        if self._dialog_open:
            self._close_dialog(now)
        self._engine.stop(now)
        self._settle()

    def _dialog_over(self, outcome: Outcome, reason: str, ended_by: str, now: float) -> None:
        self._dialog_open = False
        self._end(outcome, reason, ended_by, now)
        self._settle()

    def _settle(self) -> None:
        if self.state is CallState.ENDING and not self._engine.busy and not self._dialog_open:
            self._restate_trust()
            self._move(Cue.RELEASED)
            self._events.append(Released())

    def _restate_trust(self) -> None:
        self._events.extend(self._keying.restate(self.record))
