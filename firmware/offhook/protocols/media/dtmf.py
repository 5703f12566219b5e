"""DTMF digits as telephone-events, both ways (RFC 4733 §2.3, §2.5)."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.rtp import TIMESTAMP_CYCLE, timestamp_distance

DIGITS: Final = "0123456789*#ABCD"
"""Each digit at the place of its event code (§3.2)."""
VOLUME: Final = 10
"""Sent as -10 dBm0."""
END_PACKETS: Final = 3
"""How often the final packet of an event goes out (§2.5.1.4)."""

MAX_QUEUED: Final = 128
MIN_DURATION_MS: Final = 40
MAX_DURATION_MS: Final = 5000
SILENCE_S: Final = 0.2
"""An event of which nothing more comes for this long has ended, its final packets lost."""
REMEMBERED: Final = 16
"""Ended events whose late packets are still recognised."""
LONGEST: Final = 0xFFFF
"""The duration at which an event goes on in a new segment (§2.5.1.3)."""

_PAYLOAD: Final = struct.Struct("!BBH")


class TelephoneEvent(NamedTuple):
    """The payload of §2.3: `volume` in -dBm0, `duration` in timestamp ticks."""

    event: int
    end: bool
    volume: int
    duration: int


def parse_event(payload: bytes) -> TelephoneEvent:
    """Read the first event of a payload; PeerError where it is cut off."""
    if len(payload) < _PAYLOAD.size:
        raise PeerError("telephone-event payload is shorter than 4 octets")
    event, flags, duration = _PAYLOAD.unpack_from(payload)
    return TelephoneEvent(event, bool(flags & 0x80), flags & 0x3F, duration)


def serialise_event(event: TelephoneEvent) -> bytes:
    """Write one event."""
    return _PAYLOAD.pack(
        event.event, (0x80 if event.end else 0) | event.volume & 0x3F, event.duration
    )


class Outgoing(NamedTuple):
    """An event packet to be sent in the place of an audio frame."""

    timestamp: int
    marker: bool
    payload: bytes


@dataclass(slots=True)
class _Sending:
    event: int
    start: int
    length: int
    gap: int
    duration: int = 0
    segment: int = 0
    ends_sent: int = 0


class DtmfSender:
    """Plays queued digits, one packet per frame; times in ticks of the event's `clock_rate` Hz."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self._queue: deque[tuple[int, int, int]] = deque()
        self._current: _Sending | None = None
        self._quiet = 0

    @property
    def busy(self) -> bool:
        """Whether a digit or the gap after it is still to be sent."""
        return self._current is not None or bool(self._queue) or self._quiet > 0

    def queue(self, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Send these digits after those queued before; LocalError where they can't be."""
        events = [DIGITS.find(digit) for digit in digits.upper()]
        if -1 in events or not events:
            raise LocalError("DTMF digits are 0-9, *, #, A-D")
        if len(events) + len(self._queue) > MAX_QUEUED:
            raise LocalError(f"more than {MAX_QUEUED} DTMF digits are queued")
        if not MIN_DURATION_MS <= duration_ms <= MAX_DURATION_MS:
            raise LocalError(f"a DTMF digit lasts {MIN_DURATION_MS} to {MAX_DURATION_MS} ms")
        if not 0 <= gap_ms <= MAX_DURATION_MS:
            raise LocalError(f"the gap after a DTMF digit lasts 0 to {MAX_DURATION_MS} ms")
        self._queue.extend((event, duration_ms, gap_ms) for event in events)

    def next_packet(self, timestamp: int, ticks: int) -> Outgoing | None:
        """What goes out instead of the frame at `timestamp`, which lasts `ticks`; None: the frame.

        The timestamp is that of the audio, also where the event has another clock rate.
        """
        if self._current is None:
            self._quiet = max(0, self._quiet - ticks)
            if self._quiet or not self._queue:
                return None
            event, duration_ms, gap_ms = self._queue.popleft()
            per_ms = self.clock_rate // 1000
            self._current = _Sending(event, timestamp, duration_ms * per_ms, gap_ms * per_ms)
        return self._step(self._current, ticks)

    def _step(self, sending: _Sending, ticks: int) -> Outgoing:
        marker = sending.duration == 0
        sending.duration = min(sending.duration + ticks, sending.length)
        before, segment = sending.segment, (sending.duration - 1) // LONGEST
        sending.segment = segment
        if segment > before:
            # The field is full: the segment before this one is closed first (§2.5.1.3).
            return self._packet(sending, before, LONGEST, end=False)
        end = sending.duration == sending.length
        if end:
            sending.ends_sent += 1
            if sending.ends_sent == END_PACKETS:
                # The repetitions took the place of audio: they are the gap's beginning.
                self._quiet = max(0, sending.gap - (END_PACKETS - 1) * ticks) + ticks
                self._current = None
        duration = sending.duration - segment * LONGEST
        return self._packet(sending, segment, duration, end=end, marker=marker)

    @staticmethod
    def _packet(
        sending: _Sending, segment: int, duration: int, *, end: bool, marker: bool = False
    ) -> Outgoing:
        event = TelephoneEvent(sending.event, end, VOLUME, duration)
        timestamp = (sending.start + segment * LONGEST) % TIMESTAMP_CYCLE
        return Outgoing(timestamp, marker, serialise_event(event))


class HeardDigit(NamedTuple):
    """A digit the peer has let go of; `duration` in timestamp ticks."""

    digit: str
    duration: int


@dataclass(slots=True)
class _Hearing:
    event: int
    timestamp: int
    before: int
    duration: int
    since: float


class DtmfReceiver:
    """Makes one digit of the many packets of an event, by their common timestamp."""

    def __init__(self) -> None:
        self._current: _Hearing | None = None
        self._ended: deque[int] = deque(maxlen=REMEMBERED)

    def deadline(self) -> float | None:
        """When an event without a final packet counts as ended."""
        return None if self._current is None else self._current.since + SILENCE_S

    def tick(self, now: float) -> list[HeardDigit]:
        """End the event whose final packets were lost."""
        if self._current is not None and now >= self._current.since + SILENCE_S:
            return self._finish()
        return []

    def receive(self, payload: bytes, timestamp: int, now: float) -> list[HeardDigit]:
        """Take one event packet; the digits it ends. PeerError where it is cut off."""
        event = parse_event(payload)
        if event.event >= len(DIGITS) or timestamp in self._ended:
            return []
        heard: list[HeardDigit] = []
        current = self._current
        if current is not None and timestamp != current.timestamp:
            ahead = timestamp_distance(timestamp, current.timestamp)
            if ahead < 0:
                return []
            if event.event == current.event and ahead == LONGEST:
                self._ended.append(current.timestamp)
                current.before += LONGEST
                current.timestamp, current.duration = timestamp, 0
            else:
                heard = self._finish()
                current = None
        if current is None:
            current = self._current = _Hearing(event.event, timestamp, 0, 0, now)
        current.duration = max(current.duration, event.duration)
        current.since = now
        if event.end:
            heard += self._finish()
        return heard

    def _finish(self) -> list[HeardDigit]:
        current, self._current = self._current, None
        if current is None:
            return []
        self._ended.append(current.timestamp)
        return [HeardDigit(DIGITS[current.event], current.before + current.duration)]
