"""The digest itself, as both sides compute it (RFC 7616 §3.4.1-§3.4.3, RFC 8760 §2.2 and §2.6)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError

if TYPE_CHECKING:
    from offhook.base.secret import Secret

HASHES: Final = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""IANA's algorithm names in our order of preference, with hashlib's name for each."""
SESSION: Final = "-SESS"


def algorithm_base(algorithm: str) -> str:
    """The registered name without its session suffix, in capitals: "SHA-256" for "sha-256-sess"."""
    return algorithm.upper().removesuffix(SESSION) if algorithm.isascii() else algorithm


@dataclass(frozen=True, slots=True)
class DigestInput:
    """Everything but the password that goes into a digest; strings are unquoted.

    `qop` is "auth", "auth-int", or None for the form of RFC 2069 without `cnonce` and `nc`.
    """

    algorithm: str
    username: str
    realm: str
    nonce: str
    method: str
    uri: str
    qop: str | None = None
    cnonce: str = ""
    nc: str = ""
    body: bytes = b""


def request_digest(values: DigestInput, password: Secret) -> str:
    """The `response` value in lower-case hexadecimal; LocalError for an unknown algorithm."""
    base = algorithm_base(values.algorithm)
    if base not in HASHES:
        raise LocalError(f"no digest algorithm {values.algorithm!r}")
    name = HASHES[base]
    secret = _hash(name, _octets(f"{values.username}:{values.realm}:") + password.reveal())
    if values.algorithm.upper().endswith(SESSION):
        secret = _hash(name, _octets(f"{secret}:{values.nonce}:{values.cnonce}"))
    resource = f"{values.method}:{values.uri}"
    if values.qop == "auth-int":
        resource += f":{_hash(name, values.body)}"
    data = [values.nonce]
    if values.qop is not None:
        data += [values.nc, values.cnonce, values.qop]
    return _hash(name, _octets(":".join([secret, *data, _hash(name, _octets(resource))])))


def _hash(name: str, data: bytes) -> str:
    return hashlib.new(name, data).hexdigest()


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
