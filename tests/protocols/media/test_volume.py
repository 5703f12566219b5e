from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.protocols.media.volume import (
    EAR_DB,
    QUIETEST_DB,
    RINGER_DB,
    amplified,
    ear_gain_db,
    mixed,
    power,
    ringer_gain_db,
)
from offhook.protocols.media.volume import level_db as level

PERIODS = st.lists(st.integers(-32768, 32767), min_size=1, max_size=50)
TONE = (4000 * np.sin(np.arange(320) / 5)).astype(np.int16).tobytes()
VOICE = (9000 * np.sin(np.arange(320) / 3)).astype(np.int16).tobytes()


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, np.int16).astype(float)


def level_db(pcm: bytes) -> float:
    return float(10 * np.log10(np.mean(samples(pcm) ** 2)))


@pytest.mark.parametrize("gain", [-40.0, -18.0, -6.0, 0.0, 6.0, 12.0])
def test_a_gain_is_that_many_decibels(gain: float) -> None:
    assert level_db(amplified(TONE, gain)) - level_db(TONE) == pytest.approx(gain, abs=0.15)


def test_no_gain_is_silence_and_none_at_all_leaves_the_samples_alone() -> None:
    assert amplified(TONE, None) == bytes(len(TONE))
    assert amplified(TONE, 0.0) == TONE


@given(values=PERIODS, gain=st.floats(-60, 40))
def test_what_is_too_loud_is_held_at_full_scale_and_never_turns_over(
    values: list[int], gain: float
) -> None:
    pcm = np.array(values, np.int16).tobytes()
    wanted = np.clip(samples(pcm) * 10 ** (gain / 20), -32768, 32767)
    assert np.max(np.abs(samples(amplified(pcm, gain)) - wanted)) <= 1


@given(one=PERIODS, other=PERIODS)
def test_a_mix_is_the_sum_held_at_full_scale(one: list[int], other: list[int]) -> None:
    length = max(len(one), len(other))
    wanted = np.zeros(length)
    wanted[: len(one)] += one
    wanted[: len(other)] += other
    got = mixed(np.array(one, np.int16).tobytes(), np.array(other, np.int16).tobytes())
    assert np.array_equal(samples(got), np.clip(wanted, -32768, 32767))


def test_a_level_is_told_of_the_power_and_never_below_the_quietest() -> None:
    square = np.tile(np.array([-32768, 32767], np.int16), 200).tobytes()
    assert level(power(square)) == pytest.approx(0.0, abs=0.01)
    sine = (32767 * np.sin(np.arange(8000) * 2 * np.pi / 80)).astype(np.int16).tobytes()
    assert level(power(sine)) == pytest.approx(-3.01, abs=0.01)
    assert level(power(bytes(320))) == QUIETEST_DB


def test_each_step_is_louder_than_the_one_below() -> None:
    ear = [ear_gain_db(step) for step in range(1, len(EAR_DB) + 1)]
    ringer = [ringer_gain_db(step) for step in range(len(RINGER_DB))]
    assert ear == sorted(set(ear))
    assert ringer[0] is None
    audible = [gain for gain in ringer if gain is not None]
    assert audible == sorted(set(audible))
    assert len(audible) == len(ringer) - 1


@pytest.mark.parametrize("step", [0, len(EAR_DB) + 1, -1])
def test_an_ear_volume_that_there_is_not_is_refused(step: int) -> None:
    with pytest.raises(LocalError):
        ear_gain_db(step)


@pytest.mark.parametrize("step", [-1, len(RINGER_DB)])
def test_a_ringer_volume_that_there_is_not_is_refused(step: int) -> None:
    with pytest.raises(LocalError):
        ringer_gain_db(step)
