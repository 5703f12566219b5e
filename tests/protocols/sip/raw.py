"""Messages as a peer would write them, by hand."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.serialise import serialise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SDP = b"v=0\r\n"
_serial = count(1)


def raw_request(
    method: str = "INVITE",
    uri: str = "sip:alice-device@192.0.2.1:40001;transport=tls",
    *,
    fields: Mapping[str, str | None] | None = None,
    extra: Iterable[str] = (),
    body: bytes = b"",
    start: str | None = None,
) -> bytes:
    """A request with a fresh branch and Call-ID; `fields` replaces a field or (None) drops it."""
    number = next(_serial)
    values: dict[str, str | None] = {
        "Via": f"SIP/2.0/TLS 192.0.2.2:5061;branch=z9hG4bKraw{number}",
        "Max-Forwards": "70",
        "From": "<sip:mallory@example.net>;tag=raw",
        "To": "<sip:alice@example.net>",
        "Call-ID": f"raw-{number}",
        "CSeq": f"1 {method}",
        "Contact": "<sip:mallory@192.0.2.2:5061;transport=tls>",
    }
    values.update(fields or {})
    lines = [start or f"{method} {uri} SIP/2.0"]
    lines += [f"{name}: {value}" for name, value in values.items() if value is not None]
    lines += extra
    if body and not any(line.startswith("Content-Type") for line in lines):
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def raw_response(
    request: Request,
    status: int,
    to_tag: str | None = "peer",
    *,
    reason: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> bytes:
    """A peer's response to a request of ours."""
    response: Response = response_to(request, status, reason, to_tag, headers)
    if body:
        response.headers.add("Content-Type", "application/sdp")
        response.body = body
    return serialise(response)


CONTACT = ("Contact", "<sip:bob@192.0.2.2:5061;transport=tls>")


def from_callee(
    invite: Request,
    method: str,
    cseq: int = 1,
    *,
    tag: str = "peer",
    body: bytes = b"",
    extra: Iterable[str] = (),
) -> bytes:
    """A request of the callee's in the dialog that our `invite` made with its `tag`."""
    return raw_request(
        method,
        fields={
            "From": f"<sip:bob@example.net>;tag={tag}",
            "To": invite.headers.get("From"),
            "Call-ID": invite.call_id,
            "CSeq": f"{cseq} {method}",
            "Contact": "<sip:bob@192.0.2.2:5061;transport=tls>",
        },
        body=body,
        extra=extra,
    )
