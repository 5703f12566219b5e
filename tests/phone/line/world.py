"""A line in a world that does what it asks: an ear, a bell, lamps, calls open or held."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from offhook.base.schema.dial_plan import country_plan
from offhook.base.schema.feature_codes import builtin_feature_codes
from offhook.base.vocabulary import Key, Lamp, LampLook, PromptId, Ring, Sentence, Tone
from offhook.phone.call.call_events import Answered, CallEvent, Heard, Over, Rang
from offhook.phone.call.record import Outcome
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.phone.input.events import Flash, HookDown, HookUp
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.desk import LineTerms
from offhook.phone.line.line import Line
from offhook.phone.line.memory import Memory
from offhook.phone.line.states import LineState

TERMS = LineTerms(
    country_plan("DE"),
    builtin_feature_codes(),
    number="4711",
    speed_dial={"1": "030111", "2": "112"},
)


@dataclass
class World:
    """The line's surroundings after its actions, and a person who does things."""

    terms: LineTerms = TERMS
    memory: Memory = field(default_factory=Memory)
    registered: bool = True
    now: float = 1000.0
    tone: Tone | None = None
    ring: Ring | None = None
    said: list[PromptId] = field(default_factory=list)
    saying: tuple[Sentence, ...] = ()
    lamps: dict[Lamp, LampLook] = field(default_factory=dict)
    open_calls: set[int] = field(default_factory=set)
    """Legs that the person is in or has asked for: placed or answered, and not hung up."""
    held: set[int] = field(default_factory=set)
    offered: set[int] = field(default_factory=set)
    done: list[do.Action] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.numbers = itertools.count(1)
        self.line = Line(self.terms, self.memory, self.numbers)
        self.obey()
        if self.registered:
            self.feed(on.AccountReady("4711"))

    # What a person does

    def lift(self) -> None:
        self.feed(HookUp())

    def lay(self) -> None:
        self.feed(HookDown())

    def flash(self) -> None:
        self.feed(Flash())

    def press(self, keys: str) -> None:
        for each in keys:
            self.feed(Key(each))
            self.feed(Key(each, pressed=False))

    def ask(self, code: str) -> list[Sentence]:
        """Dial a code at the dial tone; what is said to it, to its end."""
        self.press(code)
        told = list(self.saying)
        self.feed(on.Spoken())
        return told

    # What the world does

    def feed(self, event: on.LineEvent) -> None:
        if isinstance(event, on.Spoken):
            self.saying = ()
        self.line.receive(event, self.now)
        self.obey()

    def wait(self, seconds: float) -> None:
        """Time passes; deadlines are kept as they come."""
        until = self.now + seconds
        while (due := self.line.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.line.tick(self.now)
            self.obey()
        self.now = until

    def arrive(self, number: str = "030123", *, verified: bool = False) -> int:
        leg = next(self.numbers)
        self.offered.add(leg)
        self.feed(on.LegArrived(leg, on.Caller(number, verified), 1.7e9))
        return leg

    def change(
        self,
        leg: int,
        event: CallEvent,
        *,
        status: int | None = None,
        trust: TrustLevel = TrustLevel.NONE,
        cautions: tuple[Caution, ...] = (),
    ) -> None:
        if isinstance(event, Over):
            self.open_calls.discard(leg)
            self.held.discard(leg)
            self.offered.discard(leg)
        self.feed(on.LegChanged(leg, event, status, trust, cautions))

    def over(
        self, leg: int, outcome: Outcome = Outcome.COMPLETED, status: int | None = 200
    ) -> None:
        self.change(leg, Over(outcome, "over"), status=status)

    # Ways there

    def call(self, number: str = "030456#") -> int:
        """Lift and dial; the leg that was placed."""
        self.lift()
        self.press(number)
        return self.placed[-1].leg

    def talk(self) -> int:
        """Lift, dial, be answered and hear the other."""
        leg = self.call()
        self.change(leg, Rang())
        self.change(leg, Answered())
        self.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
        assert self.state is LineState.TALKING
        return leg

    # What can be seen

    @property
    def state(self) -> LineState:
        return self.line.state

    @property
    def placed(self) -> list[do.PlaceCall]:
        return [each for each in self.done if isinstance(each, do.PlaceCall)]

    def ear(self) -> Tone | None:
        """The tone that is heard now."""
        return self.tone

    def asked(self, kind: type[do.Action]) -> list[do.Action]:
        return [each for each in self.done if isinstance(each, kind)]

    def obey(self) -> None:
        for action in self.line.actions():
            self.done.append(action)
            self._obey(action)

    def _obey(self, action: do.Action) -> None:  # noqa: C901, PLR0912  one arm for each action
        match action:
            case do.PlayTone(tone=tone):
                assert not self.saying, "a tone over words"
                self.tone = tone
            case do.StopTone():
                assert self.tone is not None, "a tone stopped twice"
                self.tone = None
            case do.Say(sentences=sentences):
                assert self.tone is None, "words over a tone"
                assert sentences, "nothing said"
                self.saying = sentences
                self.said += [each.prompt for each in sentences]
            case do.Hush():
                self.saying = ()
            case do.StartRing(ring=ring):
                assert self.ring is None, "rung twice"
                self.ring = ring
            case do.StopRing():
                assert self.ring is not None, "stopped a bell that is silent"
                self.ring = None
            case do.SetLamp(lamp=lamp, look=look):
                self.lamps[lamp] = look
            case do.PlaceCall(leg=leg):
                self.open_calls.add(leg)
            case do.AnswerCall(leg=leg):
                assert leg in self.offered, "answered what wasn't offered"
                self.offered.remove(leg)
                self.open_calls.add(leg)
            case do.RefuseCall(leg=leg):
                assert leg in self.offered, "refused what wasn't offered"
                self.offered.remove(leg)
            case do.HangUp(leg=leg):
                assert leg in self.open_calls, "hung up what wasn't open"
                self.open_calls.remove(leg)
                self.held.discard(leg)
            case do.HoldCall(leg=leg):
                assert leg in self.open_calls - self.held, "held what can't be held"
                self.held.add(leg)
            case do.ResumeCall(leg=leg):
                assert leg in self.held, "resumed what wasn't held"
                self.held.remove(leg)
            case do.SendDigit(leg=leg):
                assert leg in self.open_calls - self.held, "a digit for nobody"
            case do.CompareSas(leg=leg):
                assert leg in self.open_calls - self.held, "compared with nobody"
        if isinstance(action, do.Remember):
            self.memory = action.memory
        if isinstance(action, do.ResetEverything):
            self.memory = Memory()
