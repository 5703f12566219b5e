"""Waveform repetition where a frame of G.711 or G.722 is missing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from offhook.protocols.media.conceal import Concealer
from offhook.protocols.media.pcm import crossfaded, faded, pitch_period

Signal = NDArray[np.float64]
rates = pytest.mark.parametrize("rate", [8000, 16000])


def voice(hz: float, seconds: float, rate: int) -> bytes:
    at = np.arange(int(rate * seconds)) / rate
    waves = [np.sin(2 * np.pi * hz * k * at + k) / k for k in range(1, 6)]
    return bytes((5000 * np.sum(waves, axis=0)).astype("<i2").tobytes())


def signal(pcm: bytes) -> Signal:
    return np.frombuffer(pcm, "<i2").astype(float)


@rates
@pytest.mark.parametrize("hz", [70, 100, 123, 180, 250, 390])
def test_the_pitch_is_found(hz: int, rate: int) -> None:
    lag = pitch_period(voice(hz, 0.1, rate), rate // 400, rate * 15 // 1000, rate // 100)
    periods = lag / (rate / hz)
    assert periods == pytest.approx(round(periods), abs=0.06)


def test_without_enough_to_go_by_the_longest_period_is_taken() -> None:
    assert pitch_period(b"", 20, 120, 80) == 120
    assert pitch_period(bytes(2 * 199), 20, 120, 80) == 120
    assert 20 <= pitch_period(bytes(1000), 20, 120, 80) <= 240


@rates
@pytest.mark.parametrize("hz", [90, 140, 210])
def test_a_voice_goes_on_through_a_gap_of_one_packet(hz: int, rate: int) -> None:
    said = voice(hz, 0.3, rate)
    begin, end = 2 * rate // 5, 2 * rate // 5 + 2 * rate // 50
    concealer = Concealer(rate)
    heard = concealer.heard(said[:begin])
    made = concealer.conceal(end - begin)
    heard += made + concealer.heard(said[end:])
    assert len(heard) == len(said)
    true, got = signal(said[begin:end]), signal(made)
    likeness = (true @ got) / np.sqrt((true @ true) * (got @ got))
    assert likeness > 0.8
    # No click at either end of the gap: no step greater than the voice itself makes.
    steps = np.abs(np.diff(signal(heard)))
    assert steps.max() < 1.5 * np.abs(np.diff(signal(said))).max()


@rates
def test_it_fades_from_10_ms_on_and_is_silent_after_60(rate: int) -> None:
    concealer = Concealer(rate)
    concealer.heard(voice(100, 0.2, rate))
    made = signal(concealer.conceal(2 * rate // 10))
    levels = [float(np.sqrt((part**2).mean())) for part in np.split(made, 10)]
    assert levels[0] > 0.9 * levels[1] > 0.5 * levels[0]
    assert all(early >= late for early, late in pairwise(levels[1:]))
    assert not made[rate * 6 // 100 :].any()


@rates
def test_after_the_silence_the_voice_comes_back_at_once(rate: int) -> None:
    concealer = Concealer(rate)
    said = voice(100, 0.2, rate)
    concealer.heard(said)
    concealer.conceal(4 * rate)
    assert concealer.heard(said)[rate // 100 :] == said[rate // 100 :]
    assert concealer.heard(said) == said


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 700)), max_size=30),
    st.sampled_from([8000, 16000]),
)
def test_lengths_are_kept_whatever_is_heard_and_missing(
    steps: list[tuple[bool, int]], rate: int
) -> None:
    concealer = Concealer(rate)
    for heard, samples in steps:
        pcm = b"\x12\x34" * samples
        made = concealer.heard(pcm) if heard else concealer.conceal(2 * samples)
        assert len(made) == 2 * samples


def test_levels_and_seams() -> None:
    one = (1000).to_bytes(2, "little") * 8
    other = (-1000).to_bytes(2, "little", signed=True) * 8
    assert list(signal(crossfaded(one, other))) == [1000, 750, 500, 250, 0, -250, -500, -750]
    assert crossfaded(b"", other) == other
    assert crossfaded(one[:4], other)[4:] == other[4:]
    assert faded(one, 1, 1) == one
    assert faded(one, 0, 0) == bytes(16)
    assert list(signal(faded(one, 1, 0)))[:3] == [1000, 875, 750]
