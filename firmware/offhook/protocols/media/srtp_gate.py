"""The media gate of one stream over its re-keys (RFC 3711 §3.3.1, RFC 4568 §7.1.4)."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import PeerError
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.media.srtp import Unprotector

OVERLAP_S: Final = 2.0
"""How long what is protected with the key before still passes: the peer changes over only when
it has our answer (RFC 4568 §7.1.4)."""
REORDERED_S: Final = 0.2
"""And how long after the first packet under the new key."""
MOST_KEPT: Final = 8
"""Keys laid aside whose replay state is kept, should the peer come back to one."""


class MediaGate:
    """Nothing passes but what is authentic and new under the peer's key.

    Times are monotonic seconds.
    """

    __slots__ = ("_aside", "_before", "_current", "_until", "confirmed")

    def __init__(self, keys: CryptoLine) -> None:
        self._current = Unprotector(keys)
        self._before: Unprotector | None = None
        self._until = 0.0
        self._aside: list[Unprotector] = []
        self.confirmed = False
        """Whether a packet under the key in use has passed."""

    @property
    def keys(self) -> CryptoLine:
        """The key in use."""
        return self._current.keys

    def rekey(self, keys: CryptoLine, now: float, overlap_s: float = OVERLAP_S) -> bool:
        """Take `keys` from now on; False: they are those in use, and nothing changes.

        Equal keys keep their replay state and roll-over counters, also those that were in use
        some changes ago. A source goes on over a change with its counter or begins anew at 0:
        both are understood. With `overlap_s` 0 nothing under the key before passes from now on,
        also where `keys` are in use already: for a key that is trusted more than that one.
        """
        if keys.same_key(self._current.keys):
            self._until = min(self._until, now + overlap_s)
            return False
        former = next((each for each in self._aside if each.keys.same_key(keys)), None)
        if former is None:
            former = Unprotector(keys, self._current.highest())
        else:
            self._aside.remove(former)
        self._aside = [*self._aside, self._current][-MOST_KEPT:]
        self._before, self._until = self._current, now + overlap_s
        self._current = former
        self.confirmed = False
        return True

    def unprotect(self, datagram: bytes, now: float) -> bytes:
        """The RTP packet inside; PeerError where nothing of the kind passes."""
        try:
            packet = self._current.unprotect(datagram)
        except PeerError:
            before = self._open_before(now)
            if before is None:
                raise
            return before.unprotect(datagram)
        self._confirm(now)
        return packet

    def unprotect_rtcp(self, datagram: bytes, now: float) -> bytes:
        """The compound RTCP packet inside; PeerError where nothing of the kind passes."""
        try:
            return self._current.unprotect_rtcp(datagram)
        except PeerError:
            before = self._open_before(now)
            if before is None:
                raise
            return before.unprotect_rtcp(datagram)

    def overlaps(self, now: float) -> bool:
        """Whether what is protected with the key before may still pass."""
        return self._open_before(now) is not None

    def _open_before(self, now: float) -> Unprotector | None:
        if self._before is not None and now >= self._until:
            self._before = None
        return self._before

    def _confirm(self, now: float) -> None:
        if not self.confirmed:
            self.confirmed = True
            self._until = min(self._until, now + REORDERED_S)
