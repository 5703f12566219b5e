from __future__ import annotations

import numpy as np
import pytest
import soxr

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.exchange import Exchange
from offhook.shells.audio.resampler import CHUNK_MS, LOOKAHEAD_MS, QUALITY, Resampler

PAIRS = [
    (48000, 16000),
    (16000, 48000),
    (48000, 8000),
    (8000, 48000),
    (44100, 16000),
    (16000, 44100),
]


def speechlike(rate: int, cut: float, seconds: float = 1.0) -> np.ndarray:
    noise = np.random.default_rng(7).standard_normal(int(rate * seconds))
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / rate) > cut] = 0
    signal = np.fft.irfft(spectrum, len(noise))
    return np.asarray(12000 * signal / np.abs(signal).max(), np.int16)


def converted(signal: np.ndarray, a: int, b: int) -> np.ndarray:
    resampler, size = Resampler(a, b), a * CHUNK_MS // 1000
    return np.concatenate(
        [resampler.convert(signal[n : n + size]) for n in range(0, len(signal) - size + 1, size)]
    )


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_chunk_by_chunk_is_like_all_at_once_but_for_the_lookahead(a: int, b: int) -> None:
    signal = speechlike(a, 0.3 * min(a, b))
    got = converted(signal, a, b).astype(float)
    ahead = a * LOOKAHEAD_MS // 1000
    delayed = np.concatenate([np.zeros(ahead), signal.astype(float)])[: len(signal)]
    whole = soxr.resample(delayed, a, b, QUALITY)[: len(got)]
    error, inner = got - whole, slice(b // 50, -b // 50)
    ratio = 10 * np.log10(np.mean(whole[inner] ** 2) / np.mean(error[inner] ** 2))
    assert ratio > 70  # 16 bits of this loudness have no more


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_tone_keeps_its_pitch_and_level(a: int, b: int) -> None:
    n = np.arange(a)
    got = converted((10000 * np.sin(2 * np.pi * 1000 * n / a)).astype(np.int16), a, b)
    inner = got[b // 10 : b // 10 + b // 2].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(inner))) * b / len(inner) == pytest.approx(1000, abs=3)
    assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(10000, rel=0.01)


@pytest.mark.parametrize("rate", [16000, 8000])
def test_what_the_lower_rate_cannot_carry_is_not_folded_into_it(rate: int) -> None:
    n = np.arange(48000)
    got = converted(
        (10000 * np.sin(2 * np.pi * (0.75 * rate) * n / 48000)).astype(np.int16), 48000, rate
    )
    assert np.sqrt(2 * np.mean(got[rate // 10 :].astype(float) ** 2)) < 10


def test_speech_of_wideband_passes() -> None:
    for hz, least in ((100, 0.98), (3000, 0.98), (6000, 0.9)):
        n = np.arange(48000)
        tone = (10000 * np.sin(2 * np.pi * hz * n / 48000)).astype(np.int16)
        got = converted(tone, 48000, 16000)[1600:-1600].astype(float)
        assert np.sqrt(2 * np.mean(got**2)) / 10000 > least


def test_equal_rates_pass_unchanged_and_without_delay() -> None:
    signal = speechlike(16000, 3000)
    assert np.array_equal(converted(signal, 16000, 16000), signal)


def test_what_overshoots_full_scale_is_held_there_and_does_not_turn_over() -> None:
    square = np.where(np.arange(48000) // 48 % 2, 32767, -32768).astype(np.int16)
    got = converted(square, 48000, 16000)[1600:-1600].astype(int)
    assert got.max() == 32767
    assert got.min() == -32768
    turns = np.flatnonzero(np.diff(np.sign(got)))
    assert set(np.diff(turns)) == {16}


@pytest.mark.parametrize(("rate", "period"), [(16000, 20), (8000, 20), (16000, 10), (8000, 60)])
def test_a_period_is_made_of_chunks_and_gives_as_many_back(rate: int, period: int) -> None:
    periods = []

    def on_period(captured: bytes) -> bytes:
        periods.append(captured)
        return bytes(len(captured))

    pcm_format = PcmFormat(rate, period)
    exchange = Exchange(48000, pcm_format, on_period)
    given = [list(exchange.turn(np.zeros(480, np.int16))) for _ in range(60)]
    assert {len(each) for each in periods} == {pcm_format.octets}
    assert len(periods) == 600 // period
    assert {len(chunk) for chunks in given for chunk in chunks} == {480}
    assert {len(chunks) for chunks in given} <= {0, exchange.chunks_per_period}


@pytest.mark.parametrize("pcm_format", [PcmFormat(16000, 25), PcmFormat(11025, 20)])
def test_a_format_that_no_chunks_make_is_refused(pcm_format: PcmFormat) -> None:
    with pytest.raises(LocalError):
        Exchange(48000, pcm_format, lambda captured: captured)
