"""The program that listens for bursts hears them wherever between two samples they come back."""

from __future__ import annotations

import numpy as np
import pytest
from tests.shells.audio.card_program import CARD_RATE, Ear

from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.resampler import Resampler

CHUNK = CARD_RATE // 100
LATE = 2 * CHUNK
"""The least that a card delays, in samples of its own."""


def through_a_card(ear: Ear, rate: int, later: int, *, heard: bool = True) -> list[float]:
    """The round trips of four seconds over a card that is `later` samples later than LATE."""
    outward, inward = Resampler(rate, CARD_RATE), Resampler(CARD_RATE, rate)
    line = np.zeros(LATE + later, np.int16)
    for _ in range(200):
        taken, line = line[:LATE], line[LATE:]
        halves = [inward.convert(each) for each in np.split(taken, 2)]
        captured = np.concatenate(halves).astype(np.int16).tobytes()
        played = np.split(np.frombuffer(ear.on_period(captured), np.int16), 2)
        line = np.concatenate([line, *(outward.convert(each) * heard for each in played)])
    return ear.round_trips_ms()


@pytest.mark.parametrize(
    ("rate", "later"), [(rate, n) for rate in (8000, 16000) for n in range(CARD_RATE // rate)]
)
def test_each_burst_is_heard_at_its_delay(rate: int, later: int) -> None:
    ear = Ear(PcmFormat(rate, 20))
    trips = through_a_card(ear, rate, later)
    assert len(trips) >= 3
    own_ms = 2 * 2  # of the two conversions
    wanted_ms = (LATE + later) * 1000 / CARD_RATE + own_ms
    assert trips == pytest.approx([wanted_ms] * len(trips), abs=0.05)


def test_control_what_does_not_come_back_is_not_heard() -> None:
    ear = Ear(PcmFormat(8000, 20))
    assert through_a_card(ear, 8000, 0, heard=False) == []
