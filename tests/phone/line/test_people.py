"""People who do anything at any time: no order of events leaves the line dead, or loud."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.phone.line.world import TERMS, World

from offhook.base.schema.prompt_language import VALUES
from offhook.base.vocabulary import Key, Lamp, PromptId, Tone
from offhook.phone.call import call_events as call
from offhook.phone.call.keys_in_use import Sas
from offhook.phone.call.record import Outcome
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.phone.input.events import RotaryDigit
from offhook.phone.line import actions as do
from offhook.phone.line import desk, states
from offhook.phone.line import events as on
from offhook.phone.line.lamps import DARK
from offhook.phone.line.states import STATES, Effect, LineState

CODES = [each.code.replace("x", "1") for each in TERMS.codes.codes]
HAPPENINGS: list[call.CallEvent] = [
    call.Rang(),
    call.Answered(),
    call.Heard(),
    call.DigitHeard("5"),
    call.MediaSilent(3000.0),
    call.HeardAgain(3500.0),
    call.HoldChanged(held=True),
    call.SasKnown(Sas(("a", "3", "k", "7"))),
    call.SasKnown(Sas(("a", "3", "k", "7"), compared=True, verified=True)),
    call.Warned(Caution.MISMATCH),
    call.Warned(Caution.GO_CLEAR),
    call.Released(),
    *(call.Over(outcome, "over") for outcome in Outcome),
]
OVER_A_CALL = {
    PromptId.TRUST_LOWERED,
    PromptId.TRUST_NONE,
    PromptId.TRUST_HOP_BY_HOP,
    PromptId.TRUST_END_TO_END,
    PromptId.TRUST_VERIFIED,
    PromptId.SAS_OFFER,
    PromptId.SAS_SAME,
    PromptId.WARN_MISMATCH,
    PromptId.WARN_GO_CLEAR,
}
SILENT_ON_PURPOSE = {LineState.DIALLING, LineState.PARKED}


class People(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(registered=False)
        self.lifted = False

    @rule()
    def lift(self) -> None:
        self.world.lift()
        self.lifted = True

    @rule()
    def lay(self) -> None:
        self.world.lay()
        self.lifted = False

    @rule()
    def flash(self) -> None:
        if self.lifted:
            self.world.flash()

    @rule(key=st.sampled_from("0123456789*#AD"), rotary=st.booleans())
    def key(self, key: str, rotary: bool) -> None:
        if rotary and key.isdigit():
            self.world.feed(RotaryDigit(key))
        else:
            self.world.press(key)

    @rule(number=st.sampled_from(["110", "112", "030456#", "12", *CODES]))
    def dial(self, number: str) -> None:
        self.world.press(number)

    @rule()
    def mute(self) -> None:
        self.world.feed(Key("mute"))

    @rule(seconds=st.sampled_from([0.0, 0.1, 3.0, 5.0, 15.0, 31.0, 61.0, 125.0, 600.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(number=st.sampled_from(["", "030111", "alice", "9" * 300]))
    def somebody_calls(self, number: str) -> None:
        self.world.arrive(number)

    @rule(
        which=st.integers(0, 5),
        event=st.sampled_from(HAPPENINGS),
        status=st.sampled_from([None, 200, 404, 486, 487, 503, 600]),
        trust=st.sampled_from(TrustLevel),
    )
    def a_call_changes(
        self, which: int, event: call.CallEvent, status: int | None, trust: TrustLevel
    ) -> None:
        known = sorted(self.world.open_calls | self.world.offered)
        leg = known[which % len(known)] if known and which < 5 else 999
        if isinstance(event, call.Answered) and leg in self.world.offered:
            return  # nobody but the person answers
        if isinstance(event, call.Released):
            self.world.open_calls.discard(leg)
            self.world.held.discard(leg)
            self.world.offered.discard(leg)
        self.world.change(leg, event, status=status, trust=trust)

    @precondition(lambda self: self.world.state is LineState.CALLING)
    @rule()
    def a_call_fails_to_begin(self) -> None:
        leg = self.world.placed[-1].leg
        self.world.open_calls.discard(leg)
        self.world.feed(on.LegFailed(leg))

    @precondition(lambda self: self.world.open_calls)
    @rule()
    def the_call_is_answered(self) -> None:
        self.world.change(max(self.world.open_calls), call.Answered())

    @precondition(lambda self: self.world.state is LineState.IDLE)
    @rule()
    def converse(self) -> None:
        self.world.feed(on.AccountReady("4711"))
        self.world.talk()
        self.lifted = True

    @precondition(lambda self: self.world.state is LineState.HELD)
    @rule(answered=st.booleans())
    def consult(self, answered: bool) -> None:
        self.world.feed(on.AccountReady("4711"))
        self.world.press("030789#")
        self.world.change(self.world.placed[-1].leg, call.Rang())
        if answered:
            self.world.change(self.world.placed[-1].leg, call.Answered())

    @rule(trouble=st.sampled_from([None, *on.Trouble]), status=st.sampled_from([None, 403, 503]))
    def the_account_changes(self, trouble: on.Trouble | None, status: int | None) -> None:
        if trouble is None:
            self.world.feed(on.AccountReady("4711"))
        else:
            self.world.feed(on.AccountDown(trouble, status))

    @rule(count=st.integers(0, 3))
    def messages(self, count: int) -> None:
        self.world.feed(on.MessagesWaiting(count))

    @rule()
    def spoken(self) -> None:
        self.world.feed(on.Spoken())

    @precondition(lambda self: not self.world.offered)
    @rule(number=st.sampled_from(["110", "112"]))
    def need_help(self, number: str) -> None:
        self.lay()
        self.lift()
        if self.world.open_calls:
            self.flash()
        self.world.press(number)
        assert self.world.placed[-1].number == number
        assert self.world.placed[-1].emergency
        assert self.world.state is LineState.CALLING

    @rule()
    def go_home(self) -> None:
        self.lay()
        self.world.wait(states.RINGS_S)
        assert self.world.state is LineState.IDLE
        assert self.world.ring is None
        assert not self.world.offered
        assert self.world.line.deadline() is None
        assert not self.world.open_calls

    @invariant()
    def the_machine_knows_where_the_handset_is(self) -> None:
        assert STATES[self.world.state].lifted == self.lifted

    @invariant()
    def with_the_handset_down_nothing_is_heard_and_no_call_is_open(self) -> None:
        if not self.lifted:
            assert self.world.tone is None
            assert self.world.saying == ()
            assert self.world.open_calls == self.world.held
            assert bool(self.world.held) == (self.world.state is LineState.RECALL)
            assert not self.world.line.muted
            assert self.world.state in {LineState.IDLE, LineState.RINGING, LineState.RECALL}

    @invariant()
    def the_bell_rings_only_on_the_hook_and_only_for_a_call(self) -> None:
        if self.world.ring is not None:
            assert not self.lifted
            assert self.world.offered or self.world.held

    @invariant()
    def a_conversation_is_not_disturbed(self) -> None:
        if self.world.state in {LineState.TALKING, LineState.WAITING}:
            said = [each.prompt for each in self.world.saying]
            assert set(said) <= OVER_A_CALL
            waiting = self.world.state is LineState.WAITING and not said
            assert self.world.tone is (Tone.CALL_WAITING if waiting else None)
            assert self.world.open_calls - self.world.held

    @invariant()
    def the_line_is_never_dead(self) -> None:
        world = self.world
        if self.lifted and not world.open_calls and world.state not in SILENT_ON_PURPOSE:
            assert world.tone is not None or world.saying

    @invariant()
    def calls_are_few_and_none_is_lost(self) -> None:
        legs = self.world.line.legs
        mine = {leg.number for leg in (legs.active, legs.held) if leg is not None}
        assert mine == self.world.open_calls
        assert {legs.held.number} == self.world.held if legs.held else not self.world.held
        assert {legs.offered.number} == self.world.offered if legs.offered else True
        assert len(self.world.offered) <= 1

    @invariant()
    def lamps_words_and_time_are_in_order(self) -> None:
        world = self.world
        assert (world.lamps[Lamp.MUTE] == DARK) is not world.line.muted
        for each in world.saying:
            assert (each.prompt in VALUES) == bool(each.value)
        due = world.line.deadline()
        assert due is None or due > world.now


PEOPLE = settings(max_examples=150, stateful_step_count=40, deadline=None)
# It ends with the first find; the bound is far beyond what any control needs, so that none misses.
SPOILT = settings(
    PEOPLE,
    max_examples=5000,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    print_blob=False,
    database=None,
)

TestPeople = People.TestCase
TestPeople.settings = PEOPLE


def without(effect: Effect) -> Callable[[pytest.MonkeyPatch], None]:
    def spoil(patch: pytest.MonkeyPatch) -> None:
        patch.setitem(desk._EFFECTS, effect, lambda _desk: None)

    return spoil


@pytest.mark.parametrize(
    "effect",
    [
        Effect.HANG_UP_ALL,
        Effect.LEAVE,
        Effect.FORGET,
        Effect.HOLD,
        Effect.RESUME,
        Effect.MISS,
    ],
)
def test_control_a_line_that_forgets_one_effect_is_found_out(
    effect: Effect, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(effect)(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(People, settings=SPOILT)


def test_control_the_world_sees_a_call_hung_up() -> None:
    world = World()
    leg = world.talk()
    world.lay()
    assert world.asked(do.HangUp) == [do.HangUp(leg)]
