"""Which keying of an offer is taken (RFC 4568 §5.1.2, RFC 5763 §5, RFC 8842 §5.3, RFC 6189 §8).

Keys are found by their attributes: peers put any of them under any profile's name. Of several
methods the one in use stays. At first the profile is the hint, since both SDES and DTLS-SRTP are
hop by hop: what a peer calls UDP/TLS is more likely to work with DTLS-SRTP, RTP/SAVP with SDES.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import PeerError
from offhook.protocols.keying.dtls.agreed import Agreed as DtlsAgreed
from offhook.protocols.keying.dtls.setup import answer_role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes import SkippedCrypto
from offhook.protocols.keying.srtp_keys import CryptoLine
from offhook.protocols.sdp.errors import Unacceptable
from offhook.protocols.sdp.policy import MediaPolicy
from offhook.protocols.sdp.reading import is_unspecified
from offhook.protocols.sdp.said import (
    DTLS_PROFILES,
    PROFILES,
    Said,
    bad_setup,
    read_dtls,
    read_said,
)

if TYPE_CHECKING:
    from offhook.base.vocabulary import IceDescription, PathAddress
    from offhook.protocols.keying.zrtp.hello_hash import HelloHash
    from offhook.protocols.sdp.records import MediaDescription, SessionDescription
    from offhook.protocols.sdp.terms import Agreement

_ONLY: Final = {
    Keying.SDES: ("sdes-only", "SDES"),
    Keying.DTLS: ("dtls-only", "DTLS-SRTP"),
    Keying.ZRTP: ("zrtp-only", "ZRTP"),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """One keying of an offer: SDES, else DTLS-SRTP, else ZRTP alone."""

    crypto: CryptoLine | None
    dtls: DtlsAgreed | None
    zrtp_hashes: tuple[HelloHash, ...]


@dataclass(frozen=True, slots=True)
class Taker:
    """What decides about an offer's keys: the policy, and what the session has so far."""

    policy: MediaPolicy
    established: Agreement | None

    def take(
        self,
        session: SessionDescription,
        section: MediaDescription,
        remote: PathAddress,
        ice: IceDescription | None,
    ) -> Taken:
        """The keying that is taken; `remote` and `ice` are where the peer receives.

        Raises Unacceptable with the first reason why none is.
        """
        if section.profile not in PROFILES:
            raise Unacceptable("profile", "The offer's audio transport is not RTP.")
        said = read_said(session, section)
        hashes = announced(said, self.policy, self.established)
        first_refusal: Unacceptable | None = None
        for keying in self._order(section.profile, said):
            try:
                return self._take(keying, said, hashes, moved=moved(self.established, remote, ice))
            except Unacceptable as refusal:
                first_refusal = first_refusal or refusal
        raise first_refusal or _without_keys(said)

    def _order(self, profile: str, said: Said) -> list[Keying]:
        """The methods that the offer names, the preferred one first."""
        order = [Keying.SDES, Keying.DTLS]
        if profile in DTLS_PROFILES:
            order.reverse()
        else:
            order.append(Keying.ZRTP)
        if self.established is not None:
            order.sort(key=lambda keying: keying is not self._standing())
        return [keying for keying in order if keying in said.methods]

    def _standing(self) -> Keying | None:
        return None if self.established is None else self.established.keying

    def _take(
        self, keying: Keying, said: Said, hashes: tuple[HelloHash, ...], *, moved: bool
    ) -> Taken:
        if keying not in self.policy.keyings:
            rule, name = _ONLY[keying]
            raise Unacceptable(rule, f"The offer has its keys by {name} only, not allowed here.")
        check_trust(self.policy, self.established, keying, said, hashes)
        if keying is Keying.SDES:
            return Taken(self._crypto(said), None, hashes)
        if keying is Keying.DTLS:
            return Taken(None, self._dtls(said, moved=moved), hashes)
        if not said.zrtp_hashes:
            raise Unacceptable("no-keys", "The offer has ZRTP only, and of no version known here.")
        return Taken(None, None, hashes)

    def _crypto(self, said: Said) -> CryptoLine:
        if self.policy.sdes is None:
            raise Unacceptable("sdes-only", "SDES is not allowed here.")
        lines = self.policy.sdes.read(said.crypto)
        usable = [line for line in lines if isinstance(line, CryptoLine)]
        if not usable:
            raise _unusable([line for line in lines if isinstance(line, SkippedCrypto)])
        if self.established is not None and self.established.keys is not None:
            own = self.established.send_keys
            usable.sort(key=lambda line: line.suite != own.suite)
            if usable[0].master == own.master:
                raise Unacceptable("key-echoed", "The new offer sends our own key back.")
        return usable[0]

    def _dtls(self, said: Said, *, moved: bool) -> DtlsAgreed:
        theirs = read_dtls(said)
        before = None if self.established is None else self.established.dtls
        try:
            role = answer_role(theirs.setup, None if before is None else before.role)
        except PeerError as fault:
            raise bad_setup(fault) from None
        return DtlsAgreed(role, theirs.fingerprints, theirs.tls_id, moved=moved)


def announced(
    said: Said, policy: MediaPolicy, established: Agreement | None
) -> tuple[HelloHash, ...]:
    """The hashes that count: a later description without any leaves those before."""
    if not policy.zrtp:
        return ()
    return said.zrtp_hashes or (() if established is None else established.zrtp_hashes)


def moved(established: Agreement | None, remote: PathAddress, ice: IceDescription | None) -> bool:
    """Whether the peer receives elsewhere than before.

    A hold by 0.0.0.0 is no move, and neither is what ICE does (RFC 8842 §3.1).
    """
    if established is None or (established.ice is not None and ice is not None):
        return False
    if is_unspecified(established.remote) or is_unspecified(remote):
        return False
    return established.remote != remote


def check_trust(
    policy: MediaPolicy,
    established: Agreement | None,
    keying: Keying,
    said: Said,
    hashes: tuple[HelloHash, ...],
) -> None:
    """Raises Unacceptable where the keying protects less than the policy wants, or than before."""
    if policy.required is Keying.ZRTP and not hashes:
        raise Unacceptable(
            "below-minimum", "ZRTP is required here, and the other side doesn't announce it."
        )
    lowered = established is not None and established.keying is Keying.ZRTP
    if lowered and keying is not Keying.ZRTP and not said.zrtp_hashes:
        raise Unacceptable("keying-lowered", "The call has ZRTP, and is not to do without it.")


def _without_keys(said: Said) -> Unacceptable:
    if said.foreign:
        return Unacceptable("keying-unknown", f"The offer has its keys by {said.foreign} only.")
    return Unacceptable("no-keys", "The offer has no keys: the call would not be encrypted.")


def _unusable(lines: list[SkippedCrypto]) -> Unacceptable:
    told = "; ".join(f"line {place} {line.reason}" for place, line in enumerate(lines[:8], start=1))
    return Unacceptable(f"crypto-{lines[0].rule}", f"None of the offer's keys can be used: {told}.")
