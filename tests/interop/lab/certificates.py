"""The lab's own certificate authority: SIP domain and user certificates (RFC 5280, RFC 5922)."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files of one end entity: `certificate`, `key`, and `combined` (both, for baresip)."""

    certificate: Path
    key: Path
    combined: Path


class LabAuthority:
    """A root that signs for the peers of one test; its PEM file is `root`."""

    def __init__(self, directory: Path, name: str = "Lab Root") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._now = dt.datetime.now(dt.UTC)
        directory.mkdir(parents=True, exist_ok=True)
        self._certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.root = directory / "root.pem"
        self.root.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, domain: str, addresses: Sequence[str] = ()) -> CertificateFiles:
        """A SIP server's: SAN DNS:domain and URI:sip:domain; for both ends of TLS."""
        names: list[x509.GeneralName] = [
            x509.DNSName(domain),
            x509.UniformResourceIdentifier(f"sip:{domain}"),
        ]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        return self._issue(
            domain,
            names,
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        )

    def client(self, user: str, domain: str) -> CertificateFiles:
        """A SIP user's: SAN URI:sip:user@domain, for the client's end of TLS only."""
        address_of_record = f"{user}@{domain}"
        return self._issue(
            address_of_record,
            [x509.UniformResourceIdentifier(f"sip:{address_of_record}")],
            [ExtendedKeyUsageOID.CLIENT_AUTH],
        )

    def _issue(
        self,
        common_name: str,
        names: Sequence[x509.GeneralName],
        purposes: Sequence[x509.ObjectIdentifier],
    ) -> CertificateFiles:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        files = CertificateFiles(
            *(self._directory / f"{common_name}.{suffix}" for suffix in ("crt", "key", "pem"))
        )
        files.certificate.write_bytes(certificate_pem)
        for secret, content in ((files.key, key_pem), (files.combined, certificate_pem + key_pem)):
            secret.touch(mode=0o600)
            secret.write_bytes(content)
        return files

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _DAY)
            .not_valid_after(self._now + 30 * _DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(authority, critical=False)
        )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
