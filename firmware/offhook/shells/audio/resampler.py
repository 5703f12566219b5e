"""A stream of one rate made a stream of another, 10 ms by 10 ms, by soxr's filter as a matrix.

soxr's stream holds samples back in blocks: 12 ms from 48 to 16 kHz, over 100 ms to 8 kHz. Its
conversion in one piece is linear, though, and repeats itself every gcd of the rates. So its answer
to a few impulses is asked for once; a chunk, with what came before and a little of what comes
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
            self._matrix = _matrix(from_rate, to_rate)
            self._window = np.zeros(len(self._matrix), np.float32)

    def convert(self, chunk: Samples) -> Samples:
        """The next CHUNK_MS of the stream, LOOKAHEAD_MS late where the rates differ."""
        if self._same:
            return chunk
        window = self._window
        window[: -self._in] = window[self._in :]
        window[-self._in :] = chunk
        made = np.rint(window @ self._matrix)
        return np.asarray(np.clip(made, -32768, 32767), np.int16)


@functools.lru_cache(16)
def _matrix(from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """What each sample of the window gives to each sample of the chunk that is made of it.

    The window is the chunk before, the chunk, and LOOKAHEAD_MS after it.
    """
    size_in, size_out = (rate * CHUNK_MS // 1000 for rate in (from_rate, to_rate))
    ahead = from_rate * LOOKAHEAD_MS // 1000
    common = math.gcd(from_rate, to_rate)
    phases, shift = from_rate // common, to_rate // common
    # The first impulses lie where the whole of every answer is within what soxr is given.
    first = -(-size_in // phases) * phases
    length = 2 * first + 2 * phases
    answers = [
        soxr.resample(
            np.eye(1, length, first + phase, dtype=np.float32)[0], from_rate, to_rate, QUALITY
        )
        for phase in range(phases)
    ]
    matrix = np.zeros((2 * size_in + ahead, size_out), np.float32)
    for place in range(len(matrix)):
        rounds, phase = divmod(place, phases)
        answer = answers[phase]
        # Sample n of the chunk is sample size_out + n of the window's conversion.
        begin = size_out + (first // phases - rounds) * shift
        wanted = range(max(0, -begin), min(size_out, len(answer) - begin))
        if wanted:
            matrix[place, wanted.start : wanted.stop] = answer[
                begin + wanted.start : begin + wanted.stop
            ]
    return matrix
