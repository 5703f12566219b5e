"""One of several who share a sound: each with a format of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.exchange import Exchange
from offhook.shells.audio.resampler import CHUNK_MS
from offhook.shells.audio.sound import OnPeriod

COMMON: Final = PcmFormat(rate=48000, period_ms=CHUNK_MS)
"""The format of the sound that is shared."""


class Port:
    """A Sound that has its periods from the thread of another, which calls `turn`.

    `on_change(port, opened)` is called in the thread of whoever opens or closes it.
    """

    def __init__(self, on_change: Callable[[Port, bool], None]) -> None:
        self._on_change = on_change
        # Held while a period is exchanged, so that none begins after `close`.
        self._turning = threading.Lock()
        self._exchange: Exchange | None = None
        self._ready: deque[bytes] = deque()

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        """Take part from the next turn on. LocalError for a period of no whole chunks."""
        if self._exchange is not None:
            raise LocalError("the sound is open already")
        self._exchange = Exchange(COMMON.rate, pcm_format, on_period)
        self._on_change(self, True)

    def close(self) -> None:
        """Take part no more; no call of `on_period` begins after it returns."""
        with self._turning:
            opened, self._exchange = self._exchange, None
        if opened is not None:
            self._on_change(self, False)

    def turn(self, captured: bytes) -> bytes:
        """Hand over a chunk of COMMON; the one to be played now, empty where there is none."""
        with self._turning:
            if self._exchange is None:
                return b""
            chunk = np.frombuffer(captured, np.int16)
            self._ready.extend(each.tobytes() for each in self._exchange.turn(chunk))
        return self._ready.popleft() if self._ready else b""
