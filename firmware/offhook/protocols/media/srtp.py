"""SRTP and SRTCP with one key (RFC 3711 §3, RFC 6188, RFC 7714): by libsrtp where it can.

What it has no suite for, master key identifiers, and streams whose roll-over counter began under
an earlier key are done by the transform of our own, behind the same two classes. The library
silently takes a key of the wrong length and any number of sources: both are checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from pylibsrtp import Error, Policy, Session

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_32,
    AES_CM_128_HMAC_SHA1_80,
    LONGEST_IDENTIFIER,
    MOST_PACKETS,
    MOST_REPORTS,
    SUITES,
    CryptoLine,
)
from offhook.protocols.media.rtp import MAX_PACKET, SEQUENCE_CYCLE
from offhook.protocols.media.srtp_index import ReplayWindow, estimate_index
from offhook.protocols.media.srtp_receiver import REPLAYED, TransformReceiver
from offhook.protocols.media.srtp_transform import (
    ENCRYPTED,
    INDEX_OCTETS,
    RTCP_HEADER,
    RTP_HEADER,
    make_transform,
)

MAX_DATAGRAM: Final = 1500
"""Octets of a protected datagram that are looked at; longer ones are rejected."""
MAX_SOURCES: Final = 64
"""SSRCs that one key may bring: each costs replay state that may never be forgotten."""

PROFILES: Final[dict[str, int]] = {
    AEAD_AES_256_GCM.name: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    AEAD_AES_128_GCM.name: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    AES_CM_128_HMAC_SHA1_80.name: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    AES_CM_128_HMAC_SHA1_32.name: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
"""What the library has."""

_USED_UP: Final = "the key's lifetime is over"


def check_keys(line: CryptoLine) -> None:
    """LocalError where the suite is not one of ours or the key has not its suite's length."""
    suite = SUITES.get(line.suite.name)
    if suite is None:
        raise LocalError(f"SRTP suite {line.suite.name!r} is not supported")
    if line.suite != suite or len(line.master) != suite.master_length:
        raise LocalError(
            f"master key and salt of {suite.name} are "
            f"{suite.master_length} octets, not {len(line.master)}"
        )
    if len(line.mki) > LONGEST_IDENTIFIER:
        raise LocalError(f"a master key identifier of {len(line.mki)} octets is too long")
    if line.lifetime is not None and line.lifetime < 1:
        raise LocalError(f"no key serves for {line.lifetime} packets")


def _session(line: CryptoLine, direction: int) -> Session:
    return Session(
        Policy(
            key=line.master.reveal(),
            ssrc_type=direction,
            srtp_profile=PROFILES[line.suite.name],
        )
    )


class Protector:
    """The sending half: one key, our SSRCs.

    `after` is what the stream was protected with before: the SRTCP index goes on from there, as
    it has to over a re-key (RFC 3711 §3.4). The roll-over counter begins at 0: a source that has
    passed a wrap goes on under a new SSRC.
    """

    __slots__ = ("_reports", "_session", "_transform", "_windows", "keys", "rtcp_index")

    def __init__(self, keys: CryptoLine, after: Protector | None = None) -> None:
        check_keys(keys)
        self.keys = keys
        self._transform = make_transform(keys.suite, keys.master.reveal())
        own = keys.mki or keys.suite.name not in PROFILES
        self._session = None if own else _session(keys, Policy.SSRC_ANY_OUTBOUND)
        self._windows: dict[bytes, ReplayWindow] = {}
        self.rtcp_index: int = 0 if after is None else after.rtcp_index
        """That of the next SRTCP packet."""
        self._reports = 0

    def protect(self, packet: bytes) -> bytes:
        """SRTP of one RTP packet of ≤ MAX_PACKET octets; LocalError where it can't be made.

        The same index of one SSRC is never protected twice.
        """
        if len(packet) > MAX_PACKET:
            raise LocalError(f"RTP packet of {len(packet)} octets is too big")
        if self._session is None:
            return self._protect(packet)
        try:
            return self._session.protect(packet)
        except Error as error:
            raise LocalError(f"SRTP: {error}") from None

    def _protect(self, packet: bytes) -> bytes:
        source = packet[8:RTP_HEADER]
        window = self._windows.get(source) or ReplayWindow()
        index = estimate_index(window.highest, int.from_bytes(packet[2:4], "big"))
        if index >= MOST_PACKETS or not window.is_new(index):
            raise LocalError(f"SRTP: {REPLAYED}")
        made = self._transform.protect(packet, index)
        window.add(index)
        self._windows[source] = window
        return _identified(self.keys, made, rtcp=False) if self.keys.mki else made

    def protect_rtcp(self, packet: bytes) -> bytes:
        """SRTCP of one compound RTCP packet; LocalError where it can't be made."""
        if len(packet) > MAX_PACKET - INDEX_OCTETS:
            raise LocalError(f"RTCP packet of {len(packet)} octets is too big")
        if self._reports >= MOST_REPORTS:
            raise LocalError(f"SRTCP: {_USED_UP}")
        made = self._transform.protect_rtcp(packet, self.rtcp_index)
        self._reports += 1
        self.rtcp_index = (self.rtcp_index + 1) % ENCRYPTED
        return _identified(self.keys, made, rtcp=True) if self.keys.mki else made


