"""How much sound a card is given ahead: as little as it needs, and after it ran dry, more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.shells.audio.resampler import CHUNK_MS

HELD: Final = 3
"""Chunks that the card is given ahead: on a machine that isn't late it never needs more."""
MOST_HELD: Final = 8
"""The same, at most, on a machine that is."""
BEHIND_FOR: Final = 10
"""Chunks in a row at which the card held too much, before one is left out."""
CALM: Final = 60_000 // CHUNK_MS
"""Chunks in a row that found the card well supplied, before it is given less."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a chunk that was captured."""

    silence: int = 0
    """Sampling instants of silence to be given before the answer to it."""
    left_out: bool = False
    """Nothing is given for it: the card holds too much."""
    dry: bool = False
    """The card had nothing left to play."""


class Ahead:
    """A card with a buffer of `room` sampling instants, from which chunks of `frames` are taken.

    Who reads and writes in turn never changes the sum of what waits in the card, captured and to be
    played: a hold-up that emptied it, or made it too much, would stay for ever.
    """

    def __init__(self, frames: int, room: int) -> None:
        self._frames = frames
        self._least = max(1, min(HELD, room // frames))
        self._most = max(self._least, min(MOST_HELD, room // frames))
        self.chunks = self._least
        """So many shall wait in the card after each turn: that is its delay."""
        self._behind = self._calm = 0

    def judge(self, captured: int, playing: int) -> Verdict:
        """A chunk was taken; in the card there wait so many sampling instants both ways."""
        frames = self._frames
        if playing <= 0:
            self.chunks = min(self.chunks + 1, self._most)
            self._behind = self._calm = 0
            return Verdict(max(0, (self.chunks - 1) * frames - captured), dry=True)
        much = captured + playing > (self.chunks + 0.5) * frames
        self._behind = self._behind + 1 if much else 0
        self._calm = self._calm + 1 if playing > 1.5 * frames else 0
        less = self._calm > CALM and self.chunks > self._least
        if less or self._behind >= BEHIND_FOR:
            self.chunks -= less
            self._behind = self._calm = 0
            return Verdict(left_out=True)
        return Verdict()
