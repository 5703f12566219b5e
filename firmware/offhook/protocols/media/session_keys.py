"""A session's keys: those made for SDES, and which of all that were agreed are to be used.

RFC 4568 §6.1, RFC 6189 §8.2. Keys of ZRTP take the place of the others and never give it back: what
they are worth must not depend on the servers between.
"""

from __future__ import annotations

from typing import NamedTuple

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine, SrtpKeys
from offhook.protocols.media.messages import Prepare, SetRemote


class Chosen(NamedTuple):
    """Keys to be used, and who brought them."""

    keying: Keying
    keys: SrtpKeys


def make_keys(prepare: Prepare, randomness: Randomness) -> tuple[CryptoLine, ...]:
    """One fresh key for each suite. LocalError where one is unknown or comes twice."""
    names = prepare.suites
    other = prepare.dtls or prepare.zrtp is not None
    if not (names or other) or len(set(names)) < len(names) or not SUITES.keys() >= set(names):
        raise LocalError(f"suites have to be some of {', '.join(SUITES)}, each once")
    return tuple(
        CryptoLine(tag, SUITES[name], Secret(randomness.octets(SUITES[name].master_length)))
        for tag, name in enumerate(names, 1)
    )


class SessionKeys:
    """What the keyings have brought so far."""

    __slots__ = ("_zrtp", "closed", "dtls", "expected", "remote")

    def __init__(self) -> None:
        self.remote: SetRemote | None = None
        self.dtls: SrtpKeys | None = None
        self.expected: CryptoLine | None = None
        """The peer's key of ZRTP, before we may send under ours."""
        self.closed = False
        """Keys of ZRTP were in use and no longer are: none are used any more."""
        self._zrtp: SrtpKeys | None = None

    def secure(self, keys: SrtpKeys) -> None:
        """ZRTP has its keys."""
        self.expected, self._zrtp = None, keys

    def fail(self) -> None:
        """ZRTP has failed: before it had keys, what is underneath stays."""
        self.expected = None
        self.closed |= self._zrtp is not None

    def chosen(self) -> Chosen | None:
        """The keys that are to be used now."""
        remote = self.remote
        if remote is None or self.closed:
            return None
        if self._zrtp is not None:
            return Chosen(Keying.ZRTP, self._zrtp)
        if remote.keys is not None:
            return Chosen(Keying.SDES, remote.keys)
        if remote.dtls is not None and self.dtls is not None:
            return Chosen(Keying.DTLS, self.dtls)
        return None
