"""Two people compare a string: offered once, asked for by a code, answered by a key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.phone.line.world import World

from offhook.base.vocabulary import Lamp, PromptId, Sentence
from offhook.phone.call.call_events import Answered, Heard, Over, Rang, SasKnown, Warned
from offhook.phone.call.keys_in_use import Sas
from offhook.phone.call.record import Cause, Outcome
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line import lamps
from offhook.phone.line.states import COMPARING_S, LineState

SAS = Sas(("a", "3", "k", "7"))
E2E, VERIFIED = TrustLevel.END_TO_END, TrustLevel.VERIFIED


def with_sas(sas: Sas = SAS) -> tuple[World, int]:
    """A conversation in which there is something to compare, and whatever it says is said."""
    world = World()
    leg = world.talk()
    world.change(leg, SasKnown(sas), trust=E2E)
    world.feed(on.Spoken())
    world.said.clear()
    return world, leg


def ask(world: World) -> None:
    world.flash()
    world.press("#15")


def test_at_the_first_meeting_it_is_offered_once() -> None:
    world = World()
    leg = world.talk()
    world.change(leg, SasKnown(SAS), trust=E2E)
    assert world.saying == (Sentence(PromptId.SAS_OFFER),)
    world.feed(on.Spoken())
    world.change(leg, SasKnown(replace(SAS, mismatch=False)), trust=E2E)
    assert not world.saying


@pytest.mark.parametrize("sas", [replace(SAS, first=False), replace(SAS, verified=True)])
def test_nobody_is_bothered_again_by_a_peer_that_was_met_before(sas: Sas) -> None:
    world = World()
    leg = world.talk()
    world.change(leg, SasKnown(sas), trust=E2E)
    assert not world.saying


def test_nothing_is_offered_in_an_emergency_call() -> None:
    world = World()
    leg = world.call("112")
    for event in (Rang(), Answered(), Heard(), SasKnown(SAS)):
        world.change(leg, event, trust=E2E)
    assert not world.saying
    world.change(leg, Warned(Caution.MISMATCH), trust=E2E)
    assert world.saying == (Sentence(PromptId.WARN_MISMATCH),)


def test_the_code_says_what_to_compare_twice_and_which_keys_answer() -> None:
    world, _ = with_sas()
    ask(world)
    told = Sentence(PromptId.SAS_TELL, "a 3 k 7")
    assert world.saying == (told, told, Sentence(PromptId.SAS_KEYS))
    world.feed(on.Spoken())
    assert world.state is LineState.TALKING
    assert not world.held


@pytest.mark.parametrize(("key", "same"), [("1", True), ("2", False)])
def test_a_key_says_what_two_people_found_and_does_not_go_to_the_other_side(
    key: str,
    same: bool,
) -> None:
    world, leg = with_sas()
    ask(world)
    world.feed(on.Spoken())
    world.press("5")
    world.press(key)
    world.press(key)
    assert world.asked(do.CompareSas) == [do.CompareSas(leg, same)]
    assert world.asked(do.SendDigit) == [do.SendDigit(leg, "5"), do.SendDigit(leg, key)]


def test_a_key_of_a_menu_never_verifies_a_call() -> None:
    world = World()
    leg = world.talk()
    world.change(leg, SasKnown(SAS), trust=E2E)
    world.press("12")
    assert not world.asked(do.CompareSas)
    assert len(world.asked(do.SendDigit)) == 2


def test_the_keys_answer_for_a_while_only_and_only_in_that_call() -> None:
    world, leg = with_sas()
    ask(world)
    world.feed(on.Spoken())
    world.wait(COMPARING_S)
    world.press("1")
    ask(world)
    world.feed(on.Spoken())
    world.flash()
    world.press("030789#")
    other = world.placed[-1].leg
    world.change(other, Answered())
    world.press("1")
    assert not world.asked(do.CompareSas)
    assert world.asked(do.SendDigit) == [do.SendDigit(leg, "1"), do.SendDigit(other, "1")]


def test_what_was_found_the_same_is_confirmed_with_the_trust_as_it_is_now() -> None:
    world, leg = with_sas()
    same = replace(SAS, compared=True, verified=True)
    world.change(leg, SasKnown(same), trust=VERIFIED)
    assert world.saying == (Sentence(PromptId.SAS_SAME), Sentence(PromptId.TRUST_VERIFIED))
    assert world.lamps[Lamp.SECURITY] == lamps.VERIFIED
    world.feed(on.Spoken())
    world.change(leg, SasKnown(same), trust=VERIFIED)
    assert not world.saying


def test_what_differs_is_warned_of_aloud_and_shown() -> None:
    world, leg = with_sas()
    differs = (Caution.DIFFERENT,)
    world.change(leg, Warned(Caution.DIFFERENT), trust=TrustLevel.NONE, cautions=differs)
    assert [each.prompt for each in world.saying] == [
        PromptId.WARN_DIFFERENT,
        PromptId.TRUST_LOWERED,
        PromptId.TRUST_NONE,
    ]
    assert world.lamps[Lamp.SECURITY] == lamps.LOWERED
    world.feed(on.Spoken())
    world.flash()
    world.press("*#04")
    assert world.saying == (Sentence(PromptId.TRUST_NONE), Sentence(PromptId.WARN_DIFFERENT))


def test_a_second_warning_does_not_cut_the_first_one_off() -> None:
    world, leg = with_sas()
    world.change(leg, Warned(Caution.GO_CLEAR), trust=E2E)
    world.change(leg, Warned(Caution.ATTACKED), trust=E2E)
    both = [Sentence(PromptId.WARN_GO_CLEAR), Sentence(PromptId.WARN_ATTACKED)]
    assert list(world.saying) == both
    world.feed(on.Spoken())
    world.change(leg, Warned(Caution.GO_CLEAR), trust=E2E)
    assert list(world.saying) == both[:1], "what was said to its end is not said again"


@pytest.mark.parametrize("caution", Caution)
def test_every_caution_has_words_of_its_own(caution: Caution) -> None:
    world, leg = with_sas()
    world.change(leg, Warned(caution), trust=E2E)
    assert len(world.saying) == 1


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_of_an_insecure_end_has_words_of_its_own(cause: Cause) -> None:
    world, leg = with_sas()
    world.change(leg, Over(Outcome.INSECURE, "over", cause), trust=E2E)
    assert world.state is LineState.ENDED
    (told,) = world.saying
    assert told.prompt is not PromptId.CALL_NOT_SECURE


def test_a_call_that_rose_a_little_is_still_less_safe_than_it_was() -> None:
    world = World()
    leg = world.talk()
    world.change(leg, Heard(), trust=VERIFIED)
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    world.feed(on.Spoken())
    world.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
    assert world.lamps[Lamp.SECURITY] == lamps.LOWERED
    assert not world.saying, "what was said is not said again"
    world.change(leg, Heard(), trust=VERIFIED)
    assert world.lamps[Lamp.SECURITY] == lamps.VERIFIED


def test_without_a_string_or_a_call_the_code_says_so() -> None:
    world = World()
    world.lift()
    assert world.ask("#15") == [Sentence(PromptId.NO_CALL)]
    world.lay()
    world.talk()
    world.flash()
    assert world.ask("#15") == [Sentence(PromptId.SAS_NONE)]
