"""RTP packets and the accounting of a source (RFC 3550 §5.1, §6.4.1, A.1, A.3, A.8)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from offhook.base.errors import LocalError, PeerError

VERSION: Final = 2
HEADER_OCTETS: Final = 12
MAX_PACKET: Final = 1356
"""Octets of an RTP packet before protection: what pylibsrtp's buffer leaves."""

SEQUENCE_CYCLE: Final = 1 << 16
TIMESTAMP_CYCLE: Final = 1 << 32

MAX_DROPOUT: Final = 3000
"""Sequence numbers that may be missing before the source counts as restarted (A.1)."""
MAX_MISORDER: Final = 100
"""How far behind the highest a packet may come and still count as reordered (A.1)."""

_HEADER: Final = struct.Struct("!BBHII")
_EXTENSION: Final = struct.Struct("!HH")
_RTCP_TYPES: Final = range(192, 224)


class RtpPacket(NamedTuple):
    """One RTP packet; CSRCs, header extension and padding are read over and not kept."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def is_rtcp(datagram: bytes) -> bool:
    """Tell RTCP from RTP on a shared port by the second octet (RFC 5761 §4)."""
    return len(datagram) > 1 and datagram[1] in _RTCP_TYPES


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one unprotected RTP packet; PeerError where the lengths inside don't fit."""
    if len(data) < HEADER_OCTETS:
        raise PeerError("RTP packet shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != VERSION:
        raise PeerError("RTP version is not 2")
    start = HEADER_OCTETS + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            raise PeerError("RTP header extension is cut off")
        start += 4 + 4 * _EXTENSION.unpack_from(data, start)[1]
    end = len(data)
    if first & 0x20:
        padding = data[-1]
        if padding == 0 or end - padding < start:
            raise PeerError("RTP padding is longer than the packet")
        end -= padding
    if start > end:
        raise PeerError("RTP header is longer than the packet")
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[start:end], second > 0x7F)


def serialise_rtp(packet: RtpPacket) -> bytes:
    """Write one RTP packet; LocalError where it is too big to be protected."""
    if len(packet.payload) > MAX_PACKET - HEADER_OCTETS:
        raise LocalError(f"RTP payload of {len(packet.payload)} octets is too big")
    second = packet.payload_type | (0x80 if packet.marker else 0)
    return (
        _HEADER.pack(VERSION << 6, second, packet.sequence, packet.timestamp, packet.ssrc)
        + packet.payload
    )


def sequence_distance(newer: int, older: int) -> int:
    """How far `newer` is ahead of `older`, from -32768 to 32767, by serial number arithmetic."""
    return ((newer - older + 0x8000) & 0xFFFF) - 0x8000


def timestamp_distance(newer: int, older: int) -> int:
    """How many ticks `newer` is ahead of `older`, negative if behind, over the 32-bit wrap."""
    return ((newer - older + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """The figures of one RTCP report block (RFC 3550 §6.4.1), jitter in timestamp ticks."""

    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int


class Reception:
    """What one source has sent us: expected, received, jitter.

    A jump of the sequence number beyond MAX_DROPOUT starts the count anew; what was lost before
    is kept in `lost`.
    """

    __slots__ = (
        "_base",
        "_clock_rate",
        "_expected_prior",
        "_highest",
        "_jitter",
        "_lost_before",
        "_received",
        "_received_prior",
        "_transit",
        "ssrc",
    )

    def __init__(self, packet: RtpPacket, clock_rate: int) -> None:
        self.ssrc = packet.ssrc
        self._clock_rate = clock_rate
        self._jitter = 0.0
        self._transit: float | None = None
        self._lost_before = 0
        self._restart(packet.sequence)

    def _restart(self, sequence: int) -> None:
        self._base = self._highest = sequence
        self._received = 0
        self._expected_prior = self._received_prior = 0

    def retime(self, clock_rate: int) -> None:
        """From now on the source's timestamps count with this clock."""
        if clock_rate != self._clock_rate:
            self._jitter *= clock_rate / self._clock_rate
            self._clock_rate = clock_rate
            self._transit = None

    def update(self, packet: RtpPacket, now: float, *, timed: bool = True) -> bool:
        """Count one packet of this source; True where it is newer than all before.

        Not `timed` is one whose timestamp is not that of its sending, as in RFC 4733: it has no
        part in the jitter.
        """
        step = sequence_distance(packet.sequence, self._highest & 0xFFFF)
        if step > MAX_DROPOUT or step < -MAX_MISORDER:
            self._lost_before = self.lost
            self._restart(packet.sequence)
            step = 1
        elif step > 0:
            self._highest += step
        self._received += 1
        if timed:
            self._update_jitter(packet.timestamp, now)
        return step > 0 or self._received == 1

    def _update_jitter(self, timestamp: int, now: float) -> None:
        transit = (now * self._clock_rate - timestamp) % TIMESTAMP_CYCLE
        if self._transit is not None:
            difference = abs(transit - self._transit)
            difference = min(difference, TIMESTAMP_CYCLE - difference)
            if difference < 2 * self._clock_rate:
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    @property
    def highest_sequence(self) -> int:
        """The extended highest sequence number received."""
        return self._highest

    @property
    def jitter_ms(self) -> float:
        """The interarrival jitter, smoothed as in A.8."""
        return 1000 * self._jitter / self._clock_rate

    @property
    def lost(self) -> int:
        """Packets expected and never received, not below 0 (duplicates could make it so)."""
        expected = self._highest - self._base + 1
        return self._lost_before + max(0, expected - self._received)

    def report(self) -> ReceptionReport:
        """The figures since the report before (A.3)."""
        expected = self._highest - self._base + 1
        since, got = expected - self._expected_prior, self._received - self._received_prior
        self._expected_prior, self._received_prior = expected, self._received
        fraction = 256 * (since - got) // since if since > got and since else 0
        return ReceptionReport(
            min(255, fraction),
            min(0x7FFFFF, self.lost),
            self._highest & 0xFFFFFFFF,
            min(0xFFFFFFFF, int(self._jitter)),
        )
