"""Certificate fingerprints: the value of `a=fingerprint` (RFC 8122 §5), SHA-256 and better."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError

HASHES: Final = {"sha-512": hashlib.sha512, "sha-384": hashlib.sha384, "sha-256": hashlib.sha256}
"""The hash functions that count, most preferred first. SHA-1 and below are no proof."""

_SIZES: Final = {name: make().digest_size for name, make in HASHES.items()}
_VALUE: Final = re.compile(
    r"([!#$%&'*+.^_`{|}~0-9A-Za-z-]{1,64})[ \t]+([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)[ \t]*"
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of a certificate's DER; `hash_name` is one of HASHES."""

    hash_name: str
    digest: bytes

    def __str__(self) -> str:
        return f"{self.hash_name} {self.digest.hex(':').upper()}"


@dataclass(frozen=True, slots=True)
class SkippedFingerprint:
    """An `a=fingerprint` that can't be used: `rule` is a short name, `reason` ends a sentence."""

    rule: str
    reason: str


def fingerprint_of(certificate: bytes, hash_name: str = "sha-256") -> Fingerprint:
    """The fingerprint of a certificate in DER; LocalError for a hash that is not in HASHES."""
    make = HASHES.get(hash_name)
    if make is None:
        raise LocalError(f"{hash_name!r} is no hash for a fingerprint")
    return Fingerprint(hash_name, make(certificate).digest())


def parse_fingerprint(value: str) -> Fingerprint | SkippedFingerprint:
    """Read the value of one `a=fingerprint`. Never raises on a peer's text.

    Names are compared without regard to case, and so is the hexadecimal, although RFC 8122
    wants it in upper case.
    """
    match = _VALUE.fullmatch(value)
    if match is None:
        return SkippedFingerprint("syntax", "is not of the form hash, octets in hexadecimal")
    name = match[1].lower()
    if name not in HASHES:
        return SkippedFingerprint("hash", f"uses {name}, which proves too little or is unknown")
    digest = bytes.fromhex(match[2].replace(":", ""))
    if len(digest) != _SIZES[name]:
        return SkippedFingerprint("length", f"has {len(digest)} octets, {name} has {_SIZES[name]}")
    return Fingerprint(name, digest)


def format_fingerprint(fingerprint: Fingerprint) -> str:
    """The value of an `a=fingerprint` attribute."""
    return str(fingerprint)


def match_fingerprint(
    certificate: bytes, fingerprints: Sequence[Fingerprint]
) -> Fingerprint | None:
    """The fingerprint that vouches for this certificate (DER), or None (RFC 8122 §5.1).

    Of what the peer announced only the strongest hash counts: a certificate that matches merely
    a weaker one doesn't match. Each comparison takes the same time.
    """
    announced = {each.hash_name for each in fingerprints}
    strongest = next((name for name in HASHES if name in announced), None)
    if strongest is None:
        return None
    found = fingerprint_of(certificate, strongest)
    matches = [
        hmac.compare_digest(each.digest, found.digest)
        for each in fingerprints
        if each.hash_name == strongest
    ]
    return found if any(matches) else None
