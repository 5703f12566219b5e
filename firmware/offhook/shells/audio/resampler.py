"""A stream of one rate made a stream of another, 10 ms by 10 ms, by soxr's filter as a kernel.

soxr's stream holds samples back in blocks: 12 ms from 48 to 16 kHz, over 100 ms to 8 kHz. Its
conversion in one piece is linear, though, and repeats itself every gcd of the rates. So its answer
to a few impulses is asked for once; each round of samples, with a little of what came before and
after, is then converted by one product: the same filter, LOOKAHEAD_MS late.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from offhook.base.errors import LocalError

CHUNK_MS: Final = 10
"""What is converted at a time."""
LOOKAHEAD_MS: Final = 2
"""How much later a chunk comes out of a conversion than it went in."""
QUALITY: Final = "LQ"
"""The filter that is short enough for LOOKAHEAD_MS; with its stop band below 16 bits' noise."""
RATES: Final = (8000, 16000, 24000, 32000, 44100, 48000, 96000)

_REACH_MS: Final = 3
"""How far from a sample the filter hears it, at most."""

Samples = NDArray[np.int16]


class Resampler:
    """Converts one stream chunk by chunk: CHUNK_MS in, CHUNK_MS out.

    Raises LocalError for a rate that is none of RATES.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        for rate in (from_rate, to_rate):
            if rate not in RATES:
                raise LocalError(f"{rate} Hz is none of {', '.join(map(str, RATES))} Hz")
        self._same = from_rate == to_rate
        self._in = from_rate * CHUNK_MS // 1000
        if not self._same:
            self._kernel = _kernel(from_rate, to_rate)
            step = from_rate // math.gcd(from_rate, to_rate)
            # At the end of a chunk some of what the filter reaches isn't there yet: it stays 0.
            unknown = from_rate * (_REACH_MS - LOOKAHEAD_MS) // 1000
            whole = np.zeros(len(self._kernel) - step + self._in, np.float32)
            self._window = whole[:-unknown]
            views = np.lib.stride_tricks.sliding_window_view(whole, len(self._kernel))
            self._rounds = views[::step]

    def convert(self, chunk: Samples) -> Samples:
        """The next CHUNK_MS of the stream, LOOKAHEAD_MS late where the rates differ."""
        if self._same:
            return chunk
        window = self._window
        window[: -self._in] = window[self._in :]
        window[-self._in :] = chunk
        # Copied, as its rows overlap: a product with such may take four times as long.
        made = np.rint(np.ascontiguousarray(self._rounds) @ self._kernel).ravel()
        return np.asarray(np.clip(made, -32768, 32767), np.int16)


@functools.lru_cache(16)
def _kernel(from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """What each sample of a round and around it gives to each sample that is made of the round.

    A round is as many samples as the conversion takes to repeat itself; around it, _REACH_MS.
    """
    common = math.gcd(from_rate, to_rate)
    taken, made = from_rate // common, to_rate // common
    reach = from_rate * _REACH_MS // 1000
    # The first impulses lie where the whole of every answer is within what soxr is given.
    rounds = -(-from_rate * CHUNK_MS // 1000 // taken)
    first, length = rounds * taken, 2 * (rounds + 1) * taken
    answers = [
        soxr.resample(
            np.eye(1, length, first + phase, dtype=np.float32)[0], from_rate, to_rate, QUALITY
        )
        for phase in range(taken)
    ]
    kernel = np.zeros((reach + taken + reach, made), np.float32)
    for place in range(len(kernel)):
        later, phase = divmod(place - reach, taken)
        begin = (rounds - later) * made
        kernel[place] = answers[phase][begin : begin + made]
    return kernel
