"""The line: hook, keys and calls in; tones, bell, lamps, words and wishes for calls out.

A machine whose states and steps are `states.STATES` and `states.TRANSITIONS`. What the ear hears
follows from the state alone, so that no path leaves a tone behind. It speaks to calls through its
actions, and knows nothing of SIP.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from offhook.base.schema.dial_pattern import SYMBOLS
from offhook.base.schema.feature_codes import FeatureCode
from offhook.base.state_table import Step
from offhook.base.vocabulary import Key, PromptId, Ring, Sentence, Tone
from offhook.phone.call import call_events as call
from offhook.phone.call.keys_in_use import Sas
from offhook.phone.call.record import Cause, Outcome
from offhook.phone.input.events import Flash, HookDown, HookUp, RotaryDigit
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.desk import Desk, LineTerms
from offhook.phone.line.digits import Verdict
from offhook.phone.line.endings import ending
from offhook.phone.line.features import caution_sentence, trust_sentence, why_down, why_over
from offhook.phone.line.legs import Leg, Legs
from offhook.phone.line.memory import Memory
from offhook.phone.line.states import (
    COMPARING_KEYS,
    CONVERSATION,
    RINGS_S,
    STATES,
    TRANSITIONS,
    WITH_HELD,
    Cue,
    Effect,
    LineState,
)

MUTE_KEY: Final = "mute"
"""The symbol of the mute key."""

_FLASH_IS_STAR: Final = frozenset({LineState.DIAL_TONE, LineState.NOT_REGISTERED})


class Line:
    """One line. `legs` numbers the calls that it places, and those that are announced to it."""

    def __init__(self, terms: LineTerms, memory: Memory, legs: Iterator[int]) -> None:
        self.state = LineState.IDLE
        self._desk = Desk(terms, memory, legs)
        self._due: float | None = None
        self._now = 0.0

    # What comes in

    def receive(self, event: on.LineEvent, now: float) -> None:
        """Take one event at `now` (s); what was due before it happens first."""
        self.tick(now)
        self._now = now
        self._take(event)
        self._refresh()

    def tick(self, now: float) -> None:
        """Let happen what was due until `now` (s), each at its own time."""
        while (due := self.deadline()) is not None and due <= now:
            self._now = due
            self._expire(due)
            self._refresh()

    # What goes out

    def actions(self) -> list[do.Action]:
        """What is to be done, in order; each is given once."""
        return self._desk.outputs.take()

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        offered = self._desk.legs.offered
        rings_until = offered.expires if offered is not None else None
        times = (self._due, self._desk.outputs.speaks_until, rings_until)
        return min((each for each in times if each is not None), default=None)

    # What can be seen

    @property
    def dialled(self) -> str:
        """What has been dialled of a number or code not yet complete."""
        return self._desk.digits.text if self.state is LineState.DIALLING else ""

    @property
    def legs(self) -> Legs:
        """The calls in hand; to be read only."""
        return self._desk.legs

    @property
    def memory(self) -> Memory:
        """Volumes and history as they are now."""
        return self._desk.memory

    @property
    def muted(self) -> bool:
        """Whether the other side hears silence."""
        return self._desk.muted

    @property
    def account(self) -> on.AccountReady | on.AccountDown:
        """The account's state as last told."""
        return self._desk.account

    # Events become cues

    def _take(self, event: on.LineEvent) -> None:
        match event:
            case HookUp():
                self._cue(Cue.HOOK_UP)
            case HookDown():
                self._cue(Cue.HOOK_DOWN)
            case Flash():
                self._flash()
            case Key(symbol=symbol, pressed=pressed):
                if pressed:
                    if symbol in SYMBOLS and STATES[self.state].lifted:
                        self._desk.outputs.add(do.KeyTone(symbol))
                    self._press(symbol)
            case RotaryDigit(digit=digit):
                self._press(digit)
            case on.Spoken(utterance=utterance):
                if self._desk.outputs.saying(utterance):
                    self._spoken()
            case _:
                self._hear(event)

    def _hear(
        self,
        event: on.AccountReady
        | on.AccountDown
        | on.MessagesWaiting
        | on.LegArrived
        | on.LegChanged
        | on.LegFailed,
    ) -> None:
        desk = self._desk
        match event:
            case on.AccountReady(number=number):
                desk.account, desk.number = event, number
                self._cue(Cue.REGISTERED)
            case on.AccountDown():
                desk.account, desk.why = event, why_down(event)
                self._cue(Cue.UNREGISTERED)
            case on.MessagesWaiting(count=count):
                desk.messages = max(0, count)
            case on.LegArrived():
                self._arrive(event)
            case on.LegChanged():
                self._change(event)
            case on.LegFailed(leg=number):
                leg = desk.legs.find(number)
                if leg is not None:
                    self._over(leg, Outcome.FAILED, None)

    def _expire(self, due: float) -> None:
        offered, outputs = self._desk.legs.offered, self._desk.outputs
        if offered is not None and offered.expires == due:
            offered.expires = None
            self._cue(Cue.UNTAKEN)
        elif outputs.speaks_until == due:
            outputs.hush()
            self._spoken()
        else:
            self._due = None
            if self.state is LineState.DIALLING:
                self._judge(self._desk.digits.pause())
            else:
                self._cue(Cue.TIMEOUT)

    def _spoken(self) -> None:
        self._desk.outputs.said()
        self._desk.told()
        self._cue(Cue.SPOKEN)

    def _flash(self) -> None:
        """A dial has no * and no #: at the dial tone a flash is *, and after that #."""
        if self._desk.legs.held is None:
            if self.state in _FLASH_IS_STAR:
                self._press("*")
                return
            if self.dialled == "*":
                self._press("#")
                return
        self._cue(Cue.FLASH)

    def _press(self, symbol: str) -> None:
        if symbol == MUTE_KEY:
            if STATES[self.state].lifted:
                self._desk.mute(not self._desk.muted)
        elif symbol in SYMBOLS:
            self._desk.key = symbol
            self._cue(Cue.COMPARED if self._compares(symbol) else Cue.KEY)
            if self.state is LineState.DIALLING:
                self._judge(self._desk.digits.add(symbol))

    def _compares(self, symbol: str) -> bool:
        """Whether the key is the answer to a comparison that the person asked for."""
        leg = self._desk.legs.active
        asked = leg is not None and leg.compares(self._now)
        return asked and symbol in COMPARING_KEYS and self.state in CONVERSATION

    def _judge(self, verdict: Verdict) -> None:
        digits = self._desk.digits
        match verdict:
            case Verdict.MORE:
                self._cue(Cue.MORE)
            case Verdict.NUMBER | Verdict.EMERGENCY:
                self._dial(digits.number)
            case Verdict.CODE if digits.code is not None:
                self._dial_code(digits.code)
            case _:
                code = digits.text[:1] in {"*", "#"}
                unknown = PromptId.UNKNOWN_CODE if code else PromptId.INCOMPLETE_NUMBER
                self._desk.why = (Sentence(unknown),)
                self._desk.reset.disarm()
                self._cue(Cue.NO_NUMBER)

    def _dial(self, number: str) -> None:
        desk = self._desk
        desk.reset.disarm()
        if isinstance(desk.account, on.AccountDown) and not desk.digits.is_emergency(number):
            desk.why = why_down(desk.account)
            self._cue(Cue.BARRED)
            return
        desk.wanted = number
        self._cue(Cue.NUMBER)

    def _dial_code(self, code: FeatureCode) -> None:
        """Codes that stand for a number dial it; the others are done by `Effect.RUN`."""
        desk = self._desk
        number: str | None = None
        if code.function == "redial":
            number = desk.memory.history.last_dialled
        elif code.function == "speed-dial":
            number = desk.terms.speed_dial.get(desk.digits.text[-1])
        if number is None:
            self._cue(Cue.CODE)
        else:
            self._dial(number)

    def _arrive(self, event: on.LegArrived) -> None:
        desk, caller = self._desk, event.caller.number
        desk.remember(desk.memory.history.with_caller(caller, event.wall_time))
        waits = STATES[self.state].lifted
        expected = (self.state, Cue.ARRIVED) in TRANSITIONS and desk.legs.room
        if not expected or (waits and not desk.terms.call_waiting):
            desk.outputs.add(do.RefuseCall(event.leg, do.Refusal.BUSY))
            desk.remember(desk.memory.history.with_missed(caller, event.wall_time))
            return
        expires = self._now + RINGS_S
        desk.legs.offered = Leg(event.leg, event.caller, event.wall_time, expires, waited=waits)
        self._cue(Cue.ARRIVED)

    def _change(self, event: on.LegChanged) -> None:
        legs = self._desk.legs
        leg = legs.find(event.leg)
        if leg is None:
            return
        leg.state_trust(event.trust)
        leg.cautions = event.cautions
        _follow(leg, event.event)
        match event.event:
            case call.Rang():
                if leg is legs.active:
                    self._cue(Cue.RANG)
            case call.Answered():
                leg.answered = True
                if leg is legs.active:
                    self._cue(Cue.ANSWERED)
            case call.Over(outcome=outcome, cause=cause):
                self._over(leg, outcome, event.status, cause)
            case call.Released():
                self._over(leg, Outcome.FAILED, event.status)

    def _over(
        self, leg: Leg, outcome: Outcome, status: int | None, cause: Cause | None = None
    ) -> None:
        legs = self._desk.legs
        self._desk.why = why_over(outcome, status, cause)
        if leg is legs.offered:
            self._cue(Cue.CALLER_GONE)
        elif leg is legs.held:
            legs.drop_held()
            self._cue(Cue.HELD_OVER)
        elif leg.answered:
            self._cue(Cue.OVER)
        else:
            self._cue(ending(status) if leg.outgoing else Cue.FAILED)

    # Cues become steps

    def _cue(self, cue: Cue) -> None:
        reached = None
        if self._desk.legs.held is not None and cue in WITH_HELD:
            reached = TRANSITIONS.get((self.state, WITH_HELD[cue]))
        if reached is None:
            reached = TRANSITIONS.get((self.state, cue))
        if reached is not None:
            self._step(reached)

    def _step(self, reached: Step[LineState, Effect]) -> None:
        desk = self._desk
        goes_on = {self.state, reached.state} <= CONVERSATION and Effect.SWAP not in reached.actions
        self.state = reached.state
        if not goes_on:
            desk.outputs.quiet(self._tone())
        desk.carry_out(reached.actions, self._now)
        lasts_s = self._lasts_s()
        self._due = None if lasts_s is None else self._now + lasts_s
        if self.state is LineState.OPENING:
            if isinstance(desk.account, on.AccountDown):
                desk.why = why_down(desk.account)
            self._cue(Cue.REGISTERED if desk.registered else Cue.UNREGISTERED)

    def _lasts_s(self) -> float | None:
        if self.state is LineState.DIAL_TONE:
            return self._desk.terms.plan.first_digit_s
        if self.state is LineState.DIALLING:
            return self._desk.digits.wait_s
        return STATES[self.state].lasts_s

    def _tone(self) -> Tone | None:
        if self.state is LineState.DIAL_TONE and self._desk.messages:
            return Tone.STUTTER
        return STATES[self.state].tone

    def _refresh(self) -> None:
        """Tone, bell, lamps and memory as they now ought to be."""
        desk, offered = self._desk, self._desk.legs.offered
        if self.state in CONVERSATION:
            desk.warn(self._now)
        desk.outputs.tone(self._tone())
        if self.state is LineState.RINGING and offered is not None:
            ring = Ring.RECALL if offered.waited else Ring.CALL
            desk.outputs.ring(ring, desk.memory.ring_step)
        elif self.state is LineState.RECALL:
            desk.outputs.ring(Ring.RECALL, desk.memory.ring_step)
        desk.show()


def _follow(leg: Leg, event: call.CallEvent) -> None:
    """What only the leg has to know."""
    match event:
        case call.Heard() | call.HeardAgain():
            leg.silent = False
        case call.MediaSilent():
            leg.silent = True
        case call.Warned(caution=caution):
            leg.tell(caution_sentence(caution))
        case call.SasKnown(sas=sas):
            _take_sas(leg, sas)


def _take_sas(leg: Leg, sas: Sas) -> None:
    """What can be compared; the person is asked to at the first meeting, an emergency apart."""
    before, leg.sas = leg.sas, sas
    if sas.compared and not (before is not None and before.compared):
        leg.tell(Sentence(PromptId.SAS_SAME), trust_sentence(leg))
    elif before is None and sas.first and not sas.verified and not leg.emergency:
        leg.tell(Sentence(PromptId.SAS_OFFER))
