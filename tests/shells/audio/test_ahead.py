"""How much a card is given ahead: it follows what the card needs, whatever buffer that has."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.shells.audio.ahead import BEHIND_FOR, CALM, HELD, MOST_HELD, Ahead

FRAMES = 480
ROOMY = 10 * FRAMES


@dataclass
class Card:
    """A card that plays and captures as time goes by, and begins anew once it ran dry."""

    room: int
    ahead: Ahead = field(init=False)
    captured: int = 0
    playing: int = 0
    dry: int = 0
    left_out: int = 0

    def __post_init__(self) -> None:
        self.ahead = Ahead(FRAMES, self.room)
        self.playing = self.ahead.chunks * FRAMES

    def late(self, frames: int) -> None:
        """Nobody reads or writes for so long."""
        self.captured += frames
        self.playing -= frames
        if self.playing <= 0 or self.captured > self.room:
            self.captured = self.playing = 0

    def turn(self) -> None:
        """A chunk as soon as there is one."""
        if self.captured < FRAMES:
            self.late(FRAMES - self.captured)
        self.captured = max(0, self.captured - FRAMES)
        verdict = self.ahead.judge(self.captured, self.playing)
        self.dry += verdict.dry
        self.left_out += verdict.left_out
        if not verdict.left_out:
            self.playing += verdict.silence + FRAMES
        assert self.playing <= self.room

    @property
    def delay(self) -> int:
        """Chunks that wait in it."""
        return round((self.captured + self.playing) / FRAMES)


@pytest.mark.parametrize(("chunks", "held"), [(2, 2), (3, 3), (4, HELD), (10, HELD), (100, HELD)])
def test_it_never_holds_more_than_the_card_has_room_for(chunks: int, held: int) -> None:
    card = Card(chunks * FRAMES)
    for _ in range(1000):
        card.turn()
    assert card.delay == card.ahead.chunks == held
    assert (card.dry, card.left_out) == (0, 0)


def test_who_is_late_by_less_than_is_held_loses_nothing() -> None:
    card = Card(ROOMY)
    for _ in range(100):
        card.late(HELD * FRAMES - 1)
        for _ in range(HELD + 1):
            card.turn()
    assert (card.dry, card.left_out) == (0, 0)


def test_a_card_that_ran_dry_is_filled_again_and_holds_one_more_from_then_on() -> None:
    card = Card(ROOMY)
    card.late(5 * FRAMES)
    card.turn()
    assert card.dry == 1
    card.turn()
    assert card.delay == card.ahead.chunks == HELD + 1
    for _ in range(20):
        card.late(20 * FRAMES)
        card.turn()
    assert card.delay == card.ahead.chunks == MOST_HELD


def test_after_a_minute_without_need_it_holds_one_less_and_never_less_than_the_least() -> None:
    card = Card(ROOMY)
    card.late(5 * FRAMES)
    for _ in range(CALM + 2):
        card.turn()
    assert card.delay == card.ahead.chunks == HELD
    assert card.left_out == 1
    for _ in range(2 * CALM):
        card.turn()
    assert card.delay == HELD
    assert (card.dry, card.left_out) == (1, 1)


def test_what_a_hold_up_left_in_a_card_that_does_not_begin_anew_is_left_out() -> None:
    """A sound server plays silence, and goes on capturing."""
    card = Card(ROOMY)
    card.captured += 4 * FRAMES
    for _ in range(4 * BEHIND_FOR):
        card.turn()
    assert card.left_out == 3
    assert card.delay <= HELD + 1


def test_what_was_captured_meanwhile_counts_for_what_is_missing() -> None:
    ahead = Ahead(FRAMES, ROOMY)
    assert ahead.judge(2 * FRAMES, 0).silence == FRAMES
    assert ahead.judge(8 * FRAMES, 0).silence == 0


@given(
    chunks=st.integers(2, 12),
    hold_ups=st.lists(st.integers(0, 20 * FRAMES), min_size=1, max_size=60),
)
def test_whatever_holds_it_up_it_settles_between_least_and_room(
    chunks: int, hold_ups: list[int]
) -> None:
    card = Card(chunks * FRAMES)
    least = card.ahead.chunks
    for each in hold_ups:
        card.late(each)
        card.turn()
    for _ in range(20 * BEHIND_FOR):
        card.turn()
    dry = card.dry
    for _ in range(100):
        card.turn()
    assert card.dry == dry
    assert least <= card.ahead.chunks <= min(MOST_HELD, chunks)
    assert abs(card.delay - card.ahead.chunks) <= 1
