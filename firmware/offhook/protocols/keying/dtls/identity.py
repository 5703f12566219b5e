"""The phone's certificate for DTLS: ECDSA P-256, self-signed, without a name (RFC 5763 §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.protocols.keying.dtls.fingerprint import Fingerprint, fingerprint_of

_NAME: Final = "DTLS-SRTP"
"""The fingerprint is all that counts: a name would only tell who is calling (RFC 5763 §6.1)."""


@dataclass(frozen=True, slots=True)
class DtlsIdentity:
    """A certificate (DER) and its private key (PKCS #8, DER)."""

    certificate: bytes
    key: Secret

    def fingerprint(self, hash_name: str = "sha-256") -> Fingerprint:
        """What goes into our SDP: SHA-256 is also the hash of the signature (RFC 8122 §5.1)."""
        return fingerprint_of(self.certificate, hash_name)


def make_identity(not_before: float, not_after: float) -> DtlsIdentity:
    """A new key, and a certificate for it, valid between two wall-clock times (s since 1970).

    The key and the serial number come from the library's own randomness. Nobody judges the
    dates: a peer looks at the fingerprint alone. LocalError where they are the wrong way round.
    """
    if not not_before < not_after:
        raise LocalError("a certificate can't end before it begins")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(not_before, UTC))
        .not_valid_after(datetime.fromtimestamp(not_after, UTC))
        .sign(key, hashes.SHA256())
    )
    return DtlsIdentity(
        certificate.public_bytes(Encoding.DER),
        Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
    )
