"""Conversion between the phone's own sampling rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.protocols.media.resample import RATES, Converter

pairs = pytest.mark.parametrize(("low", "high"), [(8000, 16000), (8000, 48000), (16000, 48000)])


def tone(hz: float, rate: int, seconds: float = 0.3) -> bytes:
    at = np.arange(int(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * hz * at)).astype("<i2").tobytes()


def purity_and_level(pcm: bytes, hz: int, rate: int) -> tuple[float, float]:
    """How much of the last 0.2 s is that tone, and how loud it is."""
    settled = np.frombuffer(pcm, "<i2")[-rate // 5 :].astype(float)
    spectrum = np.abs(np.fft.rfft(settled)) ** 2
    there = spectrum[hz // 5]
    return float(there / spectrum.sum()), float(np.sqrt(2 * (settled**2).mean()))


@pairs
@pytest.mark.parametrize("hz", [200, 1000, 3000])
def test_a_tone_stays_itself_both_ways(low: int, high: int, hz: int) -> None:
    for one, other in ((low, high), (high, low)):
        made = Converter(one, other).convert(tone(hz, one))
        purity, level = purity_and_level(made, hz, other)
        assert purity > 0.999
        assert level == pytest.approx(8000, rel=0.1)


@pairs
def test_what_the_lower_rate_cannot_hold_is_not_heard_as_something_else(
    low: int, high: int
) -> None:
    down = np.frombuffer(Converter(high, low).convert(tone(0.6 * low, high)), "<i2")
    assert abs(down[100:]).max() < 80


@pairs
@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 300), min_size=1, max_size=10))
def test_pieces_give_what_the_whole_gives(low: int, high: int, cuts: list[int]) -> None:
    for rates in ((low, high), (high, low)):
        whole = tone(440, rates[0], 0.05)
        expected = Converter(*rates).convert(whole)
        converter, made, at = Converter(*rates), b"", 0
        for cut in (*cuts, len(whole)):
            made += converter.convert(whole[at : at + 2 * cut])
            at += 2 * cut
        assert made == expected
        assert len(made) == pytest.approx(len(whole) * rates[1] / rates[0], abs=2)


def test_an_equal_rate_changes_nothing_and_another_is_refused() -> None:
    for rate in RATES:
        assert Converter(rate, rate).convert(b"\1\2") == b"\1\2"
    with pytest.raises(LocalError, match="44100"):
        Converter(44100, 8000)


def test_loud_samples_are_clipped_and_do_not_wrap() -> None:
    square = (b"\xff\x7f" * 20 + b"\x00\x80" * 20) * 20
    made = np.frombuffer(Converter(8000, 48000).convert(square), "<i2").astype(int)
    assert abs(np.diff(made)).max() < 40_000
