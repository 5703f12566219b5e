"""A certificate forge: a CA that issues any certificate wanted, sound or with one defect.

Everything is on EC keys and a fixed calendar, so that a whole set costs milliseconds and no test
depends on the day on which it runs.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVICE: Final = "voice.example.com"
START: Final = datetime(2020, 1, 1, tzinfo=UTC)
END: Final = datetime(2039, 1, 1, tzinfo=UTC)
TODAY: Final = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
"""The wall time at which the sound certificates are good, in Unix seconds."""
CLOCK_1970: Final = 86_400.0
CLOCK_2040: Final = datetime(2040, 1, 1, tzinfo=UTC).timestamp()
SERVER: Final = (ExtendedKeyUsageOID.SERVER_AUTH,)
SIP_DOMAIN: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.20")


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """A fresh EC key, on P-256 unless told."""
    return ec.generate_private_key(curve or ec.SECP256R1())


@functools.cache
def _shared_key(role: str) -> ec.EllipticCurvePrivateKey:
    del role  # one key per role
    return new_key()


def dns(*names: str) -> tuple[x509.GeneralName, ...]:
    """DNS names for a subjectAltName, without the library's own checks."""
    return tuple(x509.DNSName._init_without_validation(name) for name in names)


def uri(*values: str) -> tuple[x509.GeneralName, ...]:
    """URIs for a subjectAltName, without the library's own checks."""
    return tuple(x509.UniformResourceIdentifier._init_without_validation(value) for value in values)


def key_usage(*granted: str) -> x509.KeyUsage:
    """A keyUsage with the bits named, such as "digital_signature" or "key_cert_sign"."""
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in granted for bit in bits})


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the certificates above it, nearest first, root last."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate itself in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER, this certificate first and the root last, as a verifier hands it to a judge."""
        return tuple(
            each.public_bytes(serialization.Encoding.DER)
            for each in (self.certificate, *self.above)
        )

    @property
    def pem(self) -> bytes:
        """The certificate itself in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def sent_pem(self) -> bytes:
        """What a server sends: this certificate and those above it but the root, in PEM."""
        return b"".join(
            each.public_bytes(serialization.Encoding.PEM)
            for each in (self.certificate, *self.above[:-1])
        )

    @property
    def key_pem(self) -> bytes:
        """The private key in PEM, not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True)
class Wish:
    """What to issue. An extension that is None is left out."""

    common_name: str | None = "Offhook test"
    key: CertificateIssuerPrivateKeyTypes | None = None
    names: tuple[x509.GeneralName, ...] | None = None
    names_critical: bool = False
    start: datetime = START
    end: datetime = END
    constraints: x509.BasicConstraints | None = None
    constraints_critical: bool = True
    usage: x509.KeyUsage | None = None
    extended_usage: Iterable[x509.ObjectIdentifier] | None = None
    authority_key: bool = True
    subject_key: bool = True
    hash: hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None = field(
        default_factory=hashes.SHA256
    )
    serial: int | None = None
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    """Further extensions, each with whether it is critical."""


def _name(common_name: str | None) -> x509.Name:
    if common_name is None:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def issue(wish: Wish, issuer: Issued | None = None) -> Issued:
    """Issue `wish`, self-signed without an `issuer`."""
    key = wish.key or _shared_key(f"{wish.common_name} {wish.constraints}")
    signer = key if issuer is None else issuer.key
    subject = _name(wish.common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(wish.serial or x509.random_serial_number())
        .not_valid_before(wish.start)
        .not_valid_after(wish.end)
    )
    for extension, critical in _extensions(wish, key, signer):
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(signer, wish.hash)
    above = () if issuer is None else (issuer.certificate, *issuer.above)
    return Issued(certificate, key, above)


def _extensions(
    wish: Wish, key: CertificateIssuerPrivateKeyTypes, signer: CertificateIssuerPrivateKeyTypes
) -> list[tuple[x509.ExtensionType, bool]]:
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if wish.constraints is not None:
        extensions.append((wish.constraints, wish.constraints_critical))
    if wish.usage is not None:
        extensions.append((wish.usage, True))
    if wish.extended_usage is not None:
        extensions.append((x509.ExtendedKeyUsage(wish.extended_usage), False))
    if wish.names is not None:
        extensions.append((x509.SubjectAlternativeName(wish.names), wish.names_critical))
    if wish.subject_key:
        extensions.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
    if wish.authority_key:
        extensions.append(
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
        )
    return extensions + list(wish.more)


CA_USAGE: Final = key_usage("key_cert_sign", "crl_sign")


def ca_wish(common_name: str, path_length: int | None = None, **changes: object) -> Wish:
    """The wish for a sound CA certificate, with `changes` to its fields."""
    fields: dict[str, object] = {
        "common_name": common_name,
        "constraints": x509.BasicConstraints(ca=True, path_length=path_length),
        "usage": CA_USAGE,
    }
    return Wish(**(fields | changes))  # type: ignore[arg-type]


def leaf_wish(*names: x509.GeneralName, **changes: object) -> Wish:
    """The wish for a sound server certificate for `names`, or for SERVICE, with `changes`."""
    fields: dict[str, object] = {
        "common_name": "server",
        "names": names or dns(SERVICE),
        "constraints": x509.BasicConstraints(ca=False, path_length=None),
        "usage": key_usage("digital_signature"),
        "extended_usage": SERVER,
    }
    return Wish(**(fields | changes))  # type: ignore[arg-type]


@functools.cache
def root() -> Issued:
    """The root that the tests trust."""
    return issue(ca_wish("Offhook test root"))


@functools.cache
def intermediate() -> Issued:
    """A sound CA below `root()`."""
    return issue(ca_wish("Offhook test intermediate", path_length=0), root())


def leaf(*names: x509.GeneralName, issuer: Issued | None = None, **changes: object) -> Issued:
    """A server certificate under `intermediate()` (or `issuer`), sound but for `changes`."""
    return issue(leaf_wish(*names, **changes), issuer or intermediate())


def crl(
    issuer: Issued,
    *revoked: Issued,
    start: datetime = START,
    end: datetime = END,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    """A CRL of `issuer` in DER that revokes `revoked`; signed by `key` if another is given."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(start)
        .next_update(end)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )
    for extension, critical in more:
        builder = builder.add_extension(extension, critical=critical)
    for each in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(each.certificate.serial_number)
            .revocation_date(START)
            .build()
        )
    return builder.sign(key or issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def crl_scope(
    full_name: tuple[x509.GeneralName, ...] | None = None,
    *,
    user_only: bool = False,
    ca_only: bool = False,
    indirect: bool = False,
) -> x509.IssuingDistributionPoint:
    """What part of an issuer's certificates a CRL is about (RFC 5280 §5.2.5)."""
    return x509.IssuingDistributionPoint(
        full_name=full_name,
        relative_name=None,
        only_contains_user_certs=user_only,
        only_contains_ca_certs=ca_only,
        only_some_reasons=None,
        indirect_crl=indirect,
        only_contains_attribute_certs=False,
    )
