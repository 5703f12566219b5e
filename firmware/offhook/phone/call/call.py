"""One call: its dialog, its offer and answer, the engine's session for it, its trust.

Nobody else puts these together (RFC 3261 §13, RFC 3264). A call is a machine: the invite's events
and the engine's reports come in with the time in seconds; commands for the engine and events for
the line come out. What is written on the flow goes through the invite that the call owns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field

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
    Rang,
    Released,
    TrustRestated,
)
from offhook.phone.call.offer_answer import OfferAnswer
from offhook.phone.call.record import CallRecord, Outcome
from offhook.phone.call.states import CallState, Cue, next_state
from offhook.phone.call.trust import MediaEvidence, state_trust
from offhook.protocols.media import messages as engine
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    LocalMedia,
    MediaPolicy,
    Origin,
    Unacceptable,
)
from offhook.protocols.sip import invite_events as sip
from offhook.protocols.sip.invite_client import OutgoingInvite
from offhook.protocols.sip.invite_server import IncomingInvite

__all__ = [
    "Answered",
    "Call",
    "CallEvent",
    "CallTerms",
    "DigitHeard",
    "Heard",
    "HeardAgain",
    "HoldChanged",
    "MediaSilent",
    "Over",
    "Rang",
    "Released",
    "TrustRestated",
]

_NO_KEYS = "the other side would not encrypt"


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What a call is held to from its first to its last message."""

    session: int
    """The engine's number for this call."""
    peer_name: str
    """The verified name of the flow's other end."""
    local_host: str
    """The address on which media is received."""
    policy: MediaPolicy
    media_dscp: int
    opus: OpusTerms = field(default_factory=OpusTerms)


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
        self._commands: deque[engine.SessionCommand] = deque()
        self._events: deque[CallEvent] = deque()
        self._offer_answer = OfferAnswer(terms.policy, origin)
        self._engine_busy = False
        self._dialog_open = False
        self.held = False
        """Whether we hold the peer."""
        self._hold_wanted = False
        self._apart = False
        """Whether the person is not to be heard or to hear, whatever the peer agrees to."""
        self._proposal: Direction | None = None

    # What a person does

    def hang_up(self, now: float) -> None:
        """End the call, whatever it is doing; harmless on one that is over."""
        answered = self.state is CallState.TALKING
        outcome = self._verdict() if answered else Outcome.CANCELLED
        self._end(outcome, "hung up here" if answered else "given up", "local", now)

    def hold(self, now: float, *, held: bool = True) -> None:
        """Hold the call, or resume it (RFC 3264 §8.4); `HoldChanged` follows if the peer agrees.

        From now on the peer hears nothing of us and we nothing of the peer, even where it doesn't
        agree or can't be asked.
        """
        self._hold_wanted = held
        if self._apart != held:
            self._apart = held
            if self.state is CallState.TALKING and self._offer_answer.agreement is not None:
                self._commands.append(self._media(self._offer_answer.agreement))
        self._propose(now)

    def talked_s(self, now: float) -> float:
        """How long media has been flowing, or flowed (s)."""
        answered, ended = self.record.answered_ms, self.record.ended_ms
        if answered is None:
            return 0.0
        return ((self._since(now) if ended is None else ended) - answered) / 1000

    def send_digits(self, digits: str) -> None:
        """Send telephone-events (RFC 4733); dropped unless the call is talking."""
        if self.state is CallState.TALKING:
            self._commands.append(engine.SendDtmf(self.terms.session, digits))

    # What the engine reports

    def receive_report(self, report: engine.SessionReport, now: float) -> None:
        """Take one report of the engine about this call's session."""
        match report:
            case engine.LocalReady():
                self._offer_answer.local = LocalMedia(report.rtp, report.rtcp, report.crypto)
                if self.state in {CallState.PREPARING, CallState.ACCEPTING}:
                    self._path_ready(now)
            case engine.FirstPacketSent():
                self.record.first_sent_ms = self._since(now)
            case engine.KeysConfirmed():
                self._keys_confirmed(now)
            case engine.DtmfReceived(digit=digit):
                self.record.digits_received += digit
                self._events.append(DigitHeard(digit))
            case engine.MediaLost(silent_ms=silent_ms):
                self._media_lost(silent_ms, now)
            case engine.MediaBack(silent_ms=silent_ms):
                self._events.append(HeardAgain(silent_ms))
            case engine.SessionFailed(reason=reason):
                # A session that was never made has nothing to count, and no Stopped follows.
                self._engine_busy = self._offer_answer.local is not None
                self._end(Outcome.FAILED, reason, "local", now)
                self._settle()
            case engine.Stopped(statistics=statistics):
                self._engine_busy = False
                self.record.statistics = statistics
                self._settle()
        self._restate_trust()

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
                self._proposal, self.held = None, self._proposal is Direction.SENDONLY
                self._reanswered(body, now)
                self._events.append(HoldChanged(self.held))
                self._propose(now)
            case sip.OfferRefused():
                self._proposal, self._hold_wanted = None, self.held
                self._events.append(HoldChanged(self.held))
            case _:
                self._take(event, now)

    # What the machine gives

    def commands_to_send(self) -> list[engine.SessionCommand]:
        """Commands for the engine, in order; each is given once."""
        commands = list(self._commands)
        self._commands.clear()
        return commands

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

    def _prepare(self) -> None:
        self._engine_busy = True
        terms = self.terms
        self._commands.append(
            engine.Prepare(terms.session, terms.local_host, terms.policy.suites, terms.media_dscp)
        )

    def _agree(self, agreement: Agreement, now: float) -> None:
        """Hand what was agreed to the engine; the first time, let media flow."""
        first = self.state is not CallState.TALKING
        self._commands.append(self._media(agreement))
        self.record.suite = agreement.send_keys.suite.name
        self.record.keying = agreement.keying.value
        self.record.codec = agreement.codec.encoding
        if first:
            self._commands.append(engine.Start(self.terms.session))
            self.record.answered_ms = self._since(now)
            self._events.append(Answered())
        self._move(Cue.AGREED)

    def _media(self, agreement: Agreement) -> engine.SetRemote:
        """What the engine is to do with `agreement` as the call stands."""
        return engine.SetRemote(
            session=self.terms.session,
            remote=agreement.remote,
            remote_rtcp=agreement.remote_rtcp,
            codec=agreement.codec,
            dtmf_payload_type=agreement.dtmf_payload_type,
            keys=agreement.keys,
            ptime_ms=agreement.ptime_ms,
            sending=agreement.sending and not (self.held or self._apart),
            receiving=agreement.receiving and not self._apart,
            receive_codecs=agreement.receive_codecs,
            receive_dtmf_payload_type=agreement.receive_dtmf_payload_type,
            codec_parameters=agreement.codec_parameters,
            dtmf_clock_rate=agreement.dtmf_clock_rate,
            receive_events=agreement.receive_events,
            opus=self.terms.opus,
            dtls=agreement.dtls,
        )

    def _reoffered(self, event: sip.OfferReceived, now: float) -> None:
        """A re-INVITE or UPDATE: the same policy, or 488 and the call goes on as it was."""
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
            answer, agreement = self._offer_answer.make_answer(choice, direction)
        except Unacceptable as refusal:
            self.invite.refuse_offer(event.transaction, refusal.status or 488, None, now)
            return
        self.invite.accept_offer(event.transaction, answer, now)
        self._agree(agreement, now)

    def _propose(self, now: float) -> None:
        """Offer the hold that is wanted, unless it stands or an offer is still open."""
        settled = self._hold_wanted == self.held or self._proposal is not None
        if settled or self.state is not CallState.TALKING or self.invite is None:
            return
        direction = Direction.SENDONLY if self._hold_wanted else Direction.SENDRECV
        try:
            self.invite.reoffer(lambda: self._offer_answer.make_offer(direction), now)
        except LocalError:
            return
        self._proposal = direction

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
        self._events.append(Heard())

    def _media_lost(self, silent_ms: float, now: float) -> None:
        if self.record.first_received_ms is None:
            self._end(Outcome.NO_MEDIA, "no authenticated packet came from the peer", "policy", now)
        else:
            self._events.append(MediaSilent(silent_ms))

    def _insecure(self, reason: str, now: float) -> None:
        self._end(Outcome.INSECURE, f"{_NO_KEYS}: {reason}", "policy", now)

    def _verdict(self) -> Outcome:
        """How a call that was answered came out, from packets seen."""
        both = self.record.first_received_ms is not None and self.record.first_sent_ms is not None
        return Outcome.COMPLETED if both else Outcome.NO_MEDIA

    def _end(self, outcome: Outcome, reason: str, ended_by: str, now: float) -> None:
        if self.state in {CallState.ENDING, CallState.ENDED}:
            return
        self._move(Cue.OVER)
        record = self.record
        record.outcome, record.reason, record.ended_by = outcome, reason, ended_by
        record.ended_ms = self._since(now)
        self._events.append(Over(outcome, reason))
        if self._dialog_open:
            self._close_dialog(now)
        if self._engine_busy:
            self._commands.append(engine.Stop(self.terms.session))
        self._settle()

    def _dialog_over(self, outcome: Outcome, reason: str, ended_by: str, now: float) -> None:
        self._dialog_open = False
        self._end(outcome, reason, ended_by, now)
        self._settle()

    def _settle(self) -> None:
        if self.state is CallState.ENDING and not self._engine_busy and not self._dialog_open:
            self._restate_trust()
            self._move(Cue.RELEASED)
            self._events.append(Released())

    def _restate_trust(self) -> None:
        if self.record.keying is not None:
            evidence = MediaEvidence(
                self.record.keying,
                self.record.suite,
                heard=self.record.first_received_ms is not None,
                spoke=self.record.first_sent_ms is not None,
            )
            trust = state_trust(evidence, self.terms.peer_name)
            if trust != self.record.trust:
                self.record.trust = trust
                self._events.append(TrustRestated())
