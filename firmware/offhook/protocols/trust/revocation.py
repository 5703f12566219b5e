"""Certificate revocation lists given by the administrator (RFC 5280 §5, §6.3)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID

from offhook.protocols.trust.certificate import UNREADABLE, Certificate
from offhook.protocols.trust.chain_checks import HASHES, Chain, clock_text
from offhook.protocols.trust.refusal import ChainRefused

UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    }
)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A full CRL and the part of its issuer's certificates that it covers."""

    raw: x509.CertificateRevocationList
    issuer: x509.Name
    start: datetime
    end: datetime | None
    hash: hashes.HashAlgorithm | None
    scope: x509.IssuingDistributionPoint | None

    def covers(self, certificate: Certificate) -> bool:
        """Whether a certificate absent from this list is thereby said to be good."""
        scope = self.scope
        if scope is None:
            return True
        if scope.only_contains_user_certs and certificate.is_ca:
            return False
        if scope.only_contains_ca_certs and not certificate.is_ca:
            return False
        if scope.only_some_reasons or scope.only_contains_attribute_certs:
            return False
        if scope.full_name is None:
            return scope.relative_name is None
        points = certificate.crl_points or ()
        return any(set(scope.full_name) & set(point.full_name or ()) for point in points)


def read_crls(ders: tuple[bytes, ...]) -> tuple[RevocationList, ...]:
    """Parse CRLs; raises ChainRefused("crl-malformed") naming the first that can't be used.

    Delta CRLs, indirect CRLs and ones with unknown critical extensions can't.
    """
    return tuple(_read(der, number) for number, der in enumerate(ders, 1))


def _read(der: bytes, number: int) -> RevocationList:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            crl = x509.load_der_x509_crl(der)
            critical = {extension.oid for extension in crl.extensions if extension.critical}
            scope = None
            for extension in crl.extensions:
                if isinstance(extension.value, x509.IssuingDistributionPoint):
                    scope = extension.value
            read = RevocationList(
                raw=crl,
                issuer=crl.issuer,
                start=crl.last_update_utc,
                end=crl.next_update_utc,
                hash=crl.signature_hash_algorithm,
                scope=scope,
            )
    except UNREADABLE as error:
        raise ChainRefused("crl-malformed", f"CRL {number} can't be read: {error}") from error
    if critical - UNDERSTOOD or (scope is not None and scope.indirect_crl):
        raise ChainRefused(
            "crl-malformed", f"CRL {number} is a delta, indirect or otherwise special list"
        )
    return read


def check_revocation(
    chain: Chain, crls: tuple[RevocationList, ...], wall_time: float, *, required: bool
) -> None:
    """Raise ChainRefused if a member below the root is revoked by any list of its issuer.

    With `required` each of them also needs a list that covers it and is current at `wall_time`
    (Unix seconds). A revocation counts even in a list that has expired.
    """
    for certificate, issuer in pairwise(chain):
        lists = [crl for crl in crls if _speaks_for(crl, issuer)]
        for crl in lists:
            _check_listed(crl, certificate)
        if required:
            _check_current(
                [crl for crl in lists if crl.covers(certificate)], certificate, wall_time
            )


def _speaks_for(crl: RevocationList, issuer: Certificate) -> bool:
    if crl.issuer != issuer.raw.subject:
        return False
    if issuer.key_usage is not None and not issuer.key_usage.crl_sign:
        return False
    if crl.hash is not None and not isinstance(crl.hash, HASHES):
        return False
    try:
        return crl.raw.is_signature_valid(issuer.public_key)  # type: ignore[arg-type]
    except UNREADABLE:
        return False


def _check_listed(crl: RevocationList, certificate: Certificate) -> None:
    try:
        entry = crl.raw.get_revoked_certificate_by_serial_number(certificate.raw.serial_number)
    except UNREADABLE as error:
        raise ChainRefused("crl-malformed", f"an entry can't be read: {error}") from error
    if entry is not None:
        raise ChainRefused(
            "revoked",
            f"the {certificate.title} was revoked on {entry.revocation_date_utc:%Y-%m-%d}",
        )


def _check_current(lists: list[RevocationList], certificate: Certificate, wall_time: float) -> None:
    if not lists:
        raise ChainRefused(
            "crl-missing", f"no CRL of its issuer is at hand for the {certificate.title}"
        )
    for crl in lists:
        begun = crl.start.timestamp() <= wall_time
        if begun and crl.end is not None and wall_time <= crl.end.timestamp():
            return
    raise ChainRefused(
        "crl-expired",
        f"no CRL for the {certificate.title} is current, and the clock says "
        f"{clock_text(wall_time)}",
    )
