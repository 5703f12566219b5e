from __future__ import annotations

import array
import math
import random

import pytest

from offhook_practice.speech import RATE, Samples, compare


def babble(seed: int, seconds: float = 3.0) -> Samples:
    """Something with the rhythm and the band of speech."""
    source = random.Random(seed)  # noqa: S311  repeatable, and no secret
    samples: Samples = array.array("h")
    pitch, loudness, level = 120.0, 0.0, 0.0
    for index in range(int(seconds * RATE)):
        if index % 800 == 0:
            pitch, loudness = source.uniform(90, 400), source.choice((0.0, 1500.0, 6000.0))
        level = 0.9 * level + 0.1 * source.uniform(-1, 1)
        tone = math.sin(2 * math.pi * pitch * index / RATE)
        samples.append(int(loudness * (0.6 * tone + level)))
    return samples


def delayed(samples: Samples, lag: int) -> Samples:
    return array.array("h", bytes(2 * lag)) + samples


def test_the_same_speech_is_alike_and_its_delay_is_found() -> None:
    speech = babble(1)
    found = compare(speech, delayed(speech, 1283), 400)
    assert found.correlation > 0.999
    assert found.delay_ms == pytest.approx(1283 * 1000 / RATE, abs=0.2)


def test_a_buffer_that_changes_its_delay_between_words_is_forgiven() -> None:
    speech = babble(2)
    late = delayed(speech[:RATE], 800) + array.array("h", bytes(320)) + speech[RATE:]
    assert compare(speech, late, 400).correlation > 0.99


def test_other_speech_is_not_alike() -> None:
    assert compare(babble(1), delayed(babble(3), 800), 400).correlation < 0.3


@pytest.mark.parametrize("recorded", [array.array("h"), array.array("h", bytes(2 * 3 * RATE))])
def test_nothing_recorded_is_not_alike(recorded: Samples) -> None:
    assert compare(babble(1), recorded, 400).correlation == 0.0
