"""What the line wants heard becomes commands; a new engine is told what the old one knew."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from offhook.app.voice import Voice, VoiceTerms, bells
from offhook.base.schema.prompt_language import prompt_language
from offhook.base.schema.tone_plan import tone_plan
from offhook.base.vocabulary import PromptId, Ring, Sentence, Tone
from offhook.phone.line import actions as do
from offhook.phone.line.memory import Memory
from offhook.protocols.media import handset_messages as ask
from offhook.protocols.media.volume import ear_gain_db, ringer_gain_db

GERMANY = tone_plan("DE")
WORDS = (Sentence(PromptId.NO_CALL),)


@dataclass
class Desk:
    bell: bool = True
    posted: list[ask.HandsetCommand] = field(default_factory=list)
    spoken: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        terms = VoiceTerms(
            GERMANY,
            prompt_language("en"),
            -18.0,
            bells=bells("DE") if self.bell else {},
        )
        self.voice = Voice(
            self.posted.append, terms, Memory(ear_step=4), lambda *told: self.spoken.append(told)
        )

    def does(self, *actions: do.Action) -> list[ask.HandsetCommand]:
        """Carry these out; what was posted because of them."""
        del self.posted[:]
        for action in actions:
            self.voice.carry_out(action)
        return list(self.posted)


def test_a_tone_is_the_countrys_and_a_key_sounds_over_it() -> None:
    dial, key, stop = Desk().does(do.PlayTone(Tone.DIAL), do.KeyTone("5"), do.StopTone())
    assert dial == ask.PlayTone(GERMANY.dial)
    assert isinstance(key, ask.Beep)
    assert stop == ask.StopTone()


@pytest.mark.parametrize("tone", Tone)
def test_every_tone_of_the_line_is_one_of_the_plans(tone: Tone) -> None:
    (played,) = Desk().does(do.PlayTone(tone))
    assert isinstance(played, ask.PlayTone)


def test_a_sentence_is_said_by_its_fragments_and_told_when_it_is_said() -> None:
    desk = Desk()
    (said,) = desk.does(do.Say(WORDS, 9))
    assert isinstance(said, ask.Say)
    assert (said.utterance, said.language) == (9, "en")
    assert said.fragments
    desk.voice.take(ask.Spoken(9))
    assert desk.spoken == [(9, "")]


def test_a_sentence_that_can_not_be_composed_is_told_at_once() -> None:
    desk = Desk()
    assert desk.does(do.Say((Sentence(PromptId.OWN_NUMBER),), 3)) == []
    ((utterance, reason),) = desk.spoken
    assert utterance == 3
    assert reason


def test_the_bell_rings_at_its_own_volume_and_not_at_all_at_step_0() -> None:
    desk = Desk()
    ring, stop = desk.does(do.StartRing(Ring.CALL, 5), do.StopRing())
    assert ring == ask.PlayTone(bells("DE")[Ring.CALL], ringer_gain_db(5))
    assert stop == ask.StopTone()
    assert desk.does(do.StartRing(Ring.CALL, 0), do.StopRing()) == []
    assert Desk(bell=False).does(do.StartRing(Ring.CALL, 5), do.StopRing()) == []


def test_the_bell_has_the_cadence_of_the_countrys_ring_back() -> None:
    cadence = bells("GB")[Ring.CALL].cadence
    assert [segment.ms for segment in cadence] == [400, 200, 400, 2000]
    assert [bool(segment.hz) for segment in cadence] == [True, False, True, False]


def test_a_new_engine_is_told_volume_mute_levels_and_what_sounded() -> None:
    desk = Desk()
    desk.voice.lifted(off_hook=True)
    desk.voice.watch_levels(wanted=True)
    desk.does(do.SetMute(muted=True), do.SetVolume(do.Volume.EAR, 9), do.PlayTone(Tone.RINGBACK))
    del desk.posted[:]
    desk.voice.start()
    assert desk.posted[0] == ask.SetVolume(ear_gain_db(9), -18.0)
    assert set(map(type, desk.posted)) == {
        ask.SetVolume,
        ask.SetMute,
        ask.WatchLevels,
        ask.OpenHandset,
        ask.PlayTone,
    }


def test_a_new_engine_begins_with_the_volume_that_was_kept() -> None:
    desk = Desk()
    desk.voice.start()
    assert desk.posted == [ask.SetVolume(ear_gain_db(4), -18.0)]


def test_what_the_old_engine_was_saying_is_said_by_the_next_one_and_then_told_as_unsaid() -> None:
    desk = Desk()
    desk.does(do.Say(WORDS, 2))
    (said,) = desk.posted
    desk.voice.start()
    assert desk.posted[-1] == said
    assert desk.spoken == []
    desk.voice.start()
    assert [utterance for utterance, _ in desk.spoken] == [2]
    desk.voice.start()
    assert len(desk.spoken) == 1


def test_the_end_of_what_was_said_before_is_not_the_end_of_what_is_said_now() -> None:
    desk = Desk()
    desk.does(do.Say(WORDS, 2), do.Hush(), do.Say(WORDS, 3))
    said = desk.posted[-1]
    desk.voice.take(ask.Spoken(2))
    desk.voice.start()
    assert desk.posted[-1] == said, "an engine that is started anew says it again"


def test_words_that_are_not_rendered_are_no_fault_of_the_sound() -> None:
    desk = Desk()
    desk.does(do.Say(WORDS, 2))
    desk.voice.take(ask.Spoken(2, "no file"))
    assert desk.voice.fault == ""
    assert desk.spoken == [(2, "no file")]


def test_a_fault_of_the_sound_stands_until_a_card_is_found() -> None:
    desk = Desk()
    desk.voice.take(ask.SoundLost("unplugged"))
    assert desk.voice.fault == "unplugged"
    desk.voice.take(ask.SoundFound("USB Audio"))
    assert desk.voice.fault == ""


def test_levels_are_those_of_the_handset_that_is_lifted() -> None:
    desk = Desk()
    desk.voice.take(ask.Levels(-30.0, -20.0))
    assert desk.voice.levels == ask.Levels(-30.0, -20.0)
    desk.voice.lifted(off_hook=False)
    assert desk.voice.levels is None
