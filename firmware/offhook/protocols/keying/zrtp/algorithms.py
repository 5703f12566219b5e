"""What can be negotiated, and how it is chosen (RFC 6189 §4.1.2, §5.1.2 to §5.1.6).

X255 and X448 (X25519 and X448, RFC 7748) are no part of the RFC: their codes, lengths and places
in the order of speed are those of bzrtp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from offhook.base.errors import LocalError
from offhook.protocols.keying.srtp_keys import SUITES, CryptoSuite
from offhook.protocols.keying.zrtp.refusals import ErrorCode, Refused

MOST_OF_A_KIND: Final = 7
"""Algorithms of one kind that a Hello can list (§5.2)."""


class HashType(Enum):
    """The hash of an exchange; its HMAC is the exchange's MAC and key derivation."""

    S256 = "S256"
    S384 = "S384"

    @property
    def length(self) -> int:
        """Octets."""
        return {HashType.S256: 32, HashType.S384: 48}[self]


class CipherType(Enum):
    """The block cipher of SRTP and of the Confirm messages."""

    AES1 = "AES1"
    AES3 = "AES3"

    @property
    def key_length(self) -> int:
        """Octets."""
        return {CipherType.AES1: 16, CipherType.AES3: 32}[self]


class AuthTag(Enum):
    """SRTP's authentication tag."""

    HS80 = "HS80"
    HS32 = "HS32"

    @property
    def bits(self) -> int:
        """Its length."""
        return {AuthTag.HS80: 80, AuthTag.HS32: 32}[self]


class KeyAgreement(Enum):
    """How a secret is agreed on, from the fastest to the slowest (bzrtp's order)."""

    X255 = "X255"
    EC25 = "EC25"
    X448 = "X448"
    DH3K = "DH3k"
    EC38 = "EC38"
    MULTISTREAM = "Mult"

    @property
    def public_length(self) -> int:
        """Octets of a public value (table 5); none in multistream mode."""
        return _PUBLIC_LENGTHS[self]


_PUBLIC_LENGTHS: Final = {
    KeyAgreement.X255: 32,
    KeyAgreement.EC25: 64,
    KeyAgreement.X448: 56,
    KeyAgreement.DH3K: 384,
    KeyAgreement.EC38: 96,
    KeyAgreement.MULTISTREAM: 0,
}
_SPEED: Final = tuple(KeyAgreement)
_STRONG: Final = (KeyAgreement.X448, KeyAgreement.EC38)
"""They are worth SHA-384 and AES-256 (§5.1.5, for EC38)."""


class SasType(Enum):
    """How a short authentication string is shown."""

    B256 = "B256"
    B32 = "B32 "


@dataclass(frozen=True, slots=True)
class Offered:
    """The codes that a Hello lists, known to us or not, in its sender's order."""

    hashes: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    auth_tags: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    sas_types: tuple[str, ...] = ()


MANDATORY: Final = Offered(("S256",), ("AES1",), ("HS32", "HS80"), ("DH3k",), ("B32 ",))
"""Every endpoint has them; where a Hello doesn't list one it stands at the end (§5.2)."""


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What is allowed, the best first. Taken as it is: what isn't here is refused.

    RFC 6189 §5.1.4 would have HS32 too; as everywhere, a policy must ask for so short a tag.
    """

    hashes: tuple[HashType, ...] = (HashType.S384, HashType.S256)
    ciphers: tuple[CipherType, ...] = (CipherType.AES3, CipherType.AES1)
    auth_tags: tuple[AuthTag, ...] = (AuthTag.HS80,)
    agreements: tuple[KeyAgreement, ...] = (
        KeyAgreement.X448,
        KeyAgreement.X255,
        KeyAgreement.EC38,
        KeyAgreement.EC25,
        KeyAgreement.DH3K,
    )
    sas_types: tuple[SasType, ...] = (SasType.B256, SasType.B32)

    def __post_init__(self) -> None:
        kinds = (self.hashes, self.ciphers, self.auth_tags, self.agreements, self.sas_types)
        if not all(kinds):
            raise LocalError("ZRTP needs an algorithm of each kind")
        if KeyAgreement.MULTISTREAM in self.agreements:
            raise LocalError("multistream is no agreement to begin with: it is offered always")

    def offered(self) -> Offered:
        """As our Hello lists it; multistream is always at the end."""
        return Offered(
            tuple(each.value for each in self.hashes),
            tuple(each.value for each in self.ciphers),
            tuple(each.value for each in self.auth_tags),
            (*(each.value for each in self.agreements), KeyAgreement.MULTISTREAM.value),
            tuple(each.value for each in self.sas_types),
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one exchange uses: the five codes of a Commit."""

    hash: HashType
    cipher: CipherType
    auth_tag: AuthTag
    agreement: KeyAgreement
    sas: SasType

    @property
    def suite(self) -> CryptoSuite:
        """The SRTP suite by its SDES name (RFC 4568 §6.2, RFC 6188 §6); salts have 112 bits."""
        cipher = "AES_CM_128" if self.cipher is CipherType.AES1 else "AES_256_CM"
        return SUITES[f"{cipher}_HMAC_SHA1_{self.auth_tag.bits}"]


