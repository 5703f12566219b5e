"""What the ear gets of calls, tone and speech, chunk by chunk, without a thread."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.app.engine.mixer import SILENCE, UNDER_SPEECH_DB, Mixer
from offhook.base.schema.tone_plan import ToneSegment, ToneShape
from offhook.protocols.media.tones import ToneGenerator
from offhook.shells.audio.port import COMMON, Port

DIAL = ToneShape(cadence=(ToneSegment(hz=(425,)),))
BEEP = ToneShape(once=(ToneSegment(hz=(1000,), ms=30),))


def voice(hz: int = 1000, peak: int = 8000, chunks: int = 1) -> bytes:
    n = np.arange(COMMON.samples * chunks)
    return (peak * np.sin(2 * np.pi * hz * n / COMMON.rate)).astype(np.int16).tobytes()


def peak(pcm: bytes) -> int:
    return int(np.abs(np.frombuffer(pcm, np.int16).astype(int)).max())


class Ear:
    """A mixer, and all that it told."""

    def __init__(self) -> None:
        self.said: list[int] = []
        self.quiet = 0
        self.levels: list[tuple[float, float]] = []
        self.mixer = Mixer(self.said.append, self._hush, lambda *both: self.levels.append(both))

    def _hush(self) -> None:
        self.quiet += 1

    def hears(self, chunks: int = 1, mouth: bytes = SILENCE) -> bytes:
        return b"".join(self.mixer.turn(mouth) for _ in range(chunks))

    def call(self, plays: bytes) -> list[bytes]:
        """A call that plays this in each chunk; what it gets to send."""
        got: list[bytes] = []

        def on_period(captured: bytes) -> bytes:
            got.append(captured)
            return plays

        port = Port(lambda _port, _opened: None)
        port.open(COMMON, on_period)
        self.mixer.ports = (*self.mixer.ports, port)
        return got


def test_with_nothing_to_hear_there_is_silence() -> None:
    ear = Ear()
    assert ear.hears(3) == 3 * SILENCE
    assert not ear.mixer.sounds


def test_a_tone_is_heard_in_the_very_next_chunk_and_ends_softly_within_two() -> None:
    ear = Ear()
    ear.mixer.play(ToneGenerator(DIAL, COMMON.rate), None)
    assert peak(ear.hears()) > 1000
    ear.hears(20)
    ear.mixer.stop_tone()
    ear.hears(2)
    assert ear.hears() == SILENCE
    assert ear.quiet == 1
    assert not ear.mixer.sounds


def test_a_tone_replaces_the_one_before() -> None:
    ear = Ear()
    ear.mixer.play(ToneGenerator(DIAL, COMMON.rate), None)
    ear.hears(5)
    ear.mixer.play(ToneGenerator(BEEP, COMMON.rate), None)
    ear.hears(10)
    assert ear.hears() == SILENCE


def test_the_ear_volume_holds_for_calls_tones_and_speech_but_not_for_a_bell() -> None:
    def loudest(*, bell: bool, ear_db: float) -> int:
        ear = Ear()
        ear.mixer.ear_db = ear_db
        ear.mixer.play(ToneGenerator(DIAL, COMMON.rate), -6.0 if bell else None)
        return peak(ear.hears(10))

    assert loudest(bell=False, ear_db=-20.0) == pytest.approx(
        0.1 * loudest(bell=False, ear_db=0.0), rel=0.02
    )
    assert loudest(bell=True, ear_db=-20.0) == loudest(bell=True, ear_db=0.0)


def test_speech_is_heard_whole_over_a_quieter_call_and_told_when_it_ends() -> None:
    ear = Ear()
    ear.call(voice(300, 4000))
    before = peak(ear.hears(4))
    ear.mixer.say(7, voice(chunks=3)[:-100])
    during = ear.hears(3)
    assert (ear.said, ear.quiet) == ([7], 1)
    assert peak(during) == pytest.approx(8000 + 4000 * 10 ** (UNDER_SPEECH_DB / 20), rel=0.1)
    assert peak(ear.hears(4)) == before


def test_what_is_hushed_or_replaced_is_not_told_as_said() -> None:
    ear = Ear()
    ear.mixer.say(1, voice(chunks=50))
    ear.hears(3)
    ear.mixer.say(2, voice(chunks=2))
    ear.hears(1)
    ear.mixer.hush()
    assert ear.hears() == SILENCE
    assert ear.said == []


def test_a_call_gets_the_mouth_and_silence_while_muted_or_while_the_card_is_gone() -> None:
    ear = Ear()
    sent = ear.call(SILENCE)
    mouth = voice()
    ear.hears(1, mouth)
    ear.mixer.muted = True
    ear.hears(1, mouth)
    ear.hears(1, b"")
    ear.mixer.muted = False
    ear.hears(1, b"")
    ear.hears(1, mouth)
    assert sent == [mouth, SILENCE, SILENCE, SILENCE, mouth]


def test_two_calls_are_heard_together_and_never_turn_over() -> None:
    ear = Ear()
    ear.call(voice(400, 30000))
    ear.call(voice(400, 30000))
    heard = np.frombuffer(ear.hears(2), np.int16)
    assert heard.max() == 32767
    assert heard.min() == -32768
    steps = np.abs(np.diff(heard.astype(int)))
    assert steps.max() < 8000


def test_levels_are_told_as_often_as_asked_and_of_what_is_sent_and_heard() -> None:
    ear = Ear()
    ear.mixer.watch(100)
    ear.hears(25, voice(peak=32767))
    assert len(ear.levels) == 2
    mouth, heard = ear.levels[0]
    assert mouth == pytest.approx(-3.0, abs=0.1)
    assert heard == -96.0
    ear.mixer.watch(0)
    ear.hears(50)
    assert len(ear.levels) == 2


def test_a_key_is_heard_over_the_tone_that_goes_on_under_it() -> None:
    ear = Ear()
    ear.mixer.play(ToneGenerator(DIAL, COMMON.rate), None)
    alone = peak(ear.hears(5))
    ear.mixer.beep(voice(2000, 5000, 3)[:-10])
    assert peak(ear.hears(3)) == pytest.approx(alone + 5000, rel=0.05)
    assert peak(ear.hears(5)) == alone
    assert ear.quiet == 0


def test_wishes_for_silence_are_no_sound_and_none_is_waited_for() -> None:
    ear = Ear()
    ear.mixer.hush()
    ear.mixer.stop_tone()
    ear.mixer.watch(100)
    assert not ear.mixer.sounds


def test_speech_that_is_hushed_leaves_quiet_behind() -> None:
    ear = Ear()
    ear.mixer.say(1, voice(chunks=50))
    ear.hears(3)
    ear.mixer.hush()
    assert ear.mixer.sounds
    ear.hears()
    assert (ear.mixer.sounds, ear.quiet) == (False, 1)
    ear.mixer.play(ToneGenerator(DIAL, COMMON.rate), None)
    ear.mixer.stop_tone()
    ear.hears()
    assert (ear.mixer.sounds, ear.quiet) == (False, 2)


@pytest.mark.parametrize(("every_ms", "told"), [(1, 10), (10, 10), (50, 10), (-1, 0), (0, 0)])
def test_levels_are_never_a_flood(every_ms: int, told: int) -> None:
    ear = Ear()
    ear.mixer.watch(every_ms)
    ear.hears(50)
    assert len(ear.levels) == told
