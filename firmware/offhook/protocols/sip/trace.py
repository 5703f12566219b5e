"""SIP messages for a log: without SDES keys (RFC 4568 §9.1) and without credentials (RFC 3261 §22).

What is shown is cut from whole messages, so that no boundary of a read can split a secret in two;
of octets that are no message only the number is told.
"""

from __future__ import annotations

import re
from typing import Final

from offhook.base.secret import SHOWN
from offhook.protocols.sip.framer import FramingLost, Ping, Pong, StreamFramer
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request, Response

CREDENTIALS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "authentication-info",
        "proxy-authentication-info",
    }
)
"""Header fields of which only the name is shown: their digests can be cracked at leisure."""

_INLINE: Final = re.compile(rb"inline:[^\r\n]*", re.IGNORECASE)
_KEY: Final = re.compile(rb"^k=[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_OTHER_BODY: Final = "({} octets of {})"


class FlowTrace:
    """One direction of one flow: octets in, texts for a log out."""

    def __init__(self) -> None:
        self._framer = StreamFramer()

    def receive(self, data: bytes) -> list[str]:
        """The messages completed by `data`, each as it may be shown."""
        return [self._shown(item) for item in self._framer.receive(data)]

    def _shown(self, item: object) -> str:
        match item:
            case Request() | Response():
                return redacted(item)
            case Ping():
                return "(ping)"
            case Pong():
                return "(pong)"
            case FramingLost(reason=reason):
                return f"(unreadable from here on: {reason})"
            case _:
                return "(a message that can't be read)"


def redacted(message: Request | Response) -> str:
    """`message` as text, with `•••` where a key or a credential stood."""
    if isinstance(message, Request):
        start = f"{message.method} {message.uri} SIP/2.0"
    else:
        start = f"SIP/2.0 {message.status} {message.reason}"
    return "\n".join([start, *_head(message.headers), "", _body(message)]).rstrip()


def _head(headers: Headers) -> list[str]:
    return [f"{name}: {SHOWN if name.lower() in CREDENTIALS else value}" for name, value in headers]


def _body(message: Request | Response) -> str:
    if not message.body:
        return ""
    kind = (message.headers.get("Content-Type") or "unknown type").split(";")[0].strip().lower()
    if kind != "application/sdp":
        return _OTHER_BODY.format(len(message.body), kind)
    hidden = SHOWN.encode()
    shown = _KEY.sub(b"k=" + hidden, _INLINE.sub(b"inline:" + hidden, message.body))
    return shown.decode("utf-8", "replace").replace("\r\n", "\n")