def _identified(keys: CryptoLine, made: bytes, *, rtcp: bool) -> bytes:
    """With the master key identifier: before the tag, or last of all (RFC 7714 §8.2 and §9.2)."""
    if keys.suite.aead:
        return made + keys.mki
    tag = keys.suite.rtcp_tag_length if rtcp else keys.suite.tag_length
    return made[:-tag] + keys.mki + made[-tag:]


class _Receiver(Protocol):
    """Checks and decrypts under one key; PeerError where a packet is forged or replayed."""

    def unprotect(self, datagram: bytes) -> bytes:
        """The RTP packet inside."""
        ...

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The compound RTCP packet inside."""
        ...

    def highest(self) -> dict[bytes, int]:
        """The highest index of each source so far."""
        ...


class _LibraryReceiver:
    """By libsrtp; the indices are counted beside it, since it does not tell its own."""

    __slots__ = ("_e_bit", "_highest", "_session")

    def __init__(self, keys: CryptoLine) -> None:
        self._session = _session(keys, Policy.SSRC_ANY_INBOUND)
        self._highest: dict[bytes, int] = {}
        # The word with the E bit ends the packet (RFC 7714 §9.2) or is before the tag.
        self._e_bit = -INDEX_OCTETS - (0 if keys.suite.aead else keys.suite.rtcp_tag_length)

    def unprotect(self, datagram: bytes) -> bytes:
        """The RTP packet inside."""
        try:
            packet = self._session.unprotect(datagram)
        except Error as error:
            raise PeerError(f"SRTP: {error}") from None
        source = datagram[8:RTP_HEADER]
        highest = self._highest.get(source, -1)
        index = estimate_index(highest, datagram[2] << 8 | datagram[3])
        if index > highest:
            self._highest[source] = index
        return packet

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The compound RTCP packet inside."""
        if not datagram[self._e_bit] & 0x80:
            # Under GCM the library takes a packet in clear that is merely authenticated.
            raise PeerError("SRTCP packet is not encrypted")
        try:
            return self._session.unprotect_rtcp(datagram)
        except Error as error:
            raise PeerError(f"SRTCP: {error}") from None

    def highest(self) -> dict[bytes, int]:
        """The highest index of each source so far."""
        return dict(self._highest)


class Unprotector:
    """The receiving half under one key: what it returns is authentic and new.

    `earlier` has the highest index of each source heard under the key before this one. After the
    key's lifetime nothing is taken any more (RFC 4568 §6.1).
    """

    __slots__ = (
        "_minimum_rtcp",
        "_minimum_rtp",
        "_packets_left",
        "_receiver",
        "_reports_left",
        "_sources",
        "keys",
    )

    def __init__(self, keys: CryptoLine, earlier: Mapping[bytes, int] | None = None) -> None:
        check_keys(keys)
        self.keys = keys
        goes_on = any(index >= SEQUENCE_CYCLE // 2 for index in (earlier or {}).values())
        own = goes_on or keys.mki or keys.suite.name not in PROFILES
        self._receiver: _Receiver = (
            TransformReceiver(keys, make_transform(keys.suite, keys.master.reveal()), earlier)
            if own
            else _LibraryReceiver(keys)
        )
        self._sources: set[bytes] = set()
        self._minimum_rtp = RTP_HEADER + keys.suite.tag_length
        self._minimum_rtcp = RTCP_HEADER + INDEX_OCTETS + keys.suite.rtcp_tag_length
        self._packets_left = min(keys.lifetime or MOST_PACKETS, MOST_PACKETS)
        self._reports_left = min(keys.lifetime or MOST_REPORTS, MOST_REPORTS)

    def unprotect(self, datagram: bytes) -> bytes:
        """The RTP packet inside; PeerError where it is forged, replayed, cut off or too long."""
        if not self._minimum_rtp <= len(datagram) <= MAX_DATAGRAM:
            raise PeerError("SRTP packet has an impossible length")
        source = datagram[8:RTP_HEADER]
        self._admit(source)
        if not self._packets_left:
            raise PeerError(f"SRTP: {_USED_UP}")
        packet = self._receiver.unprotect(datagram)
        self._packets_left -= 1
        self._sources.add(source)
        return packet

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The RTCP packet inside; PeerError where it is forged, replayed, in clear or cut off."""
        if not self._minimum_rtcp <= len(datagram) <= MAX_DATAGRAM:
            raise PeerError("SRTCP packet has an impossible length")
        source = datagram[4:RTCP_HEADER]
        self._admit(source)
        if not self._reports_left:
            raise PeerError(f"SRTCP: {_USED_UP}")
        packet = self._receiver.unprotect_rtcp(datagram)
        self._reports_left -= 1
        self._sources.add(source)
        return packet

    def _admit(self, source: bytes) -> None:
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            raise PeerError(f"more than {MAX_SOURCES} sources under one key")

    def highest(self) -> dict[bytes, int]:
        """The highest index of each source heard under this key, for the key after it."""
        return self._receiver.highest()
