"""What we propose to change in a call: hold, the suite, or the path (RFC 3264 §8, RFC 8445 §9).

One proposal is open at a time; what is wanted meanwhile is proposed after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.sdp.negotiation import Direction


@dataclass(frozen=True, slots=True)
class Proposal:
    """One further offer of ours."""

    held: bool
    key: CryptoLine | None
    """Of another suite than the one in use (RFC 4568 §7.1.4); None: the key stays."""
    path: bool = False
    """Whether it tells of another description for ICE than before."""

    @property
    def direction(self) -> Direction:
        """What it says of the stream."""
        return Direction.SENDONLY if self.held else Direction.SENDRECV


class Proposals:
    """What stands, what is wanted, and the offer that is open."""

    def __init__(self) -> None:
        self.held = False
        """Whether we hold the peer."""
        self.hold_wanted = False
        self.key_wanted: CryptoLine | None = None
        self.path_wanted = False
        self._open: Proposal | None = None

    @property
    def next(self) -> Proposal | None:
        """What is to be offered now, if anything."""
        wanted = self.hold_wanted != self.held or self.key_wanted is not None or self.path_wanted
        if not wanted or self._open is not None:
            return None
        return Proposal(self.hold_wanted, self.key_wanted, self.path_wanted)

    def offered(self, proposal: Proposal) -> None:
        """It is on its way."""
        self._open = proposal

    def answered(self, *, accepted: bool) -> bool:
        """The peer agreed or did not; whether that is news of a hold."""
        proposal, self._open = self._open, None
        if proposal is None:
            return False
        only_hold = proposal.key is None and not proposal.path
        of_hold = only_hold or proposal.held != self.held
        if proposal.key is not None:
            self.key_wanted = None
        if proposal.path:
            self.path_wanted = False
        if accepted:
            self.held = proposal.held
        else:
            self.hold_wanted = self.held
        return of_hold
