"""SRTP crypto suites and the keys made for them (RFC 4568 §6.1 and §6.2, RFC 6188 §4, RFC 7714)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.base.secret import Secret

MOST_PACKETS: Final = 1 << 48
"""SRTP packets under one master key at most (RFC 3711 §9.2)."""

MOST_REPORTS: Final = 1 << 31
"""SRTCP packets under one master key at most."""

LONGEST_IDENTIFIER: Final = 128
"""Octets of a master key identifier (RFC 4568 §6.1)."""


@dataclass(frozen=True, slots=True)
class CryptoSuite:
    """One suite by its SDES name, which says how it authenticates; lengths in octets."""

    name: str
    key_length: int
    salt_length: int

    @property
    def aead(self) -> bool:
        """Whether encryption and authentication are one (RFC 7714)."""
        return self.name.startswith("AEAD_")

    @property
    def tag_length(self) -> int:
        """Octets of the authentication tag of SRTP."""
        if self.aead:
            return 16
        return 4 if self.name.endswith("_32") else 10

    @property
    def master_length(self) -> int:
        """Octets of master key and salt together, as SDES carries them."""
        return self.key_length + self.salt_length

    @property
    def rtcp_tag_length(self) -> int:
        """Octets of the tag of SRTCP: of the short-tag suites the full one (RFC 3711 §5.2)."""
        return max(10, self.tag_length)

    @property
    def short_tag(self) -> bool:
        """Whether a forged packet passes once in 2^32 tries: not for a policy that wasn't asked."""
        return self.tag_length < 10


AEAD_AES_256_GCM: Final = CryptoSuite("AEAD_AES_256_GCM", 32, 12)
AEAD_AES_128_GCM: Final = CryptoSuite("AEAD_AES_128_GCM", 16, 12)
AES_256_CM_HMAC_SHA1_80: Final = CryptoSuite("AES_256_CM_HMAC_SHA1_80", 32, 14)
AES_CM_128_HMAC_SHA1_80: Final = CryptoSuite("AES_CM_128_HMAC_SHA1_80", 16, 14)
AES_256_CM_HMAC_SHA1_32: Final = CryptoSuite("AES_256_CM_HMAC_SHA1_32", 32, 14)
AES_CM_128_HMAC_SHA1_32: Final = CryptoSuite("AES_CM_128_HMAC_SHA1_32", 16, 14)

SUITES: Final = {
    suite.name: suite
    for suite in (
        AEAD_AES_256_GCM,
        AEAD_AES_128_GCM,
        AES_256_CM_HMAC_SHA1_80,
        AES_CM_128_HMAC_SHA1_80,
        AES_256_CM_HMAC_SHA1_32,
        AES_CM_128_HMAC_SHA1_32,
    )
}
"""All that can be done, the strongest first. What may be used is a policy's to say."""


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """One `a=crypto` choice: tag, suite, and master key with salt (RFC 4568 §9.1).

    The key is that of the side which wrote the line: it protects what that side sends.
    """

    tag: int
    suite: CryptoSuite
    master: Secret
    lifetime: int | None = None
    """SRTP packets, and SRTCP packets, that may come under this key; None: as many as the suite
    has, MOST_PACKETS and MOST_REPORTS."""
    mki: bytes = b""
    """The master key identifier as it stands in each packet; empty: none does."""

    def same_key(self, other: CryptoLine) -> bool:
        """Whether both lines protect packets alike: by suite and key, whatever their tags are."""
        return self.suite == other.suite and self.master == other.master


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """The two keys of a stream: what we protect with, and what the peer does."""

    send: CryptoLine
    receive: CryptoLine
