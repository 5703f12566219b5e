"""What a datagram on the media port is, told by its first octet (RFC 7983 §7, RFC 5761 §4)."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Traffic(Enum):
    """Whom a datagram concerns. UNKNOWN is dropped."""

    STUN = "STUN"
    ZRTP = "ZRTP"
    DTLS = "DTLS"
    TURN_CHANNEL = "TURN channel"
    RTP = "RTP"
    RTCP = "RTCP"
    UNKNOWN = "unknown"


_RANGES: Final = (
    (range(4), Traffic.STUN),
    (range(16, 20), Traffic.ZRTP),
    (range(20, 64), Traffic.DTLS),
    (range(64, 80), Traffic.TURN_CHANNEL),
    (range(128, 192), Traffic.RTP),
)
_BY_FIRST_OCTET: Final = tuple(
    next((traffic for octets, traffic in _RANGES if first in octets), Traffic.UNKNOWN)
    for first in range(256)
)
_RTCP_TYPES: Final = range(192, 224)


def demultiplex(datagram: bytes) -> Traffic:
    """The kind of traffic; nothing is said of whether the rest of it is sound.

    RTP and RTCP on one port are told apart by the second octet; one octet alone is neither.
    """
    if not datagram:
        return Traffic.UNKNOWN
    traffic = _BY_FIRST_OCTET[datagram[0]]
    if traffic is not Traffic.RTP:
        return traffic
    if len(datagram) < 2:
        return Traffic.UNKNOWN
    return Traffic.RTCP if datagram[1] in _RTCP_TYPES else Traffic.RTP
