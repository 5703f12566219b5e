"""Multipart bodies (RFC 2046 §5.1 as RFC 3261 §7.4 and RFC 5621 use them)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.grammar import has_loose_control, is_token
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.values import MediaType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.protocols.sip.message import Message

MOST_PARTS: Final = 16
DEEPEST: Final = 3
"""How many multipart bodies may stand within each other."""

_is_boundary = re.compile(r"[A-Za-z0-9'()+_,./:=? -]{0,69}[A-Za-z0-9'()+_,./:=?-]").fullmatch
_fold = re.compile(r"\r\n[ \t]++")


@dataclass(frozen=True, slots=True)
class Part:
    """One body part: its own header fields and content."""

    headers: Headers = field(default_factory=Headers)
    content: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> MediaType:
        """The part's media type; `text/plain` if it names none. PeerError 400 if malformed."""
        text = self.headers.get("Content-Type")
        return MediaType("text", "plain") if text is None else MediaType.parse(text)


def split_multipart(content_type: MediaType, body: bytes) -> list[Part]:
    """The parts of a `multipart/…` body, without preamble and epilogue.

    Raises PeerError 400 for a body that is malformed, not closed or of more than 16 parts.
    """
    boundary = content_type.parameter("boundary")
    if content_type.type != "multipart" or not boundary or not _is_boundary(boundary):
        raise PeerError("a multipart body has no boundary", 400)
    delimiter = re.compile(
        rb"\r\n--" + re.escape(boundary.encode("ascii")) + rb"(--)?[ \t]*+(?=\r\n|\Z)"
    )
    octets = b"\r\n" + body
    parts: list[Part] = []
    begun: int | None = None
    for match in delimiter.finditer(octets):
        if begun is not None:
            parts.append(_parse_part(octets[begun : match.start()]))
        if match[1]:
            return parts
        if len(parts) == MOST_PARTS:
            raise PeerError("a multipart body has too many parts", 400)
        begun = match.end()
    raise PeerError("a multipart body is not closed", 400)


def compose_multipart(parts: Iterable[Part], boundary: str) -> bytes:
    """The body made of `parts`.

    Raises LocalError for a malformed boundary, for one that stands in a part, and for a control
    character in a header field of a part.
    """
    if not _is_boundary(boundary):
        raise LocalError("the boundary is malformed")
    line = b"--" + boundary.encode("ascii")
    body = b""
    for part in parts:
        if line in part.content:
            raise LocalError("a part holds the boundary")
        body += line + b"\r\n"
        for name, value in part.headers:
            if not is_token(name) or has_loose_control(value):
                raise LocalError("a header field of a part is malformed")
            body += f"{name}: {value}\r\n".encode()
        body += b"\r\n" + part.content + b"\r\n"
    return body + line + b"--\r\n"


def find_body(message: Message, name: str) -> bytes | None:
    """The first body of media type `name` ("application/sdp"), alone or within a multipart body.

    None if there is none. Raises PeerError 400 for a malformed body or Content-Type.
    """
    content_type = message.content_type
    if content_type is None or not message.body:
        return None
    return _find(content_type, message.body, name, DEEPEST)


def _find(content_type: MediaType, body: bytes, name: str, depth: int) -> bytes | None:
    if content_type.name == name:
        return body
    if content_type.type != "multipart" or depth == 0:
        return None
    for part in split_multipart(content_type, body):
        found = _find(part.content_type, part.content, name, depth - 1)
        if found is not None:
            return found
    return None


def _parse_part(section: bytes) -> Part:
    """A part between two boundaries; it begins with the CRLF of the boundary's line."""
    if section == b"\r\n":
        return Part()
    head, _, content = section.partition(b"\r\n\r\n")
    try:
        lines = _fold.sub(" ", head.decode()).split("\r\n")[1:]
    except UnicodeDecodeError:
        raise PeerError("the head of a body part is not UTF-8", 400) from None
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not is_token(name) or has_loose_control(line):
            raise PeerError("a header field of a body part is malformed", 400)
        headers.add(name, value.strip(" \t"))
    return Part(headers, content)
