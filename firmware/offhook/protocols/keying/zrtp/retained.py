"""Secrets that two phones kept from earlier calls, and whether they still match (RFC 6189 §4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.algorithms import HashType
from offhook.protocols.keying.zrtp.derivation import mac, same
from offhook.protocols.keying.zrtp.messages import SecretIds

FOR_EVER: Final = 0xFFFFFFFF
"""The cache interval (s) that is none."""


class Role(Enum):
    """Who sent the Commit that counts is the initiator."""

    INITIATOR = "Initiator"
    RESPONDER = "Responder"

    @property
    def other(self) -> Role:
        """The peer's."""
        return Role.RESPONDER if self is Role.INITIATOR else Role.INITIATOR


class Continuity(Enum):
    """What the kept secrets say of the peer."""

    FIRST = "first meeting"
    CONTINUED = "continued"
    MISMATCH = "mismatch"
    """We have a secret and the peer has not shown it: lost, or not the same peer (§4.3.2)."""


class Match(Enum):
    """What became of an auxiliary or PBX secret."""

    ABSENT = "absent"
    MATCHED = "matched"
    MISMATCHED = "mismatched"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was kept of one peer, by its ZID. `verified`: its SAS was once confirmed here."""

    rs1: Secret | None = None
    rs2: Secret | None = None
    pbx: Secret | None = None
    verified: bool = False
    expires_at: float | None = None
    """Wall-clock time (s since 1970) after which it may be forgotten; None for never."""

    def at(self, wall: float) -> Remembered:
        """What of it is still to be used at that time: nothing but `pbx` once it has expired.

        An expired secret may be gone at the other side, which must not look like an attack (§4.9).
        """
        if self.expires_at is None or wall < self.expires_at:
            return self
        return Remembered(pbx=self.pbx)


@dataclass(frozen=True, slots=True)
class Shared:
    """The secrets that turned out to be common, as s0 takes them, and what that says."""

    s1: Secret | None
    s2: Secret | None
    s3: Secret | None
    continuity: Continuity
    aux: Match
    pbx: Match


class Keepsakes:
    """What one side brings to an exchange: kept secrets and an auxiliary one."""

    __slots__ = ("aux", "remembered")

    def __init__(self, remembered: Remembered, aux: Secret | None) -> None:
        self.remembered = remembered
        self.aux = aux

    def ids(self, kind: HashType, role: Role, h3: bytes, randomness: Randomness) -> SecretIds:
        """What that role's DHPart tells of these secrets; random octets for what isn't there."""
        found = self._ids(kind, role, h3)
        return SecretIds(*(each or randomness.octets(8) for each in found))

    def compare(self, kind: HashType, role: Role, h3: bytes, theirs: SecretIds) -> Shared:
        """What we share with the peer, whose role, H3 and DHPart these are (§4.3, §4.3.1)."""
        rs1, rs2, aux, pbx = self._ids(kind, role, h3)
        own = [
            (secret, name)
            for secret, name in ((self.remembered.rs1, rs1), (self.remembered.rs2, rs2))
            if secret is not None and name is not None
        ]
        told = (theirs.rs1, theirs.rs2)
        # The initiator's order counts, whichever side this is.
        pairs = (
            [(each, name) for name in told for each in own]
            if role is Role.INITIATOR
            else [(each, name) for each in own for name in told]
        )
        s1 = next((secret for (secret, ours), name in pairs if same(ours, name)), None)
        s2 = self.aux if aux is not None and same(aux, theirs.aux) else None
        s3 = self.remembered.pbx if pbx is not None and same(pbx, theirs.pbx) else None
        if s1 is not None:
            continuity = Continuity.CONTINUED
        else:
            continuity = Continuity.MISMATCH if own else Continuity.FIRST
        return Shared(s1, s2, s3, continuity, _match(self.aux, s2), _match(self.remembered.pbx, s3))

    def _ids(self, kind: HashType, role: Role, h3: bytes) -> tuple[bytes | None, ...]:
        said = role.value.encode("ascii")
        kept = self.remembered
        return tuple(
            None if secret is None else mac(kind, secret, octets)
            for secret, octets in (
                (kept.rs1, said),
                (kept.rs2, said),
                (self.aux, h3),
                (kept.pbx, said),
            )
        )


def _match(own: Secret | None, shared: Secret | None) -> Match:
    if own is None:
        return Match.ABSENT
    return Match.MISMATCHED if shared is None else Match.MATCHED
