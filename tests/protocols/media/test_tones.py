from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.schema.tone_plan import (
    FULL_SCALE_DBM0,
    TONE_NAMES,
    ToneSegment,
    ToneShape,
    tone_countries,
    tone_plan,
)
from offhook.protocols.media.tones import EDGE_MS, ToneGenerator, burst

RATES = (8000, 16000, 48000)
EVERY = list(itertools.product(tone_countries(), TONE_NAMES))


def samples(octets: bytes) -> np.ndarray:
    return np.frombuffer(octets, np.int16).astype(float)


def sound(tone: ToneShape, rate: int, ms: int) -> np.ndarray:
    return samples(ToneGenerator(tone, rate).next(rate * ms // 1000))


def level_dbm0(signal: np.ndarray) -> float:
    """Power against that of a sine of full scale, which has 3.14 dBm0."""
    return float(10 * np.log10(np.mean(signal**2) / (32767**2 / 2)) + FULL_SCALE_DBM0)


def peaks(signal: np.ndarray, rate: int) -> list[tuple[float, float]]:
    """Frequency in Hz and amplitude of every spectral line within 40 dB of the strongest."""
    window = np.blackman(len(signal))
    spectrum = np.abs(np.fft.rfft(signal * window, 8 * len(signal))) / window.sum() * 2
    strong = spectrum.max() / 100
    lines = [
        n
        for n in range(1, len(spectrum) - 1)
        if spectrum[n] > strong and spectrum[n - 1] < spectrum[n] >= spectrum[n + 1]
    ]
    return [(n * rate / (8 * len(signal)), float(spectrum[n])) for n in lines]


def steady(tone: ToneShape, segment: ToneSegment, rate: int) -> np.ndarray:
    """A second of one segment, without its edges."""
    lasting = ToneShape(cadence=(ToneSegment(hz=segment.hz),), level_dbm0=tone.level_dbm0)
    return sound(lasting, rate, 1000 + EDGE_MS)[rate * EDGE_MS // 1000 :]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("country", "name"), EVERY)
def test_every_tone_of_every_country_has_its_frequencies_and_its_level(
    country: str, name: str, rate: int
) -> None:
    tone = tone_plan(country).tone(name)
    for segment in {each for each in tone.once + tone.cadence if each.hz}:
        signal = steady(tone, segment, rate)
        found = peaks(signal, rate)
        assert [hz for hz, _ in found] == pytest.approx(sorted(segment.hz), abs=0.5)
        strengths = [strength for _, strength in found]
        assert min(strengths) == pytest.approx(max(strengths), rel=0.02)
        assert level_dbm0(signal) == pytest.approx(tone.level_dbm0, abs=0.05)


def pauses(signal: np.ndarray, rate: int) -> list[tuple[float, float]]:
    """Begin and length in ms of every run of zeros of 8 ms and more."""
    silent = np.concatenate([[False], signal == 0, [False]])
    begins, ends = np.flatnonzero(np.diff(silent)).reshape(-1, 2).T
    runs = ((a * 1000 / rate, (b - a) * 1000 / rate) for a, b in zip(begins, ends, strict=True))
    return [run for run in runs if run[1] >= 8]


def meant_pauses(tone: ToneShape, ms: int) -> list[tuple[float, float]]:
    told: list[tuple[float, float]] = []
    begin = 0.0
    silence = (ToneSegment(),)
    for segment in itertools.chain(tone.once, itertools.cycle(tone.cadence or silence)):
        end = ms if segment.ms is None else min(ms, begin + segment.ms)
        if not segment.hz:
            if told and sum(told[-1]) == begin:
                begin = told.pop()[0]
            told.append((begin, end - begin))
        begin = end
        if begin == ms:
            return told
    raise AssertionError("a tone without an end")


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("country", "name"), EVERY)
def test_every_tone_of_every_country_has_its_cadence(country: str, name: str, rate: int) -> None:
    tone = tone_plan(country).tone(name)
    found = pauses(sound(tone, rate, 7000), rate)
    meant = meant_pauses(tone, 7000)
    assert len(found) == len(meant)
    for got, wanted in zip(found, meant, strict=True):
        assert got == pytest.approx(wanted, abs=2)


def test_control_another_cadence_would_be_found() -> None:
    german = pauses(sound(tone_plan("DE").busy, 8000, 7000), 8000)
    dutch = meant_pauses(tone_plan("NL").busy, 7000)
    assert german[0] != pytest.approx(dutch[0], abs=2)


@pytest.mark.parametrize("rate", RATES)
def test_a_cadence_is_kept_to_the_sample(rate: int) -> None:
    tone = tone_plan("DE").busy
    signal = sound(tone, rate, 9600)
    half = rate * 480 // 1000
    for cycle in range(10):
        start = 2 * cycle * half
        assert np.any(signal[start : start + rate // 100])
        assert np.any(signal[start + half - rate // 100 : start + half])
        assert not np.any(signal[start + half : start + 2 * half])


@pytest.mark.parametrize("rate", RATES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_samples_do_not_depend_on_how_they_are_asked_for(
    rate: int, data: st.DataObject
) -> None:
    country, name = data.draw(st.sampled_from(EVERY))
    counts = data.draw(st.lists(st.integers(0, rate // 10), max_size=20))
    tone = tone_plan(country).tone(name)
    divided = ToneGenerator(tone, rate)
    assert b"".join(map(divided.next, counts)) == ToneGenerator(tone, rate).next(sum(counts))


@pytest.mark.parametrize("rate", RATES)
def test_the_phase_runs_on_from_frame_to_frame(rate: int) -> None:
    generator = ToneGenerator(tone_plan("US").dial, rate)
    got = samples(b"".join(generator.next(rate // 50) for _ in range(100)))
    n = np.arange(len(got))
    peak = 32767 * 10 ** ((-10 - FULL_SCALE_DBM0) / 20) / np.sqrt(2)
    ideal = peak * sum(np.sin(2 * np.pi * hz * n / rate) for hz in (350, 440))
    inside = slice(rate * EDGE_MS // 1000, None)
    assert np.max(np.abs(got - ideal)[inside]) <= 1


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("country", "name"), EVERY)
def test_no_tone_clicks(country: str, name: str, rate: int) -> None:
    """Nowhere does it step further than its steepest sine and its edge explain."""
    tone = tone_plan(country).tone(name)
    signal = sound(tone, rate, 3000)
    steepest = max(
        sum(
            32767 * amplitude * 2 * np.sin(min(np.pi * hz / rate, np.pi / 2))
            for hz, amplitude in segment.partials(tone.level_dbm0)
        )
        for segment in tone.once + tone.cadence
    )
    rise = 32767 * np.pi / 2 / (rate * EDGE_MS / 1000)
    assert np.max(np.abs(np.diff(signal, prepend=0))) <= steepest + 0.5 * rise + 2


def test_control_a_hard_edge_would_be_a_click() -> None:
    hard = steady(tone_plan("DE").busy, tone_plan("DE").busy.cadence[0], 16000)
    peak = 32767 * 10 ** ((-10 - FULL_SCALE_DBM0) / 20)
    cut = hard[: int(np.argmax(hard)) + 1]
    steepest = peak * 2 * np.sin(np.pi * 425 / 16000)
    assert np.max(np.abs(np.diff(cut, append=0))) > steepest + 0.5 * 32767 * np.pi / 160 + 2


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("after_ms", [0, 2, 5, 100, 479, 600])
def test_a_released_tone_falls_softly_and_stays_silent(rate: int, after_ms: int) -> None:
    tone = tone_plan("DE").busy
    generator = ToneGenerator(tone, rate)
    before = generator.next(rate * after_ms // 1000)
    generator.release()
    after = samples(generator.next(rate))
    assert not np.any(after[rate * EDGE_MS // 1000 :])
    assert generator.finished
    whole = np.concatenate([samples(before), after])
    peak = 32767 * 10 ** ((-10 - FULL_SCALE_DBM0) / 20)
    steepest = peak * (2 * np.sin(np.pi * 425 / rate) + np.pi / 2 / (rate * EDGE_MS / 1000))
    assert np.max(np.abs(np.diff(whole, prepend=0))) <= steepest + 2


def test_a_tone_with_nothing_to_repeat_ends_by_itself() -> None:
    generator = ToneGenerator(tone_plan("US").special_information, 8000)
    assert any(generator.next(8000 * 990 // 1000))
    assert not any(generator.next(8000))
    assert generator.finished


def test_a_modulated_tone_swells_and_keeps_its_mean_level() -> None:
    signal = sound(tone_plan("JP").ringback, 16000, 1000)[80:-80]
    hz = [round(hz) for hz, _ in peaks(signal, 16000)]
    assert hz == [384, 400, 416]
    assert level_dbm0(signal) == pytest.approx(-10, abs=0.1)


def test_the_howler_is_louder_than_the_dial_tone_and_not_clipped() -> None:
    for country in tone_countries():
        howl = sound(tone_plan(country).howler, 16000, 100)
        dial = sound(tone_plan(country).dial, 16000, 100)
        assert level_dbm0(howl) > level_dbm0(dial) + 3
        assert np.max(np.abs(howl)) < 32767


def test_a_rate_that_no_card_has_is_refused() -> None:
    with pytest.raises(LocalError, match="not at 11025"):
        ToneGenerator(tone_plan("DE").dial, 11025)


def test_a_frame_costs_a_small_part_of_its_time() -> None:
    generator = ToneGenerator(tone_plan("US").stutter, 48000)
    took = []
    for _ in range(500):
        begun = time.perf_counter()
        generator.next(960)
        took.append(time.perf_counter() - begun)
    assert sorted(took)[len(took) // 2] < 0.001


def test_a_burst_is_what_the_generator_makes_of_what_sounds_once() -> None:
    tone = ToneShape(once=(ToneSegment(hz=(697, 1209), ms=80), ToneSegment(ms=20)))
    made = np.frombuffer(burst(tone, 48000), np.int16).astype(int)
    known = np.frombuffer(ToneGenerator(tone, 48000).next(4800), np.int16).astype(int)
    assert len(made) == 4800
    assert np.abs(made - known).max() <= 2


def test_a_burst_without_end_or_of_no_known_rate_is_refused() -> None:
    with pytest.raises(LocalError):
        burst(ToneShape(once=(ToneSegment(hz=(400,)),)), 48000)
    with pytest.raises(LocalError):
        burst(ToneShape(once=(ToneSegment(hz=(400,), ms=10),)), 47999)
