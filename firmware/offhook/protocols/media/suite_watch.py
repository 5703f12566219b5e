"""A broken suite told from a broken path: what arrives and is never authentic (RFC 4568 §6.2).

Two sides that agreed on a suite may still do it differently. Packets that do not arrive say nothing
of it, and neither does a single forged one.
"""

from __future__ import annotations

from typing import Final

from offhook.protocols.keying.srtp_keys import CryptoLine

WATCHED_S: Final = 2.0
"""From when the peer is to send under a key: what comes later is another matter."""
MOST_REJECTED: Final = 50
"""A second of speech in packets of 20 ms."""


class SuiteWatch:
    """Watches one key after the other, each for WATCHED_S. Times are monotonic seconds."""

    __slots__ = ("_key", "_rejected", "_settled", "_until")

    def __init__(self) -> None:
        self._key: CryptoLine | None = None
        self._until = 0.0
        self._rejected = 0
        self._settled = True

    def watch(self, key: CryptoLine, now: float) -> None:
        """The peer is to send under `key` from now on; one that proved good or bad is not watched.

        A key that is watched already, and has not been judged, gets its whole time once more.
        """
        if self._key is None or not key.same_key(self._key):
            self._key, self._settled = key, False
        if not self._settled:
            self._until, self._rejected = now + WATCHED_S, 0

    def note(self, now: float, *, authentic: bool) -> int | None:
        """A packet came. How many were rejected, where that now shows the suite to be broken."""
        if self._settled or now >= self._until:
            return None
        if authentic:
            self._settled = True
            return None
        self._rejected += 1
        if self._rejected < MOST_REJECTED:
            return None
        self._settled = True
        return self._rejected
