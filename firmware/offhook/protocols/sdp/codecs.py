"""Payload types of the RTP/AVP family (RFC 3551 §6, table 4; RFC 7587) and the codecs offered here.

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
    "opus": AudioCodec("opus", 111, 48000, 2),
    "G722": AudioCodec("G722", 9, 8000),
    "PCMA": AudioCodec("PCMA", 8, 8000),
    "PCMU": AudioCodec("PCMU", 0, 8000),
}
"""What can be offered, with the payload type it is offered under.

G.722 says 8000 although it samples at 16 kHz (RFC 3551 §4.5.2); Opus always says 48000/2, and
sends mono unless asked for stereo (RFC 7587 §7).
"""

PARAMETERS: Final = {"opus": "useinbandfec=1"}
"""What our decoder likes to get (RFC 7587 §6.1). The rest is as by default: mono, no DTX."""
MAX_PARAMETERS: Final = 400
"""Characters of a peer's `a=fmtp` that are handed on; a longer one is handed on as none."""

TELEPHONE_EVENT: Final = "telephone-event"
TELEPHONE_EVENT_TYPES: Final = {8000: 101, 48000: 110}
"""What events are offered under, by the clock rate of the codecs that they go with."""
COMMON_EVENT_RATE: Final = 8000
"""Some telephones have events of this rate alone, also beside Opus."""
KEYPAD_EVENTS: Final = "0-15"

CLASH_WITH_RTCP: Final = range(64, 96)
"""Payload types that can't be told from RTCP on a shared port (RFC 5761 §4)."""

_PAYLOAD_TYPE: Final = re.compile(r"0|[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class Formats:
    """What of one media section can be used here, in the section's own order and numbers."""

    codecs: tuple[AudioCodec, ...]
    telephone_events: tuple[RtpMap, ...]
    parameters: tuple[str, ...] = ()
    """The `a=fmtp` value of each codec, "" where it has none."""

    def telephone_event(self, clock_rate: int) -> RtpMap | None:
        """The telephone-event that goes with a codec of that clock rate (RFC 4733 §2.1).

        Where there is none, that of 8000 Hz: its timestamps are the audio's all the same, its
        durations count at 8000 Hz.
        """
        for wanted in (clock_rate, COMMON_EVENT_RATE):
            for each in self.telephone_events:
                if each.clock_rate == wanted:
                    return each
        return None

    def dtmf_payload_type(self, clock_rate: int) -> int | None:
        """The number of `telephone_event`."""
        event = self.telephone_event(clock_rate)
        return None if event is None else event.payload_type

    def parameters_of(self, codec: AudioCodec) -> str:
        """The `a=fmtp` value of one of `codecs`."""
        return self.parameters[self.codecs.index(codec)]

    def clashes_with_rtcp(self) -> bool:
        """Whether a usable format forbids RTCP on the same port."""
        numbers = [each.payload_type for each in self.codecs]
        numbers += [each.payload_type for each in self.telephone_events]
        return any(number in CLASH_WITH_RTCP for number in numbers)


def read_formats(media: MediaDescription, encodings: tuple[str, ...]) -> Formats:
    """The section's formats that are among `encodings`, and its telephone-events."""
    maps = read_rtpmaps(media)
    codecs: list[AudioCodec] = []
    parameters: list[str] = []
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
                said = read_fmtp(media, entry.payload_type) or ""
                parameters.append(said if len(said) <= MAX_PARAMETERS else "")
    return Formats(tuple(codecs), tuple(events), tuple(parameters))


def offered_events(codecs: tuple[AudioCodec, ...]) -> tuple[RtpMap, ...]:
    """A telephone-event for each clock rate of `codecs`, in their order."""
    rates = dict.fromkeys(codec.clock_rate for codec in codecs)
    return tuple(RtpMap(TELEPHONE_EVENT_TYPES[rate], TELEPHONE_EVENT, rate) for rate in rates)


def foreign_rate(codec: AudioCodec, event: RtpMap | None) -> int | None:
    """The clock rate of `event` where it is not that of `codec`."""
    if event is None or event.clock_rate == codec.clock_rate:
        return None
    return event.clock_rate


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
