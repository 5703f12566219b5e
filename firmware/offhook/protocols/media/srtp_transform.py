"""SRTP and SRTCP packets under one master key (RFC 3711 §3 and §4, RFC 6188, RFC 7714 §8 and §9).

What libsrtp's binding has not: AES-256 in counter mode, and a caller who says the packet's index.
A transform has no state but its key, and knows neither replay nor master key identifiers.
"""

from __future__ import annotations

import hmac
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.srtp_keys import CryptoSuite

RTP_HEADER: Final = 12
RTCP_HEADER: Final = 8
INDEX_OCTETS: Final = 4
"""The word that SRTCP adds: E bit and index."""
ENCRYPTED: Final = 1 << 31

_HMAC_KEY: Final = 20
_NOT_AUTHENTIC: Final = "authentication failure"


class Transform(Protocol):
    """One master key at work; `index` is 2^16 ROC + SEQ for RTP, that of the packet for RTCP.

    Protecting raises LocalError where the packet is none; the other way PeerError where it is
    forged, cut off or, for SRTCP, not encrypted.
    """

    def protect(self, packet: bytes, index: int) -> bytes:
        """SRTP of one RTP packet."""
        ...

    def unprotect(self, datagram: bytes, index: int) -> bytes:
        """The RTP packet inside."""
        ...

    def protect_rtcp(self, packet: bytes, index: int) -> bytes:
        """SRTCP of one compound RTCP packet."""
        ...

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The compound packet inside; its index is `rtcp_index` of the same datagram."""
        ...

    def rtcp_index(self, datagram: bytes) -> int:
        """The index that an SRTCP packet claims; PeerError where it is not encrypted."""
        ...


def make_transform(suite: CryptoSuite, master: bytes) -> Transform:
    """The transform of `suite` under a master key with its salt, of the suite's own length."""
    return GcmTransform(suite, master) if suite.aead else CounterTransform(suite, master)


def derive(key: bytes, salt: bytes, label: int, octets: int) -> bytes:
    """A session key (RFC 3711 §4.3.3, RFC 6188 §3), with a key derivation rate of 0.

    A salt of 12 octets counts as followed by two of zeros, as RFC 7714's peers have it.
    """
    number = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ label << 48
    return keystream(key, number << 16, octets)


def keystream(key: bytes, first_block: int, octets: int) -> bytes:
    """AES in counter mode from the 128-bit block `first_block` on (RFC 3711 §4.1.1)."""
    cipher = Cipher(algorithms.AES(key), modes.CTR(first_block.to_bytes(16, "big")))
    return cipher.encryptor().update(bytes(octets))


def payload_start(packet: bytes) -> int:
    """Where the RTP header, its CSRCs and its extension end; more than `packet` has if cut off."""
    first = packet[0]
    start = RTP_HEADER + 4 * (first & 0x0F)
    if first & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return start


class _Counter:
    """AES-CM and HMAC-SHA1 with the session keys of one direction and one protocol."""

    __slots__ = ("_cipher", "_hmac", "_salt", "_tag")

    def __init__(self, suite: CryptoSuite, master: bytes, first_label: int, tag: int) -> None:
        key, salt = master[: suite.key_length], master[suite.key_length :]
        session_key = derive(key, salt, first_label, suite.key_length)
        mac_key = derive(key, salt, first_label + 1, _HMAC_KEY)
        session_salt = derive(key, salt, first_label + 2, len(salt))
        self._cipher = Cipher(algorithms.AES(session_key), modes.CTR(bytes(16))).encryptor()
        self._hmac = hmac.new(mac_key, digestmod="sha1")
        self._salt = int.from_bytes(session_salt, "big") << 16
        self._tag = tag

    def crypt(self, body: bytes, ssrc: bytes, index: int) -> bytes:
        """Encrypt, or decrypt: it is the same (§4.1.1)."""
        block = self._salt ^ int.from_bytes(ssrc, "big") << 64 ^ index << 16
        self._cipher.reset_nonce(block.to_bytes(16, "big"))
        return self._cipher.update(body)

    def tag(self, authenticated: bytes) -> bytes:
        """The tag over the authenticated portion, and over the ROC behind it for RTP (§4.2)."""
        mac = self._hmac.copy()
        mac.update(authenticated)
        return mac.digest()[: self._tag]

    def check(self, authenticated: bytes, tag: bytes) -> None:
        """PeerError where `tag` is another; the comparison takes the same time either way."""
        if not hmac.compare_digest(self.tag(authenticated), tag):
            raise PeerError(f"SRTP: {_NOT_AUTHENTIC}")


