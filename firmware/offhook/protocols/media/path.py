"""Where packets are sent: as signalled, then where authenticated ones come from (RFC 7362 §4)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from offhook.base.vocabulary import PathAddress

HOLD_S: Final = 0.5
"""A source that is heard keeps its place for this long.

A packet caught and sent on from elsewhere before it arrives here is authentic; it moves the
stream only where the true source has fallen silent.
"""


class Latch:
    """The address of one peer port; `follow` is called for authenticated packets only."""

    __slots__ = ("_heard", "_signalled", "address", "silenced")

    def __init__(self, signalled: PathAddress) -> None:
        self._take(signalled)

    def _take(self, signalled: PathAddress) -> None:
        self._signalled = self.address = signalled
        self._heard: float | None = None
        self.silenced = ip_address(signalled.host).is_unspecified
        """Whether nothing is to be sent: 0.0.0.0 is hold in old offers (RFC 3264 §8.4)."""

    def signal(self, signalled: PathAddress) -> None:
        """Take what an offer or answer says; an unchanged address keeps what was learned."""
        if signalled != self._signalled:
            self._take(signalled)

    def follow(self, source: PathAddress, now: float) -> None:
        """Learn from an authenticated packet that is newer than all before."""
        if source == self.address:
            self._heard = now
        elif self._heard is None or now - self._heard >= HOLD_S:
            self.address, self._heard = source, now
