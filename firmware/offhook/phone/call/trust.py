"""How far a call can be trusted, and why (RFC 4568 §7, RFC 5630 §3.1).

Trust is stated from what really happened: keys agreed, the flow's peer verified, authenticated
packets seen. What is merely signalled counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class TrustLevel(Enum):
    """From nothing to a call whose two ends have verified each other."""

    NONE = "none"
    HOP_BY_HOP = "hop by hop"
    END_TO_END = "end to end"
    VERIFIED = "verified end to end"


@dataclass(frozen=True, slots=True)
class TrustStatement:
    """A level and the sentences that justify it, the decisive one first."""

    level: TrustLevel
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MediaEvidence:
    """What was observed of one call's media."""

    keying: str | None
    """"sdes", or None while nothing is agreed."""
    suite: str | None
    heard: bool
    """An authenticated packet came in."""
    spoke: bool
    """An encrypted packet went out."""


def state_trust(evidence: MediaEvidence, peer_name: str) -> TrustStatement:
    """The trust of a call whose signalling goes to the verified `peer_name`."""
    if evidence.keying is None:
        return TrustStatement(TrustLevel.NONE, ("no media keys were agreed",))
    if not evidence.heard:
        return TrustStatement(TrustLevel.NONE, ("no authenticated packet came from the peer",))
    if not evidence.spoke:
        return TrustStatement(TrustLevel.NONE, ("no encrypted packet was sent to the peer",))
    return TrustStatement(
        TrustLevel.HOP_BY_HOP,
        (
            f"the keys went through {peer_name}, who could listen",
            f"media is encrypted and authenticated both ways ({evidence.suite})",
        ),
    )
