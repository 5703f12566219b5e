"""Bytes into messages (RFC 3261 §7, §18.3, §25.1). Header fields stay text until asked for."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import (
    TOKEN,
    count_controls,
    decimal,
    has_loose_control,
    is_token,
)
from offhook.protocols.sip.header_names import canonical_name, known_name
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.uri import parse_uri
from offhook.protocols.sip.values import HIGHEST_DELTA


class Limits(NamedTuple):
    """The most that is taken from a peer: octets per line, per message; header fields."""

    line: int = 8192
    message: int = 65536
    headers: int = 100


LIMITS: Final = Limits()

_request_line = re.compile(
    rf"({TOKEN}) ([^ \r\n]++) SIP/([0-9]++\.[0-9]++)", re.ASCII | re.IGNORECASE
).fullmatch
_status_line = re.compile(
    r"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*+))?", re.ASCII | re.IGNORECASE
).fullmatch
_fold = re.compile(r"\r\n[ \t]++")


class BadMessage(PeerError):
    """A message that can't be parsed.

    `response_basis` holds Via, From, To, Call-ID and CSeq as they came if the message was a
    request that may be answered with `status`; None otherwise, and so is `status` then.
    """

    def __init__(
        self, reason: str, status: int | None = None, response_basis: Headers | None = None
    ) -> None:
        super().__init__(reason, None if response_basis is None else status)
        self.response_basis = response_basis


def parse_message(data: bytes, limits: Limits = LIMITS) -> Message:
    """The message in `data`, head and body; octets after Content-Length are ignored (§18.3).

    Raises BadMessage, never anything else.
    """
    end = data.find(b"\r\n\r\n")
    if len(data) > limits.message and not 0 <= end < limits.message:
        raise BadMessage("the head is too large")
    if end < 0:
        raise Head(data.removesuffix(b"\r\n"), limits).bad("the head has no end")
    head = Head(data[:end], limits)
    length = head.content_length
    if length is None:
        length = len(data) - end - 4
    if end + 4 + length > limits.message:
        raise head.bad("the message is too large", 513)
    if end + 4 + length > len(data):
        raise head.bad("Content-Length: the body is shorter")
    return head.message(data[end + 4 : end + 4 + length])


class Head:
    """Start line and header fields of one message.

    Raises BadMessage at once if Content-Length is invalid or contradicts itself, for then nobody
    knows where the message ends. Any other fault is raised by `message()`.
    """

    __slots__ = ("_error", "_headers", "_start", "content_length")

    content_length: int | None
    """As the field says, in octets; None if there is none."""

    def __init__(self, octets: bytes, limits: Limits = LIMITS) -> None:
        """`octets` are the head without the CRLF of its last line."""
        self._error: tuple[str, int] | None = None
        lines = _decode(octets).split("\r\n")
        loose = count_controls(octets) != 2 * len(lines) - 2
        fields = self._split(lines)
        if fields is None:
            lines = _fold.sub(" ", "\r\n".join(lines)).split("\r\n")
            fields = self._split(lines) or []
        self._start = lines[0]
        self._headers = Headers.of_canonical(fields)
        if loose:
            self._check_controls(lines)
        if len(octets) > limits.line:
            self._check_lines(lines, limits)
        if len(lines) > limits.headers + 1:
            self._error = ("the message has too many header fields", 400)
        lengths = [value for name, value in fields if name == "Content-Length"]
        self.content_length = self._read_length(lengths) if lengths else None

    def _split(self, lines: list[str]) -> list[tuple[str, str]] | None:
        """The header fields of unfolded lines; None if a line is folded."""
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            known = known_name(name)
            if known is None or not colon:
                if line[:1] in {" ", "\t"}:
                    return None
                name = name.rstrip(" \t")
                if not colon or not is_token(name):
                    self._error = self._error or ("a header field is malformed", 400)
                    continue
                known = canonical_name(name)
            fields.append((known, value.strip(" \t")))
        return fields

    def message(self, body: bytes) -> Message:
        """The message with its `body`; BadMessage if the head has a fault."""
        if self._error is not None:
            raise self.bad(*self._error)
        start = self._start
        if start[:4].upper() == "SIP/" and (match := _status_line(start)) is not None:
            return Response(int(match[1]), match[2] or "", self._headers, body)
        match = _request_line(start)
        if match is None:
            raise self.bad("the start line is malformed")
        method, uri, version = match.groups()
        if version != "2.0":
            raise self.bad("the SIP version is not 2.0", 505)
        try:
            return Request(method, parse_uri(uri), self._headers, body)
        except PeerError as error:
            raise self.bad(f"Request-URI: {error.reason}") from error

    def bad(self, reason: str, status: int = 400) -> BadMessage:
        """The error for this head, with what is needed to answer it."""
        return BadMessage(reason, status, self._response_basis())

    def _check_controls(self, lines: list[str]) -> None:
        if any("\r" in line or "\n" in line for line in lines):
            self._error = ("a line ends without CRLF", 400)
        elif count_controls(lines[0].encode()) or any(map(has_loose_control, lines)):
            self._error = ("a control character stands in the head", 400)

    def _check_lines(self, lines: list[str], limits: Limits) -> None:
        if len(lines[0].encode()) > limits.line:
            self._error = ("the start line is too long", 414)
        elif any(len(line.encode()) > limits.line for line in lines):
            self._error = ("a header field is too long", 400)

    def _read_length(self, values: list[str]) -> int:
        if len(set(values)) > 1:
            raise self.bad("Content-Length: there are two")
        try:
            return decimal(values[0], "Content-Length: the value", HIGHEST_DELTA)
        except PeerError as error:
            raise self.bad(error.reason) from error

    def _response_basis(self) -> Headers | None:
        if self._start[:4].upper() in {"SIP/", "ACK "}:
            return None
        fields = [field for field in self._headers if field[0] == "Via"]
        for name in ("From", "To", "Call-ID", "CSeq"):
            text = self._headers.get(name)
            if not text:
                return None
            fields.append((name, text))
        if fields[0][0] != "Via" or any(has_loose_control(text) for _, text in fields):
            return None
        return Headers.of_canonical(fields)


def _decode(octets: bytes) -> str:
    """UTF-8; a line that isn't is taken as Latin-1, as old telephones send names."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return "\r\n".join(map(_decode_line, octets.split(b"\r\n")))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
