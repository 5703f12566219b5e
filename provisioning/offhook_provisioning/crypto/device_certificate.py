"""Whether a certificate is good for this phone as a TLS client (RFC 5280 §4.2, §6.1)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from offhook.base.schema.document_flaws import Flaw
from offhook.protocols.trust.certificate import UNREADABLE, Certificate, read_certificate
from offhook.protocols.trust.chain_checks import (
    CERTIFICATE_RULES,
    MAX_CHAIN,
    check_issued,
    check_validity,
)
from offhook.protocols.trust.refusal import ChainRefused

_EXPIRED: Final = ("expired", "not-yet-valid")


def judge_own_certificate(
    chain: tuple[bytes, ...], anchors: tuple[bytes, ...], public_key: bytes, wall_time: float
) -> tuple[Flaw, str] | None:
    """What `base.schema.bundle.JudgeCertificate` asks for: key, usage, chain, time."""
    try:
        return _judge(chain, anchors, public_key, wall_time)
    except ChainRefused as refusal:
        flaw = Flaw.CERTIFICATE_EXPIRED if refusal.rule in _EXPIRED else Flaw.WRONG_CHAIN
        return flaw, refusal.detail
    except UNREADABLE as error:
        return Flaw.WRONG_CHAIN, f"a certificate can't be read: {error}"


def _judge(
    ders: tuple[bytes, ...], anchors: tuple[bytes, ...], public_key: bytes, wall_time: float
) -> tuple[Flaw, str] | None:
    if not 2 <= len(ders) <= MAX_CHAIN or ders[-1] not in anchors:
        return Flaw.WRONG_CHAIN, "it does not end at an anchor"
    names = ("device", *("intermediate" for _ in ders[2:]), "root")
    chain = tuple(read_certificate(der, name) for der, name in zip(ders, names, strict=True))
    leaf = chain[0]
    if leaf.raw.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != (
        public_key
    ):
        return Flaw.KEY_MISMATCH, leaf.title
    if (fault := _usage_of(leaf)) is not None:
        return Flaw.WRONG_USAGE, fault
    for below, above in pairwise(chain):
        check_issued(below, above)
        if not above.is_ca or above.key_usage is None or not above.key_usage.key_cert_sign:
            return Flaw.WRONG_CHAIN, f"the {above.title} is no CA"
    for each in chain:
        check_validity(each, wall_time)
        for rule in CERTIFICATE_RULES:
            rule(each)
    return None


def _usage_of(leaf: Certificate) -> str | None:
    usage: frozenset[x509.ObjectIdentifier] = leaf.extended_key_usage or frozenset()
    if leaf.is_ca:
        return f"the {leaf.title} is a CA's own"
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        return f"the {leaf.title} lacks clientAuth"
    if leaf.key_usage is None or not leaf.key_usage.digital_signature:
        return f"the {leaf.title} may not sign"
    return None
