"""Messages and keep-alives out of a stream (RFC 3261 §18.3, RFC 5626 §4.4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.protocols.sip.message import Message
from offhook.protocols.sip.parse import LIMITS, BadMessage, Head, Limits

if TYPE_CHECKING:
    from offhook.protocols.sip.headers import Headers

_END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Ping:
    """A double CRLF: the peer wants a CRLF back."""


@dataclass(frozen=True, slots=True)
class Pong:
    """A lone CRLF: the answer to our ping."""


@dataclass(frozen=True, slots=True)
class FramingLost:
    """Nobody knows where the next message begins: the flow must be closed.

    `status` and `response_basis` say how to answer before that, if an answer is owed.
    """

    reason: str
    status: int | None = None
    response_basis: Headers | None = None


Framed = Message | BadMessage | Ping | Pong | FramingLost


class StreamFramer:
    """Cuts one flow's octets into messages, in time linear in their number.

    It never holds more than `limits.message` octets of an unfinished message, whatever its
    Content-Length says, and ignores everything after FramingLost.

    Between messages a CRLF is a pong as soon as nothing follows it yet, for nobody may wait for
    what comes after a pong; two of them in one piece, as TLS delivers what was written at once,
    are a ping.
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        self._head: Head | None = None
        self._body_length = 0
        self._lost = False

    @property
    def incomplete(self) -> bool:
        """Whether a message has begun and its end is still to come."""
        return bool(self._buffer) or self._head is not None

    def receive(self, data: bytes) -> list[Framed]:
        """What is complete after `data`, in order."""
        if self._lost:
            return []
        self._buffer += data
        found: list[Framed] = []
        try:
            while (item := self._next()) is not None:
                found.append(item)
        except BadMessage as error:
            self._lost = True
            self._buffer.clear()
            self._head = None
            found.append(FramingLost(error.reason, error.status, error.response_basis))
        return found

    def _next(self) -> Framed | None:
        """The next item, None if there is none yet; BadMessage if there can't be one any more."""
        if self._head is None:
            if self._buffer.startswith(b"\r") and self._searched == 0:
                return self._take_keepalive()
            self._head = self._take_head()
        if self._head is None or len(self._buffer) < self._body_length:
            return None
        head, self._head = self._head, None
        body = bytes(self._buffer[: self._body_length])
        del self._buffer[: self._body_length]
        try:
            return head.message(body)
        except BadMessage as error:
            return error

    def _take_keepalive(self) -> Ping | Pong | None:
        buffer = self._buffer
        if buffer.startswith(b"\r\n\r\n"):
            del buffer[:4]
            return Ping()
        if len(buffer) in (1, 3) and b"\r\n\r".startswith(buffer):
            return None
        if buffer.startswith(b"\r\n"):
            del buffer[:2]
            return Pong()
        raise BadMessage("a CR stands without LF between messages")

    def _take_head(self) -> Head | None:
        end = self._buffer.find(_END_OF_HEAD, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_END_OF_HEAD) + 1)
        if max(end, self._searched) > self._limits.message:
            raise BadMessage("the head is too large")
        if end < 0:
            return None
        head = Head(bytes(self._buffer[:end]), self._limits)
        if head.content_length is None:
            raise head.bad("Content-Length: the field is missing")
        if end + len(_END_OF_HEAD) + head.content_length > self._limits.message:
            raise head.bad("the message is too large", 513)
        del self._buffer[: end + len(_END_OF_HEAD)]
        self._searched = 0
        self._body_length = head.content_length
        return head
