"""Attributes of an RTP stream (RFC 8866 §6.4 to §6.7 and §6.15, RFC 4733 §2.4.1, RFC 3605 §2.1).

Every reader takes any text: what it can't understand counts as absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Self

from offhook.protocols.sdp.records import Connection

if TYPE_CHECKING:
    from offhook.protocols.sdp.records import MediaDescription, SessionDescription


class Direction(Enum):
    """Which way media flows, seen by the one who says it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Self:
        """The direction with these two properties."""
        return next(each for each in cls if (each.sends, each.receives) == (sends, receives))

    @property
    def sends(self) -> bool:
        """Whether the one who says it sends."""
        return self.value in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether the one who says it receives."""
        return self.value in ("sendrecv", "recvonly")

    def answering(self, offered: Direction) -> Direction:
        """What the answerer, who would like `self`, may say to `offered` (RFC 3264 §6.1)."""
        return Direction.of(
            sends=self.sends and offered.receives, receives=self.receives and offered.sends
        )


@dataclass(frozen=True, slots=True)
class RtpMap:
    """What a payload type number stands for in one description."""

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1

    def names(self, encoding: str, clock_rate: int, channels: int = 1) -> bool:
        """Whether it is that encoding, whose name is compared in any case (RFC 4855 §3)."""
        wanted = (encoding.upper(), clock_rate, channels)
        return (self.encoding.upper(), self.clock_rate, self.channels) == wanted


_RTPMAP: Final = re.compile(
    r"([0-9]{1,3}) +([A-Za-z0-9!#$%&'*+.^_`{|}~-]+)/([0-9]{1,7})(?:/([0-9]{1,3}))? *"
)
_FMTP: Final = re.compile(r"([0-9]{1,3}) +(\S.*?) *", re.DOTALL)
_PTIME: Final = re.compile(r" *([0-9]{1,5})(?:\.[0-9]*)? *")
_RTCP: Final = re.compile(r"([0-9]{1,5})(?: (\S+) (\S+) (\S+))?")
_EVENTS: Final = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")


def read_direction(session: SessionDescription, media: MediaDescription) -> Direction:
    """The section's direction, else the session's, else sendrecv; the first of several counts."""
    for part in (media, session):
        for attribute in part.attributes:
            for direction in Direction:
                if attribute.name == direction.value:
                    return direction
    return Direction.SENDRECV


def read_rtpmaps(media: MediaDescription) -> dict[int, RtpMap]:
    """The well-formed `a=rtpmap` lines by payload type; the first of several counts."""
    maps: dict[int, RtpMap] = {}
    for value in media.values("rtpmap"):
        found = _RTPMAP.fullmatch(value)
        if found and int(found[1]) < 128:
            entry = RtpMap(int(found[1]), found[2], int(found[3]), int(found[4] or 1))
            maps.setdefault(entry.payload_type, entry)
    return maps


def read_fmtp(media: MediaDescription, payload_type: int) -> str | None:
    """The format parameters of one payload type as written, or None."""
    for value in media.values("fmtp"):
        found = _FMTP.fullmatch(value)
        if found and int(found[1]) == payload_type:
            return found[2]
    return None


def names_keypad_events(parameters: str | None) -> bool:
    """Whether a telephone-event's parameters cover the sixteen keys, events 0 to 15.

    No parameters, and ones that can't be read, stand for these sixteen (RFC 4733 §2.4.1).
    """
    events: set[int] = set()
    for part in (parameters or "0-15").split(";")[0].removeprefix("events=").split(","):
        found = _EVENTS.fullmatch(part.strip())
        if found is None:
            return True
        first, last = int(found[1]), int(found[2] or found[1])
        events.update(range(first, min(last, 255) + 1))
    return events.issuperset(range(16))


def read_ms(media: MediaDescription, name: str) -> int | None:
    """`a=ptime` or `a=maxptime` in whole ms, or None where absent, malformed or zero."""
    found = _PTIME.fullmatch(media.value(name) or "")
    return int(found[1]) or None if found else None


def read_rtcp(media: MediaDescription) -> tuple[int, Connection | None] | None:
    """`a=rtcp`: the port, and an address of its own where there is one."""
    found = _RTCP.fullmatch(media.value("rtcp") or "")
    if found is None:
        return None
    own = Connection(found[2], found[3], found[4]) if found[2] else None
    return int(found[1]), own
