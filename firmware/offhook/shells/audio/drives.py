"""A card that runs, between its thread and ours; and PyAudio's callback as such a thread."""

from __future__ import annotations

import contextlib
import os
import select
import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from offhook.shells.audio.portaudio import CONTINUE, CardLost, PortAudio, Terms
from offhook.shells.audio.resampler import CHUNK_MS
from offhook.shells.audio.ring import ChunkRing

CAPTURED: Final = 16
"""Chunks that may wait to be taken before captured ones are lost."""
PLAYING: Final = 16
"""Chunks that may wait to be played."""
LOST_AFTER_S: Final = 0.4
"""A card that is silent for so long is gone."""
FIRST_WITHIN_S: Final = 3.0
"""But it may take so long to begin."""
XRUN: Final = 1 | 2 | 4
"""PortAudio's flags of input underflow and overflow and of output underflow."""
LEAD: Final = 1
"""Chunks held ready beyond those of a period: what we may be late without being heard."""
MOST_LEAD: Final = 6
"""The same, at most, on a machine that has been later than that."""
CALM: Final = 60_000 // CHUNK_MS
"""Chunks in a row that found more than LEAD ready, before one is left out."""
PRIORITY: Final = 5
"""Among real-time threads: what desktop sound servers take."""
TRACED: Final = 30000
"""Moments of chunks that are kept: five minutes."""


def go_first() -> None:
    """Let this thread go before all that is not sound, where that is allowed.

    One that is a real-time thread already keeps the priority that it was begun with.
    """
    if os.sched_getscheduler(0) == os.SCHED_FIFO:
        return
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))


@dataclass(slots=True)
class Counts:
    """What happened since the sound was opened. A chunk is 10 ms."""

    chunks: int = 0
    underruns: int = 0
    """Chunks for which the card got silence, because nothing was ready."""
    overflows: int = 0
    """Captured chunks that nobody took in time."""
    xruns: int = 0
    """Chunks at which the card had run dry, or told of an underrun or overrun of its own."""
    dropped: int = 0
    """Chunks left out, because more was held ready for long than was needed."""
    losses: int = 0
    """How often the card went away."""
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=TRACED))
    """When each chunk came (s, monotonic)."""


def with_side_tone(played: bytes, captured: bytes, factor: float) -> bytes:
    """What is played, and `factor` times what was captured at once with it, within 16 bits."""
    own = np.frombuffer(captured, np.int16) * np.float32(factor)
    own += np.frombuffer(played, np.int16)
    return own.clip(-32768, 32767).astype(np.int16).tobytes()


class Drive(ABC):
    """A card that runs: its own thread copies from ring to ring and wakes ours, and never waits."""

    def __init__(self, host: PortAudio, terms: Terms, counts: Counts, ahead: int) -> None:
        """`ahead` is the chunks that are given at a time; silence is played at first."""
        self.terms = terms
        self._counts = counts
        self._least = self._wanted = ahead + LEAD
        self._captured = ChunkRing(CAPTURED, terms.octets)
        self._playing = ChunkRing(PLAYING, terms.octets)
        self._silence = bytes(terms.octets)
        self.side_tone = 0.0
        """How loud the ear hears the mouth, as a factor; here, where it is soonest."""
        self._plenty = self._calm = self._starved = 0
        self._running = False
        for _ in range(self._wanted):
            self._playing.put(self._silence)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            self._start(host)
        except CardLost:
            os.close(self._wake)
            raise

    @abstractmethod
    def _start(self, host: PortAudio) -> None: ...

    @abstractmethod
    def _stop(self) -> bool: ...

    def _exchanged(self, captured: bytes) -> bytes:
        """Keep what was captured, and give what is to be played. In the card's thread."""
        counts = self._counts
        counts.moments.append(time.monotonic())
        counts.chunks += 1
        if not self._captured.put(captured):
            counts.overflows += 1
        chunk = self._playing.get()
        if chunk is None:
            counts.underruns += 1
            self._starved += 1
            chunk = self._silence
        os.eventfd_write(self._wake, 1)
        return with_side_tone(chunk, captured, self.side_tone) if self.side_tone else chunk

    def take(self) -> bytes | None:
        """Wait for a captured chunk; None: ask again. Raises CardLost."""
        chunk = self._captured.get()
        if chunk is not None:
            self._running = True
            return chunk
        patience = LOST_AFTER_S if self._running else FIRST_WITHIN_S
        ready, _, _ = select.select([self._wake], [], [], patience)
        if not ready:
            raise CardLost(f"{self.terms.name} has stopped")
        os.eventfd_read(self._wake)
        return None

    def give(self, chunk: bytes) -> None:
        """A chunk to be played after those given before.

        What is held ready grows by what was missed, up to MOST_LEAD; what is too much for a
        second is left out, and one where for a minute we were never late enough to need it.
        """
        if self._starved:
            self._wanted = min(self._wanted + self._starved, self._least + MOST_LEAD - LEAD)
            self._starved = self._plenty = self._calm = 0
        ready = len(self._playing)
        self._plenty = self._plenty + 1 if ready > self._wanted else 0
        self._calm = self._calm + 1 if ready > LEAD else 0
        calm = self._calm > CALM
        if calm or self._plenty > 1000 // CHUNK_MS or not self._playing.put(chunk):
            self._wanted = max(self._least, self._wanted - calm)
            self._counts.dropped += 1
            self._plenty = self._calm = 0

    def close(self) -> bool:
        """Let the card go; it may take long where the card is gone. False: it can't be let go."""
        stopped = self._stop()
        if stopped:
            os.close(self._wake)
        return stopped


class CallbackDrive(Drive):
    """PortAudio's own thread calls us."""

    def _start(self, host: PortAudio) -> None:
        self._stream = host.open(self.terms, self._called)

    def _called(
        self, captured: bytes, _frames: int, _times: object, xrun: int
    ) -> tuple[bytes, int]:
        self._counts.xruns += bool(xrun & XRUN)
        return self._exchanged(captured), CONTINUE

    def _stop(self) -> bool:
        with contextlib.suppress(OSError):
            self._stream.close()
        return True
