from __future__ import annotations

import pytest
from tests.phone.line.world import TERMS, World

from offhook.base.vocabulary import Key, Lamp, PromptId, Ring, Sentence, Tone
from offhook.phone.call.call_events import Answered, Heard, HeardAgain, MediaSilent, Rang, Released
from offhook.phone.call.record import Outcome
from offhook.phone.call.trust import TrustLevel
from offhook.phone.input.events import RotaryDigit
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line import lamps
from offhook.phone.line.lamps import security_look
from offhook.phone.line.legs import Leg
from offhook.phone.line.states import LineState


def test_a_key_is_heard_while_the_handset_is_lifted_and_not_otherwise() -> None:
    world = World()
    world.press("5")
    assert not world.asked(do.KeyTone)
    world.lift()
    world.press("03#")
    assert world.asked(do.KeyTone) == [do.KeyTone("0"), do.KeyTone("3"), do.KeyTone("#")]


def test_lifting_gives_the_dial_tone_at_once() -> None:
    world = World()
    world.lift()
    assert world.ear() is Tone.DIAL


def test_the_dial_tone_stutters_while_messages_wait() -> None:
    world = World()
    world.feed(on.MessagesWaiting(2))
    assert world.lamps[Lamp.MESSAGE] == lamps.LIT
    world.lift()
    assert world.ear() is Tone.STUTTER
    world.feed(on.MessagesWaiting(0))
    assert world.ear() is Tone.DIAL
    assert world.lamps[Lamp.MESSAGE] == lamps.DARK


def test_the_first_key_stops_the_dial_tone() -> None:
    world = World()
    world.lift()
    world.press("0")
    assert world.ear() is None
    assert world.line.dialled == "0"


def test_a_number_ended_with_hash_is_called_at_once_without_the_hash() -> None:
    world = World()
    world.lift()
    world.press("030456#")
    assert world.placed == [do.PlaceCall(1, "030456", emergency=False)]


def test_a_number_is_called_after_a_pause() -> None:
    world = World()
    world.lift()
    world.press("030456")
    world.wait(TERMS.plan.next_digit_s - 0.1)
    assert not world.placed
    world.wait(0.1)
    assert world.placed[0].number == "030456"


def test_each_key_begins_the_pause_anew() -> None:
    world = World()
    world.lift()
    for key in "030456":
        world.press(key)
        world.wait(TERMS.plan.next_digit_s - 0.1)
    assert not world.placed


def test_a_rotary_dial_calls_too_and_flashes_stand_for_star_and_hash() -> None:
    world = World()
    world.lift()
    world.flash()
    world.flash()
    for digit in "01":
        world.feed(RotaryDigit(digit))
    assert world.said == [PromptId.OWN_NUMBER]
    world.feed(on.Spoken())
    for digit in "112":
        world.feed(RotaryDigit(digit))
    assert world.placed[0].number == "112"


def test_a_call_out_is_heard_ringing_answered_and_over() -> None:
    world = World()
    leg = world.call()
    assert world.ear() is None
    world.change(leg, Rang())
    assert world.ear() is Tone.RINGBACK
    world.change(leg, Answered())
    assert world.ear() is None
    world.over(leg)
    assert world.ear() is Tone.BUSY
    world.lay()
    assert world.state is LineState.IDLE
    assert world.ear() is None


@pytest.mark.parametrize("status", [486, 600])
def test_a_busy_other_side_is_heard_as_busy(status: int) -> None:
    world = World()
    world.over(world.call(), Outcome.REFUSED, status)
    assert world.ear() is Tone.BUSY
    assert not world.said


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [
        (Outcome.REFUSED, 503, PromptId.CALL_REFUSED),
        (Outcome.FAILED, None, PromptId.CALL_FAILED),
        (Outcome.INSECURE, 200, PromptId.CALL_NOT_SECURE),
    ],
)
def test_why_a_call_came_to_nothing_is_said_before_the_tone(
    outcome: Outcome, status: int | None, said: PromptId
) -> None:
    world = World()
    world.over(world.call(), outcome, status)
    assert world.said == [said]
    assert world.ear() is None
    world.feed(on.Spoken())
    assert world.ear() is Tone.CONGESTION


@pytest.mark.parametrize("status", [404, 410, 484, 604])
@pytest.mark.parametrize("rang", [False, True])
def test_a_number_that_does_not_exist_is_told_by_words_and_a_tone_of_its_own(
    status: int, rang: bool
) -> None:
    world = World()
    leg = world.call()
    if rang:
        world.change(leg, Rang())
    world.over(leg, Outcome.REFUSED, status)
    assert world.saying == (Sentence(PromptId.NUMBER_UNREACHABLE, str(status)),)
    assert world.ear() is None
    world.wait(5.0)
    world.feed(on.Spoken())
    assert world.ear() is Tone.SPECIAL_INFORMATION
    world.wait(10.0)
    assert world.ear() is Tone.CONGESTION
    world.flash()
    assert world.ear() is Tone.DIAL


