"""Just enough DER (X.690) to make certificates that no library would sign."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from tests.certificates.forge import Issued

SEQUENCE: Final = 0x30
BIT_STRING: Final = 0x03
EXTENSIONS: Final = 0xA3
ECDSA_SHA1: Final = bytes.fromhex("300906072a8648ce3d0401")
ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")
RSA_MD5: Final = bytes.fromhex("300d06092a864886f70d0101040500")
RSA_SHA1: Final = bytes.fromhex("300d06092a864886f70d0101050500")
SIGNATURE_FIELD: Final = 2
"""Position of `signature` in a TBSCertificate that has version and serial number."""


def encode(tag: int, content: bytes) -> bytes:
    """One element with its definite length."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def elements(content: bytes) -> list[bytes]:
    """The elements in `content`, each with its tag and length."""
    found = []
    while content:
        header = 2
        length = content[1]
        if length & 0x80:
            header += length & 0x7F
            length = int.from_bytes(content[2:header], "big")
        found.append(content[: header + length])
        content = content[header + length :]
    return found


def inside(element: bytes) -> bytes:
    """The content of one element."""
    header = 2 + (element[1] & 0x7F if element[1] & 0x80 else 0)
    return element[header:]


def signed_otherwise(issued: Issued, issuer: Issued, algorithm: bytes) -> Issued:
    """`issued` again, with the algorithm of its signature replaced inside and out."""
    fields = elements(inside(elements(inside(issued.der))[0]))
    fields[SIGNATURE_FIELD] = algorithm
    return _signed(issued, issuer, fields, algorithm)


def mismatched_algorithm(issued: Issued, issuer: Issued) -> Issued:
    """`issued` again, its two statements of the signature algorithm at odds."""
    fields = elements(inside(elements(inside(issued.der))[0]))
    fields[SIGNATURE_FIELD] = ECDSA_SHA1
    return _signed(issued, issuer, fields, ECDSA_SHA256)


def doubled_extension(issued: Issued, issuer: Issued) -> Issued:
    """`issued` again, its first extension there twice."""
    fields = elements(inside(elements(inside(issued.der))[0]))
    extensions = elements(inside(inside(fields[-1])))
    fields[-1] = encode(EXTENSIONS, encode(SEQUENCE, b"".join([extensions[0], *extensions])))
    return _signed(issued, issuer, fields, ECDSA_SHA256)


def _signed(issued: Issued, issuer: Issued, fields: list[bytes], algorithm: bytes) -> Issued:
    body = encode(SEQUENCE, b"".join(fields))
    signature = encode(BIT_STRING, b"\0" + _signature(issuer, body, algorithm))
    der = encode(SEQUENCE, body + algorithm + signature)
    return Issued(x509.load_der_x509_certificate(der), issued.key, issued.above)


def _signature(issuer: Issued, body: bytes, algorithm: bytes) -> bytes:
    digest: hashes.HashAlgorithm = hashes.SHA1()  # noqa: S303 -- the defect wanted
    if algorithm == RSA_MD5:
        digest = hashes.MD5()  # noqa: S303 -- the defect wanted
    elif algorithm == ECDSA_SHA256:
        digest = hashes.SHA256()
    if isinstance(issuer.key, rsa.RSAPrivateKey):
        return issuer.key.sign(body, padding.PKCS1v15(), digest)
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    return issuer.key.sign(body, ec.ECDSA(digest))
