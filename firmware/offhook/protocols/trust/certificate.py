"""One certificate, read completely or refused (RFC 5280 §4.1, §4.2; RFC 7633 §4)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from offhook.protocols.trust.refusal import ChainRefused

MAX_CERTIFICATE_OCTETS: Final = 32 * 1024

UNREADABLE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    LookupError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises on octets that are no proper certificate or CRL."""

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A parsed certificate; an extension that it does not carry is None."""

    raw: x509.Certificate
    title: str
    """How to speak of it to a person: its position and subject."""
    public_key: CertificatePublicKeyTypes
    critical: frozenset[x509.ObjectIdentifier]
    alternative_names: tuple[x509.GeneralName, ...] | None
    basic_constraints: x509.BasicConstraints | None
    key_usage: x509.KeyUsage | None
    extended_key_usage: frozenset[x509.ObjectIdentifier] | None
    name_constraints: x509.NameConstraints | None
    policy_constraints: x509.PolicyConstraints | None
    authority_key: x509.AuthorityKeyIdentifier | None
    subject_key: bytes | None
    crl_points: x509.CRLDistributionPoints | None
    features: frozenset[x509.TLSFeatureType]

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints says CA:TRUE (RFC 5280 §4.2.1.9)."""
        return self.basic_constraints is not None and self.basic_constraints.ca

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name (RFC 5280 §3.2)."""
        return self.raw.subject == self.raw.issuer


def read_certificate(der: bytes, position: str) -> Certificate:
    """Parse `der`; `position` is "server", "intermediate" or "root" for the messages.

    Raises ChainRefused("malformed") for anything that can't be read to the end.
    """
    if len(der) > MAX_CERTIFICATE_OCTETS:
        raise ChainRefused(
            "malformed",
            f"the {position} certificate has {len(der)} octets, above {MAX_CERTIFICATE_OCTETS}",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = _read(x509.load_der_x509_certificate(der), position)
    except UNREADABLE as error:
        raise ChainRefused(
            "malformed", f"the {position} certificate can't be read: {error}"
        ) from error
    # The count of unused bits before the signature is the one octet that no signature covers.
    if not der.endswith(b"\0" + certificate.raw.signature):
        raise ChainRefused(
            "malformed",
            f"the {position} certificate's signature has unused bits (RFC 5280 §4.1.1.3)",
        )
    return certificate


def _read(certificate: x509.Certificate, position: str) -> Certificate:
    extensions = certificate.extensions

    def find(kind: type[_Extension]) -> _Extension | None:
        try:
            return extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    names = find(x509.SubjectAlternativeName)
    usages = find(x509.ExtendedKeyUsage)
    subject_key = find(x509.SubjectKeyIdentifier)
    features = find(x509.TLSFeature)
    return Certificate(
        raw=certificate,
        title=f"{position} certificate “{_printable(certificate.subject)}”",
        public_key=certificate.public_key(),
        critical=frozenset(extension.oid for extension in extensions if extension.critical),
        alternative_names=None if names is None else tuple(names),
        basic_constraints=find(x509.BasicConstraints),
        key_usage=find(x509.KeyUsage),
        extended_key_usage=None if usages is None else frozenset(usages),
        name_constraints=find(x509.NameConstraints),
        policy_constraints=find(x509.PolicyConstraints),
        authority_key=find(x509.AuthorityKeyIdentifier),
        subject_key=None if subject_key is None else subject_key.digest,
        crl_points=find(x509.CRLDistributionPoints),
        features=frozenset() if features is None else frozenset(features),
    )


def _printable(name: x509.Name) -> str:
    text = name.rfc4514_string()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:120]
