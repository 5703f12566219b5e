"""Between a sound card's chunks at its own rate and periods at another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.resampler import CHUNK_MS, Resampler, Samples
from offhook.shells.audio.sound import OnPeriod


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
        for part in played.reshape(self.chunks_per_period, -1):
            yield self._outward.convert(part)
