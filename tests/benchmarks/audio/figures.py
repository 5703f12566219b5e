"""What a recording of the card tells: delays, holes, and when something began or ended."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

RATE: Final = 48000
CHUNK: Final = 480
CHUNK_S: Final = 0.01
AUDIBLE: Final = 33
"""Amplitude of -60 dB of full scale."""
BURST_S: Final = 0.02
FARTHEST_S: Final = 0.5
HOLE_S: Final = 0.0015

Array = np.ndarray[Any, np.dtype[Any]]


def bursts(played: Array) -> list[int]:
    """Where bursts of noise begin in what was played, whatever tone is under them."""
    rough = np.abs(np.diff(played.astype(float), 3))
    size = RATE // 1000
    loud = rough[: len(rough) // size * size].reshape(-1, size).mean(axis=1)
    if not len(loud) or loud.max() == 0:
        return []
    above = loud > loud.max() / 4
    starts = np.flatnonzero(above & ~np.concatenate([[False], above[:-1]]))
    kept: list[int] = []
    for start in starts:
        if not kept or start - kept[-1] > 200:
            kept.append(int(start))
    return [start * size for start in kept]


def round_trips_ms(played: Array, captured: Array) -> list[float]:
    """From playing each burst to capturing it again, by correlation."""
    found = []
    length, farthest = int(BURST_S * RATE), int(FARTHEST_S * RATE)
    for begin in bursts(played):
        burst = played[begin : begin + length].astype(float)
        part = captured[begin : begin + farthest].astype(float)
        if len(part) < farthest:
            continue
        likeness = np.correlate(part, burst, "valid")
        place = int(np.argmax(likeness))
        norm = float(np.linalg.norm(part[place : place + length]) * np.linalg.norm(burst))
        if norm and likeness[place] / norm > 0.7:
            found.append(place * 1000 / RATE)
    return found


def holes(samples: Array) -> int:
    """Runs of silence in a steady tone, from its begin to its end."""
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    return int(np.count_nonzero(np.diff(loud) > HOLE_S * RATE)) if len(loud) else 0


def chunks(samples: Array) -> Array:
    """One row per chunk."""
    return samples[: len(samples) // CHUNK * CHUNK].reshape(-1, CHUNK)


def levels_at(samples: Array, hz: int) -> Array:
    """The amplitude of this tone in each chunk."""
    window = np.hanning(CHUNK) * 2 / np.hanning(CHUNK).sum()
    turned = np.exp(-2j * np.pi * hz / RATE * np.arange(CHUNK))
    return np.asarray(np.abs(chunks(samples) @ (window * turned)))


class Heard:
    """The way of a chunk from the mixer to the card and back, found by what is in it."""

    def __init__(self, noted: dict[str, Any]) -> None:
        self._turns, self.moments = noted["engine_moments"], noted["card_moments"]
        self._made, self._played = (chunks(noted[f"{each}_played"]) for each in ("engine", "card"))
        self.captured = noted["card_captured"]

    def given(self, begun: float) -> int | None:
        """The number of the card's chunk that has what was begun in the mixer then."""
        turn = int(np.searchsorted(self._turns, begun, "right")) - 1
        for ahead in range(100):
            place = turn + ahead
            if place < len(self._made) and np.abs(self._made[place]).max() > AUDIBLE:
                since = int(np.searchsorted(self.moments, self._turns[place]))
                for number in range(since, min(since + 30, len(self._played))):
                    if np.array_equal(self._played[number], self._made[place]):
                        return number - ahead
                return None
        return None

    def back(self, number: int) -> float | None:
        """When what the card got with this chunk had been captured again."""
        begin = number * CHUNK
        wanted = self._played[number : number + 30].ravel().astype(float)
        part = self.captured[begin : begin + int(FARTHEST_S * RATE) + len(wanted)].astype(float)
        if len(part) <= len(wanted):
            return None
        place = begin + int(np.argmax(np.correlate(part, wanted, "valid")))
        return float(self.moments[place // CHUNK])
