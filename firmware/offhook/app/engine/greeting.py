"""How the two processes meet on a socket: the engine greets, the other side says what it wants.

Who is let in hears GREETING; who is not, the end of the connection. So a link counts as made only
once the engine serves it, not already when the service manager has taken it for an engine that is
still starting.
"""

from __future__ import annotations

from typing import Final

import msgspec

from offhook.base.errors import PeerError

GREETING: Final = b"offhook engine 1"
"""The first datagram of the engine's. The number is raised when messages of the channel change."""
LONGEST: Final = 1024
"""Octets of either side's first datagram."""


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first datagram of the signalling side's: what the engine can't read in the settings."""

    card: str | None = None
    """Part of the sound card's name; None: the system's choice."""


_DECODER: Final = msgspec.json.Decoder(Hello)


def written(hello: Hello) -> bytes:
    """As a datagram."""
    return msgspec.json.encode(hello)


def read(datagram: bytes) -> Hello:
    """What a datagram says. Raises PeerError where it is no greeting."""
    try:
        return _DECODER.decode(datagram)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise PeerError("the first message is no greeting") from None