_K = TypeVar("_K", bound=Enum)


def _common(ours: Sequence[_K], theirs: Sequence[str], mandatory: Sequence[str]) -> list[_K]:
    known = {*theirs, *mandatory}
    return [each for each in ours if each.value in known]


def _pick(common: Sequence[_K], code: ErrorCode, what: str) -> _K:
    if not common:
        raise Refused(code, f"there is no {what} that both sides take")
    return common[0]


def choose(ours: Algorithms, theirs: Offered) -> Chosen:
    """What our Commit says to that Hello. Refused where nothing is in common."""
    # The peer's order, not ours: bzrtp hashes the names of kept secrets (§4.3.1) with the hash that
    # it would choose itself, and with another one they look like a mismatch to both sides.
    hashes = sorted(
        _common(ours.hashes, theirs.hashes, MANDATORY.hashes),
        key=lambda each: (*theirs.hashes, *MANDATORY.hashes).index(each.value),
    )
    ciphers = _common(ours.ciphers, theirs.ciphers, MANDATORY.ciphers)
    agreement = _agreement(ours, theirs, hashes)
    if agreement in _STRONG:
        hashes.sort(key=lambda each: -each.length)
        ciphers.sort(key=lambda each: -each.key_length)
    return Chosen(
        _pick(hashes, ErrorCode.HASH, "hash"),
        _pick(ciphers, ErrorCode.CIPHER, "cipher"),
        _pick(
            _common(ours.auth_tags, theirs.auth_tags, MANDATORY.auth_tags),
            ErrorCode.AUTH_TAG,
            "authentication tag",
        ),
        agreement,
        _pick(
            _common(ours.sas_types, theirs.sas_types, MANDATORY.sas_types),
            ErrorCode.SAS,
            "form of authentication string",
        ),
    )


def _agreement(ours: Algorithms, theirs: Offered, hashes: Sequence[HashType]) -> KeyAgreement:
    common = _common(ours.agreements, theirs.agreements, MANDATORY.agreements)
    if HashType.S384 not in hashes:
        common = [each for each in common if each is not KeyAgreement.EC38]
    first = _pick(common, ErrorCode.AGREEMENT, "key agreement")
    listed = [each for code in theirs.agreements for each in common if each.value == code]
    return min(first, listed[0] if listed else common[-1], key=_SPEED.index)


def accept(ours: Algorithms, codes: Sequence[str]) -> Chosen:
    """What the five codes of a Commit choose. Refused where one is not among ours."""
    chosen = Chosen(
        _take(ours.hashes, codes[0], ErrorCode.HASH, "hash"),
        _take(ours.ciphers, codes[1], ErrorCode.CIPHER, "cipher"),
        _take(ours.auth_tags, codes[2], ErrorCode.AUTH_TAG, "authentication tag"),
        _take(
            (*ours.agreements, KeyAgreement.MULTISTREAM),
            codes[3],
            ErrorCode.AGREEMENT,
            "key agreement",
        ),
        _take(ours.sas_types, codes[4], ErrorCode.SAS, "form of authentication string"),
    )
    if chosen.agreement is KeyAgreement.EC38 and chosen.hash is not HashType.S384:
        raise Refused(ErrorCode.HASH, "the peer chose EC38 without SHA-384")
    return chosen


def _take(ours: Sequence[_K], code: str, error: ErrorCode, what: str) -> _K:
    for each in ours:
        if each.value == code:
            return each
    raise Refused(error, f"the peer chose the {what} {code!r}, which is not allowed here")
