"""SDP security descriptions for SRTP: the value of `a=crypto` (RFC 4568 §4, §6 and §9).

A line that asks for something this phone does not do is skipped with its reason, so that the
other lines of the same offer still count (RFC 4568 §5.1.2); in an answer a skipped line means
that the answer can't be taken. No reason ever quotes key material.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import (
    LONGEST_IDENTIFIER,
    MOST_PACKETS,
    SUITES,
    CryptoLine,
    CryptoSuite,
)

SHORTEST_LIFETIME: Final = 1 << 20
"""Packets: nearly six hours at 50 a second. After its lifetime nothing under a key is taken any
more (RFC 4568 §6.1), so with less the call would fall silent if the peer didn't re-key in time."""

SMALLEST_WINDOW_HINT: Final = 64
HIGHEST_TAG: Final = 999_999_999

_LINE: Final = re.compile(
    r"(0|[1-9][0-9]{0,8})[ \t]+([A-Za-z0-9_]+)[ \t]+([\x21-\x7e]+)"
    r"((?:[ \t]+[\x21-\x7e]+)*)[ \t]*"
)
_LIFETIME: Final = re.compile(r"2\^([1-9][0-9]?)|([1-9][0-9]{0,14})")
_IDENTIFIER: Final = re.compile(r"([1-9][0-9]{0,308}):([1-9][0-9]{0,2})")
_WINDOW_HINT: Final = re.compile(r"WSH=([1-9][0-9]{1,5})")

_REFUSED_PARAMETERS: Final = (
    ("UNENCRYPTED_", "unencrypted", "asks for SRTP or SRTCP without encryption"),
    ("UNAUTHENTICATED_", "unauthenticated", "asks for SRTP without authentication"),
    ("KDR=", "key-derivation-rate", "asks for a key derivation rate"),
    ("FEC_", "forward-error-correction", "asks for forward error correction"),
)


@dataclass(frozen=True, slots=True)
class SkippedCrypto:
    """An `a=crypto` line that can't be used: `rule` is a short name, `reason` ends a sentence.

    `tag` is None where not even the tag could be read.
    """

    tag: int | None
    rule: str
    reason: str


