from __future__ import annotations

from dataclasses import replace

import pytest
from tests.phone.line.world import TERMS, World

from offhook.base.vocabulary import Key, PromptId, Ring, Tone
from offhook.phone.call.call_events import Answered
from offhook.phone.call.record import Outcome
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.states import LineState


def state_of(world: World) -> LineState:
    """The state, which a type checker doesn't take for unchanged."""
    return world.state


def waiting() -> tuple[World, int, int]:
    """A conversation, and another call that waits."""
    world = World()
    first = world.talk()
    second = world.arrive("030999")
    assert world.state is LineState.WAITING
    return world, first, second


def consulting() -> tuple[World, int, int]:
    """A call held, and a second one in conversation."""
    world = World()
    first = world.talk()
    world.flash()
    world.press("030789#")
    second = world.placed[-1].leg
    world.change(second, Answered())
    return world, first, second


def test_a_second_call_is_heard_as_call_waiting_tone_and_never_as_the_bell() -> None:
    world, _, _ = waiting()
    assert world.tone is Tone.CALL_WAITING
    assert world.ring is None


def test_without_call_waiting_the_second_caller_hears_busy() -> None:
    world = World(terms=replace(TERMS, call_waiting=False))
    world.talk()
    leg = world.arrive()
    assert do.RefuseCall(leg, do.Refusal.BUSY) in world.done
    assert world.tone is None


def test_a_flash_holds_the_first_and_answers_the_second() -> None:
    world, first, second = waiting()
    world.flash()
    assert world.held == {first}
    assert do.AnswerCall(second) in world.done
    world.change(second, Answered())
    assert world.state is LineState.TALKING
    assert world.tone is None


def test_a_flash_with_two_calls_swaps_them() -> None:
    world, first, second = consulting()
    world.flash()
    assert world.held == {second}
    assert world.state is LineState.TALKING
    world.flash()
    assert world.held == {first}


def test_a_waiting_call_that_gives_up_leaves_the_conversation_in_peace() -> None:
    world, first, second = waiting()
    world.over(second, Outcome.CANCELLED, 487)
    assert world.state is LineState.TALKING
    assert world.tone is None
    assert first in world.open_calls
    assert world.memory.history.missed[0].number == "030999"


def test_a_waiting_call_that_nobody_takes_is_refused_after_a_while() -> None:
    world, _, second = waiting()
    world.wait(121.0)
    assert do.RefuseCall(second, do.Refusal.NO_ANSWER) in world.done
    assert world.state is LineState.TALKING


def test_laying_down_while_a_call_waits_ends_the_first_and_rings_for_the_second() -> None:
    world, first, second = waiting()
    world.lay()
    assert do.HangUp(first) in world.done
    assert world.ring is Ring.RECALL
    world.lift()
    assert do.AnswerCall(second) in world.done


def test_after_the_conversation_the_waiting_call_is_taken_by_a_flash() -> None:
    world, first, second = waiting()
    world.over(first)
    assert world.tone is Tone.CALL_WAITING
    world.flash()
    world.change(second, Answered())
    assert world.state is LineState.TALKING


def test_a_third_call_is_refused_as_busy() -> None:
    world, _, _ = waiting()
    third = world.arrive("030333")
    assert do.RefuseCall(third, do.Refusal.BUSY) in world.done
    other, _, _ = consulting()
    third = other.arrive("030333")
    assert do.RefuseCall(third, do.Refusal.BUSY) in other.done


def test_a_flash_in_a_call_holds_it_and_gives_a_dial_tone() -> None:
    world = World()
    leg = world.talk()
    world.flash()
    assert world.tone is Tone.DIAL
    assert world.held == {leg}
    world.flash()
    assert world.held == set()
    assert world.state is LineState.TALKING


def test_a_held_call_stays_held_until_the_person_comes_back() -> None:
    world = World()
    leg = world.talk()
    world.flash()
    world.wait(31.0)
    assert state_of(world) is LineState.KEPT
    assert world.tone is None
    world.wait(600.0)
    assert world.held == {leg}
    world.flash()
    assert world.state is LineState.TALKING
    assert world.held == set()


def test_another_call_can_be_dialled_after_the_dial_tone_has_ended() -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.wait(31.0)
    world.press("030789#")
    assert world.placed[-1].number == "030789"
    assert world.held == {first}


