"""The ZRTP packet around a message: header, magic cookie and CRC (RFC 6189 §5, RFC 4960 B)."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from offhook.protocols.keying.zrtp.refusals import Discarded

MAGIC: Final = b"ZRTP"
HEADER_OCTETS: Final = 12
CRC_OCTETS: Final = 4
SHORTEST: Final = HEADER_OCTETS + 12 + CRC_OCTETS
LONGEST: Final = 1500
"""Octets of a datagram that are looked at."""

_HEADER: Final = struct.Struct("!HH4sI")
_FIRST: Final = 0x1000
_POLYNOMIAL: Final = 0x82F63B78


class ZrtpPacket(NamedTuple):
    """One packet; `source` is the SSRC of the RTP stream that it belongs to."""

    sequence: int
    source: int
    message: bytes


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE: Final = tuple(_entry(value) for value in range(256))


def crc32c(octets: bytes) -> bytes:
    """The CRC of `octets` as the four octets that stand at a packet's end."""
    value = 0xFFFFFFFF
    for octet in octets:
        value = value >> 8 ^ _TABLE[(value ^ octet) & 0xFF]
    return struct.pack("<I", value ^ 0xFFFFFFFF)


def is_zrtp(datagram: bytes) -> bool:
    """Whether a datagram begins as a ZRTP packet; `demultiplex` tells what is meant for ZRTP."""
    return len(datagram) >= HEADER_OCTETS and datagram[0] >> 4 == 1 and datagram[4:8] == MAGIC


def parse_packet(datagram: bytes) -> ZrtpPacket:
    """The packet in a datagram; Discarded where it is none, or its CRC is wrong."""
    if not SHORTEST <= len(datagram) <= LONGEST:
        raise Discarded("a ZRTP packet has an impossible length")
    if not is_zrtp(datagram):
        raise Discarded("not a ZRTP packet")
    _, sequence, _, source = _HEADER.unpack_from(datagram)
    if crc32c(datagram[:-CRC_OCTETS]) != datagram[-CRC_OCTETS:]:
        raise Discarded("a ZRTP packet has a wrong CRC")
    return ZrtpPacket(sequence, source, datagram[HEADER_OCTETS:-CRC_OCTETS])


def serialise_packet(packet: ZrtpPacket) -> bytes:
    """The datagram."""
    head = _HEADER.pack(_FIRST, packet.sequence & 0xFFFF, MAGIC, packet.source)
    return head + packet.message + crc32c(head + packet.message)
