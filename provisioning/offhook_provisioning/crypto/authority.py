"""The operator's CA, its own root or below the company's: device certificates, CRL (RFC 5280)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from offhook.base.errors import LocalError
from offhook.base.secret import Secret

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)

_DAY: Final = 86_400.0
CLOCKS_DIFFER: Final = 3600.0
"""Seconds that two right clocks may differ: by them a certificate begins earlier."""
CA_DAYS: Final = 3650
DEVICE_DAYS: Final = 365
CRL_DAYS: Final = 90

_CA_USAGE: Final = ("key_cert_sign", "crl_sign")
_USAGES: Final = (
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


class Authority:
    """The CA's key and the chain above it: `chain` has its own certificate first, the root last."""

    def __init__(self, key: Secret, chain: tuple[x509.Certificate, ...]) -> None:
        self._key = load_key(key)
        self.chain = chain

    def issue(self, device: str, csr: x509.CertificateSigningRequest, now: float) -> list[bytes]:
        """A device's certificate and those above it, DER; `now` in Unix seconds.

        Only the key is taken from the request: name and usage are ours. It ends before the CA.
        Raises LocalError where the CA's own time is over.
        """
        ends = self.chain[0].not_valid_after_utc
        if ends.timestamp() <= now:
            raise LocalError(
                f"the CA's certificate was good until {ends:%Y-%m-%d}: have public/ca.csr.pem "
                "signed again and ca install it; a CA of our own has to be replaced by a new "
                "workspace, and phones enrolled there"
            )
        last = min(now + DEVICE_DAYS * _DAY, ends.timestamp())
        builder = _begun(device, self.chain[0].subject, csr.public_key(), now - CLOCKS_DIFFER, last)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(f"{device}.phone.invalid")]),
                critical=False,
            )
            .add_extension(_authority_key(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return [each.public_bytes(Encoding.DER) for each in (certificate, *self.chain)]

    def revocation_list(self, revoked: Mapping[int, float], number: int, now: float) -> bytes:
        """A CRL in PEM: serial number → when, Unix seconds; `number` grows with each list."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.chain[0].subject)
            .last_update(_at(now - CLOCKS_DIFFER))
            .next_update(_at(now + CRL_DAYS * _DAY))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(_authority_key(self._key), critical=False)
        )
        for serial, when in sorted(revoked.items()):
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(_at(when))
                .build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def new_key() -> Secret:
    """A fresh P-256 key, PKCS #8 in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Secret(
        key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def load_key(key: Secret) -> ec.EllipticCurvePrivateKey:
    """The key of a PEM file. Raises LocalError."""
    loaded = serialization.load_pem_private_key(key.reveal(), None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise LocalError("the CA's key is not on an elliptic curve")
    return loaded


def self_signed(name: str, key: Secret, now: float) -> x509.Certificate:
    """A root of our own, for ten years."""
    private = load_key(key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _begun(name, subject, private.public_key(), now - CLOCKS_DIFFER, now + CA_DAYS * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(*_CA_USAGE), critical=True)
        .add_extension(_authority_key(private), critical=False)
        .sign(private, hashes.SHA256())
    )


def signing_request(name: str, key: Secret) -> bytes:
    """A request for a CA below the company's, PEM."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(*_CA_USAGE), critical=True)
        .sign(load_key(key), hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def checked_chain(pem: bytes, key: Secret, now: float) -> tuple[x509.Certificate, ...]:
    """The company's chain for our CA key, ours first, root last. Raises LocalError."""
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        raise LocalError("this is no file of certificates (PEM)") from None
    ours = public_octets(load_key(key).public_key())
    if public_octets(chain[0].public_key()) != ours:
        raise LocalError(
            "the first certificate is not for this workspace's key: "
            "have public/ca.csr.pem signed, and put that certificate first"
        )
    for below, above in zip(chain, (*chain[1:], chain[-1]), strict=True):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            raise LocalError(
                f"{below.subject.rfc4514_string()} was not signed by "
                f"{above.subject.rfc4514_string()}: give the whole chain, ours first, root last"
            ) from None
    for each in chain:
        constraints = _extension(each, x509.BasicConstraints)
        usage = _extension(each, x509.KeyUsage)
        if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
            raise LocalError(
                f"{each.subject.rfc4514_string()} is no CA: it needs CA:TRUE and keyCertSign"
            )
        if not each.not_valid_before_utc <= _at(now) <= each.not_valid_after_utc:
            raise LocalError(f"{each.subject.rfc4514_string()} is not valid now")
    return chain


def read_device_request(der: bytes) -> x509.CertificateSigningRequest:
    """A phone's request, its signature checked. Raises LocalError."""
    try:
        csr = x509.load_der_x509_csr(der)
        good = csr.is_signature_valid
    except (ValueError, TypeError):
        good = False
    if not good or not isinstance(csr.public_key(), ec.EllipticCurvePublicKey):
        raise LocalError("the certificate request is damaged, or its key is of another kind")
    return csr


def public_octets(key: object) -> bytes:
    """A public key as SubjectPublicKeyInfo, DER."""
    octets: bytes = key.public_bytes(  # type: ignore[attr-defined]  # any key of cryptography's
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return octets


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    for each in certificate.extensions:
        if isinstance(each.value, kind):
            return each.value
    return None


def _begun(
    name: str, issuer: x509.Name, key: object, first: float, last: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)  # type: ignore[arg-type]  # any key of cryptography's
        .serial_number(x509.random_serial_number())
        .not_valid_before(_at(first))
        .not_valid_after(_at(last))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key),  # type: ignore[arg-type]  # as above
            critical=False,
        )
    )


def _usage(*granted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{each: each in granted for each in _USAGES})


def _authority_key(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _at(when: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(when, dt.UTC)
