"""TLS records as they come off the wire (RFC 8446 §5.1, §5.2; RFC 5246 §6.2)."""

from __future__ import annotations

from typing import Final, NamedTuple

HEADER_OCTETS: Final = 5
MAX_FRAGMENT_OCTETS: Final = 2**14 + 2048
HANDSHAKE: Final = 22


class Record(NamedTuple):
    """One whole record. `end` counts from the start of the octets that completed it."""

    content_type: int
    fragment: bytes
    end: int


class RecordSplitter:
    """Finds the records in a stream. A length beyond the standard's bound ends the finding."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.broken = False

    def receive(self, data: bytes) -> list[Record]:
        """The records completed by `data`."""
        if self.broken:
            return []
        buffer = self._buffer
        before = len(buffer)
        buffer += data
        records: list[Record] = []
        start = 0
        while len(buffer) - start >= HEADER_OCTETS:
            length = int.from_bytes(buffer[start + 3 : start + 5], "big")
            if length > MAX_FRAGMENT_OCTETS:
                self.broken = True
                buffer.clear()
                return records
            end = start + HEADER_OCTETS + length
            if end > len(buffer):
                break
            fragment = bytes(buffer[start + HEADER_OCTETS : end])
            records.append(Record(buffer[start], fragment, end - before))
            start = end
        del buffer[:start]
        return records
