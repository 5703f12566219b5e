"""A playout buffer ordered by RTP timestamp (RFC 3550 §6.4.4, RFC 3551 §4.1 on talkspurts).

`due` is the timestamp of the next sample to be played. It advances by what each pull takes, so
the sound's clock drives it, and no clock of the sender has to be known. A packet's *slack* is how
long before its time it comes; the delay begins at `delay_ms`, grows where slack is missing, and
shrinks again, never below `delay_ms`, where for a while more was left than needed.
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
MAX_PACKETS: Final = 64

LOOK_EVERY: Final = 25
"""Packets between two looks at whether the delay is too short."""
WINDOW: Final = 100
"""Packets whose slack is looked at: 2 s of 20 ms frames."""
MAY_BE_LATE: Final = 2
"""Packets of a window that the delay need not wait for."""
SHRINK_BY: Final = 3
"""Packets left out at most, before it is looked again."""
PATIENCE: Final = {1: 250, 2: 50, 3: 10}
"""Frames for which a shorter delay waits for a pause, by the packets that are too many."""
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
    """`samples` for which nothing was there."""

    samples: int
    why: Hole


@dataclass(frozen=True, slots=True)
class Frame:
    """A packet whose samples are due, less the first `skip` which came too late."""

    packet: RtpPacket
    skip: int = 0


class JitterBuffer:
    """Holds packets until their samples are due. Counts are of packets."""

    def __init__(self, clock_rate: int, delay_ms: int = DEFAULT_DELAY_MS) -> None:
        self._target = delay_ms * clock_rate // 1000
        self._maximum = max(MAX_DELAY_MS, 2 * delay_ms) * clock_rate // 1000
        self._period = clock_rate // 50
        self.late = self.duplicates = self.dropped = self.shortened = 0
        self.reset()

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
        self._slacks: list[int] = []
        self._grow = 0
        self._shrink = self._waited = 0

    @property
    def held_samples(self) -> int:
        """From the sample that is due to the end of the newest packet held."""
        if not self._held or self._due is None:
            return 0
        timestamp, _, samples, _ = max(self._held)
        return max(0, timestamp + samples - self._due)

    def push(self, packet: RtpPacket, samples: int) -> Fate:
        """Take a packet of `samples` samples."""
        timestamp = self._extend(packet)
        if timestamp in self._timestamps:
            self.duplicates += 1
            return Fate.DUPLICATE
        newest = self._last is None or sequence_distance(packet.sequence, self._last[0]) > 0
        if self._due is None:
            self._restart(timestamp)
        slack = timestamp - (self._due or 0)
        if newest and not -self._maximum <= slack <= self._maximum:
            self._restart(timestamp)
        else:
            self._judge(slack, samples)
            if slack + samples <= 0 and not self._take_late(timestamp, newest=newest):
                return Fate.LATE
        if newest:
            self._last = (packet.sequence, timestamp)
        heapq.heappush(self._held, (timestamp, packet.sequence, samples, packet))
        self._timestamps.add(timestamp)
        self._late_in_a_row = 0
        self._starved = False
        self._bound()
        return Fate.KEPT

    def spare(self, *, quiet: bool) -> bool:
        """Whether the frame just pulled is to be left out, so that the delay gets shorter.

        That is done where the frame is `quiet`; if none is for a while, then anyway.
        """
        if not self._shrink:
            return False
        self._waited += 1
        if not quiet and self._waited < PATIENCE[self._shrink]:
            return False
        self._shrink -= 1
        self._waited = 0
        self.shortened += 1
        return True

    def _extend(self, packet: RtpPacket) -> int:
        if self._last is None:
            return packet.timestamp
        return self._last[1] + timestamp_distance(packet.timestamp, self._last[1] & 0xFFFFFFFF)

    def _judge(self, slack: int, samples: int) -> None:
        """Learn from a packet's slack whether the delay should be another."""
        slacks = self._slacks
        slacks.append(slack)
        if len(slacks) % LOOK_EVERY:
            return
        least = sorted(slacks)[MAY_BE_LATE]
        if least < 0:
            self._grow = min(-least, self._maximum)
            slacks.clear()
        elif len(slacks) >= WINDOW:
            # A period more than the target is no surplus: it depends on whether packets happen
            # to come just before a pull or just after.
            surplus = max(0, least - self._target - self._period)
            self._shrink = min(SHRINK_BY, surplus // max(1, samples))
            slacks.clear()

    def _take_late(self, timestamp: int, *, newest: bool) -> bool:
        """Whether a packet whose time is over is played all the same, the delay growing."""
        if newest and self._starved:
            self._due = timestamp
            self._slacks.clear()
            self._grow = 0
            return True
        self.late += 1
        self._late_in_a_row += 1
        if newest and self._late_in_a_row >= RESYNC_AFTER:
            self._restart(timestamp)
            return True
        return False

    def _bound(self) -> None:
        while len(self._held) > MAX_PACKETS or self.held_samples > self._maximum + self._target:
            timestamp, samples, _ = self._pop()
            self.dropped += 1
            self._due = max(self._due or 0, timestamp + samples)

    def _pop(self) -> tuple[int, int, RtpPacket]:
        timestamp, _, samples, packet = heapq.heappop(self._held)
        self._timestamps.discard(timestamp)
        return timestamp, samples, packet

    def pull(self) -> Frame | Gap:
        """What is to be played next: a packet, or a gap of at most 20 ms."""
        if self._due is None:
            return Gap(self._period, Hole.BEFORE_START)
        if self._grow and self._begun:
            step = min(self._grow, self._period)
            self._grow -= step
            return Gap(step, Hole.GROWING)
        while self._held:
            ahead = self._held[0][0] - self._due
            if ahead > 0:
                step = min(ahead, self._period)
                self._due += step
                return Gap(step, Hole.MISSING if self._begun else Hole.BEFORE_START)
            timestamp, samples, packet = self._pop()
            if ahead + samples <= 0:
                self.late += 1
                continue
            self._due = timestamp + samples
            self._begun = True
            return Frame(packet, -ahead)
        self._starved = True
        self._due += self._period
        return Gap(self._period, Hole.EMPTY if self._begun else Hole.BEFORE_START)
