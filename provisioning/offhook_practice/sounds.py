"""What an extension is heard to do: echo, a tone, silence. Paced by a thread like a sound card."""

from __future__ import annotations

import array
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from offhook.base.vocabulary import PcmFormat

OnPeriod = Callable[[bytes], bytes]
"""Takes what was captured in a period, gives what is to be played in it."""

TONE_HZ: Final = 425
"""The frequency of most of Europe's tones (ITU-T E.180)."""
TONE_LEVEL: Final = 6000


class PacedSound(ABC):
    """Calls `next_period` once per period; the n-th call is due n periods after the first."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        """Begin to exchange periods with the stream."""
        self._thread = threading.Thread(
            target=self._run, args=(pcm_format, on_period), name="practice-sound", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop; no exchange begins after this returns."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    @abstractmethod
    def next_period(self, heard: bytes, pcm_format: PcmFormat) -> bytes:
        """What to say next, after `heard` was heard."""

    def _run(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        period_s = pcm_format.period_ms / 1000
        begun, count, heard = time.monotonic(), 0, bytes(pcm_format.octets)
        while not self._stopped.is_set():
            heard = on_period(self.next_period(heard, pcm_format))
            count += 1
            ahead = begun + count * period_s - time.monotonic()
            if ahead > 0 and self._stopped.wait(ahead):
                return


class EchoSound(PacedSound):
    """Says what it hears, one period later."""

    def next_period(self, heard: bytes, pcm_format: PcmFormat) -> bytes:
        """The period just heard."""
        return heard or bytes(pcm_format.octets)


class ToneSound(PacedSound):
    """A steady tone of `TONE_HZ`."""

    def __init__(self) -> None:
        super().__init__()
        self._sample = 0

    def next_period(self, heard: bytes, pcm_format: PcmFormat) -> bytes:  # noqa: ARG002  # it does not listen
        """The next stretch of the tone, in phase with the last."""
        step = 2 * math.pi * TONE_HZ / pcm_format.rate
        start, self._sample = self._sample, self._sample + pcm_format.samples
        samples = (int(TONE_LEVEL * math.sin(step * index)) for index in range(start, self._sample))
        return array.array("h", samples).tobytes()


SOUNDS: Final[dict[str, type[PacedSound]]] = {"echo": EchoSound, "tone": ToneSound}
