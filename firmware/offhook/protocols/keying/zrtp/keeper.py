"""What is kept of a call for the next one, and when (RFC 6189 §4.6.1, §4.9, §7.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.events import Expire, Forget, Retain, TrustChanged, ZrtpTrust
from offhook.protocols.keying.zrtp.retained import FOR_EVER, Remembered

KeeperEvent: TypeAlias = Retain | Expire | Forget | TrustChanged


class Keeper:
    """The fate of one new retained secret.

    After a mismatch nothing is kept until a person has compared the SAS: somebody between the two
    phones must not become the one whom the next call continues with (§4.6.1.1).
    """

    __slots__ = ("_interval_s", "_kept", "_new", "_remembered", "_zid", "trust")

    def __init__(
        self,
        zid: bytes,
        remembered: Remembered,
        new: Secret,
        interval_s: int,
        trust: ZrtpTrust,
    ) -> None:
        self.trust = trust
        self._zid = zid
        self._remembered = remembered
        self._new = new
        self._interval_s = interval_s
        self._kept = False

    def secured(self) -> list[KeeperEvent]:
        """The exchange is complete."""
        return [] if self.trust.mismatch else self._keep()

    def compared(self) -> list[KeeperEvent]:
        """A person compared the SAS, and it was the same."""
        self.trust = replace(self.trust, verified=True)
        return [TrustChanged(self.trust), *self._keep()]

    def differed(self) -> list[KeeperEvent]:
        """A person compared the SAS, and it was not the same."""
        self.trust = replace(self.trust, verified=False)
        told: list[KeeperEvent] = [TrustChanged(self.trust)]
        # Where nothing of this call was kept, the old secret is the true peer's, and stays.
        return [*told, Forget(self._zid)] if self._kept else told

    def announced(self) -> list[KeeperEvent]:
        """Signalling named the peer's Hello, later than it came."""
        self.trust = replace(self.trust, announced=True)
        return [TrustChanged(self.trust)]

    def _keep(self) -> list[KeeperEvent]:
        old = self._remembered.rs1
        if not self._interval_s:
            return [Expire(self._zid)] if old is not None else []
        self._kept = True
        lifetime_s = None if self._interval_s == FOR_EVER else self._interval_s
        return [Retain(self._zid, self._new, old, self.trust.verified, lifetime_s)]