def test_a_second_call_that_failed_and_was_left_alone_ends_in_the_dial_tone() -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.press("030789#")
    world.over(world.placed[-1].leg, Outcome.REFUSED, 486)
    world.wait(30.5)
    assert world.state is LineState.HELD
    assert world.tone is Tone.DIAL
    assert world.held == {first}


def test_a_held_call_that_is_hung_up_is_heard() -> None:
    world = World()
    leg = world.talk()
    world.flash()
    world.over(leg)
    assert world.state is LineState.ENDED


def test_when_the_second_call_fails_a_flash_goes_back_to_the_first() -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.press("030789#")
    second = world.placed[-1].leg
    world.over(second, Outcome.REFUSED, 486)
    assert world.tone is Tone.BUSY
    world.flash()
    assert world.state is LineState.TALKING
    assert world.open_calls == {first}
    assert world.held == set()


def test_a_flash_while_the_second_is_called_gives_it_up() -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.press("030789#")
    second = world.placed[-1].leg
    world.flash()
    assert do.HangUp(second) in world.done
    assert do.ResumeCall(first) in world.done
    assert world.state is LineState.TALKING


def test_laying_down_ends_the_present_call_and_rings_for_the_held_one() -> None:
    world, first, second = consulting()
    world.lay()
    assert world.asked(do.HangUp) == [do.HangUp(second)]
    assert world.ring is Ring.RECALL
    assert world.held == {first}, "nobody listens while the bell rings"
    world.lift()
    assert world.state is LineState.TALKING
    assert world.ring is None
    assert world.open_calls == {first}
    assert world.held == set()
    world.lay()
    assert world.open_calls == set()
    assert world.state is LineState.IDLE


def test_a_held_call_that_nobody_comes_back_to_is_ended() -> None:
    world, first, _ = consulting()
    world.lay()
    world.wait(61.0)
    assert do.HangUp(first) in world.done
    assert world.ring is None
    assert world.state is LineState.IDLE


def test_a_held_call_that_is_hung_up_while_the_bell_rings_for_it_stops_the_bell() -> None:
    world, first, _ = consulting()
    world.lay()
    world.over(first)
    assert world.ring is None
    assert world.state is LineState.IDLE
    assert not world.memory.history.missed


@pytest.mark.parametrize("way", ["dial tone", "dialling", "calling", "over"])
def test_whatever_was_begun_beside_a_held_call_ends_when_the_handset_is_laid_down(way: str) -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.press({"dial tone": "", "dialling": "0"}.get(way, "030789#"))
    if way == "over":
        world.over(world.placed[-1].leg, Outcome.REFUSED, 486)
    world.feed(Key("mute"))
    world.lay()
    assert world.state is LineState.RECALL
    assert world.open_calls == world.held == {first}
    assert world.tone is None
    assert not world.line.muted


def test_registered_again_a_held_call_is_not_forgotten() -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.feed(on.AccountDown(on.Trouble.NO_NETWORK))
    world.press("030789#")
    assert state_of(world) is LineState.NOT_REGISTERED
    world.feed(on.AccountReady("4711"))
    assert state_of(world) is LineState.HELD
    assert world.tone is Tone.DIAL
    world.flash()
    assert world.state is LineState.TALKING
    assert world.open_calls == {first}


def test_a_flash_while_a_second_call_is_being_taken_gives_it_up() -> None:
    world, first, second = waiting()
    world.flash()
    world.flash()
    assert do.HangUp(second) in world.done
    assert world.state is LineState.TALKING
    assert world.open_calls == {first}


def test_who_calls_while_the_bell_rings_for_a_held_call_hears_busy() -> None:
    world, _, _ = consulting()
    world.lay()
    third = world.arrive("030333")
    assert do.RefuseCall(third, do.Refusal.BUSY) in world.done
    assert world.ring is Ring.RECALL


def test_with_two_calls_an_emergency_number_needs_no_more_than_the_hook() -> None:
    world, _, _ = consulting()
    world.lay()
    world.lift()
    world.flash()
    world.press("112")
    assert world.placed[-1] == do.PlaceCall(world.placed[-1].leg, "112", emergency=True)


def test_what_is_asked_in_a_call_is_about_that_call_and_then_it_goes_on() -> None:
    world = World()
    leg = world.talk()
    world.flash()
    world.press("*#04")
    assert world.said == [PromptId.TRUST_HOP_BY_HOP]
    world.feed(on.Spoken())
    assert world.state is LineState.TALKING
    assert world.held == set()
    assert world.open_calls == {leg}
