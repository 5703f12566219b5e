"""Between a sound card's chunks at its own rate and the engine's periods at theirs.

soxr's stream holds samples back in blocks: 12 ms from 48 to 16 kHz, over 100 ms to 8 kHz. Here it
is given each chunk whole, with what came before and a little of what comes after, and the middle
is kept: the same filter, LOOKAHEAD_MS late, at least 80 dB like the conversion in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.sound import OnPeriod

CHUNK_MS: Final = 10
"""What a card gives and takes at a time."""
LOOKAHEAD_MS: Final = 2
"""How much later a chunk comes out of a conversion than it went in."""
QUALITY: Final = "LQ"
"""The filter that is short enough for LOOKAHEAD_MS; with its stop band below 16 bits' noise."""
RATES: Final = (8000, 16000, 24000, 32000, 44100, 48000, 96000)

Samples = NDArray[np.int16]


class Resampler:
    """Converts one stream chunk by chunk: CHUNK_MS in, CHUNK_MS out."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        for rate in (from_rate, to_rate):
            if rate not in RATES:
                raise LocalError(f"{rate} Hz is none of {', '.join(map(str, RATES))} Hz")
        self._from, self._to = from_rate, to_rate
        self._in = from_rate * CHUNK_MS // 1000
        self._out = to_rate * CHUNK_MS // 1000
        ahead = from_rate * LOOKAHEAD_MS // 1000
        self._window = np.zeros(2 * self._in + ahead, np.float32)

    def convert(self, chunk: Samples) -> Samples:
        """The next CHUNK_MS of the stream, LOOKAHEAD_MS late where the rates differ."""
        if self._from == self._to:
            return chunk
        window = self._window
        window[: -self._in] = window[self._in :]
        window[-self._in :] = chunk
        made = soxr.resample(window, self._from, self._to, QUALITY)[self._out : 2 * self._out]
        return np.asarray(np.clip(np.rint(made), -32768, 32767), np.int16)


class Exchange:
    """Hands what a card captured to the engine, and what the engine plays to the card.

    Raises LocalError for a rate or a period that can't be made of chunks.
    """

    def __init__(self, card_rate: int, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        if pcm_format.period_ms % CHUNK_MS:
            raise LocalError(f"a period has to be a multiple of {CHUNK_MS} ms")
        self._inward = Resampler(card_rate, pcm_format.rate)
        self._outward = Resampler(pcm_format.rate, card_rate)
        self._format, self._on_period = pcm_format, on_period
        self._captured: list[bytes] = []

    @property
    def chunks_per_period(self) -> int:
        """How many chunks make a period: so many come back at a time, and none in between."""
        return self._format.period_ms // CHUNK_MS

    def turn(self, chunk: Samples) -> Iterator[Samples]:
        """Take a chunk of the card's; the chunks to be played that became ready by it."""
        self._captured.append(self._inward.convert(chunk).tobytes())
        if len(self._captured) < self.chunks_per_period:
            return
        captured = b"".join(self._captured)
        self._captured.clear()
        played = np.frombuffer(self._on_period(captured), np.int16)
        for part in np.split(played, self.chunks_per_period):
            yield self._outward.convert(part)
