"""A ring between a sound's thread and another: one writer, one reader, no lock."""

from __future__ import annotations


class ChunkRing:
    """Preallocated room for `capacity` chunks, each of exactly `octets` octets or empty.

    Only the writer moves `_written`, only the reader moves `_read`; both only grow, and each is
    one assignment, so that neither side ever waits for the other.
    """

    __slots__ = ("_capacity", "_empty", "_octets", "_places", "_read", "_written")

    def __init__(self, capacity: int, octets: int) -> None:
        self._capacity, self._octets = capacity, octets
        whole = memoryview(bytearray(capacity * octets))
        self._places = [whole[n * octets : (n + 1) * octets] for n in range(capacity)]
        self._empty = [False] * capacity
        self._written = self._read = 0

    def __len__(self) -> int:
        return self._written - self._read

    def put(self, chunk: bytes) -> bool:
        """Copy a chunk in (an empty one stands for one that was lost).

        False where the ring is full, or the chunk has another size.
        """
        if self._written - self._read >= self._capacity:
            return False
        place = self._written % self._capacity
        if len(chunk) == self._octets:
            self._places[place][:] = chunk
        elif chunk:
            return False
        self._empty[place] = not chunk
        self._written += 1
        return True

    def get(self) -> bytes | None:
        """Copy the oldest chunk out; None where the ring is empty."""
        if self._written == self._read:
            return None
        place = self._read % self._capacity
        chunk = b"" if self._empty[place] else bytes(self._places[place])
        self._read += 1
        return chunk
