"""What a phone writes to be enrolled by files: its certificate request and its recipient key.

Both keys are made on the phone and stay there. The request is a PKCS #10 one (RFC 2986), signed by
the phone's key; an HMAC by the ticket's token binds it to the recipient key and to the device.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Annotated, Final

from offhook.base.schema.document_fields import (
    FORMAT,
    DeviceId,
    Recipient,
    check_format,
    typed,
)
from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.envelope import LONGEST, decode_base64, parse_json
from offhook.base.schema.section import Section, key
from offhook.base.schema.ticket import enrolment_proof
from offhook.base.secret import Secret

REQUEST_FILE: Final = "offhook-request.json"
"""The request's name on the FAT partition or stick."""


class _Body(Section, frozen=True):
    """The request as it is written."""

    format: Annotated[int, key("Version of the document.", example=1)]
    device: Annotated[DeviceId, key("The device that asks.", example="desk-007")]
    csr: Annotated[str, key("PKCS #10, DER in base64.", example="…")]
    recipient: Annotated[Recipient, key("To whom bundles are encrypted.", example="age1…")]
    proof: Annotated[
        str,
        key("HMAC-SHA-256 by the token.", example="…", pattern=r"^[0-9a-f]{64}\Z"),
    ]


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """A request; `csr` is DER, `proof` hexadecimal. Proven only once `check_proof` was content."""

    device: str
    csr: bytes
    recipient: str
    proof: str


def write_request(device: str, csr: bytes, recipient: str, token: Secret) -> bytes:
    """The phone's side."""
    document = {
        "format": FORMAT,
        "device": device,
        "csr": base64.b64encode(csr).decode(),
        "recipient": recipient,
        "proof": enrolment_proof(token, device, csr, recipient),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def read_request(octets: bytes) -> EnrolmentRequest:
    """The request, not yet proven. Raises DocumentRefused(MALFORMED)."""
    if len(octets) > LONGEST:
        raise DocumentRefused(Flaw.MALFORMED, f"longer than {LONGEST} octets")
    body = typed(_Body, parse_json(octets, "the request"), "the request")
    check_format(body.format)
    return EnrolmentRequest(
        body.device, decode_base64(body.csr, "the request"), body.recipient, body.proof
    )


def check_proof(request: EnrolmentRequest, token: Secret) -> None:
    """Raises DocumentRefused(WRONG_TOKEN) unless the request was made with `token`."""
    wanted = enrolment_proof(token, request.device, request.csr, request.recipient)
    if not hmac.compare_digest(wanted, request.proof):
        raise DocumentRefused(Flaw.WRONG_TOKEN)
