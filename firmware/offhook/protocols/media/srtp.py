"""SRTP and SRTCP through pylibsrtp (RFC 3711 §3, RFC 7714).

The library silently takes a key of the wrong length and any number of sources: both are
checked here, before it sees them.
"""

from __future__ import annotations

from typing import Final

from pylibsrtp import Error, Policy, Session

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_80,
    CryptoLine,
    CryptoSuite,
)
from offhook.protocols.media.rtp import MAX_PACKET

MAX_DATAGRAM: Final = 1500
"""Octets of a protected datagram that are looked at; longer ones are rejected."""
MAX_SOURCES: Final = 64
"""SSRCs that one key may bring: each costs replay state that may never be forgotten."""

_PROFILES: Final[dict[str, int]] = {
    AES_CM_128_HMAC_SHA1_80.name: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    AEAD_AES_256_GCM.name: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
_TAG_OCTETS: Final = {AES_CM_128_HMAC_SHA1_80.name: 10, AEAD_AES_256_GCM.name: 16}
_RTP_HEADER: Final = 12
_RTCP_HEADER: Final = 8
_SRTCP_INDEX: Final = 4


def check_keys(line: CryptoLine) -> None:
    """LocalError where the suite is not one of ours or the key has not its suite's length."""
    known = line.suite.name in _PROFILES
    if not known:
        raise LocalError(f"SRTP suite {line.suite.name!r} is not supported")
    if len(line.master) != _declared(line.suite).master_length:
        raise LocalError(
            f"master key and salt of {line.suite.name} are "
            f"{_declared(line.suite).master_length} octets, not {len(line.master)}"
        )


def _declared(suite: CryptoSuite) -> CryptoSuite:
    return AEAD_AES_256_GCM if suite.name == AEAD_AES_256_GCM.name else AES_CM_128_HMAC_SHA1_80


def _session(line: CryptoLine, direction: int) -> Session:
    check_keys(line)
    return Session(
        Policy(
            key=line.master.reveal(),
            ssrc_type=direction,
            srtp_profile=_PROFILES[line.suite.name],
        )
    )


class Protector:
    """The sending half: one key, our SSRCs."""

    __slots__ = ("_session", "keys")

    def __init__(self, keys: CryptoLine) -> None:
        self.keys = keys
        self._session = _session(keys, Policy.SSRC_ANY_OUTBOUND)

    def protect(self, packet: bytes) -> bytes:
        """SRTP of one RTP packet of ≤ MAX_PACKET octets; LocalError where it can't be made."""
        if len(packet) > MAX_PACKET:
            raise LocalError(f"RTP packet of {len(packet)} octets is too big")
        try:
            return self._session.protect(packet)
        except Error as error:
            raise LocalError(f"SRTP: {error}") from None

    def protect_rtcp(self, packet: bytes) -> bytes:
        """SRTCP of one compound RTCP packet; LocalError where it can't be made."""
        if len(packet) > MAX_PACKET - _SRTCP_INDEX:
            raise LocalError(f"RTCP packet of {len(packet)} octets is too big")
        try:
            return self._session.protect_rtcp(packet)
        except Error as error:
            raise LocalError(f"SRTCP: {error}") from None


class Unprotector:
    """The receiving half and the media gate: what it returns is authentic and new."""

    __slots__ = ("_e_bit", "_minimum_rtcp", "_minimum_rtp", "_session", "_sources", "keys")

    def __init__(self, keys: CryptoLine) -> None:
        self.keys = keys
        self._session = _session(keys, Policy.SSRC_ANY_INBOUND)
        self._sources: set[bytes] = set()
        tag = _TAG_OCTETS[keys.suite.name]
        self._minimum_rtp = _RTP_HEADER + tag
        # The word with the E bit ends the packet (RFC 7714 §9.2) or is before the tag.
        self._e_bit = -4 if keys.suite.name == AEAD_AES_256_GCM.name else -4 - tag
        self._minimum_rtcp = _RTCP_HEADER + _SRTCP_INDEX + tag

    def unprotect(self, datagram: bytes) -> bytes:
        """The RTP packet inside; PeerError where it is forged, replayed, cut off or too long."""
        if not self._minimum_rtp <= len(datagram) <= MAX_DATAGRAM:
            raise PeerError("SRTP packet has an impossible length")
        source = datagram[8:12]
        self._admit(source)
        try:
            packet = self._session.unprotect(datagram)
        except Error as error:
            raise PeerError(f"SRTP: {error}") from None
        self._sources.add(source)
        return packet

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The RTCP packet inside; PeerError where it is forged, replayed, in clear or cut off."""
        if not self._minimum_rtcp <= len(datagram) <= MAX_DATAGRAM:
            raise PeerError("SRTCP packet has an impossible length")
        if not datagram[self._e_bit] & 0x80:
            # Under GCM the library takes a packet in clear that is merely authenticated.
            raise PeerError("SRTCP packet is not encrypted")
        source = datagram[4:8]
        self._admit(source)
        try:
            packet = self._session.unprotect_rtcp(datagram)
        except Error as error:
            raise PeerError(f"SRTCP: {error}") from None
        self._sources.add(source)
        return packet

    def _admit(self, source: bytes) -> None:
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            raise PeerError(f"more than {MAX_SOURCES} sources under one key")
