"""Compound RTCP: SR, RR, SDES, BYE and the reporting interval (RFC 3550 §6, RFC 5761)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness, fraction
from offhook.protocols.media.rtp import VERSION, ReceptionReport

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203

MINIMUM_INTERVAL_S: Final = 5.0
"""RFC 3550 §6.2; two members with 64 kbit/s of speech never reach the 5 % rule."""
COMPENSATION: Final = 1.21828
"""e - 3/2, by which timer reconsideration is made up for (§6.3.1)."""

MAX_PARTS: Final = 32
"""RTCP packets read of one compound; the rest of a longer one is left unread."""

_HEADER: Final = struct.Struct("!BBH")
_SENDER_INFO: Final = struct.Struct("!IQIII")
_BLOCK: Final = struct.Struct("!IIIIII")
_WORD: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of source `ssrc` (§6.4.1)."""

    ssrc: int
    reception: ReceptionReport
    last_sender_report: int
    """The middle 32 bits of the NTP timestamp of the last SR, 0 where none came."""
    delay_since: int
    """In 1/65536 s since that SR."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Counts and clocks of a sender; `ntp` is 32.32 fixed point seconds."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What one that sends no media has received."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The CNAME of one source (RFC 7022 says how to choose it)."""

    ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These sources have left."""

    sources: tuple[int, ...]
    reason: str = ""


RtcpPart = SenderReport | ReceiverReport | SourceDescription | Goodbye


def ntp_time(seconds: float) -> int:
    """Seconds of any clock as 64-bit fixed point; §6.4.1 allows a clock other than the wall's."""
    return int(seconds * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def middle_bits(ntp: int) -> int:
    """The middle 32 of 64 bits, in 1/65536 s."""
    return (ntp >> 16) & 0xFFFFFFFF


def report_interval(randomness: Randomness, *, initial: bool) -> float:
    """Seconds to the next compound: the minimum, halved at first, times 0.5 to 1.5 (§6.3.1)."""
    base = MINIMUM_INTERVAL_S / 2 if initial else MINIMUM_INTERVAL_S
    return base * (0.5 + fraction(randomness)) / COMPENSATION


def serialise_compound(*parts: RtcpPart) -> bytes:
    """Write a compound packet; §6.1 wants a report first and a CNAME in each."""
    if not parts or not isinstance(parts[0], SenderReport | ReceiverReport):
        raise LocalError("a compound RTCP packet starts with SR or RR")
    return b"".join(map(_serialise, parts))


def _serialise(part: RtcpPart) -> bytes:
    match part:
        case SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, blocks):
            info = _SENDER_INFO.pack(
                ssrc, ntp, rtp_timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
            )
            return _packet(SENDER_REPORT, len(blocks), info + _blocks(blocks))
        case ReceiverReport(ssrc, blocks):
            return _packet(RECEIVER_REPORT, len(blocks), _WORD.pack(ssrc) + _blocks(blocks))
        case SourceDescription(ssrc, cname):
            text = cname.encode()[:255]
            chunk = _WORD.pack(ssrc) + bytes((1, len(text))) + text
            return _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))
        case Goodbye(sources, reason):
            body = b"".join(map(_WORD.pack, sources))
            if reason:
                text = reason.encode()[:255]
                body += bytes((len(text),)) + text
                body += bytes(-len(body) % 4)
            return _packet(GOODBYE, len(sources), body)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(VERSION << 6 | count, kind, len(body) // 4) + body


def _blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.reception.fraction_lost << 24 | block.reception.cumulative_lost & 0xFFFFFF,
            block.reception.highest_sequence,
            block.reception.jitter,
            block.last_sender_report,
            block.delay_since,
        )
        for block in blocks
    )


def parse_compound(data: bytes) -> list[RtcpPart]:
    """Read a compound packet; unknown packet types are stepped over.

    PeerError where the first is no report or a length leads out of the datagram (§A.2).
    """
    parts: list[RtcpPart] = []
    offset = count = 0
    while offset < len(data) and count < MAX_PARTS:
        if len(data) - offset < 4:
            raise PeerError("RTCP packet is cut off")
        first, kind, words = _HEADER.unpack_from(data, offset)
        if first >> 6 != VERSION:
            raise PeerError("RTCP version is not 2")
        if offset == 0 and (kind not in (SENDER_REPORT, RECEIVER_REPORT) or first & 0x20):
            raise PeerError("compound RTCP packet does not start with an unpadded report")
        end = offset + 4 + 4 * words
        if end > len(data):
            raise PeerError("RTCP length leads out of the datagram")
        part = _parse(kind, first & 0x1F, data[offset + 4 : end])
        if part is not None:
            parts.append(part)
        offset, count = end, count + 1
    if not count:
        raise PeerError("RTCP datagram is empty")
    return parts


def _parse(kind: int, count: int, body: bytes) -> RtcpPart | None:
    try:
        if kind == SENDER_REPORT:
            ssrc, ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
            blocks = _parse_blocks(body, _SENDER_INFO.size, count)
            return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, blocks)
        if kind == RECEIVER_REPORT:
            return ReceiverReport(_WORD.unpack_from(body)[0], _parse_blocks(body, 4, count))
        if kind == SOURCE_DESCRIPTION:
            return _parse_description(body) if count else None
        if kind == GOODBYE:
            return _parse_goodbye(body, count)
    except struct.error:
        raise PeerError("RTCP packet is shorter than its counts") from None
    return None


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, offset + 24 * index)
        reception = ReceptionReport(loss >> 24, loss & 0xFFFFFF, highest, jitter)
        blocks.append(ReportBlock(ssrc, reception, last, delay))
    return tuple(blocks)


def _parse_description(body: bytes) -> SourceDescription | None:
    ssrc = _WORD.unpack_from(body)[0]
    offset = 4
    while offset + 1 < len(body) and body[offset]:
        kind, length = body[offset], body[offset + 1]
        text = body[offset + 2 : offset + 2 + length]
        if len(text) < length:
            raise PeerError("RTCP SDES item is cut off")
        if kind == 1:
            return SourceDescription(ssrc, text.decode("utf-8", "replace"))
        offset += 2 + length
    return None


def _parse_goodbye(body: bytes, count: int) -> Goodbye:
    sources = tuple(_WORD.unpack_from(body, 4 * index)[0] for index in range(count))
    reason = body[4 * count :]
    text = reason[1 : 1 + reason[0]].decode("utf-8", "replace") if reason else ""
    return Goodbye(sources, text)
