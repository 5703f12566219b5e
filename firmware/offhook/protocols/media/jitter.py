"""A playout buffer ordered by RTP timestamp (RFC 3550 §6.4.4, RFC 3551 §4.1 on talkspurts).

`due` is the timestamp of what is to be played next. It advances by what each pull takes, so the
sound's clock drives it, and no clock of the sender has to be known. A packet's *slack* is how long
before its time it comes; the delay begins at `delay_ms`, grows at once where slack is missing, and
shrinks where for a while more was left than `RESERVE_MS`: slowly, once it has had to grow. Two
sound cards' clocks that drift apart are nothing else than slack that slowly gets more or less.

The delay changes by whole periods and packets: less would wait, decoded, and win no packet time.

All lengths are in ticks of the RTP clock, which for G.722 are two samples each.
"""

from __future__ import annotations

import enum
import heapq
from dataclasses import dataclass
from typing import Final

from offhook.protocols.media.rtp import RtpPacket, sequence_distance, timestamp_distance

DEFAULT_DELAY_MS: Final = 40
MAX_DELAY_MS: Final = 400
"""More than this is never held: the oldest is left out."""
MAX_PACKETS: Final = 256
"""Enough for the longest delay in the shortest packets of Opus, 2.5 ms."""
GAP_MS: Final = 20
"""Longest gap given at once, unless it is one packet that is missing."""
LONGEST_PACKET_MS: Final = 120

RESERVE_MS: Final = 8
"""Slack that the delay keeps beside what the last packets needed: what a machine may be late."""
WINDOW_MS: Final = 2000
"""How much speech is looked at together."""
CALM_WINDOWS: Final = 2
"""How many windows in a row had to have more than enough before the delay gets shorter."""
WARY_WINDOWS: Final = 5
"""The same after it has had to grow."""
LOSSY_WINDOWS: Final = 10
"""For so many windows after a loss, packets with FEC are awaited one packet longer."""
MAY_BE_LATE: Final = 1
"""Packets of a window that the delay need not wait for."""
MAY_BE_LATE_WITH_FEC: Final = 2
"""The same where the packet after it makes up for most of them."""
MUCH_MS: Final = 60
"""So much too long, one window will do."""
SHRINK_MS: Final = 200
"""Left out at most, before it is looked again."""
PATIENCE: Final = ((100, 0.2), (60, 1.0), (0, 5.0))
"""ms that the delay is too long, and seconds for which shortening it waits for a pause."""
RESYNC_AFTER: Final = 5
"""Late packets in a row after which the sender's timestamps count as jumped."""


class Fate(enum.Enum):
    """What became of a packet that was pushed."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    LATE = "late"


class Hole(enum.Enum):
    """Why there is no packet for the samples that are due."""

    BEFORE_START = "nothing has come yet, or the playout delay is being filled"
    MISSING = "later packets are here, this one is not"
    EMPTY = "nothing is here at all"
    GROWING = "the delay is made longer"


@dataclass(frozen=True, slots=True)
class Gap:
    """`ticks` for which nothing was there."""

    ticks: int
    why: Hole
    following: RtpPacket | None = None
    """The packet that goes on where this gap ends, if the one before it was never here."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A packet that is due, less the first `skip` ticks which came too late."""

    packet: RtpPacket
    skip: int = 0


