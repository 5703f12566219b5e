"""The operator's signing key: Ed25519 (RFC 8032)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from offhook.base.errors import LocalError
from offhook.base.schema.envelope import key_id, signed_octets, write_envelope
from offhook.base.secret import Secret


class SigningKey:
    """One private key; its octets are kept as a Secret of 32."""

    def __init__(self, octets: Secret) -> None:
        if len(octets) != 32:
            raise LocalError("an Ed25519 key has 32 octets")
        self._key = Ed25519PrivateKey.from_private_bytes(octets.reveal())
        self.octets = octets

    @classmethod
    def generate(cls) -> SigningKey:
        """A fresh key of the system's randomness."""
        return cls(Secret(Ed25519PrivateKey.generate().private_bytes_raw()))

    @property
    def public(self) -> bytes:
        """The raw public key, 32 octets."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 octets; the same for the same message."""
        return self._key.sign(message)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is good: what `base.schema.envelope.Verify` asks for."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed(kind: str, content: Mapping[str, Any], keys: Sequence[SigningKey]) -> bytes:
    """An envelope of `content`, signed by each of `keys`."""
    payload = encode(content).reveal()
    message = signed_octets(kind, payload)
    return write_envelope(kind, payload, {key_id(key.public): key.sign(message) for key in keys})


def encode(content: Mapping[str, Any]) -> Secret:
    """`content` as canonical JSON (names sorted, no blanks), the Secrets in it opened."""
    text = json.dumps(
        content,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=_opened,
    )
    return Secret(text)


def _opened(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal().decode()
    raise TypeError(f"{type(value).__name__} has no place in a document")