def test_a_call_without_media_ends_with_its_reason() -> None:
    world = World()
    world.over(world.talk(), Outcome.NO_MEDIA)
    assert world.said == [PromptId.CALL_NO_MEDIA]


def test_a_call_that_could_not_even_begin_is_told() -> None:
    world = World()
    leg = world.call()
    world.open_calls.discard(leg)
    world.feed(on.LegFailed(leg))
    assert world.said == [PromptId.CALL_FAILED]


def test_words_whose_end_is_never_reported_end_all_the_same() -> None:
    world = World()
    world.over(world.call(), Outcome.FAILED, None)
    world.wait(25.0)
    assert world.ear() is None
    world.wait(10.0)
    assert world.ear() is Tone.HOWLER


def test_the_end_of_words_that_were_broken_off_is_no_news() -> None:
    world = World()
    world.lift()
    world.press("*#01")
    world.press("*#02")
    first, second = (each.utterance for each in world.done if isinstance(each, do.Say))
    world.line.receive(on.Spoken(first), world.now)
    assert world.state is LineState.SPEAKING
    world.feed(on.Spoken(second))
    assert world.ear() is Tone.DIAL


def test_a_call_in_rings_and_is_answered_by_lifting() -> None:
    world = World()
    leg = world.arrive()
    assert world.ring is Ring.CALL
    world.lift()
    assert world.ring is None
    assert world.ear() is None
    assert world.asked(do.AnswerCall) == [do.AnswerCall(leg)]
    world.change(leg, Answered())
    assert world.state is LineState.TALKING


def test_a_caller_who_gives_up_is_missed() -> None:
    world = World()
    world.over(world.arrive("030123"), Outcome.CANCELLED, 487)
    assert world.ring is None
    assert world.memory.history.missed[0].number == "030123"
    assert world.lamps[Lamp.MESSAGE] == lamps.BLINKING


def test_a_bell_that_nobody_hears_stops() -> None:
    world = World()
    world.arrive()
    world.wait(121.0)
    assert world.ring is None
    assert world.state is LineState.IDLE
    assert do.RefuseCall(1, do.Refusal.NO_ANSWER) in world.done


@pytest.mark.parametrize("way", ["dial tone", "dialling", "calling"])
def test_who_calls_a_busy_line_is_told_busy_and_noted(way: str) -> None:
    world = World()
    world.lift()
    world.press({"dial tone": "", "dialling": "0", "calling": "030456#"}[way])
    before = world.state
    leg = world.arrive()
    assert do.RefuseCall(leg, do.Refusal.BUSY) in world.done
    assert world.state is before
    assert world.memory.history.missed_count == 1


def test_keys_in_a_call_go_to_the_other_side() -> None:
    world = World()
    leg = world.talk()
    world.press("1*#")
    assert world.asked(do.SendDigit) == [do.SendDigit(leg, each) for each in "1*#"]


def test_mute_lights_its_lamp_and_ends_with_the_call() -> None:
    world = World()
    world.talk()
    world.feed(Key("mute"))
    assert world.line.muted
    assert world.lamps[Lamp.MUTE] == lamps.LIT
    world.lay()
    assert world.asked(do.SetMute) == [do.SetMute(True), do.SetMute(False)]
    assert world.lamps[Lamp.MUTE] == lamps.DARK
    world.feed(Key("mute"))
    assert not world.line.muted


def test_not_registered_is_told_by_words_then_tone_and_ends_with_the_reason() -> None:
    world = World(registered=False)
    world.feed(on.AccountDown(on.Trouble.REFUSED, 404))
    world.lift()
    assert world.said == [
        PromptId.NOT_REGISTERED,
        PromptId.WHY_REFUSED,
        PromptId.EMERGENCY_STILL,
    ]
    world.feed(on.Spoken())
    assert world.ear() is Tone.CONGESTION
    world.feed(on.AccountReady("4711"))
    assert world.ear() is Tone.DIAL


def test_not_registered_a_number_is_not_called() -> None:
    world = World(registered=False)
    world.lift()
    world.press("030456#")
    assert not world.placed
    assert world.state is LineState.NOT_REGISTERED


def test_the_registration_lost_at_the_dial_tone_is_told() -> None:
    world = World()
    world.lift()
    world.feed(on.AccountDown(on.Trouble.NO_NETWORK))
    assert PromptId.WHY_NO_NETWORK in world.said


