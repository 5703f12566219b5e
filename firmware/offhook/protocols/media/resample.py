"""From one of the phone's sampling rates to another: 8, 16 and 48 kHz.

Needed only where a stream's codec changes while its sound stays open: everywhere else PCM has the
codec's own rate. A polyphase filter in plain Python: about 2 ms for a frame at 48 kHz.
"""

from __future__ import annotations

import array
import math
from operator import mul
from typing import Final

from offhook.base.errors import LocalError

RATES: Final = (8000, 16000, 48000)
TAPS: Final = 24
"""Samples of the lower rate that the filter spans."""
PASSED: Final = 0.9
"""The part of the lower rate's band that is left alone."""


class Converter:
    """Converts one stream's samples piece by piece. LocalError for rates not among RATES."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        if from_rate not in RATES or to_rate not in RATES:
            raise LocalError(f"no conversion from {from_rate} to {to_rate} Hz")
        self._up = max(1, to_rate // from_rate)
        self._down = max(1, from_rate // to_rate)
        factor = max(self._up, self._down)
        taps = _lowpass(TAPS * factor, PASSED / factor)
        # Each phase is turned round: it meets the samples in their own order.
        self._phases = [
            [self._up * tap for tap in reversed(taps[phase :: self._up])]
            for phase in range(self._up)
        ]
        self._kept = array.array("h", bytes(2 * (len(self._phases[0]) - 1)))

    def convert(self, pcm: bytes) -> bytes:
        """What these samples become, later by half the filter's length; a rest is kept."""
        if self._up == self._down:
            return pcm
        samples = self._kept + array.array("h", pcm)
        span = len(self._phases[0])
        made = array.array("h")
        at = 0
        while at + span + self._down - 1 <= len(samples):
            window = samples[at : at + span]
            for phase in self._phases:
                value = round(sum(map(mul, phase, window)))
                made.append(max(-32768, min(32767, value)))
            at += self._down
        self._kept = samples[at:]
        return made.tobytes()


def _lowpass(count: int, cutoff: float) -> list[float]:
    """A sinc in a Blackman window; `cutoff` in parts of half the higher rate."""
    middle = (count - 1) / 2
    taps = []
    for n in range(count):
        x = cutoff * (n - middle)
        sinc = math.sin(math.pi * x) / (math.pi * x) if x else 1.0
        turn = 2 * math.pi * n / (count - 1)
        taps.append(sinc * (0.42 - 0.5 * math.cos(turn) + 0.08 * math.cos(2 * turn)))
    total = sum(taps)
    return [tap / total for tap in taps]
