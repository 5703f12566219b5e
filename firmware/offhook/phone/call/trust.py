"""How far a call can be trusted, and why (RFC 4568 §7, RFC 5763 §7, RFC 6189 §7, §8.1, §11).

Trust is stated from what really happened: keys in use, authenticated packets both ways, strings
that people compared. What is merely signalled counts for nothing. `docs/trust.md` says it to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.retained import Continuity

HYBRID_GROUPS: Final = frozenset({"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"})
"""Key exchanges of TLS that a quantum computer does not open either."""


class TrustLevel(Enum):
    """From nothing to a call whose two ends have verified each other."""

    NONE = "none"
    HOP_BY_HOP = "hop by hop"
    END_TO_END = "end to end"
    VERIFIED = "verified end to end"


class Caution(Enum):
    """What a person is warned of, in words of their own; the call goes on."""

    MISMATCH = "the other telephone does not have the secret of earlier calls"
    """RFC 6189 §4.3.2: lost, or somebody else's telephone."""
    DIFFERENT = "the strings that were compared were not the same"
    DISCLOSURE = "the other telephone can hand the keys to somebody else"
    """RFC 6189 §11."""
    RELAY = "an exchange stands between the two telephones"
    """RFC 6189 §7.3."""
    GO_CLEAR = "the other telephone wanted to go on unencrypted"
    SAS_RELAY = "the other telephone relays a string of somebody behind it"
    ATTACKED = "somebody has meddled with the agreement on keys"
    SUITE_BROKEN = "the encryption did not work with the other side, and another one was asked for"


@dataclass(frozen=True, slots=True)
class TrustStatement:
    """A level and the sentences that justify it, the decisive one first."""

    level: TrustLevel
    reasons: tuple[str, ...]
    cautions: tuple[Caution, ...] = ()
    """What lowers it for as long as it stands."""


@dataclass(frozen=True, slots=True)
class SignedFingerprint:
    """A DTLS fingerprint under a valid PASSporT (RFC 8224 §6, RFC 8225 §5.2.2, `mky`).

    Nothing makes one: the `Identity` header is not read yet.
    """

    caller: str
    """Whom the signature names."""


@dataclass(frozen=True, slots=True)
class Hops:
    """Who carries the signalling, as far as is known."""

    name: str
    """The verified name of the flow's other end."""
    group: str = ""
    """The key exchange of its TLS, by IANA's name."""


@dataclass(frozen=True, slots=True)
class MediaEvidence:
    """What was observed of one call's media, under the keys in use now."""

    keying: Keying | None
    """None while nothing is agreed."""
    suite: str | None
    heard: bool
    """An authenticated packet came in, and they have not stopped coming."""
    spoke: bool
    """An encrypted packet went out."""
    zrtp: ZrtpTrust | None = None
    """What the exchange knows that brought these keys."""
    compared: bool | None = None
    """What a person said in this call of the two strings; None: nothing yet."""
    signed: SignedFingerprint | None = None
    missing: str = ""
    """Why ZRTP brought no keys, where it was agreed on beside others."""


_Statement = tuple[TrustLevel, str, tuple[Caution, ...]]


def state_trust(evidence: MediaEvidence, hops: Hops) -> TrustStatement:
    """The trust of a call whose signalling goes by `hops`."""
    if evidence.keying is None:
        return TrustStatement(TrustLevel.NONE, ("no media keys were agreed",))
    if not evidence.heard:
        return TrustStatement(TrustLevel.NONE, ("no authenticated packet comes from the peer",))
    if not evidence.spoke:
        return TrustStatement(TrustLevel.NONE, ("no encrypted packet was sent to the peer",))
    match evidence.keying:
        case Keying.ZRTP:
            level, decisive, cautions = _of_zrtp(evidence)
        case Keying.DTLS:
            level, decisive, cautions = _of_dtls(evidence, hops)
        case Keying.SDES:
            told = f"the keys went through {hops.name}, who could listen"
            level, decisive, cautions = TrustLevel.HOP_BY_HOP, told, ()
    reasons = [decisive, f"media is encrypted and authenticated both ways ({evidence.suite})"]
    reasons += [f"{each.value}" for each in cautions if each.value != decisive]
    if evidence.missing:
        reasons.append(f"ZRTP brought no keys: {evidence.missing}")
    if evidence.keying is Keying.SDES and hops.group:
        reasons.append(_of_group(hops))
    return TrustStatement(level, tuple(reasons), cautions)


def _of_zrtp(evidence: MediaEvidence) -> _Statement:
    trust = evidence.zrtp or ZrtpTrust()
    same, differed = evidence.compared is True, evidence.compared is False
    cautions = tuple(
        caution
        for caution, applies in (
            (Caution.DIFFERENT, differed),
            (Caution.MISMATCH, trust.mismatch and not same),
            (Caution.RELAY, trust.relay),
            (Caution.DISCLOSURE, trust.disclosure),
        )
        if applies
    )
    if cautions:
        suspicious = differed or Caution.MISMATCH in cautions
        level = TrustLevel.NONE if suspicious else TrustLevel.HOP_BY_HOP
        return level, cautions[0].value, cautions
    if same:
        return TrustLevel.VERIFIED, "the two strings were compared in this call", ()
    if trust.verified and trust.continuity is Continuity.CONTINUED:
        told = "the strings were compared once, and every call since has the same peer"
        return TrustLevel.VERIFIED, told, ()
    told = "the two telephones agreed on the keys, but nobody compared the strings"
    if trust.peer_verified:
        told += " here; the peer says that it was done there"
    return TrustLevel.END_TO_END, told, ()


def _of_dtls(evidence: MediaEvidence, hops: Hops) -> _Statement:
    if evidence.signed is not None:
        told = f"the peer's certificate is signed for by {evidence.signed.caller}"
        return TrustLevel.END_TO_END, told, ()
    told = f"the peer's certificate is vouched for by {hops.name}, who could stand between"
    return TrustLevel.HOP_BY_HOP, told, ()


def _of_group(hops: Hops) -> str:
    """The keys were in the signalling: what a recording of it is worth later."""
    if hops.group in HYBRID_GROUPS:
        return f"the way to {hops.name} withstands a quantum computer ({hops.group})"
    return f"a quantum computer could open a recording of the way to {hops.name} ({hops.group})"
