"""Payload types of the RTP/AVP family (RFC 3551 §6, table 4) and the codecs offered here.

A static number stands for its encoding even without `a=rtpmap`; a line that gives it another
meaning makes that format unusable, for the two sides would decode different things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.base.vocabulary import AudioCodec
from offhook.protocols.sdp.attributes import (
    RtpMap,
    names_keypad_events,
    read_fmtp,
    read_rtpmaps,
)

if TYPE_CHECKING:
    from offhook.protocols.sdp.records import MediaDescription

STATIC: Final = {
    0: RtpMap(0, "PCMU", 8000),
    3: RtpMap(3, "GSM", 8000),
    4: RtpMap(4, "G723", 8000),
    5: RtpMap(5, "DVI4", 8000),
    6: RtpMap(6, "DVI4", 16000),
    7: RtpMap(7, "LPC", 8000),
    8: RtpMap(8, "PCMA", 8000),
    9: RtpMap(9, "G722", 8000),
    10: RtpMap(10, "L16", 44100, 2),
    11: RtpMap(11, "L16", 44100),
    12: RtpMap(12, "QCELP", 8000),
    13: RtpMap(13, "CN", 8000),
    14: RtpMap(14, "MPA", 90000),
    15: RtpMap(15, "G728", 8000),
    16: RtpMap(16, "DVI4", 11025),
    17: RtpMap(17, "DVI4", 22050),
    18: RtpMap(18, "G729", 8000),
}

CODECS: Final = {
    "PCMA": AudioCodec("PCMA", 8, 8000),
    "PCMU": AudioCodec("PCMU", 0, 8000),
}
"""What can be offered, with the payload type it is offered under."""

TELEPHONE_EVENT: Final = "telephone-event"
TELEPHONE_EVENT_TYPE: Final = 101
KEYPAD_EVENTS: Final = "0-15"

CLASH_WITH_RTCP: Final = range(64, 96)
"""Payload types that can't be told from RTCP on a shared port (RFC 5761 §4)."""

_PAYLOAD_TYPE: Final = re.compile(r"0|[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class Formats:
    """What of one media section can be used here, in the section's own order and numbers."""

    codecs: tuple[AudioCodec, ...]
    telephone_events: tuple[RtpMap, ...]

    def dtmf_payload_type(self, clock_rate: int) -> int | None:
        """The telephone-event that goes with a codec of that clock rate (RFC 4733 §2.1)."""
        for each in self.telephone_events:
            if each.clock_rate == clock_rate:
                return each.payload_type
        return None

    def clashes_with_rtcp(self) -> bool:
        """Whether a usable format forbids RTCP on the same port."""
        numbers = [each.payload_type for each in self.codecs]
        numbers += [each.payload_type for each in self.telephone_events]
        return any(number in CLASH_WITH_RTCP for number in numbers)


def read_formats(media: MediaDescription, encodings: tuple[str, ...]) -> Formats:
    """The section's formats that are among `encodings`, and its telephone-events."""
    maps = read_rtpmaps(media)
    codecs: list[AudioCodec] = []
    events: list[RtpMap] = []
    for text in media.formats:
        entry = _meaning(text, maps)
        if entry is None:
            continue
        if entry.names(TELEPHONE_EVENT, entry.clock_rate):
            if names_keypad_events(read_fmtp(media, entry.payload_type)):
                events.append(entry)
            continue
        for encoding in encodings:
            codec = CODECS[encoding]
            if entry.names(codec.encoding, codec.clock_rate, codec.channels):
                codecs.append(
                    AudioCodec(codec.encoding, entry.payload_type, codec.clock_rate, codec.channels)
                )
    return Formats(tuple(codecs), tuple(events))


def _meaning(text: str, maps: dict[int, RtpMap]) -> RtpMap | None:
    if not _PAYLOAD_TYPE.fullmatch(text):
        return None
    number = int(text)
    static = STATIC.get(number)
    if static is None:
        return maps.get(number)
    entry = maps.get(number, static)
    agrees = entry.names(static.encoding, static.clock_rate, static.channels)
    return entry if agrees else None