def test_the_registration_lost_in_a_call_leaves_the_call_alone() -> None:
    world = World()
    leg = world.talk()
    world.feed(on.AccountDown(on.Trouble.NO_NETWORK))
    assert world.state is LineState.TALKING
    assert leg in world.open_calls
    assert not world.said


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("number", ["110", "112"])
def test_an_emergency_number_is_called_at_its_last_digit(registered: bool, number: str) -> None:
    world = World(registered=registered)
    world.lift()
    world.press(number)
    assert world.placed == [do.PlaceCall(1, number, emergency=True)]


def test_an_emergency_number_is_called_while_another_call_is_held() -> None:
    world = World()
    world.talk()
    world.flash()
    world.press("112")
    assert world.placed[-1].emergency


def test_an_emergency_number_under_a_speed_dial_key_needs_no_registration() -> None:
    world = World(registered=False)
    world.lift()
    world.press("#12")
    assert not world.placed
    world.lay()
    world.lift()
    world.press("*#12")
    assert world.placed == [do.PlaceCall(1, "112", emergency=True)]


def test_an_emergency_call_is_never_redialled() -> None:
    world = World()
    world.over(world.call("112"))
    world.lay()
    world.lift()
    assert [each.prompt for each in world.ask("#10")] == [PromptId.NOTHING_TO_REDIAL]


def test_a_handset_left_off_the_hook_ends_in_silence_and_a_flash_revives_it() -> None:
    world = World()
    world.lift()
    heard = []
    while world.state is not LineState.PARKED:
        heard.append(world.tone)
        due = world.line.deadline()
        assert due is not None
        world.wait(due - world.now)
    assert heard == [Tone.DIAL, Tone.CONGESTION, Tone.HOWLER]
    assert world.ear() is None
    world.flash()
    assert world.ear() is Tone.DIAL


def test_an_unknown_code_is_told() -> None:
    world = World()
    world.lift()
    world.press("***")
    assert world.said == [PromptId.UNKNOWN_CODE]


def test_a_code_that_is_never_completed_is_told() -> None:
    world = World()
    world.lift()
    world.press("*")
    world.wait(TERMS.plan.incomplete_s)
    assert world.said == [PromptId.UNKNOWN_CODE]
    assert world.state is LineState.REORDER


def test_a_trunks_code_goes_to_the_trunk_whole() -> None:
    world = World()
    world.lift()
    world.press("*21*030456#")
    assert world.placed[0].number == "*21*030456#"


def test_what_is_reported_of_a_call_hung_up_changes_nothing() -> None:
    world = World()
    leg = world.talk()
    world.lay()
    world.lift()
    before = len(world.done)
    world.over(leg)
    world.change(leg, Released())
    assert len(world.done) == before


def test_a_call_that_is_released_without_a_word_is_over() -> None:
    world = World()
    leg = world.talk()
    world.open_calls.discard(leg)
    world.change(leg, Released())
    assert world.state is LineState.ENDED


@pytest.mark.parametrize("trust", [TrustLevel.HOP_BY_HOP, TrustLevel.VERIFIED])
def test_when_the_other_is_heard_again_the_lamp_tells_the_trust_again(trust: TrustLevel) -> None:
    world = World()
    leg = world.talk()
    world.change(leg, MediaSilent(5000.0), trust=trust)
    assert world.lamps[Lamp.SECURITY] == lamps.UNPROVEN
    world.change(leg, HeardAgain(6500.0), trust=trust)
    assert world.lamps[Lamp.SECURITY] == security_look(
        Leg(leg, on.Caller(), trust=trust), registered=True
    )


def test_the_security_lamp_follows_what_really_happens() -> None:
    world = World(registered=False)
    seen = [world.lamps[Lamp.SECURITY]]

    def look() -> None:
        if seen[-1] != world.lamps[Lamp.SECURITY]:
            seen.append(world.lamps[Lamp.SECURITY])

    world.feed(on.AccountReady("4711"))
    look()
    leg = world.call()
    look()
    world.change(leg, Answered())
    look()
    world.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
    look()
    world.change(leg, MediaSilent(3000.0), trust=TrustLevel.HOP_BY_HOP)
    look()
    world.change(leg, Heard(), trust=TrustLevel.VERIFIED)
    look()
    world.change(leg, Rang(), trust=TrustLevel.HOP_BY_HOP)
    look()
    world.lay()
    look()
    assert seen == [
        lamps.DOWN,
        lamps.READY,
        lamps.UNPROVEN,
        lamps.HOP_BY_HOP,
        lamps.UNPROVEN,
        lamps.VERIFIED,
        lamps.LOWERED,
        lamps.READY,
    ]
