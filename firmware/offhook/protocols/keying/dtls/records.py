"""DTLS records and handshake fragments, as far as they are in clear (RFC 6347 §4.1, §4.2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23

CLIENT_HELLO: Final = 1
CERTIFICATE: Final = 11

FATAL: Final = 2
BAD_CERTIFICATE: Final = 42

RECORD_HEADER: Final = 13
FRAGMENT_HEADER: Final = 12
SHORTEST_SEALED: Final = 24
"""Octets of nonce and tag under AES-GCM (RFC 5288 §3)."""
MAX_DATAGRAM: Final = 1200
"""Octets of a datagram that we send: every path carries that."""
MAX_RECEIVED: Final = 4096
"""Octets of a datagram that is looked at."""
MAX_MESSAGE: Final = 16384
"""Octets of a handshake message, all fragments together."""

_TYPES: Final = (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA)
_VERSIONS: Final = (b"\xfe\xff", b"\xfe\xfd")


@dataclass(frozen=True, slots=True)
class Record:
    """One whole record; `octets` begin with its header."""

    octets: bytes

    @property
    def content_type(self) -> int:
        """RFC 6347's ContentType."""
        return self.octets[0]

    @property
    def epoch(self) -> int:
        """0 as long as nothing is encrypted."""
        return int.from_bytes(self.octets[3:5], "big")

    @property
    def sequence(self) -> int:
        """The number within the epoch."""
        return int.from_bytes(self.octets[5:11], "big")

    @property
    def in_clear(self) -> bool:
        """Whether this is a handshake record that can be read."""
        return self.epoch == 0 and self.content_type == HANDSHAKE

    @property
    def sealable(self) -> bool:
        """Whether an encrypted record can be as short as this.

        OpenSSL from 3.2 on gives the whole association up over one that can't, whoever sent it.
        """
        return self.epoch == 0 or len(self.octets) >= RECORD_HEADER + SHORTEST_SEALED


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a handshake message of `length` octets, from `offset` on."""

    message_type: int
    length: int
    sequence: int
    offset: int
    body: bytes


def split_records(data: bytes) -> list[Record]:
    """The whole records at the start of a datagram; from the first unsound one on it is dropped."""
    records = []
    start = 0
    while start + RECORD_HEADER <= len(data):
        end = start + RECORD_HEADER + int.from_bytes(data[start + 11 : start + 13], "big")
        if (
            end > len(data)
            or data[start] not in _TYPES
            or data[start + 1 : start + 3] not in _VERSIONS
        ):
            break
        records.append(Record(data[start:end]))
        start = end
    return records


def pack_records(records: Iterable[Record]) -> list[bytes]:
    """Datagrams of at most MAX_DATAGRAM octets, records in order and none divided."""
    datagrams = [b""]
    for record in records:
        if datagrams[-1] and len(datagrams[-1]) + len(record.octets) > MAX_DATAGRAM:
            datagrams.append(b"")
        datagrams[-1] += record.octets
    return [each for each in datagrams if each]


def fragments(record: Record) -> list[Fragment] | None:
    """What a handshake record in clear holds; None where the lengths inside don't fit."""
    found = []
    data = record.octets[RECORD_HEADER:]
    while data:
        if len(data) < FRAGMENT_HEADER:
            return None
        length = int.from_bytes(data[1:4], "big")
        offset = int.from_bytes(data[6:9], "big")
        size = int.from_bytes(data[9:12], "big")
        body = data[FRAGMENT_HEADER : FRAGMENT_HEADER + size]
        if len(body) < size or offset + size > length or length > MAX_MESSAGE:
            return None
        sequence = int.from_bytes(data[4:6], "big")
        found.append(Fragment(data[0], length, sequence, offset, body))
        data = data[FRAGMENT_HEADER + size :]
    return found or None


def alert(description: int, sequence: int) -> bytes:
    """A fatal alert in clear: OpenSSL's own can't be chosen from here."""
    return (
        bytes((ALERT, 0xFE, 0xFD, 0, 0))
        + sequence.to_bytes(6, "big")
        + bytes((0, 2, FATAL, description))
    )


class CertificateReader:
    """Puts the peer's Certificate message together while it passes by (RFC 5246 §7.4.2).

    One message of at most MAX_MESSAGE octets is held. What comes out is looked at before OpenSSL
    sees it, and once more afterwards as OpenSSL understood it.
    """

    __slots__ = ("_covered", "_key", "_message")

    def __init__(self) -> None:
        self._key: tuple[int, int] | None = None
        self._message = bytearray()
        self._covered = bytearray()

    def read(self, fragment: Fragment) -> bytes | None:
        """The first certificate (DER) once the message is whole; empty where there is none."""
        key = (fragment.sequence, fragment.length)
        if key != self._key:
            self._key = key
            self._message = bytearray(fragment.length)
            self._covered = bytearray(fragment.length)
        end = fragment.offset + len(fragment.body)
        self._message[fragment.offset : end] = fragment.body
        self._covered[fragment.offset : end] = b"\1" * len(fragment.body)
        if 0 in self._covered:
            return None
        size = int.from_bytes(self._message[3:6], "big")
        leaf = bytes(self._message[6 : 6 + size])
        return leaf if len(leaf) == size else b""
