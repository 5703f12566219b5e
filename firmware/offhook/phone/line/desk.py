"""What the line has in hand, and what it does with it: one method for each effect of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from offhook.base.schema.dial_plan import DialPlan
from offhook.base.schema.feature_codes import FeatureCode, FeatureCodes
from offhook.base.vocabulary import Lamp, PromptId, Sentence
from offhook.phone.call.history import History
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.commands import ResetGuard, is_volume, turn
from offhook.phone.line.digits import Digits
from offhook.phone.line.features import ASKED, Facts, Sentences, less_safe, to_compare
from offhook.phone.line.lamps import message_look, mute_look, security_look
from offhook.phone.line.legs import Leg, Legs
from offhook.phone.line.memory import Memory
from offhook.phone.line.outputs import Outputs
from offhook.phone.line.states import COMPARING_KEYS, COMPARING_S, Effect

_NOT_ARMED: Final = Sentence(PromptId.RESET_NOT_ARMED)


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What the settings say of the line."""

    plan: DialPlan
    codes: FeatureCodes
    number: str = ""
    """The own number or name, until the account tells it."""
    speed_dial: Mapping[str, str] = field(default_factory=dict)
    """Key "0" to "9" → number."""
    call_waiting: bool = True
    """Whether a second call is announced instead of refused as busy."""


