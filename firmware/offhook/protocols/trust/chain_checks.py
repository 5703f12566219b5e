"""What a chain must be, whoever built it (RFC 5280 §4.2, §6.1; RFC 7633; RFC 9325 §4.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from offhook.protocols.trust.certificate import UNREADABLE, Certificate, read_certificate
from offhook.protocols.trust.name_constraints import check_name_constraints
from offhook.protocols.trust.refusal import ChainRefused

MAX_CHAIN: Final = 8
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MIN_RSA_EXPONENT: Final = 65537
CURVES: Final = (
    ec.SECP256R1,
    ec.SECP384R1,
    ec.SECP521R1,
    ec.BrainpoolP256R1,
    ec.BrainpoolP384R1,
    ec.BrainpoolP512R1,
)
HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
SERVER_USAGES: Final = frozenset({ExtendedKeyUsageOID.SERVER_AUTH})
UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.TLS_FEATURE,
    }
)
"""Extensions that this room acts upon and that may therefore be critical."""

Chain = tuple[Certificate, ...]


def read_chain(ders: tuple[bytes, ...]) -> Chain:
    """Parse a chain, leaf first and root last; raises ChainRefused."""
    if not ders:
        raise ChainRefused("no-certificate", "the server showed no certificate")
    if len(ders) > MAX_CHAIN:
        raise ChainRefused("chain-too-long", f"{len(ders)} certificates; {MAX_CHAIN} is the cap")
    last = len(ders) - 1
    return tuple(
        read_certificate(der, "server" if i == 0 else "root" if i == last else f"intermediate {i}")
        for i, der in enumerate(ders)
    )


def check_chain(chain: Chain, wall_time: float) -> None:
    """Apply every rule that does not depend on the name asked for; raises ChainRefused.

    `wall_time` is in Unix seconds. Whether the root is trusted is not decided here.
    """
    _check_anchored(chain)
    for certificate in chain:
        check_validity(certificate, wall_time)
    for rule in CERTIFICATE_RULES:
        for certificate in chain:
            rule(certificate)
    for position, certificate in enumerate(chain[:-1]):
        _check_signature_hash(certificate)
        check_issued(certificate, chain[position + 1])
        _check_authority_key(certificate, chain[position + 1])
    _check_leaf(chain[0])
    for position in range(1, len(chain)):
        _check_issuer(chain, position)
    for position in range(len(chain) - 1):
        check_name_constraints(chain[position], chain[position + 1 :])


def _check_anchored(chain: Chain) -> None:
    if len(chain) == 1:
        raise ChainRefused(
            "self-signed", f"the {chain[0].title} stands alone: no CA vouches for it"
        )
    if not chain[-1].self_issued:
        raise ChainRefused("unknown-ca", f"the chain ends at no root but at the {chain[-1].title}")


def check_validity(certificate: Certificate, wall_time: float) -> None:
    """Raise ChainRefused("not-yet-valid" or "expired") outside of notBefore…notAfter."""
    start = certificate.raw.not_valid_before_utc
    end = certificate.raw.not_valid_after_utc
    if not start.timestamp() <= wall_time:
        raise ChainRefused(
            "not-yet-valid",
            f"the {certificate.title} is valid from {start:%Y-%m-%d %H:%M} UTC, "
            f"and the clock says {clock_text(wall_time)}",
        )
    if not wall_time <= end.timestamp():
        raise ChainRefused(
            "expired",
            f"the {certificate.title} was valid until {end:%Y-%m-%d %H:%M} UTC, "
            f"and the clock says {clock_text(wall_time)}",
        )


def clock_text(wall_time: float) -> str:
    """Unix seconds as a date for a person; out of datetime's range as the number itself."""
    try:
        return f"{datetime.fromtimestamp(wall_time, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{wall_time} s"


def _check_critical(certificate: Certificate) -> None:
    unknown = certificate.critical - UNDERSTOOD
    if unknown:
        oids = ", ".join(sorted(oid.dotted_string for oid in unknown))
        raise ChainRefused(
            "critical-extension",
            f"the {certificate.title} has a critical extension not understood here: {oids}",
        )
    constraints = certificate.policy_constraints
    if constraints is not None and constraints.require_explicit_policy is not None:
        raise ChainRefused(
            "policy-constraints",
            f"the {certificate.title} requires a certificate policy, and none is configured",
        )


