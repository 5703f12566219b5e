from __future__ import annotations

import pytest
from tests.phone.line.world import TERMS, World

from offhook.base.schema.prompt_language import VALUES
from offhook.base.vocabulary import Key, PromptId, Sentence, Tone
from offhook.phone.call.call_events import Answered, Heard
from offhook.phone.call.trust import TrustLevel
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.memory import EAR_STEPS, RING_STEPS, Memory
from offhook.phone.line.states import LineState

CODES: dict[str, str] = {each.function: each.code for each in TERMS.codes.codes}


def lifted(*, registered: bool = True) -> World:
    world = World(registered=registered)
    world.lift()
    return world


def test_every_code_of_the_table_is_answered_by_words_or_a_call() -> None:
    for code in TERMS.codes.codes:
        world = lifted()
        world.press(code.code.replace("x", "7"))
        assert world.said, code.function
        assert world.state is LineState.SPEAKING
        world.feed(on.Spoken())
        assert world.tone is Tone.DIAL


def test_every_sentence_has_the_value_that_its_words_ask_for() -> None:
    for registered in (True, False):
        for code in TERMS.codes.codes:
            world = lifted(registered=registered)
            world.press(code.code.replace("x", "7"))
            for each in world.saying:
                assert (each.prompt in VALUES) == bool(each.value), each


def test_codes_are_carried_out_without_registration() -> None:
    world = lifted(registered=False)
    world.feed(on.AccountDown(on.Trouble.CREDENTIALS, 403))
    assert world.ask(CODES["why-not-registered"])[1] == Sentence(PromptId.WHY_CREDENTIALS)
    world.lay()
    world.lift()
    assert world.ask(CODES["own-number"]) == [Sentence(PromptId.OWN_NUMBER, "4711")]


def test_the_state_tells_of_registration_and_messages() -> None:
    world = World()
    world.feed(on.MessagesWaiting(3))
    world.lift()
    assert world.ask(CODES["state"]) == [
        Sentence(PromptId.REGISTERED),
        Sentence(PromptId.MESSAGES_WAITING, "3"),
    ]


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (TrustLevel.NONE, PromptId.TRUST_NONE),
        (TrustLevel.HOP_BY_HOP, PromptId.TRUST_HOP_BY_HOP),
        (TrustLevel.END_TO_END, PromptId.TRUST_END_TO_END),
        (TrustLevel.VERIFIED, PromptId.TRUST_VERIFIED),
    ],
)
def test_how_safe_the_call_is_is_said_as_it_was_stated(trust: TrustLevel, said: PromptId) -> None:
    world = World()
    leg = world.call()
    world.change(leg, Answered())
    world.change(leg, Heard(), trust=trust)
    world.flash()
    assert world.ask(CODES["call-security"]) == [Sentence(said)]


@pytest.mark.parametrize(
    ("number", "verified", "said"),
    [
        ("030123", False, Sentence(PromptId.CALLER, "030123")),
        ("030123", True, Sentence(PromptId.CALLER_VERIFIED, "030123")),
        ("", False, Sentence(PromptId.CALLER_UNKNOWN)),
    ],
)
def test_who_is_calling_is_said_with_what_proves_it(
    number: str, verified: bool, said: Sentence
) -> None:
    world = World()
    leg = world.arrive(number, verified=verified)
    world.lift()
    world.change(leg, Answered())
    world.flash()
    assert world.ask(CODES["who-is-calling"]) == [said]


@pytest.mark.parametrize("function", ["call-security", "who-is-calling"])
def test_without_a_call_there_is_none_to_tell_of(function: str) -> None:
    world = lifted()
    assert world.ask(CODES[function]) == [Sentence(PromptId.NO_CALL)]


def test_missed_callers_are_told_once_the_latest_first() -> None:
    world = World()
    for number in ("030111", "030222", "030222"):
        world.over(world.arrive(number))
    world.lift()
    assert world.ask(CODES["missed-callers"]) == [
        Sentence(PromptId.MISSED_CALLS, "3"),
        Sentence(PromptId.CALLER, "030222"),
        Sentence(PromptId.CALLER, "030111"),
    ]
    assert world.ask(CODES["missed-callers"]) == [Sentence(PromptId.NO_MISSED_CALLS)]
    assert world.ask(CODES["last-caller"]) == [Sentence(PromptId.LAST_CALLER, "030222")]


