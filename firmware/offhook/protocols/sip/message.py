"""Requests and responses (RFC 3261 §7) with their header fields parsed on demand (§20)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import decimal, is_token
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.values import (
    HIGHEST_DELTA,
    STAR,
    CSeq,
    MediaType,
    NameAddr,
    Star,
    Via,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.uri import Uri

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}

_Value = TypeVar("_Value")

_is_call_id = re.compile("[!-~]++").fullmatch

DIALOG_MAKING: Final = frozenset({"INVITE", "SUBSCRIBE", "REFER", "NOTIFY"})


class _Typed:
    """The header fields as values; each raises PeerError 400 if its field is missing or malformed.

    Fields that may be absent are None or an empty list then. `expires` is in seconds.
    """

    __slots__ = ()

    headers: Headers

    @property
    def call_id(self) -> str:
        return self._one("Call-ID", _call_id)

    @property
    def cseq(self) -> CSeq:
        return self._one("CSeq", CSeq.parse)

    @property
    def from_(self) -> NameAddr:
        return self._one("From", NameAddr.parse)

    @property
    def to(self) -> NameAddr:
        return self._one("To", NameAddr.parse)

    @property
    def vias(self) -> list[Via]:
        return self._each("Via", Via.parse)

    @property
    def contacts(self) -> list[NameAddr] | Star:
        if self.headers.get("Contact") == "*" and self.headers.all("Contact") == ["*"]:
            return STAR
        return self._each("Contact", NameAddr.parse)

    @property
    def routes(self) -> list[NameAddr]:
        return self._each("Route", NameAddr.parse)

    @property
    def record_routes(self) -> list[NameAddr]:
        return self._each("Record-Route", NameAddr.parse)

    @property
    def expires(self) -> int | None:
        return self._one("Expires", _delta_seconds) if "Expires" in self.headers else None

    @property
    def content_type(self) -> MediaType | None:
        present = "Content-Type" in self.headers
        return self._one("Content-Type", MediaType.parse) if present else None

    @property
    def require(self) -> list[str]:
        return self._each("Require", _token)

    @property
    def supported(self) -> list[str]:
        return self._each("Supported", _token)

    @property
    def allow(self) -> list[str]:
        return self._each("Allow", _token)

    def _one(self, name: str, parse: Callable[[str], _Value]) -> _Value:
        text = self.headers.get(name)
        if not text:
            raise PeerError(f"{name}: the field is missing", 400)
        try:
            return parse(text)
        except PeerError as error:
            raise PeerError(f"{name}: {error.reason}", 400) from error

    def _each(self, name: str, parse: Callable[[str], _Value]) -> list[_Value]:
        try:
            return [parse(text) for text in self.headers.values(name)]
        except PeerError as error:
            raise PeerError(f"{name}: {error.reason}", 400) from error


def _call_id(text: str) -> str:
    if not _is_call_id(text):
        raise PeerError("the value is malformed", 400)
    return text


def _delta_seconds(text: str) -> int:
    return decimal(text, "the value", HIGHEST_DELTA)


def _token(text: str) -> str:
    if not is_token(text):
        raise PeerError("an element is no token", 400)
    return text


@dataclass(slots=True)
class Request(_Typed):
    """A request. `repr` shows neither values of header fields nor the body, which may hold keys."""

    method: str
    uri: Uri
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class Response(_Typed):
    """A response. `repr` shows neither values of header fields nor the body."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)


Message = Request | Response


def response_to(
    request: Request | Headers,
    status: int,
    reason: str | None = None,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """The response that RFC 3261 §8.2.6 makes of a request (or of what is known of one).

    Via, From, To, Call-ID and CSeq are copied as they stand; `to_tag` is added to a To without
    one, except in a 100. Timestamp is copied into a 100, Record-Route into a 1xx or 2xx that
    makes a dialog. `reason` is REASONS' phrase unless given.
    """
    known = request.headers if isinstance(request, Request) else request
    method = request.method if isinstance(request, Request) else ""
    built = Headers(("Via", value) for value in known.all("Via"))
    if 100 < status < 300 and method in DIALOG_MAKING:
        for value in known.all("Record-Route"):
            built.add("Record-Route", value)
    for name in ("From", "To", "Call-ID", "CSeq"):
        text = known.get(name)
        if text is not None:
            built.add(name, text)
    timestamp = known.get("Timestamp")
    if status == 100 and timestamp is not None:
        built.add("Timestamp", timestamp)
    to = known.get("To")
    if to_tag is not None and status > 100 and to is not None and not _has_tag(to):
        built.set("To", f"{to};tag={to_tag}")
    for name, value in headers:
        built.add(name, value)
    return Response(status, REASONS.get(status, "") if reason is None else reason, built)


def _has_tag(to: str) -> bool:
    try:
        return NameAddr.parse(to).tag is not None
    except PeerError:
        return True