class JitterBuffer:
    """Holds packets until their samples are due. Counts are of packets.

    `fec` is for the owner to set: packets tell what was in the one before them.
    """

    def __init__(self, clock_rate: int, delay_ms: int = DEFAULT_DELAY_MS) -> None:
        self.clock_rate = clock_rate
        self._target = self._ticks(delay_ms)
        self._maximum = self._ticks(max(MAX_DELAY_MS, 2 * delay_ms))
        self._period = self._ticks(GAP_MS)
        self._reserve = self._ticks(RESERVE_MS)
        self._longest_packet = self._ticks(LONGEST_PACKET_MS)
        self.fec = False
        self.late = self.duplicates = self.dropped = self.shortened = 0
        self.reset()

    def _ticks(self, ms: int) -> int:
        return ms * self.clock_rate // 1000

    def reset(self) -> None:
        """Forget what is held: the next packet starts the playout anew. Counts stay."""
        self._last: tuple[int, int] | None = None
        self._restart(None)

    def _restart(self, timestamp: int | None) -> None:
        self._held: list[tuple[int, int, int, RtpPacket]] = []
        self._timestamps: set[int] = set()
        self._due = None if timestamp is None else timestamp - self._target
        self._begun = self._starved = False
        self._late_in_a_row = 0
        self._forget_slacks()
        self._wary = False
        self._absent = self._fewest_absent = self._known_lost = self._lossy = 0
        self._grow = 0
        self._shrink = self._waited = 0
        self._taken: tuple[int, int] | None = None

    def _forget_slacks(self) -> None:
        self._slacks: list[int] = []
        self._windows: list[int] = []
        self._looked_at = self._missed = 0

    @property
    def held_ticks(self) -> int:
        """From what is due to the end of the newest packet held."""
        if not self._held or self._due is None:
            return 0
        timestamp, _, ticks, _ = max(self._held)
        return max(0, timestamp + ticks - self._due)

    def push(self, packet: RtpPacket, ticks: int, until: int = 0) -> Fate:
        """Take a packet that lasts `ticks`; in `until` ticks the next pull will be made."""
        timestamp = self._extend(packet)
        if timestamp in self._timestamps:
            self.duplicates += 1
            return Fate.DUPLICATE
        newest = self._last is None or sequence_distance(packet.sequence, self._last[0]) > 0
        if self._due is None:
            self._restart(timestamp)
        if self._last is not None:
            self._absent += sequence_distance(packet.sequence, self._last[0]) - 1 if newest else -1
            self._fewest_absent = min(self._fewest_absent, self._absent)
        ahead = timestamp - (self._due or 0)
        if newest and not -self._maximum <= ahead <= self._maximum:
            self._restart(timestamp)
        else:
            self._judge(ahead + until, ticks)
            if ahead + ticks <= 0 and not self._take_late(timestamp, newest=newest):
                return Fate.LATE
        if newest:
            self._last = (packet.sequence, timestamp)
        heapq.heappush(self._held, (timestamp, packet.sequence, ticks, packet))
        self._timestamps.add(timestamp)
        self._late_in_a_row = 0
        self._starved = False
        self._bound()
        return Fate.KEPT

    def spare(self, *, quiet: bool) -> bool:
        """Whether the frame just pulled is to be left out, so that the delay gets shorter.

        That is done where the frame is `quiet`; if none is for a while, then anyway.
        """
        ticks = 0 if self._taken is None else self._taken[1]
        if not 0 < ticks <= self._shrink:
            return False
        self._waited += ticks
        if not quiet and self._waited < self._patience():
            return False
        self._shrink = 0 if self._shrink < 2 * ticks else self._shrink - ticks
        self._waited = 0
        self._forget_slacks()
        self.shortened += 1
        return True

    def _patience(self) -> int:
        too_long = 1000 * self._shrink // self.clock_rate
        seconds = next(seconds for ms, seconds in PATIENCE if too_long >= ms)
        return int(seconds * self.clock_rate)

    def _extend(self, packet: RtpPacket) -> int:
        if self._last is None:
            return packet.timestamp
        return self._last[1] + timestamp_distance(packet.timestamp, self._last[1] & 0xFFFFFFFF)

    def _judge(self, slack: int, ticks: int) -> None:
        """Learn from a packet's slack whether the delay should be another."""
        slacks, may_be_late = self._slacks, MAY_BE_LATE_WITH_FEC if self.fec else MAY_BE_LATE
        slacks.append(slack)
        self._looked_at += ticks
        self._missed += slack < 0
        if self._missed > may_be_late:
            self._wary = True
            self._lengthen(self._reserve - sorted(slacks)[may_be_late])
        elif self._looked_at >= self._ticks(WINDOW_MS):
            least = sorted(slacks)[min(may_be_late, len(slacks) - 1)]
            self._note_losses()
            self._looked_at = self._missed = 0
            slacks.clear()
            if self._lossy and self.fec and least < self._reserve + ticks:
                self._lengthen(self._reserve + ticks - least)
            else:
                self._weigh(least, ticks)

    def _note_losses(self) -> None:
        """Absent all through a window are those that never come, not those on their way."""
        if self._fewest_absent > self._known_lost:
            self._lossy = LOSSY_WINDOWS
        elif self._lossy:
            self._lossy -= 1
        self._known_lost, self._fewest_absent = self._fewest_absent, self._absent

    def _lengthen(self, lacking: int) -> None:
        self._grow = min(-(-lacking // self._period) * self._period, self._maximum)
        self._shrink = 0
        self._forget_slacks()

    def _weigh(self, least: int, ticks: int) -> None:
        """Whether enough windows in a row, the last one with so little slack, had too much."""
        self._windows.append(least)
        reserve = self._reserve + (ticks if self._lossy and self.fec else 0)
        calm = 1 if least - reserve >= self._ticks(MUCH_MS) else CALM_WINDOWS
        if len(self._windows) >= (WARY_WINDOWS if self._wary else calm):
            surplus = min(self._windows) - reserve
            self._shrink = min(self._ticks(SHRINK_MS), surplus) if surplus >= ticks else 0
            self._windows.clear()

    def _take_late(self, timestamp: int, *, newest: bool) -> bool:
        """Whether a packet whose time is over is played all the same, the delay growing."""
        if newest and self._starved:
            self._due = timestamp
            self._forget_slacks()
            self._grow = self._shrink = 0
            return True
        self.late += 1
        self._late_in_a_row += 1
        if newest and self._late_in_a_row >= RESYNC_AFTER:
            self._restart(timestamp)
            return True
        return False

    def _bound(self) -> None:
        while len(self._held) > MAX_PACKETS or self.held_ticks > self._maximum + self._target:
            timestamp, ticks, _ = self._pop()
            self.dropped += 1
            self._due = max(self._due or 0, timestamp + ticks)

    def _pop(self) -> tuple[int, int, RtpPacket]:
        timestamp, _, ticks, packet = heapq.heappop(self._held)
        self._timestamps.discard(timestamp)
        return timestamp, ticks, packet

    def pull(self) -> Frame | Gap:
        """What is to be played next: a packet, or a gap.

        A gap is of at most 20 ms, or as long as the one packet that is missing.
        """
        if self._due is None:
            return Gap(self._period, Hole.BEFORE_START)
        if self._grow and self._begun:
            step = min(self._grow, self._period)
            self._grow -= step
            return Gap(step, Hole.GROWING)
        while self._held:
            ahead = self._held[0][0] - self._due
            if ahead > 0:
                return self._missing(ahead, self._held[0][3])
            timestamp, ticks, packet = self._pop()
            if ahead + ticks <= 0:
                self.late += 1
                continue
            self._due = timestamp + ticks
            self._begun = True
            self._taken = packet.sequence, ticks
            return Frame(packet, -ahead)
        self._starved = True
        self._due += self._period
        return Gap(self._period, Hole.EMPTY if self._begun else Hole.BEFORE_START)

    def _missing(self, ahead: int, following: RtpPacket) -> Gap:
        """A gap before the packet that begins `ahead` ticks from what is due."""
        step = min(ahead, self._period)
        lost = False
        if self._taken is not None and self._begun:
            sequence, usual = self._taken
            lost = sequence_distance(following.sequence, sequence) > 1
            if lost:
                step = min(ahead, max(1, min(usual, self._longest_packet)))
        self._due = (self._due or 0) + step
        why = Hole.MISSING if self._begun else Hole.BEFORE_START
        return Gap(step, why, following if lost and step == ahead else None)
