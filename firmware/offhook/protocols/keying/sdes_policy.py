"""Which `a=crypto` lines of a description are taken, and in which order (RFC 4568 §4.1 and §7.1).

One policy value for both directions: what we offer and what we take of an offer or an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.protocols.keying.sdes import SkippedCrypto, parse_crypto
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_256_CM_HMAC_SHA1_80,
    AES_CM_128_HMAC_SHA1_80,
    SUITES,
    CryptoLine,
    CryptoSuite,
)

MOST_LINES: Final = 32
"""Crypto lines of one stream that are read; the others are skipped."""


@dataclass(frozen=True, slots=True)
class SdesPolicy:
    """What SDES may agree to. Raises LocalError where it contradicts itself."""

    suites: tuple[str, ...] = (
        AEAD_AES_256_GCM.name,
        AEAD_AES_128_GCM.name,
        AES_256_CM_HMAC_SHA1_80.name,
        AES_CM_128_HMAC_SHA1_80.name,
    )
    """SDES names in the order in which they are offered."""
    short_tags: bool = False
    """Whether `suites` may name those with a tag of 32 bits."""
    identifiers: bool = True
    """Take a line with a master key identifier; none is ever offered, since peers that accept
    one don't use it."""

    def __post_init__(self) -> None:
        if not self.suites or len(set(self.suites)) < len(self.suites):
            raise LocalError("an SDES policy has each suite once, and at least one")
        for name in self.suites:
            if name not in SUITES:
                raise LocalError(f"no such suite: {name}")
            if SUITES[name].short_tag and not self.short_tags:
                raise LocalError(f"{name} has a tag of 32 bits, which this policy does not allow")

    def read(self, values: Iterable[str]) -> list[CryptoLine | SkippedCrypto]:
        """The values of one stream's `a=crypto` attributes, each as a line or why it is skipped.

        Lines that share a tag are all skipped, since an answer would name none of them. Of lines
        that share a key the first stands: a key serves one suite. Never raises on a peer's text.
        """
        texts = list(values)
        lines = [parse_crypto(text, short_tags=self.short_tags) for text in texts[:MOST_LINES]]
        tags = [line.tag for line in lines]
        read: list[CryptoLine | SkippedCrypto] = []
        for line in lines:
            skipped = self._why_not(line, tags, read)
            read.append(skipped or line)
        excess = SkippedCrypto(None, "too-many", f"is beyond the first {MOST_LINES}")
        return read + [excess] * (len(texts) - len(lines))

    def _why_not(
        self,
        line: CryptoLine | SkippedCrypto,
        tags: list[int | None],
        before: list[CryptoLine | SkippedCrypto],
    ) -> SkippedCrypto | None:
        if line.tag is not None and tags.count(line.tag) > 1:
            return SkippedCrypto(line.tag, "tag-repeated", "shares its tag with another line")
        if isinstance(line, SkippedCrypto):
            return line
        if line.suite.name not in self.suites:
            reason = f"has the suite {line.suite.name}, not allowed here"
            return SkippedCrypto(line.tag, "suite-not-allowed", reason)
        if line.mki and not self.identifiers:
            reason = "has a master key identifier, not allowed here"
            return SkippedCrypto(line.tag, "identifier-not-allowed", reason)
        if any(line.master == each.master for each in before if isinstance(each, CryptoLine)):
            return SkippedCrypto(line.tag, "key-reused", "has the key of another line")
        return None

    def usable(
        self, values: Iterable[str], own: Iterable[CryptoLine] = (), *, prefer: str | None = None
    ) -> list[CryptoLine]:
        """The lines that can be taken, in the peer's order; first those of the suite `prefer`.

        `own` are keys of ours: a line that sends one of them back is left out.
        """
        ours = list(own)
        lines = [
            line
            for line in self.read(values)
            if isinstance(line, CryptoLine) and not any(line.master == each.master for each in ours)
        ]
        return sorted(lines, key=lambda line: line.suite.name != prefer)


def fresh_key(
    suite: CryptoSuite, randomness: Randomness, tag: int, used: Iterable[CryptoLine] = ()
) -> CryptoLine:
    """A new random key for `suite` that is none of those `used`.

    Raises LocalError where the randomness gives a used one again: it is broken then.
    """
    line = CryptoLine(tag, suite, Secret(randomness.octets(suite.master_length)))
    if any(line.master == each.master for each in used):
        raise LocalError("the randomness gave a key that was used before")
    return line