class CounterTransform:
    """AES in counter mode with HMAC-SHA1, of 128, 192 or 256 bits (RFC 3711, RFC 6188)."""

    __slots__ = ("_rtcp", "_rtcp_tag", "_rtp", "_tag")

    def __init__(self, suite: CryptoSuite, master: bytes) -> None:
        self._tag, self._rtcp_tag = suite.tag_length, suite.rtcp_tag_length
        self._rtp = _Counter(suite, master, 0, self._tag)
        self._rtcp = _Counter(suite, master, 3, self._rtcp_tag)

    def protect(self, packet: bytes, index: int) -> bytes:
        """SRTP (RFC 3711 §3.1): header and encrypted payload, then the tag."""
        start = _checked_start(packet)
        made = packet[:start] + self._rtp.crypt(packet[start:], packet[8:12], index)
        return made + self._rtp.tag(made + _roc(index))

    def unprotect(self, datagram: bytes, index: int) -> bytes:
        """The RTP packet inside: checked first, decrypted then (§3.3)."""
        end = len(datagram) - self._tag
        start = payload_start(datagram) if end >= RTP_HEADER else RTP_HEADER
        if start > end:
            raise PeerError("SRTP packet shorter than its header")
        made = datagram[:end]
        self._rtp.check(made + _roc(index), datagram[end:])
        return made[:start] + self._rtp.crypt(made[start:], datagram[8:12], index)

    def protect_rtcp(self, packet: bytes, index: int) -> bytes:
        """SRTCP (§3.4): what follows the first eight octets encrypted, index, tag."""
        _check_rtcp(packet)
        body = self._rtcp.crypt(packet[RTCP_HEADER:], packet[4:8], index)
        made = packet[:RTCP_HEADER] + body + (ENCRYPTED | index).to_bytes(4, "big")
        return made + self._rtcp.tag(made)

    def rtcp_index(self, datagram: bytes) -> int:
        """The index before the tag."""
        end = len(datagram) - self._rtcp_tag
        return _index_of(datagram[max(0, end - INDEX_OCTETS) : max(0, end)])

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The compound packet inside: checked first, decrypted then."""
        index = self.rtcp_index(datagram)
        end = len(datagram) - self._rtcp_tag
        if end < RTCP_HEADER + INDEX_OCTETS:
            raise PeerError("SRTCP packet shorter than its header")
        self._rtcp.check(datagram[:end], datagram[end:])
        body = datagram[RTCP_HEADER : end - INDEX_OCTETS]
        return datagram[:RTCP_HEADER] + self._rtcp.crypt(body, datagram[4:8], index)


class _Gcm:
    """AES-GCM with the session keys of one direction and one protocol."""

    __slots__ = ("_cipher", "_salt")

    def __init__(self, suite: CryptoSuite, master: bytes, first_label: int) -> None:
        key, salt = master[: suite.key_length], master[suite.key_length :]
        self._cipher = AESGCM(derive(key, salt, first_label, suite.key_length))
        self._salt = int.from_bytes(derive(key, salt, first_label + 2, len(salt)), "big")

    def _nonce(self, ssrc: bytes, index: int) -> bytes:
        """SSRC and index over the salt (RFC 7714 §8.1 and §9.1)."""
        number = self._salt ^ int.from_bytes(ssrc, "big") << 48 ^ index
        return number.to_bytes(12, "big")

    def seal(self, body: bytes, associated: bytes, ssrc: bytes, index: int) -> bytes:
        """Encrypted, with the tag behind."""
        return self._cipher.encrypt(self._nonce(ssrc, index), body, associated)

    def open(self, body: bytes, associated: bytes, ssrc: bytes, index: int) -> bytes:
        """Decrypted; PeerError where it or what is associated with it was changed."""
        try:
            return self._cipher.decrypt(self._nonce(ssrc, index), body, associated)
        except InvalidTag:
            raise PeerError(f"SRTP: {_NOT_AUTHENTIC}") from None


class GcmTransform:
    """AES in Galois counter mode, of 128 or 256 bits (RFC 7714)."""

    __slots__ = ("_rtcp", "_rtp", "_tag")

    def __init__(self, suite: CryptoSuite, master: bytes) -> None:
        self._tag = suite.tag_length
        self._rtp = _Gcm(suite, master, 0)
        self._rtcp = _Gcm(suite, master, 3)

    def protect(self, packet: bytes, index: int) -> bytes:
        """SRTP (RFC 7714 §8.2): the header, and the payload encrypted with its tag."""
        start = _checked_start(packet)
        header = packet[:start]
        return header + self._rtp.seal(packet[start:], header, packet[8:12], index)

    def unprotect(self, datagram: bytes, index: int) -> bytes:
        """The RTP packet inside."""
        end = len(datagram) - self._tag
        start = payload_start(datagram) if end >= RTP_HEADER else RTP_HEADER
        if start > end:
            raise PeerError("SRTP packet shorter than its header")
        header = datagram[:start]
        return header + self._rtp.open(datagram[start:], header, datagram[8:12], index)

    def protect_rtcp(self, packet: bytes, index: int) -> bytes:
        """SRTCP (§9.2): header, encrypted rest with its tag, and the word with the index last."""
        _check_rtcp(packet)
        header, word = packet[:RTCP_HEADER], (ENCRYPTED | index).to_bytes(4, "big")
        body = self._rtcp.seal(packet[RTCP_HEADER:], header + word, packet[4:8], index)
        return header + body + word

    def rtcp_index(self, datagram: bytes) -> int:
        """The index at the end."""
        return _index_of(datagram[-INDEX_OCTETS:])

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """The compound packet inside."""
        index = self.rtcp_index(datagram)
        end = len(datagram) - INDEX_OCTETS
        if end < RTCP_HEADER + self._tag:
            raise PeerError("SRTCP packet shorter than its header")
        header, word = datagram[:RTCP_HEADER], datagram[end:]
        body = datagram[RTCP_HEADER:end]
        return header + self._rtcp.open(body, header + word, datagram[4:8], index)


def _roc(index: int) -> bytes:
    return (index >> 16).to_bytes(4, "big")


def _checked_start(packet: bytes) -> int:
    start = payload_start(packet) if len(packet) >= RTP_HEADER else RTP_HEADER
    if start > len(packet):
        raise LocalError("RTP packet shorter than its header")
    return start


def _check_rtcp(packet: bytes) -> None:
    if len(packet) < RTCP_HEADER:
        raise LocalError("RTCP packet shorter than its header")


def _index_of(word: bytes) -> int:
    number = int.from_bytes(word, "big")
    if len(word) < INDEX_OCTETS or not number & ENCRYPTED:
        # Authenticated but in clear is lawful (RFC 3711 §3.4) and not what was agreed here.
        raise PeerError("SRTCP packet is not encrypted")
    return number ^ ENCRYPTED
