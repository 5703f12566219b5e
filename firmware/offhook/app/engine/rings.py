"""Rings between the sound's thread and the engine's loop: one writer, one reader, no lock."""

from __future__ import annotations


class PeriodRing:
    """Preallocated room for `capacity` periods of `octets` octets.

    Only the writer moves `_written`, only the reader moves `_read`; both only grow, and each is
    one assignment, so that neither side ever waits for the other.
    """

    __slots__ = ("_buffer", "_capacity", "_lengths", "_octets", "_read", "_written")

    def __init__(self, capacity: int, octets: int) -> None:
        self._capacity, self._octets = capacity, octets
        self._buffer = bytearray(capacity * octets)
        self._lengths = [0] * capacity
        self._written = self._read = 0

    def __len__(self) -> int:
        return self._written - self._read

    def put(self, period: bytes) -> bool:
        """Copy a period in (an empty one is kept as such); False where the ring is full."""
        if self._written - self._read >= self._capacity:
            return False
        place = self._written % self._capacity
        start = place * self._octets
        length = min(len(period), self._octets)
        self._buffer[start : start + length] = period[:length]
        self._lengths[place] = length
        self._written += 1
        return True

    def get(self) -> bytes | None:
        """Copy the oldest period out; None where the ring is empty."""
        if self._written == self._read:
            return None
        place = self._read % self._capacity
        start = place * self._octets
        period = bytes(self._buffer[start : start + self._lengths[place]])
        self._read += 1
        return period