class Desk:
    """Calls, digits, memory and outputs of one line; `line.Line` decides what becomes of them."""

    def __init__(self, terms: LineTerms, memory: Memory, legs: Iterator[int]) -> None:
        self.terms = terms
        self.memory = memory
        self.muted = False
        self.messages = 0
        self.account: on.AccountReady | on.AccountDown = on.AccountDown(on.Trouble.STARTING)
        self.number = terms.number
        self.legs = Legs()
        self.digits = Digits(terms.plan, terms.codes)
        self.reset = ResetGuard()
        self.outputs = Outputs()
        self.key = ""
        """The key pressed last."""
        self.wanted = ""
        """The number to call."""
        self.why: Sentences = ()
        """What there is to explain, should the next step ask for it."""
        self._numbers = legs
        self._kept = memory
        self._now = 0.0
        self._tells_missed = False
        self.outputs.add(
            do.SetVolume(do.Volume.EAR, memory.ear_step),
            do.SetVolume(do.Volume.RING, memory.ring_step),
        )
        self.show()

    def carry_out(self, effects: tuple[Effect, ...], now: float) -> None:
        """Do what a step asks for, in order."""
        self._now = now
        self._tells_missed = False
        for effect in effects:
            _EFFECTS[effect](self)

    @property
    def registered(self) -> bool:
        """Whether calls can be placed, emergency calls apart."""
        return isinstance(self.account, on.AccountReady)

    # What lasts

    def mute(self, muted: bool) -> None:
        """Whether the other side hears silence."""
        if muted != self.muted:
            self.muted = muted
            self.outputs.add(do.SetMute(muted))

    def remember(self, history: History) -> None:
        """The history is now this."""
        self.memory = replace(self.memory, history=history)

    def told(self) -> None:
        """What was said is said to its end: missed calls that were named are no news any more."""
        if self._tells_missed:
            self.remember(self.memory.history.with_missed_heard())
        self._tells_missed = False
        for leg in (self.legs.active, self.legs.held):
            if leg is not None and not leg.news:
                leg.untold.clear()

    def show(self) -> None:
        """Lamps and memory as they now ought to be."""
        outputs, legs = self.outputs, self.legs
        present = legs.present or legs.offered
        outputs.lamp(Lamp.SECURITY, security_look(present, registered=self.registered))
        missed = self.memory.history.missed_count
        outputs.lamp(Lamp.MESSAGE, message_look(self.messages, missed))
        outputs.lamp(Lamp.MUTE, mute_look(muted=self.muted))
        if self.memory != self._kept:
            self._kept = self.memory
            outputs.add(do.Remember(self.memory))

    # Effects

    def new_number(self) -> None:
        """A number or code begins."""
        self.digits.clear()

    def place(self) -> None:
        """Call the wanted number."""
        leg = Leg(next(self._numbers), on.Caller(self.wanted), outgoing=True)
        self.legs.active = leg
        emergency = leg.emergency = self.digits.is_emergency(self.wanted)
        if not emergency:
            self.remember(self.memory.history.with_dialled(self.wanted))
        self.outputs.add(do.PlaceCall(leg.number, self.wanted, emergency))

    def answer(self) -> None:
        """Take the call that is offered."""
        leg = self.legs.take_offered()
        if leg is not None:
            self.outputs.add(do.AnswerCall(leg.number))

    def refuse(self) -> None:
        """It has rung long enough."""
        if self.legs.offered is not None:
            self.outputs.add(do.RefuseCall(self.legs.offered.number, do.Refusal.NO_ANSWER))

    def miss(self) -> None:
        """The call that was offered is no longer."""
        leg = self.legs.drop_offered()
        if leg is not None:
            self.remember(self.memory.history.with_missed(leg.caller.number, leg.wall_time))

    def hang_up(self) -> None:
        """End the active call."""
        leg = self.legs.drop_active()
        if leg is not None:
            self.outputs.add(do.HangUp(leg.number))

    def hang_up_all(self) -> None:
        """End every call that the person was in."""
        self.leave()
        leg = self.legs.drop_held()
        if leg is not None:
            self.outputs.add(do.HangUp(leg.number))

    def leave(self) -> None:
        """The handset is down: the active call ends, and what was begun is forgotten."""
        self.hang_up()
        self.reset.disarm()
        self.mute(False)

    def forget(self) -> None:
        """The active call is over."""
        self.legs.drop_active()

    def hold(self) -> None:
        """The active call is held."""
        if self.legs.active is not None:
            self.outputs.add(do.HoldCall(self.legs.active.number))
            self.legs.swap()

    def resume(self) -> None:
        """The held call goes on."""
        if self.legs.held is not None:
            self.outputs.add(do.ResumeCall(self.legs.held.number))
            self.legs.swap()

    def swap(self) -> None:
        """The active call is held, the held one goes on."""
        if self.legs.active is not None and self.legs.held is not None:
            self.outputs.add(do.HoldCall(self.legs.active.number))
            self.outputs.add(do.ResumeCall(self.legs.held.number))
            self.legs.swap()

    def send_digit(self) -> None:
        """Send the key to the other side."""
        if self.legs.active is not None:
            self.outputs.add(do.SendDigit(self.legs.active.number, self.key))

    def warn(self, now: float) -> None:
        """Say once what there is to tell of the conversation: that it is less safe, and more."""
        leg = self.legs.active
        if leg is None:
            return
        if leg.lowered and not leg.warned:
            leg.warned = True
            leg.tell(*less_safe(leg))
        if leg.news:
            leg.news = False
            self.outputs.say(tuple(leg.untold), now)

    def compare(self) -> None:
        """The key says what two people found."""
        leg = self.legs.active
        if leg is not None:
            leg.comparing_until = None
            self.outputs.add(do.CompareSas(leg.number, COMPARING_KEYS[self.key]))

    def explain(self) -> None:
        """Say why."""
        self.outputs.say(self.why, self._now)

    def run(self) -> None:
        """Do what the own code asks for."""
        code = self.digits.code
        if code is not None:
            self.outputs.say(self._perform(code), self._now)

    def _perform(self, code: FeatureCode) -> Sentences:
        function = code.function
        if function == "reset-confirm":
            return self._confirm_reset()
        self.reset.disarm()
        if function == "reset-arm":
            idle = self.legs.present is None
            return self.reset.arm(code, self._now) if idle else (_NOT_ARMED,)
        if is_volume(function):
            self.memory, action, told = turn(self.memory, function)
            self.outputs.add(action)
            return told
        if function == "compare":
            return self._begin_comparing()
        if function in ASKED:
            self._tells_missed = function == "missed-callers"
            return ASKED[function](self._facts())
        if function == "speed-dial":
            return (Sentence(PromptId.SPEED_DIAL_EMPTY, self.digits.text[-1]),)
        return (Sentence(PromptId.NOTHING_TO_REDIAL),)

    def _begin_comparing(self) -> Sentences:
        leg = self.legs.present
        if leg is not None and leg.sas is not None:
            leg.comparing_until = self._now + COMPARING_S
        return to_compare(leg)

    def _confirm_reset(self) -> Sentences:
        if not self.reset.confirm(self._now):
            return (_NOT_ARMED,)
        self.memory = self._kept = Memory()
        self.outputs.add(
            do.ResetEverything(),
            do.SetVolume(do.Volume.EAR, self.memory.ear_step),
            do.SetVolume(do.Volume.RING, self.memory.ring_step),
        )
        return (Sentence(PromptId.RESET_DONE),)

    def _facts(self) -> Facts:
        return Facts(
            account=self.account,
            number=self.number,
            messages=self.messages,
            leg=self.legs.present,
            history=self.memory.history,
            muted=self.muted,
        )


_EFFECTS: Final[Mapping[Effect, Callable[[Desk], None]]] = {
    Effect.NEW_NUMBER: Desk.new_number,
    Effect.PLACE: Desk.place,
    Effect.ANSWER: Desk.answer,
    Effect.REFUSE: Desk.refuse,
    Effect.MISS: Desk.miss,
    Effect.HANG_UP: Desk.hang_up,
    Effect.HANG_UP_ALL: Desk.hang_up_all,
    Effect.LEAVE: Desk.leave,
    Effect.FORGET: Desk.forget,
    Effect.HOLD: Desk.hold,
    Effect.RESUME: Desk.resume,
    Effect.SWAP: Desk.swap,
    Effect.SEND_DIGIT: Desk.send_digit,
    Effect.COMPARE: Desk.compare,
    Effect.RUN: Desk.run,
    Effect.EXPLAIN: Desk.explain,
}
