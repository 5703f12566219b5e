"""What a section says of its keys (RFC 4568 §4, RFC 8122 §5, RFC 8842 §4 and §5, RFC 6189 §8).

Offer and answer are read by the same functions, ours as well as the peer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.keying.dtls.fingerprint import (
    Fingerprint,
    SkippedFingerprint,
    parse_fingerprint,
)
from offhook.protocols.keying.dtls.setup import Setup, parse_setup, parse_tls_id
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.hello_hash import HelloHash, parse_hello_hash
from offhook.protocols.sdp.errors import Unacceptable

if TYPE_CHECKING:
    from offhook.protocols.sdp.records import MediaDescription, SessionDescription

DTLS_PROFILES: Final = frozenset({"UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"})
PROFILES: Final = DTLS_PROFILES | {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"}
"""Names under which peers put keys of any kind."""

MOST_READ: Final = 16
"""Fingerprints, and hashes of a Hello, that are read of one section."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one audio section says of its keys, the session's part counted in."""

    crypto: tuple[str, ...]
    """Values of `a=crypto`: of the section alone (RFC 4568 §4)."""
    fingerprints: tuple[str, ...]
    setup: str | None
    tls_id: str | None
    zrtp_hashes: tuple[HelloHash, ...]
    """Those that can be used; others are passed over."""
    zrtp_named: bool
    """Whether there is an `a=zrtp-hash`, of whatever worth."""
    foreign: str | None
    """The name of a keying method that is not spoken here."""

    @property
    def methods(self) -> frozenset[Keying]:
        """The methods that are named, usable or not."""
        named = {
            Keying.SDES: bool(self.crypto),
            Keying.DTLS: bool(self.fingerprints),
            Keying.ZRTP: self.zrtp_named,
        }
        return frozenset(method for method, is_there in named.items() if is_there)


@dataclass(frozen=True, slots=True)
class DtlsSaid:
    """What one side says of DTLS-SRTP."""

    setup: Setup
    fingerprints: tuple[Fingerprint, ...]
    tls_id: str | None


def read_said(session: SessionDescription, media: MediaDescription) -> Said:
    """What is said of the keys of that section; nothing is judged yet."""
    hashes = _nearest(session, media, "zrtp-hash")
    read = [parse_hello_hash(value) for value in hashes[:MOST_READ]]
    return Said(
        crypto=tuple(media.values("crypto")),
        fingerprints=_nearest(session, media, "fingerprint"),
        setup=next(iter(_nearest(session, media, "setup")), None),
        tls_id=media.value("tls-id"),
        zrtp_hashes=tuple(each for each in read if each is not None and each.usable),
        zrtp_named=bool(hashes),
        foreign=_foreign(session, media),
    )


def read_dtls(said: Said) -> DtlsSaid:
    """What is said of DTLS-SRTP. Raises Unacceptable where role or certificate stay open."""
    read = [parse_fingerprint(value) for value in said.fingerprints[:MOST_READ]]
    usable = tuple(each for each in read if isinstance(each, Fingerprint))
    if not usable:
        skipped = next(each for each in read if isinstance(each, SkippedFingerprint))
        raise Unacceptable(
            f"fingerprint-{skipped.rule}",
            f"No fingerprint can be used: the first {skipped.reason}.",
        )
    if said.setup is None:
        raise Unacceptable("setup", "Nothing says who begins the DTLS handshake.")
    try:
        setup = parse_setup(said.setup)
    except PeerError as fault:
        raise bad_setup(fault) from None
    tls_id = None if said.tls_id is None else parse_tls_id(said.tls_id)
    return DtlsSaid(setup, usable, tls_id)


def check_hash_echo(hashes: tuple[HelloHash, ...], own: str) -> None:
    """Raises Unacceptable where `own`, the value of our `a=zrtp-hash`, comes back."""
    ours = parse_hello_hash(own)
    if ours is not None and any(each.octets == ours.octets for each in hashes):
        raise Unacceptable("key-echoed", "The other side sends our own ZRTP hash back.")


def bad_setup(fault: PeerError) -> Unacceptable:
    """The refusal for a role that can't be had."""
    return Unacceptable("setup", f"The DTLS roles can't be settled: {fault.reason}.")


def _nearest(session: SessionDescription, media: MediaDescription, name: str) -> tuple[str, ...]:
    """The section's values of that name, else the session's."""
    return tuple(media.values(name)) or tuple(session.values(name))


def _foreign(session: SessionDescription, media: MediaDescription) -> str | None:
    for part in (media, session):
        if part.has("key-mgmt"):
            return "MIKEY"
        if part.has_key_field:
            return "the k= line"
    return None
