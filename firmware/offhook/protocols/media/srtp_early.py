"""Media that comes before its key is known: held for a moment, then dropped.

A peer may send as soon as it has answered, and its first packets overtake the answer with their
key (RFC 3264 §5.1, RFC 4568 §5.1.3). Nothing of what is held is read before it goes through the
media gate.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from offhook.base.vocabulary import PathAddress
from offhook.protocols.media.srtp import MAX_DATAGRAM

HELD_S: Final = 0.2
MOST_HELD: Final = 64
"""Datagrams: 200 ms of speech in packets of 10 ms, three times over."""


class HeldDatagram(NamedTuple):
    """What came, when and from where; `rtcp`: on the RTCP port."""

    data: bytes
    source: PathAddress
    now: float
    rtcp: bool


class EarlyMedia:
    """The last moment's datagrams, the oldest making room. Times are monotonic seconds."""

    __slots__ = ("_held", "dropped")

    def __init__(self) -> None:
        self._held: deque[HeldDatagram] = deque()
        self.dropped = 0
        """Datagrams that were held for nothing."""

    def hold(self, data: bytes, source: PathAddress, now: float, *, rtcp: bool = False) -> None:
        """Keep a datagram until its key comes; one that no packet of ours could be is let go."""
        self.expire(now)
        if len(data) > MAX_DATAGRAM:
            self.dropped += 1
            return
        if len(self._held) >= MOST_HELD:
            self._held.popleft()
            self.dropped += 1
        self._held.append(HeldDatagram(data, source, now, rtcp))

    def release(self, now: float) -> list[HeldDatagram]:
        """The key has come: what is not too old, in the order of its coming. Given once."""
        self.expire(now)
        released = list(self._held)
        self._held.clear()
        return released

    def deadline(self) -> float | None:
        """When `expire` is to be called; None: nothing is held."""
        return self._held[0].now + HELD_S if self._held else None

    def expire(self, now: float) -> None:
        """Drop what has been held for HELD_S."""
        while self._held and now >= self._held[0].now + HELD_S:
            self._held.popleft()
            self.dropped += 1
