"""A ring between a sound card's thread and ours: one writer, one reader, no lock."""

from __future__ import annotations


class ChunkRing:
    """Preallocated room for `capacity` chunks of exactly `octets` octets.

    Only the writer moves `_written`, only the reader moves `_read`; both only grow, and each is
    one assignment, so that neither side ever waits for the other.
    """

    __slots__ = ("_capacity", "_octets", "_places", "_read", "_written")

    def __init__(self, capacity: int, octets: int) -> None:
        self._capacity, self._octets = capacity, octets
        whole = memoryview(bytearray(capacity * octets))
        self._places = [whole[n * octets : (n + 1) * octets] for n in range(capacity)]
        self._written = self._read = 0

    def __len__(self) -> int:
        return self._written - self._read

    def put(self, chunk: bytes) -> bool:
        """Copy a chunk in; False where the ring is full or the chunk has another size."""
        if self._written - self._read >= self._capacity or len(chunk) != self._octets:
            return False
        self._places[self._written % self._capacity][:] = chunk
        self._written += 1
        return True

    def get(self) -> bytes | None:
        """Copy the oldest chunk out; None where the ring is empty."""
        if self._written == self._read:
            return None
        chunk = bytes(self._places[self._read % self._capacity])
        self._read += 1
        return chunk
