"""The lines of the control socket, both ways, as docs/control.md describes them."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

from offhook.app.control_events import Event
from offhook.app.report import StatusReport, schema_of
from offhook.base.errors import PeerError


class WantStatus(
    msgspec.Struct, frozen=True, tag_field="want", tag="status", forbid_unknown_fields=True
):
    """How is the phone?"""


class WantWatch(
    msgspec.Struct, frozen=True, tag_field="want", tag="watch", forbid_unknown_fields=True
):
    """How is it, and from now on: what changes? With `levels` how loud it is, too."""

    levels: bool = False


Request: TypeAlias = WantStatus | WantWatch

ASK_STATUS: Final = b'{"want":"status"}\n'
ASK_WATCH: Final = b'{"want":"watch"}\n'
ASK_LEVELS: Final = b'{"want":"watch","levels":true}\n'


class StatusLine(msgspec.Struct, frozen=True, tag_field="event", tag="status"):
    """The phone as it is: the answer to `status`, and the first line of a watch."""

    status: StatusReport


class ErrorLine(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """Why there is no other answer, and what would have been understood."""

    error: str
    understood: tuple[str, ...] = tuple(
        each.decode().strip() for each in (ASK_STATUS, ASK_WATCH, ASK_LEVELS)
    )


Line: TypeAlias = StatusLine | ErrorLine | Event

_REQUESTS: Final = msgspec.json.Decoder(Request)
_LINES: Final = msgspec.json.Decoder(Line)
_LONGEST_REASON: Final = 200


def read_request(line: bytes) -> Request:
    """What a client wants. Raises PeerError with a sentence for it."""
    try:
        request: Request = _REQUESTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"not understood: {error}"[:_LONGEST_REASON]) from None
    return request


def written(line: Line) -> bytes:
    """A line of the phone, its line break included."""
    return msgspec.json.encode(line) + b"\n"


def read_line(line: bytes) -> Line:
    """A line of the phone. Raises PeerError where it is none, as from another version."""
    try:
        said: Line = _LINES.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"the phone said what isn't understood: {error}") from None
    return said


def watch_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of each line that the phone sends."""
    return schema_of(Line, "offhook watch --json")
