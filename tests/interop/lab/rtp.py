"""RTP flows of a capture (RFC 3550): their packets, their pace, and what a codec makes of them."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.interop.lab.pcap import Address, Packet
from tests.interop.lab.speech import RATE, Samples

from offhook.base.errors import PeerError
from offhook.protocols.media.opus import Opus

PCMU, PCMA = 0, 8
# RFC 5761 §4: in this range of the second octet it is RTCP.
_RTCP_TYPES = range(192, 224)
_LONGEST_S = 120


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet as it stands on the wire; `payload` has everything after the RTP header."""

    time: float
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    dscp: int
    datagram: bytes


@dataclass(frozen=True, slots=True)
class RtpFlow:
    """The RTP packets from one address to another, in the order of their arrival."""

    source: Address
    destination: Address
    packets: tuple[RtpPacket, ...]

    @property
    def packets_per_second(self) -> float:
        """Packets over the time from the first to the last; 0 if there are fewer than two."""
        if len(self.packets) < 2:
            return 0.0
        return len(self.packets) / (self.packets[-1].time - self.packets[0].time)

    @property
    def dscp(self) -> set[int]:
        return {packet.dscp for packet in self.packets}


def parse_rtp(datagram: bytes, time: float = 0.0, dscp: int = 0) -> RtpPacket | None:
    """The packet, None if this is no RTP version 2 (RTCP, STUN, DTLS, …)."""
    if len(datagram) < 12 or datagram[0] >> 6 != 2 or datagram[1] in _RTCP_TYPES:
        return None
    start = 12 + 4 * (datagram[0] & 0x0F)
    if datagram[0] & 0x10:
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    return RtpPacket(
        time,
        datagram[1] & 0x7F,
        int.from_bytes(datagram[2:4], "big"),
        int.from_bytes(datagram[4:8], "big"),
        int.from_bytes(datagram[8:12], "big"),
        datagram[start:],
        dscp,
        datagram,
    )


def rtp_flows(packets: Iterable[Packet]) -> list[RtpFlow]:
    """The capture's RTP flows, the busiest first."""
    sorted_out: dict[tuple[Address, Address], list[RtpPacket]] = defaultdict(list)
    for packet in packets:
        if packet.protocol == "udp":
            parsed = parse_rtp(packet.payload, packet.time, packet.dscp)
            if parsed is not None:
                sorted_out[packet.source, packet.destination].append(parsed)
    flows = [RtpFlow(*ends, tuple(found)) for ends, found in sorted_out.items()]
    return sorted(flows, key=lambda flow: -len(flow.packets))


def g711_audio(packets: Sequence[RtpPacket], law: int | None = None) -> Samples:
    """The samples of the most frequent SSRC, placed by RTP timestamp; gaps are silence.

    `law` (PCMU or PCMA) expands every payload so, whatever its type says; None goes by the type
    and leaves out other types.
    """
    chosen = [packet for packet in packets if law is not None or packet.payload_type in _TABLES]
    if not chosen:
        return np.zeros(0, dtype=np.int16)
    sources = [packet.ssrc for packet in chosen]
    ssrc = max(set(sources), key=sources.count)
    chosen = [packet for packet in chosen if packet.ssrc == ssrc]
    origin = chosen[0].timestamp
    pieces = {}
    for packet in chosen:
        # Packets before the first one to arrive are left out with the rest of the far away.
        position = (packet.timestamp - origin) & 0xFFFFFFFF
        if position < _LONGEST_S * RATE:
            table = _TABLES[packet.payload_type if law is None else law]
            pieces[position] = table[np.frombuffer(packet.payload, dtype=np.uint8)]
    audio = np.zeros(max(at + len(piece) for at, piece in pieces.items()), dtype=np.int16)
    for at, piece in pieces.items():
        audio[at : at + len(piece)] = piece
    return audio


def opus_audio(packets: Sequence[RtpPacket]) -> Samples:
    """What Opus makes of every payload, 8 kHz, one after the other; what is no Opus is left out."""
    codec = Opus()
    pieces = []
    for packet in packets:
        with contextlib.suppress(PeerError):
            pieces.append(np.frombuffer(codec.decode(packet.payload), dtype=np.int16))
    if not pieces:
        return np.zeros(0, dtype=np.int16)
    audio = np.concatenate(pieces)
    step = codec.pcm_rate // RATE
    # A mean over `step` samples is filter enough to tell words by.
    whole = audio[: len(audio) // step * step].reshape(-1, step)
    mean: NDArray[np.float64] = whole.mean(axis=1)
    return mean.astype(np.int16)


def _mu_law_table() -> NDArray[np.int16]:
    """ITU-T G.711 µ-law, 16-bit scale."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    segment, step = code >> 4 & 7, code & 15
    magnitude = ((2 * step + 33) << (segment + 2)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law_table() -> NDArray[np.int16]:
    """ITU-T G.711 A-law, 16-bit scale."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = np.where(
        segment == 0, (2 * step + 1) << 3, (2 * step + 33) << (np.maximum(segment, 1) + 2)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_TABLES = {PCMU: _mu_law_table(), PCMA: _a_law_table()}
