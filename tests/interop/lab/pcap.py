"""Datagrams and segments out of a capture file in the classic pcap format (Ethernet, IPv4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_MICROSECONDS, _NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
_ETHERNET = 1
_IPV4 = 0x0800
_PROTOCOLS = {6: "tcp", 17: "udp"}


class BadCapture(ValueError):
    """Not a capture file that this reader understands."""


class Address(NamedTuple):
    """One end of a flow."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Packet:
    """One UDP datagram or TCP segment: `time` in Unix seconds, `dscp` as in RFC 2474."""

    time: float
    protocol: str
    source: Address
    destination: Address
    dscp: int
    payload: bytes


def read_pcap(file: Path) -> list[Packet]:
    """The UDP and TCP packets over IPv4; others are left out. Raises BadCapture."""
    content = file.read_bytes()
    if len(content) < 24:
        raise BadCapture(f"{file} has {len(content)} octets")
    magic, link = struct.unpack_from("<I16xI", content)
    if magic not in (_MICROSECONDS, _NANOSECONDS) or link != _ETHERNET:
        raise BadCapture(f"{file}: magic {magic:#x}, link type {link}")
    fraction = 1e-6 if magic == _MICROSECONDS else 1e-9
    return [
        packet
        for time, frame in _frames(content, fraction)
        if (packet := _packet(time, frame)) is not None
    ]


def _frames(content: bytes, fraction: float) -> Iterator[tuple[float, bytes]]:
    offset = 24
    while offset + 16 <= len(content):
        seconds, part, length = struct.unpack_from("<III", content, offset)
        begin, offset = offset + 16, offset + 16 + length
        if offset <= len(content):
            yield seconds + part * fraction, content[begin:offset]


def _packet(time: float, frame: bytes) -> Packet | None:
    if len(frame) < 34 or int.from_bytes(frame[12:14], "big") != _IPV4:
        return None
    header = (frame[14] & 0x0F) * 4
    protocol = _PROTOCOLS.get(frame[23])
    total = int.from_bytes(frame[16:18], "big")
    carried = frame[14 + header : 14 + total]
    if protocol is None or len(carried) < (8 if protocol == "udp" else 20):
        return None
    source_port, destination_port = struct.unpack_from(">HH", carried)
    data = 8 if protocol == "udp" else (carried[12] >> 4) * 4
    return Packet(
        time,
        protocol,
        Address(".".join(map(str, frame[26:30])), source_port),
        Address(".".join(map(str, frame[30:34])), destination_port),
        frame[15] >> 2,
        carried[data:],
    )
