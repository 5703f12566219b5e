"""The sound of one session: two rings between its thread and the engine's loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from offhook.protocols.media.stream import MediaStream
from offhook.shells.audio.ring import ChunkRing
from offhook.shells.audio.sound import Sound

CAPTURED: Final = 16
"""Periods the sound may be ahead of the loop before captured ones are lost."""
LEAD: Final = 1
"""Periods held ready for the sound at first: what the loop may be late without being heard."""
MOST_LEAD: Final = 3
"""Periods held ready at most, where the loop has been later than that."""
LESS_AFTER: Final = 250
"""Periods in a row that found more than enough held ready, before one is left out."""


class SessionSound:
    """Opens `sound` for `stream`; LocalError where it does not open.

    `wake` is called in the sound's thread after each period: `carry` is due then.
    """

    def __init__(self, stream: MediaStream, sound: Sound, wake: Callable[[], None]) -> None:
        self.stream: Final = stream
        self._sound = sound
        self._wake = wake
        octets = stream.format.octets
        self.captured = ChunkRing(CAPTURED, octets)
        self.playing = ChunkRing(MOST_LEAD, octets)
        self._silence = bytes(octets)
        self._plenty = 0
        self._closed = False
        self.missed = self.overflowed = 0
        """Periods for which nothing was held ready, and captured ones that nobody took."""
        self._overflow_seen = 0
        for _ in range(LEAD):
            self.playing.put(self._silence)
        sound.open(stream.format, self._on_period)

    def _on_period(self, captured: bytes) -> bytes:
        """The sound's callback, in the sound's thread: copies, and wakes the loop."""
        if not self.captured.put(captured):
            self.overflowed += 1
        played = self.playing.get()
        self._wake()
        if played is None:
            self.missed += 1
            return self._silence
        return played

    @property
    def behind(self) -> bool:
        """Whether the loop was held up."""
        return len(self.captured) > 1

    def carry(self, now: float) -> None:
        """Carry periods between the rings and the stream.

        A period is played out for each one captured. The sound having missed one because the loop
        was late, the next are held ready that much longer, up to MOST_LEAD; where that proves to
        be more than enough, one is left out.
        """
        stream = self.stream
        period_s = stream.format.period_ms / 1000
        lost = self.overflowed - self._overflow_seen
        self._overflow_seen += lost
        while (captured := self.captured.get()) is not None:
            waited = (len(self.captured) + lost) * period_s
            stream.capture(captured, now - waited)
            self._play(stream.playout(now))
        for still in range(lost, 0, -1):
            stream.capture(b"", now - (still - 1) * period_s)
            stream.playout(now)

    def _play(self, period: bytes) -> None:
        self._plenty = self._plenty + 1 if len(self.playing) >= LEAD else 0
        if self._plenty > LESS_AFTER:
            self._plenty = 0
        else:
            self.playing.put(period)

    def close(self) -> None:
        """No period comes any more; harmless when repeated."""
        if not self._closed:
            self._closed = True
            self._sound.close()