def test_missed_callers_not_heard_to_the_end_stay_missed() -> None:
    world = World()
    world.over(world.arrive("030111"))
    world.lift()
    world.press(CODES["missed-callers"])
    world.lay()
    assert world.memory.history.missed_count == 1


def test_whether_the_person_is_muted_is_said() -> None:
    world = lifted()
    assert world.ask(CODES["mute-state"]) == [Sentence(PromptId.NOT_MUTED)]
    world.feed(Key("mute"))
    assert world.ask(CODES["mute-state"]) == [Sentence(PromptId.MUTED)]


def test_redial_calls_the_last_number_even_after_a_restart() -> None:
    world = World()
    world.over(world.call("030456#"))
    again = World(memory=world.memory)
    again.lift()
    again.press(CODES["redial"])
    assert again.placed[0].number == "030456"


def test_speed_dial_calls_what_is_kept_under_the_key() -> None:
    world = lifted()
    world.press("*#11")
    assert world.placed[0].number == "030111"


def test_an_empty_speed_dial_key_says_so() -> None:
    assert lifted().ask("*#19") == [Sentence(PromptId.SPEED_DIAL_EMPTY, "9")]


@pytest.mark.parametrize(
    ("louder", "softer", "steps", "volume"),
    [
        ("ear-louder", "ear-softer", EAR_STEPS, do.Volume.EAR),
        ("ring-louder", "ring-softer", RING_STEPS, do.Volume.RING),
    ],
)
def test_volumes_go_by_steps_stop_at_their_ends_and_are_kept(
    louder: str, softer: str, steps: range, volume: do.Volume
) -> None:
    world = lifted()
    for _ in range(12):
        world.ask(CODES[louder])
    assert world.asked(do.SetVolume)[-1] == do.SetVolume(volume, steps[-1])
    for _ in range(12):
        world.ask(CODES[softer])
    assert world.asked(do.SetVolume)[-1] == do.SetVolume(volume, steps[0])
    again = World(memory=Memory.from_document(world.memory.to_document()))
    assert do.SetVolume(volume, steps[0]) in again.done


def test_a_factory_reset_takes_two_codes() -> None:
    world = lifted()
    assert world.ask(CODES["reset-arm"]) == [Sentence(PromptId.RESET_ARMED, "30")]
    assert not world.asked(do.ResetEverything)
    assert world.ask(CODES["reset-confirm"]) == [Sentence(PromptId.RESET_DONE)]
    assert len(world.asked(do.ResetEverything)) == 1


def test_the_second_code_alone_resets_nothing() -> None:
    world = lifted()
    assert world.ask(CODES["reset-confirm"]) == [Sentence(PromptId.RESET_NOT_ARMED)]
    assert not world.asked(do.ResetEverything)


def test_the_second_code_resets_nothing_twice() -> None:
    world = lifted()
    world.ask(CODES["reset-arm"])
    world.ask(CODES["reset-confirm"])
    world.ask(CODES["reset-confirm"])
    assert len(world.asked(do.ResetEverything)) == 1


@pytest.mark.parametrize("between", ["late", "laid down", "another code", "a call"])
def test_anything_between_the_two_codes_disarms_the_reset(between: str) -> None:
    world = lifted()
    world.ask(CODES["reset-arm"])
    match between:
        case "late":
            world.wait(19.0)
            world.flash()
            world.wait(11.5)
            world.lay()
            world.lift()
        case "laid down":
            world.lay()
            world.lift()
        case "another code":
            world.ask(CODES["own-number"])
        case "a call":
            world.press("030456#")
            world.over(world.placed[0].leg)
            world.flash()
    world.press(CODES["reset-confirm"])
    assert not world.asked(do.ResetEverything)


def test_the_time_for_the_second_code_is_the_tables() -> None:
    for waited, resets in ((29.0, 1), (30.5, 0)):
        world = lifted()
        world.press(CODES["reset-arm"])
        world.wait(waited)
        world.press(CODES["reset-confirm"])
        assert len(world.asked(do.ResetEverything)) == resets


def test_no_reset_while_a_call_is_held() -> None:
    world = World()
    world.talk()
    world.flash()
    world.press(CODES["reset-arm"])
    assert world.said == [PromptId.RESET_NOT_ARMED]
