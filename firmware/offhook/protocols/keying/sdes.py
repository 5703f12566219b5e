"""SDP security descriptions for SRTP: the value of `a=crypto` (RFC 4568 §6 and §9, RFC 7714 §14.2).

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
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine, CryptoSuite

LONGEST_LIFETIME: Final = 1 << 48
"""Packets under one master key (RFC 3711 §9.2)."""

SHORTEST_LIFETIME: Final = 1 << 20
"""Packets: nearly six hours at 50 a second. This phone does not re-key by count, so a key that
must be laid aside sooner can't be honoured (RFC 4568 §6.1)."""

SMALLEST_WINDOW_HINT: Final = 64
HIGHEST_TAG: Final = 999_999_999

_LINE: Final = re.compile(
    r"([0-9]{1,9})[ \t]+([A-Za-z0-9_]+)[ \t]+([\x21-\x7e]+)((?:[ \t]+[\x21-\x7e]+)*)[ \t]*"
)
_LIFETIME: Final = re.compile(r"2\^([1-9][0-9]?)|([1-9][0-9]{0,14})")
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


def parse_crypto(value: str) -> CryptoLine | SkippedCrypto:
    """Read the value of one `a=crypto` attribute (RFC 4568 §9.2). Never raises on a peer's text.

    Base64 is taken padded and unpadded. `|2^31` and its like are checked and let go; a master
    key identifier, a derivation rate, FEC, anything unencrypted or unauthenticated and unknown
    parameters without a leading "-" make the line a skipped one.
    """
    line = _LINE.fullmatch(value)
    if line is None:
        return SkippedCrypto(None, "syntax", "is not of the form tag, suite, key parameters")
    tag = int(line[1])
    try:
        suite = _suite(line[2])
        _check_session_parameters(line[4].split())
        master = _master(line[3], suite)
    except _Skip as skip:
        return SkippedCrypto(tag, skip.rule, skip.reason)
    return CryptoLine(tag, suite, master)


def format_crypto(line: CryptoLine) -> str:
    """The value of an `a=crypto` attribute, base64 with padding. Holds the key in clear.

    Raises LocalError where tag or key length don't fit RFC 4568.
    """
    if not 0 <= line.tag <= HIGHEST_TAG:
        raise LocalError(f"a crypto tag has one to nine digits, not {line.tag}")
    if len(line.master) != line.suite.master_length:
        raise LocalError(
            f"{line.suite.name} takes {line.suite.master_length} octets of key and salt, "
            f"not {len(line.master)}"
        )
    key = base64.b64encode(line.master.reveal()).decode("ascii")
    return f"{line.tag} {line.suite.name} inline:{key}"


def _suite(name: str) -> CryptoSuite:
    suite = SUITES.get(name)
    if suite is None:
        if "NULL" in name or name.startswith("F8_"):
            raise _Skip("suite-forbidden", f"names the suite {name[:40]}, which is never used here")
        raise _Skip("suite-unknown", f"names the unknown suite {name[:40]}")
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


def _master(parameters: str, suite: CryptoSuite) -> Secret:
    method, _, info = parameters.partition(":")
    if method != "inline":
        raise _Skip("key-method", "has its key by another method than inline")
    if ";" in info:
        raise _Skip("several-keys", "has several master keys")
    key, *rest = info.split("|")
    if rest and ":" not in rest[0]:
        _check_lifetime(rest.pop(0))
    if rest:
        raise _Skip("master-key-identifier", "has a master key identifier")
    octets = _decode(key)
    if len(octets) != suite.master_length:
        raise _Skip(
            "key-length",
            f"has {len(octets)} octets of key and salt where {suite.name} "
            f"takes {suite.master_length}",
        )
    if not any(octets):
        raise _Skip("key-zero", "has a key of zeros")
    return Secret(octets)


def _check_lifetime(text: str) -> None:
    lifetime = _LIFETIME.fullmatch(text)
    if lifetime is None:
        raise _Skip("lifetime", "has a malformed key lifetime")
    packets = 1 << int(lifetime[1]) if lifetime[1] else int(lifetime[2])
    if packets > LONGEST_LIFETIME:
        raise _Skip("lifetime", "has a key lifetime beyond 2^48 packets")
    if packets < SHORTEST_LIFETIME:
        raise _Skip("lifetime", "has a key lifetime below 2^20 packets")


def _decode(text: str) -> bytes:
    bare = text[:-2] if text.endswith("==") else text.removesuffix("=")
    padded = bare + "=" * (-len(bare) % 4)
    if len(text) not in (len(bare), len(padded)):
        raise _Skip("base64", "has a key that is not base64")
    try:
        return base64.b64decode(padded, validate=True)
    except binascii.Error:
        raise _Skip("base64", "has a key that is not base64") from None
