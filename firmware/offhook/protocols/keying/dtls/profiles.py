"""SRTP protection profiles, and the keys that a handshake gives (RFC 5764 §4, RFC 7714 §14.2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_80,
    CryptoLine,
    CryptoSuite,
)

EXPORTER_LABEL: Final = b"EXTRACTOR-dtls_srtp"

_TAG: Final = 1

OPENSSL_NAMES: Final = {
    AEAD_AES_256_GCM.name: "SRTP_AEAD_AES_256_GCM",
    AEAD_AES_128_GCM.name: "SRTP_AEAD_AES_128_GCM",
    AES_CM_128_HMAC_SHA1_80.name: "SRTP_AES128_CM_SHA1_80",
}
"""The names by which OpenSSL 3.0 to 3.5 know the suites."""

PROFILES: Final = (AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80)
"""What this phone agrees to, most preferred first. NULL and the 32-bit tag are not among it."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What we send with and what we receive with: no line of SDP, but all that a line has."""

    send: CryptoLine
    receive: CryptoLine


def exported_length(suite: CryptoSuite) -> int:
    """Octets to be exported: key and salt of both directions."""
    return 2 * suite.master_length


def split_exported(exported: bytes, suite: CryptoSuite, role: Role) -> KeyPair:
    """Cut what the exporter gave: client's key, server's key, client's salt, server's salt.

    The active side is the client. LocalError where the length is not the suite's, or where both
    directions came out the same.
    """
    if len(exported) != exported_length(suite):
        raise LocalError(
            f"{suite.name} takes {exported_length(suite)} exported octets, not {len(exported)}"
        )
    key, salt = suite.key_length, suite.salt_length
    ends = (0, key, 2 * key, 2 * key + salt, 2 * key + 2 * salt)
    parts = [exported[start:end] for start, end in pairwise(ends)]
    client = CryptoLine(_TAG, suite, Secret(parts[0] + parts[2]))
    server = CryptoLine(_TAG, suite, Secret(parts[1] + parts[3]))
    if parts[0] == parts[1]:
        raise LocalError("the exporter gave the same key for both directions")
    return KeyPair(client, server) if role is Role.ACTIVE else KeyPair(server, client)
