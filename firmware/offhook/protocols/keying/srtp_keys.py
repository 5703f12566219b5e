"""SRTP crypto suites and the keys made for them (RFC 4568 §6.2, RFC 6188, RFC 7714)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.base.secret import Secret


@dataclass(frozen=True, slots=True)
class CryptoSuite:
    """One suite by its SDES name; lengths in octets."""

    name: str
    key_length: int
    salt_length: int

    @property
    def master_length(self) -> int:
        """Octets of master key and salt together, as SDES carries them."""
        return self.key_length + self.salt_length


AES_CM_128_HMAC_SHA1_80: Final = CryptoSuite("AES_CM_128_HMAC_SHA1_80", 16, 14)
AEAD_AES_256_GCM: Final = CryptoSuite("AEAD_AES_256_GCM", 32, 12)

SUITES: Final = {suite.name: suite for suite in (AEAD_AES_256_GCM, AES_CM_128_HMAC_SHA1_80)}


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """One `a=crypto` choice: tag, suite, and master key with salt (RFC 4568 §9.1)."""

    tag: int
    suite: CryptoSuite
    master: Secret
