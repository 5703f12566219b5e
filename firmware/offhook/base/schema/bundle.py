"""The bundle: a phone's settings, secrets and certificates, for one device and one key.

The payload names device, recipient key and counter and holds the content sealed to that key
(age, X25519); the operator signs the whole, so nothing is decrypted that the operator did not sign.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from offhook.base.errors import LocalError
from offhook.base.schema.bundle_content import BundleContent, read_content
from offhook.base.schema.document_fields import (
    FORMAT,
    DeviceId,
    Recipient,
    UnixTime,
    check_format,
    typed,
)
from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.envelope import Verify, decode_base64, open_envelope, parse_json
from offhook.base.schema.section import Section, key

BUNDLE: Final = "application/vnd.offhook.bundle+json"
BUNDLE_FILE: Final = "offhook-bundle.json"
"""The bundle's name on the FAT partition or stick."""

Unseal = Callable[[bytes], bytes | None]
"""`age file -> what is in it`, None where our key does not open it; never raises."""

JudgeCertificate = Callable[
    [tuple[bytes, ...], tuple[bytes, ...], bytes, float], tuple[Flaw, str] | None
]
"""`(chain in DER, leaf first; anchors in DER; our public key as SubjectPublicKeyInfo; Unix s) ->`
what is wrong with our certificate, in a flaw and a sentence, or None."""


class BundleHeader(Section, frozen=True):
    """The signed payload."""

    format: Annotated[int, key("Version of the document.", example=1)]
    device: Annotated[DeviceId, key("The device it is for.", example="desk-007")]
    recipient: Annotated[Recipient, key("The key it is sealed to.", example="age1…")]
    counter: Annotated[int, key("Grows with each bundle of a device.", example=7, ge=1, le=1 << 53)]
    issued: Annotated[UnixTime, key("When it was written, Unix seconds.", example=1767225600)]
    expires: Annotated[UnixTime, key("Until when it may be taken.", example=1798761600)]
    sealed: Annotated[str, key("The content, an age file in base64.", example="…")]


@dataclass(frozen=True, slots=True)
class Holder:
    """What a phone knows about itself and its operator when a bundle arrives.

    `public_key` as SubjectPublicKeyInfo in DER, `counter` that of the last bundle taken (0: none).
    """

    device: str
    operator_keys: tuple[bytes, ...]
    recipient: str
    public_key: bytes
    counter: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """The cryptography that is passed in."""

    verify: Verify
    unseal: Unseal
    judge: JudgeCertificate


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that may be put to use, as a whole."""

    header: BundleHeader
    content: BundleContent


def header_content(
    *, device: str, recipient: str, counter: int, issued: int, expires: int, sealed: bytes
) -> dict[str, Any]:
    """The payload to be signed. Raises LocalError for a counter below 1."""
    if counter < 1:
        raise LocalError("a bundle's counter begins with 1")
    return {
        "format": FORMAT,
        "device": device,
        "recipient": recipient,
        "counter": counter,
        "issued": issued,
        "expires": expires,
        "sealed": base64.b64encode(sealed).decode(),
    }


def read_header(octets: bytes, operator_keys: tuple[bytes, ...], verify: Verify) -> BundleHeader:
    """The signed part, for whoever may not open the rest. Raises DocumentRefused."""
    document = parse_json(open_envelope(octets, BUNDLE, operator_keys, verify), "the bundle")
    header = typed(BundleHeader, document, "the bundle")
    check_format(header.format)
    return header


def accept_bundle(octets: bytes, holder: Holder, means: Means, wall_time: float) -> Bundle:
    """The bundle, wholly checked; until this returns nothing of it may be written anywhere.

    `wall_time` in Unix seconds. Raises DocumentRefused.
    """
    header = read_header(octets, holder.operator_keys, means.verify)
    if header.device != holder.device:
        raise DocumentRefused(
            Flaw.WRONG_DEVICE, f"for {header.device}, and this is {holder.device}"
        )
    if header.recipient != holder.recipient:
        raise DocumentRefused(Flaw.WRONG_RECIPIENT)
    if header.counter <= holder.counter:
        raise DocumentRefused(
            Flaw.REPLAYED, f"number {header.counter}, and {holder.counter} was taken"
        )
    if wall_time > header.expires:
        raise DocumentRefused(Flaw.EXPIRED)
    opened = means.unseal(decode_base64(header.sealed, "the content"))
    if opened is None:
        raise DocumentRefused(Flaw.UNREADABLE)
    content = read_content(opened)
    fault = means.judge(content.certificate, content.binding.anchors, holder.public_key, wall_time)
    if fault is not None:
        raise DocumentRefused(*fault)
    return Bundle(header, content)
