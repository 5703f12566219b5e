from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocols.media.rtp import SEQUENCE_CYCLE
from offhook.protocols.media.srtp_index import WINDOW, ReplayWindow, estimate_index

HALF = SEQUENCE_CYCLE // 2


@pytest.mark.parametrize(
    ("highest", "sequence", "expected"),
    [
        (-1, 0, 0),
        (-1, 65_535, 65_535),
        (0, 65_535, 65_535),
        (10, 9, 9),
        (65_535, 0, 65_536),
        (65_535, 32_766, 65_536 + 32_766),
        (65_535, 32_767, 32_767),
        (65_536, 65_535, 65_535),
        (65_536, 32_768, 65_536 + 32_768),
        (65_536, 32_769, 32_769),
        (HALF, 0, 0),
        (HALF + 1, 0, 65_536),
        (7 * SEQUENCE_CYCLE + 65_530, 3, 8 * SEQUENCE_CYCLE + 3),
        (7 * SEQUENCE_CYCLE + 3, 65_530, 6 * SEQUENCE_CYCLE + 65_530),
    ],
)
def test_the_index_is_the_nearest_and_never_below_0(
    highest: int, sequence: int, expected: int
) -> None:
    assert estimate_index(highest, sequence) == expected


@given(st.integers(0, 1 << 40), st.integers(-HALF + 1, HALF - 1))
def test_within_half_a_cycle_the_estimate_is_right(highest: int, ahead: int) -> None:
    index = highest + ahead
    if index >= 0:
        assert estimate_index(highest, index % SEQUENCE_CYCLE) == index


@given(st.lists(st.integers(0, 700), max_size=300))
def test_the_window_knows_what_a_list_of_everything_would(indices: list[int]) -> None:
    window, seen = ReplayWindow(), set[int]()
    for index in indices:
        fresh = index not in seen and index > max(seen, default=-1) - WINDOW
        assert window.is_new(index) == fresh
        if fresh:
            window.add(index)
            seen.add(index)
        assert window.highest == max(seen)


@given(st.lists(st.integers(1, 1 << 40), max_size=50))
def test_a_window_never_grows(steps: list[int]) -> None:
    window = ReplayWindow()
    at = 0
    for step in [*steps, *[1] * 200]:
        at += step
        window.add(at)
        assert window._seen.bit_length() <= WINDOW
