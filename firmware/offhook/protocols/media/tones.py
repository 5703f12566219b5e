"""Tones as PCM (ITU-T E.180/Q.35): cadence, level and phase kept over any division into frames.

A tone of whole Hz repeats after at most a second. One such repetition is computed when a
generator is made, and a frame is a copy out of it.
"""

from __future__ import annotations

import functools
import itertools
import math
from array import array
from collections.abc import Iterator
from operator import add
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.tone_plan import ToneSegment, ToneShape

EDGE_MS: Final = 5
"""How long a burst takes to rise and to fall, by a raised cosine, within its own time."""
PEAK: Final = 32767
RATES: Final = (8000, 16000, 32000, 44100, 48000)

Partials = tuple[tuple[int, float], ...]


class ToneGenerator:
    """Computes a tone as signed 16-bit mono samples in the machine's order, at `rate` Hz.

    Raises LocalError where `rate` is none of RATES. The samples don't depend on how many are
    asked for at a time, and the phase of each frequency runs on through pauses.
    """

    def __init__(self, tone: ToneShape, rate: int) -> None:
        if rate not in RATES:
            raise LocalError(f"tones are made at {', '.join(map(str, RATES))} Hz, not at {rate}")
        self._rate = rate
        self._level = tone.level_dbm0
        for segment in tone.once + tone.cadence:
            self._wave(segment)
        self._segments = itertools.chain(tone.once, itertools.cycle(tone.cadence))
        self._edge = _edge(rate)
        self._clock = 0
        self._silent = True
        self._period = b""
        self._done = self._length = 0
        """Samples of this segment that are given out, and all it has; -1: it lasts for ever."""
        self.finished = False
        """Whether nothing but silence is to come."""
        self._advance()

    def next(self, samples: int) -> bytes:
        """The next `samples` samples; after the end of a tone that ends, silence."""
        parts = []
        while samples > 0:
            if self._length >= 0 and self._done == self._length:
                self._advance()
            if self.finished:
                parts.append(bytes(2 * samples))
                break
            left = samples if self._length < 0 else self._length - self._done
            count = min(samples, left)
            parts.append(self._chunk(count))
            self._clock += count
            self._done += count
            samples -= count
        return b"".join(parts)

    def release(self) -> None:
        """End the tone softly: it falls within EDGE_MS, and silence follows."""
        self._segments = itertools.chain()
        edge = len(self._edge)
        if self._silent or self.finished:
            self._length = self._done
        elif self._length < 0 or self._length - self._done > edge:
            # A burst that is still rising falls from where it stands.
            self._length = self._done + min(edge, self._done)

    def _advance(self) -> None:
        segment = next(self._segments, None)
        if segment is None:
            self.finished = True
            return
        self._silent = not segment.hz
        self._period = self._wave(segment)
        self._done = 0
        self._length = -1 if segment.ms is None else segment.ms * self._rate // 1000

    def _wave(self, segment: ToneSegment) -> bytes:
        return _wave(segment.partials(self._level), self._rate) if segment.hz else b""

    def _chunk(self, count: int) -> bytes:
        """The next `count` samples, all of this segment."""
        if self._silent:
            return bytes(2 * count)
        size = len(self._period) // 2
        start = self._clock % size
        whole = self._period * ((start + count - 1) // size + 1)
        chunk = whole[2 * start : 2 * (start + count)]
        until_end = self._length - self._done if self._length >= 0 else math.inf
        if self._done < len(self._edge) or until_end - count < len(self._edge):
            return self._shaped(chunk, until_end)
        return chunk

    def _shaped(self, chunk: bytes, until_end: float) -> bytes:
        """`chunk` with the part of the rise and of the fall that lies in it."""
        samples, edge = array("h", chunk), self._edge
        count, size = len(samples), len(edge)
        rising = range(min(count, max(0, size - self._done)))
        falling = range(max(0, int(min(until_end, count + size)) - size), count)
        for index in {*rising, *falling}:
            place = min(self._done + index, until_end - 1 - index)
            samples[index] = round(samples[index] * edge[int(place)])
        return samples.tobytes()


def check_tone(tone: ToneShape) -> None:
    """Raises LocalError for a tone that never went through a section's checks, and fails them."""
    for part in (*tone.once, *tone.cadence, tone):
        for defect in part.check():
            raise LocalError(f"no tone has {defect.key} = {defect.value}: {defect.expectation}")


@functools.lru_cache(32)
def burst(tone: ToneShape, rate: int) -> bytes:
    """What sounds once in a tone, computed as long as it is and no longer.

    Raises LocalError where it doesn't end, or `rate` is none of RATES.
    """
    if rate not in RATES or any(segment.ms is None for segment in tone.once):
        raise LocalError("a burst has an end, and one of the rates of tones")
    return b"".join(_burst(segment, tone.level_dbm0, rate) for segment in tone.once)


def _burst(segment: ToneSegment, level_dbm0: float, rate: int) -> bytes:
    count = (segment.ms or 0) * rate // 1000
    if not segment.hz:
        return bytes(2 * count)
    waves = [
        (2 * math.pi * hz / rate, amplitude * PEAK)
        for hz, amplitude in segment.partials(level_dbm0)
    ]
    samples = [sum(peak * math.sin(step * n) for step, peak in waves) for n in range(count)]
    for place, share in enumerate(_edge(rate)[: count // 2]):
        samples[place] *= share
        samples[-1 - place] *= share
    return array("h", map(round, samples)).tobytes()


@functools.lru_cache(8)
def _edge(rate: int) -> tuple[float, ...]:
    count = rate * EDGE_MS // 1000
    return tuple((1 - math.cos(math.pi * (n + 0.5) / count)) / 2 for n in range(count))


@functools.lru_cache(64)
def _wave(partials: Partials, rate: int) -> bytes:
    """The shortest run of samples after which the sum of all partials repeats."""
    size = math.lcm(*(rate // math.gcd(hz, rate) for hz, _ in partials))
    total: Iterator[float] = itertools.repeat(0.0, size)
    for hz, amplitude in partials:
        one = _sine(hz, rate)
        scaled = [amplitude * PEAK * value for value in one]
        total = map(add, total, scaled * (size // len(one)))
    return array("h", map(round, total)).tobytes()


@functools.lru_cache(64)
def _sine(hz: int, rate: int) -> tuple[float, ...]:
    count = rate // math.gcd(hz, rate)
    return tuple(math.sin(2 * math.pi * hz * n / rate) for n in range(count))
