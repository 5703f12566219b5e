"""What offer and answer say of DTLS-SRTP, and whether that is another association (RFC 8842)."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.dtls.setup import Role


@dataclass(frozen=True, slots=True)
class Agreed:
    """What one offer and answer came to: our role, and what the peer announced.

    `moved` says that the peer's address or port is another one than before, ICE apart.
    """

    role: Role
    fingerprints: tuple[Fingerprint, ...]
    tls_id: str | None = None
    moved: bool = False


def asks_for_new(before: Agreed, after: Agreed) -> bool:
    """Whether an association that stands must make room for another (RFC 8842 §3.1, §4).

    A new ICE user fragment alone asks for none. Where the peer has tls-id, its address may change
    under an association; where it hasn't, another address is another association.
    """
    if before.role is not after.role or set(before.fingerprints) != set(after.fingerprints):
        return True
    if before.tls_id is not None and after.tls_id is not None:
        return before.tls_id != after.tls_id
    return after.moved
