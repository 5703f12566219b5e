"""A signed document: DSSE 1.0, whose signature is over the very octets that are carried.

Source: Dead Simple Signing Envelope, protocol and envelope 1.0.0. Signatures are Ed25519 (RFC
8032); the check itself is passed in. Nothing of a payload is looked at before a signature was good.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from offhook.base.schema.document_flaws import DocumentRefused, Flaw

Verify = Callable[[bytes, bytes, bytes], bool]
"""`(raw Ed25519 public key, signature, signed octets) -> whether it is good`; never raises."""

LONGEST: Final = 1 << 20
"""Octets of an envelope."""
KEY_OCTETS: Final = 32
SIGNATURE_OCTETS: Final = 64
MOST_SIGNATURES: Final = 8


def key_id(public_key: bytes) -> str:
    """How a signing key is called: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def signed_octets(kind: str, payload: bytes) -> bytes:
    """What is signed of a payload of `kind`: DSSE's pre-authentication encoding."""
    words = (b"DSSEv1", str(len(kind)).encode(), kind.encode("ascii"), str(len(payload)).encode())
    return b" ".join((*words, payload))


def write_envelope(kind: str, payload: bytes, signatures: Mapping[str, bytes]) -> bytes:
    """The document; `signatures` by `key_id`. The same input gives the same octets."""
    document = {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": name, "sig": base64.b64encode(signature).decode()}
            for name, signature in sorted(signatures.items())
        ],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def open_envelope(octets: bytes, kind: str, keys: Iterable[bytes], verify: Verify) -> bytes:
    """The payload, once one of `keys` (raw, 32 octets each) has signed it as `kind`.

    Raises DocumentRefused: malformed, unsigned, foreign or altered.
    """
    payload, signatures = _taken_apart(octets, kind)
    known = {key_id(key): key for key in keys if len(key) == KEY_OCTETS}
    ours = [(known[name], signature) for name, signature in signatures if name in known]
    if not ours:
        names = ", ".join(name for name, _ in signatures)
        raise DocumentRefused(Flaw.FOREIGN, f"signed by {names}, known: {', '.join(known)}")
    message = signed_octets(kind, payload)
    if not any(verify(key, signature, message) for key, signature in ours):
        raise DocumentRefused(Flaw.ALTERED)
    return payload


def unproven_payload(octets: bytes, kind: str) -> bytes:
    """The payload of an envelope that nobody has checked: only to learn by which key to check it.

    Raises DocumentRefused: malformed or unsigned.
    """
    return _taken_apart(octets, kind)[0]


def parse_json(octets: bytes, what: str) -> dict[str, object]:
    """A JSON object without a name twice. Raises DocumentRefused(MALFORMED)."""
    try:
        found = json.loads(octets, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DocumentRefused(Flaw.MALFORMED, f"{what} is no JSON object")
    return found


def _taken_apart(octets: bytes, kind: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    if len(octets) > LONGEST:
        raise DocumentRefused(Flaw.MALFORMED, f"longer than {LONGEST} octets")
    document = parse_json(octets, "the envelope")
    listed = document.get("signatures", [])
    if document.get("payloadType") != kind:
        raise DocumentRefused(Flaw.MALFORMED, f"not a document of the kind {kind}")
    if not isinstance(listed, list) or len(listed) > MOST_SIGNATURES:
        raise DocumentRefused(Flaw.MALFORMED, "no list of signatures")
    payload = decode_base64(document.get("payload"), "the payload")
    signatures = []
    for each in listed:
        name = each.get("keyid") if isinstance(each, dict) else None
        if not isinstance(name, str) or not (name.isascii() and name.isalnum()):
            raise DocumentRefused(Flaw.MALFORMED, "a signature without a key's name")
        signature = decode_base64(each.get("sig"), "a signature")
        if signature and len(signature) != SIGNATURE_OCTETS:
            raise DocumentRefused(Flaw.ALTERED, "a signature of another length")
        signatures.append((name, signature))
    if not any(signature for _, signature in signatures):
        raise DocumentRefused(Flaw.UNSIGNED)
    return payload, signatures


def decode_base64(text: object, what: str) -> bytes:
    """Octets of strict base64 (RFC 4648 §4). Raises DocumentRefused(MALFORMED)."""
    if isinstance(text, str):
        try:
            return base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise DocumentRefused(Flaw.MALFORMED, f"{what} is no base64")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
