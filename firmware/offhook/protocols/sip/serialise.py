"""Messages into bytes (RFC 3261 §7, §25.1); what would inject a line is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offhook.base.errors import LocalError
from offhook.protocols.sip.grammar import count_controls, has_loose_control, is_token
from offhook.protocols.sip.message import Request

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Message

_is_request_uri = re.compile(r"[!-;=?-~]++").fullmatch


def serialise(message: Message) -> bytes:
    """The message as it goes on the wire, Content-Length computed and last.

    Raises LocalError for a line break or a control character in any part of the head (control
    characters may stand as quoted pairs in header fields), for a method or name that is no token,
    a Request-URI with a space or angle bracket and a status out of 100..699.
    """
    lines = [_start_line(message)]
    for name, value in message.headers:
        if name == "Content-Length":
            continue
        if not is_token(name):
            raise LocalError("the name of a header field is no token")
        lines.append(f"{name}: {value}")
    lines.append(f"Content-Length: {len(message.body)}\r\n\r\n")
    try:
        head = "\r\n".join(lines).encode()
    except UnicodeEncodeError as error:
        raise LocalError("a header field is no Unicode text") from error
    if count_controls(head) != 2 * len(lines) + 2:
        _refuse_controls(lines)
    return head + message.body


def _start_line(message: Message) -> str:
    if isinstance(message, Request):
        uri = str(message.uri)
        if not is_token(message.method):
            raise LocalError("the method is no token")
        if not _is_request_uri(uri):
            raise LocalError("the Request-URI is malformed")
        return f"{message.method} {uri} SIP/2.0"
    if not 100 <= message.status <= 699:
        raise LocalError("the status is out of range")
    return f"SIP/2.0 {message.status} {message.reason}"


def _refuse_controls(lines: list[str]) -> None:
    if count_controls(lines[0].encode()) or any(map(has_loose_control, lines[1:-1])):
        raise LocalError("a control character stands in the head")