def _check_must_staple(certificate: Certificate) -> None:
    if x509.TLSFeatureType.status_request in certificate.features:
        raise ChainRefused(
            "must-staple",
            f"the {certificate.title} is good only with a stapled OCSP response, which this "
            "phone can't ask for",
        )


def _check_key(certificate: Certificate) -> None:
    key = certificate.public_key
    match key:
        case rsa.RSAPublicKey():
            if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
                raise ChainRefused(
                    "key-size",
                    f"the {certificate.title} has an RSA key of {key.key_size} bits, outside of "
                    f"{MIN_RSA_BITS} to {MAX_RSA_BITS}",
                )
            if key.public_numbers().e < MIN_RSA_EXPONENT and not certificate.self_issued:
                raise ChainRefused(
                    "key-exponent", f"the {certificate.title} has a small RSA exponent"
                )
        case ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, CURVES):
                raise ChainRefused(
                    "curve", f"the {certificate.title} has a key on the curve {key.curve.name}"
                )
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            pass
        case _:
            raise ChainRefused(
                "key-type", f"the {certificate.title} has a key that TLS has no use for here"
            )


CERTIFICATE_RULES: Final[tuple[Callable[[Certificate], None], ...]] = (
    _check_critical,
    _check_must_staple,
    _check_key,
)
"""Rules that each member of a chain obeys by itself, the root included."""


def check_issued(certificate: Certificate, issuer: Certificate) -> None:
    """Raise ChainRefused("broken-chain") unless `issuer` signed `certificate`."""
    try:
        certificate.raw.verify_directly_issued_by(issuer.raw)
    except (InvalidSignature, *UNREADABLE) as error:
        raise ChainRefused(
            "broken-chain", f"the {certificate.title} was not signed by the {issuer.title}"
        ) from error


def _check_signature_hash(certificate: Certificate) -> None:
    algorithm = certificate.raw.signature_hash_algorithm
    oid = certificate.raw.signature_algorithm_oid
    if algorithm is None and oid in (
        x509.SignatureAlgorithmOID.ED25519,
        x509.SignatureAlgorithmOID.ED448,
    ):
        return
    if not isinstance(algorithm, HASHES):
        name = "an unknown hash" if algorithm is None else algorithm.name.upper()
        raise ChainRefused("weak-signature", f"the {certificate.title} is signed with {name}")


def _check_authority_key(certificate: Certificate, issuer: Certificate) -> None:
    authority = certificate.authority_key
    if authority is None or authority.key_identifier is None:
        raise ChainRefused(
            "authority-key", f"the {certificate.title} does not say which key signed it (no AKI)"
        )
    if issuer.subject_key is not None and issuer.subject_key != authority.key_identifier:
        raise ChainRefused(
            "authority-key", f"the {certificate.title} names another key than that of its issuer"
        )


def _check_leaf(leaf: Certificate) -> None:
    if leaf.is_ca:
        raise ChainRefused("leaf-is-ca", f"the {leaf.title} is a CA's own (CA:TRUE)")
    if leaf.key_usage is not None and not leaf.key_usage.digital_signature:
        raise ChainRefused(
            "key-usage", f"the key of the {leaf.title} may not be used for digital signatures"
        )
    _check_extended_usage(leaf, SERVER_USAGES)


def _check_issuer(chain: Chain, position: int) -> None:
    issuer = chain[position]
    if not issuer.is_ca:
        raise ChainRefused("issuer-not-ca", f"the {issuer.title} is no CA (no CA:TRUE)")
    if issuer.key_usage is not None and not issuer.key_usage.key_cert_sign:
        raise ChainRefused(
            "issuer-key-usage", f"the {issuer.title} may not sign certificates (no keyCertSign)"
        )
    below = sum(not certificate.self_issued for certificate in chain[1:position])
    limit = None if issuer.basic_constraints is None else issuer.basic_constraints.path_length
    if limit is not None and below > limit:
        raise ChainRefused(
            "path-length", f"the {issuer.title} allows {limit} CAs below it, and there are {below}"
        )
    _check_extended_usage(issuer, SERVER_USAGES | {ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


def _check_extended_usage(
    certificate: Certificate, wanted: frozenset[x509.ObjectIdentifier]
) -> None:
    usages = certificate.extended_key_usage
    if usages is not None and not usages & wanted:
        raise ChainRefused(
            "extended-key-usage", f"the {certificate.title} is not for TLS servers (EKU)"
        )