class _Skip(Exception):
    """A turn within this module, never seen outside."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


def parse_crypto(value: str, *, short_tags: bool = False) -> CryptoLine | SkippedCrypto:
    """Read the value of one `a=crypto` attribute (RFC 4568 §9.2). Never raises on a peer's text.

    Base64 is taken padded and unpadded; a lifetime and a master key identifier are kept in the
    line. A suite with a tag of 32 bits (unless `short_tags`), several keys, a derivation rate,
    FEC, anything unencrypted or unauthenticated and unknown parameters without a leading "-"
    make the line a skipped one.
    """
    line = _LINE.fullmatch(value)
    if line is None:
        return SkippedCrypto(None, "syntax", "is not of the form tag, suite, key parameters")
    tag = int(line[1])
    try:
        suite = _suite(line[2], short_tags=short_tags)
        _check_session_parameters(line[4].split())
        return _key(tag, suite, line[3])
    except _Skip as skip:
        return SkippedCrypto(tag, skip.rule, skip.reason)


def format_crypto(line: CryptoLine) -> str:
    """The value of an `a=crypto` attribute, base64 with padding. Holds the key in clear.

    Raises LocalError where tag, key length, lifetime or identifier don't fit RFC 4568.
    """
    if not 0 <= line.tag <= HIGHEST_TAG:
        raise LocalError(f"a crypto tag has one to nine digits, not {line.tag}")
    if len(line.master) != line.suite.master_length:
        raise LocalError(
            f"{line.suite.name} takes {line.suite.master_length} octets of key and salt, "
            f"not {len(line.master)}"
        )
    info = base64.b64encode(line.master.reveal()).decode("ascii")
    if line.lifetime is not None:
        info += f"|{_written_lifetime(line.lifetime)}"
    if line.mki:
        info += f"|{_written_identifier(line.mki)}"
    return f"{line.tag} {line.suite.name} inline:{info}"


def _written_lifetime(packets: int) -> str:
    if not 0 < packets <= MOST_PACKETS:
        raise LocalError(f"a key serves for 1 to 2^48 packets, not {packets}")
    exponent = packets.bit_length() - 1
    return f"2^{exponent}" if packets == 1 << exponent > 1 else str(packets)


def _written_identifier(mki: bytes) -> str:
    if len(mki) > LONGEST_IDENTIFIER or not any(mki):
        raise LocalError("a master key identifier is a number above 0 in 1 to 128 octets")
    return f"{int.from_bytes(mki, 'big')}:{len(mki)}"


def _suite(name: str, *, short_tags: bool) -> CryptoSuite:
    suite = SUITES.get(name)
    if suite is None:
        if "NULL" in name or name.startswith("F8_"):
            raise _Skip("suite-forbidden", f"names the suite {name[:40]}, which is never used here")
        raise _Skip("suite-unknown", f"names the unknown suite {name[:40]}")
    if suite.short_tag and not short_tags:
        raise _Skip("suite-short-tag", f"names {name}, whose tag of 32 bits is not allowed here")
    return suite


def _check_session_parameters(parameters: list[str]) -> None:
    for parameter in parameters:
        for prefix, rule, reason in _REFUSED_PARAMETERS:
            if parameter.startswith(prefix):
                raise _Skip(rule, reason)
        if parameter.startswith("WSH="):
            hint = _WINDOW_HINT.fullmatch(parameter)
            if hint is None or int(hint[1]) < SMALLEST_WINDOW_HINT:
                raise _Skip("window-size-hint", "has a replay window below 64")
        elif not parameter.startswith("-"):
            raise _Skip("session-parameter", "has a session parameter that is not known")


def _key(tag: int, suite: CryptoSuite, parameters: str) -> CryptoLine:
    method, _, info = parameters.partition(":")
    if method != "inline":
        raise _Skip("key-method", "has its key by another method than inline")
    if ";" in info:
        raise _Skip("several-keys", "has several master keys")
    key, *rest = info.split("|")
    lifetime, mki = None, b""
    if rest and ":" not in rest[0]:
        lifetime = _lifetime(rest.pop(0))
    if rest:
        mki = _identifier(rest.pop(0))
    if rest:
        raise _Skip("key-parameters", "has more behind its key than a lifetime and an identifier")
    octets = _decode(key)
    if len(octets) != suite.master_length:
        raise _Skip(
            "key-length",
            f"has {len(octets)} octets of key and salt where {suite.name} "
            f"takes {suite.master_length}",
        )
    if not any(octets[: suite.key_length]):
        raise _Skip("key-zero", "has a key of zeros")
    return CryptoLine(tag, suite, Secret(octets), lifetime, mki)


def _lifetime(text: str) -> int:
    lifetime = _LIFETIME.fullmatch(text)
    if lifetime is None:
        raise _Skip("lifetime", "has a malformed key lifetime")
    packets = 1 << int(lifetime[1]) if lifetime[1] else int(lifetime[2])
    if packets > MOST_PACKETS:
        raise _Skip("lifetime", "has a key lifetime beyond 2^48 packets")
    if packets < SHORTEST_LIFETIME:
        raise _Skip("lifetime", "has a key lifetime below 2^20 packets")
    return packets


def _identifier(text: str) -> bytes:
    identifier = _IDENTIFIER.fullmatch(text)
    length = int(identifier[2]) if identifier else 0
    if identifier is None or length > LONGEST_IDENTIFIER:
        raise _Skip("master-key-identifier", "has a malformed master key identifier")
    try:
        return int(identifier[1]).to_bytes(length, "big")
    except OverflowError:
        raise _Skip(
            "master-key-identifier", f"has a master key identifier too big for {length} octets"
        ) from None


def _decode(text: str) -> bytes:
    bare = text[:-2] if text.endswith("==") else text.removesuffix("=")
    padded = bare + "=" * (-len(bare) % 4)
    if len(text) not in (len(bare), len(padded)):
        raise _Skip("base64", "has a key that is not base64")
    try:
        return base64.b64decode(padded, validate=True)
    except binascii.Error:
        raise _Skip("base64", "has a key that is not base64") from None
