"""The RTCP side of a stream: when to report, what to say, what to learn (RFC 3550 §6)."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from typing import TYPE_CHECKING, Final

from offhook.base.randomness import Randomness
from offhook.protocols.media.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPart,
    SenderReport,
    SourceDescription,
    middle_bits,
    ntp_time,
    parse_compound,
    report_interval,
    serialise_compound,
)

if TYPE_CHECKING:
    from offhook.protocols.media.rtp import Reception
    from offhook.protocols.media.sender import Sender

REMEMBERED: Final = 8
"""Own sender reports a peer may still refer to."""
LONGEST_ROUND_TRIP_S: Final = 30.0
CLOCK_OFFSET_S: Final = 1 << 30
"""The NTP clock begins at a random second below this: uptime is nobody's business."""


class Control:
    """Reports for one stream; times are monotonic seconds."""

    def __init__(self, randomness: Randomness, now: float) -> None:
        self._randomness = randomness
        # 96 random bits per session, as RFC 7022 §4.2 asks.
        self._cname = b64encode(randomness.octets(12)).decode()
        self._offset = int.from_bytes(randomness.octets(4), "big") % CLOCK_OFFSET_S
        self._sent: deque[int] = deque(maxlen=REMEMBERED)
        self._heard: tuple[int, int, float] | None = None
        self.round_trip_ms: float | None = None
        self.due = now + report_interval(randomness, initial=True)

    def _ntp(self, now: float) -> int:
        return ntp_time(now + self._offset)

    def report(self, sender: Sender, reception: Reception | None, now: float) -> bytes:
        """The next compound packet, and the time of the one after it is set."""
        self.due = now + report_interval(self._randomness, initial=False)
        return serialise_compound(*self._parts(sender, reception, now))

    def goodbye(self, sender: Sender, reception: Reception | None, now: float) -> bytes:
        """The last compound packet of our source (§6.6)."""
        parts = self._parts(sender, reception, now)
        return serialise_compound(*parts, Goodbye((sender.ssrc,)))

    def _parts(
        self, sender: Sender, reception: Reception | None, now: float
    ) -> tuple[RtcpPart, ...]:
        blocks = () if reception is None else (self._block(reception, now),)
        report: RtcpPart = ReceiverReport(sender.ssrc, blocks)
        if sender.packets:
            ntp = self._ntp(now)
            self._sent.append(middle_bits(ntp))
            timestamp = sender.timestamp_at(now)
            report = SenderReport(
                sender.ssrc, ntp, timestamp, sender.packets, sender.octets, blocks
            )
        return report, SourceDescription(sender.ssrc, self._cname)

    def _block(self, reception: Reception, now: float) -> ReportBlock:
        last = delay = 0
        if self._heard is not None and self._heard[0] == reception.ssrc:
            _, last, at = self._heard
            delay = min(0xFFFFFFFF, int((now - at) * 65536))
        return ReportBlock(reception.ssrc, reception.report(), last, delay)

    def receive(self, compound: bytes, ssrc: int, now: float) -> list[Goodbye]:
        """Learn from an authenticated compound packet; `ssrc` is ours. The goodbyes in it."""
        goodbyes = []
        for part in parse_compound(compound):
            match part:
                case SenderReport(source, ntp, blocks=blocks):
                    self._heard = source, middle_bits(ntp), now
                    self._learn(blocks, ssrc, now)
                case ReceiverReport(_, blocks):
                    self._learn(blocks, ssrc, now)
                case Goodbye():
                    goodbyes.append(part)
                case _:
                    pass
        return goodbyes

    def _learn(self, blocks: tuple[ReportBlock, ...], ssrc: int, now: float) -> None:
        for block in blocks:
            if block.ssrc != ssrc or block.last_sender_report not in self._sent:
                continue
            there = middle_bits(self._ntp(now))
            ticks = (there - block.last_sender_report - block.delay_since) & 0xFFFFFFFF
            if ticks < LONGEST_ROUND_TRIP_S * 65536:
                self.round_trip_ms = 1000 * ticks / 65536
