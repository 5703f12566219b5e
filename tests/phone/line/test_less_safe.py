"""A call that becomes less safe: said once, over the call, and never over anything else."""

from __future__ import annotations

from tests.phone.line.world import World

from offhook.base.vocabulary import Lamp, PromptId, Sentence, Tone
from offhook.phone.call.call_events import Answered, Heard, Rang
from offhook.phone.call.trust import TrustLevel
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line import lamps
from offhook.phone.line.states import LONGEST_PROMPT_S, LineState


def test_a_call_that_becomes_less_safe_says_so_while_it_goes_on() -> None:
    world = World()
    leg = world.talk()
    world.change(leg, Heard(), trust=TrustLevel.VERIFIED)
    assert not world.said, "more trust is only shown"
    world.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
    assert world.saying == (
        Sentence(PromptId.TRUST_LOWERED),
        Sentence(PromptId.TRUST_HOP_BY_HOP),
    )
    assert world.lamps[Lamp.SECURITY] == lamps.LOWERED
    world.press("5")
    assert world.asked(do.SendDigit) == [do.SendDigit(leg, "5")]
    assert world.saying, "a key does not stop it"
    world.feed(on.Spoken())
    assert world.state is LineState.TALKING
    world.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
    assert not world.saying, "it is said once"
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    assert world.said[-2:] == [PromptId.TRUST_LOWERED, PromptId.TRUST_NONE]
    world.lay()
    assert not world.saying


def test_words_of_a_less_safe_call_outlast_neither_the_call_nor_themselves() -> None:
    world = World()
    leg = world.talk()
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    world.wait(LONGEST_PROMPT_S)
    assert world.line.deadline() is None
    world.change(leg, Heard(), trust=TrustLevel.VERIFIED)
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    assert world.saying
    world.over(leg)
    assert not world.saying
    assert world.ear() is Tone.BUSY


def test_a_warning_goes_before_the_tone_of_a_call_that_waits() -> None:
    world = World()
    leg = world.talk()
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    world.arrive()
    assert world.saying
    assert world.ear() is None
    world.feed(on.Spoken())
    assert world.ear() is Tone.CALL_WAITING
    world.change(leg, Heard(), trust=TrustLevel.VERIFIED)
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    assert world.saying
    world.feed(on.Spoken())
    assert world.ear() is Tone.CALL_WAITING


def test_a_held_call_that_became_less_safe_is_told_when_the_person_is_back_in_it() -> None:
    world = World()
    leg = world.talk()
    world.flash()
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    assert world.ear() is Tone.DIAL
    assert not world.said
    world.press("030789#")
    world.change(world.placed[-1].leg, Rang())
    assert not world.said
    world.flash()
    assert world.said == [PromptId.TRUST_LOWERED, PromptId.TRUST_NONE]


def test_a_warning_is_not_heard_over_another_call() -> None:
    world = World()
    first = world.talk()
    world.flash()
    world.press("030789#")
    second = world.placed[-1].leg
    world.change(second, Answered())
    world.change(second, Heard(), trust=TrustLevel.VERIFIED)
    world.change(second, Heard(), trust=TrustLevel.NONE)
    assert world.saying
    world.flash()
    assert world.held == {second}
    assert not world.saying
    world.change(first, Heard(), trust=TrustLevel.NONE)
    assert world.saying, "what the present call has to tell is told"


def test_trust_that_fell_and_rose_again_while_held_is_no_news() -> None:
    world = World()
    leg = world.talk()
    world.flash()
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    world.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
    world.flash()
    assert not world.said
