"""When a ZRTP message is sent again, and when it is given up (RFC 6189 §6). Times in s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Schedule:
    """`repeats` times after intervals that begin with `first` and double up to `cap`."""

    first: float
    cap: float
    repeats: int


HELLO: Final = Schedule(0.05, 0.2, 20)
"""T1: 3.75 s in all, and one interval more until it is given up."""
HELLO_KNOWN: Final = Schedule(0.05, 0.2, 62)
"""The same where the other side is known to speak ZRTP: 12 s."""
MESSAGE: Final = Schedule(0.15, 1.2, 10)
"""T2."""
RESPONDER: Final = Schedule(10.0, 10.0, 0)
"""A responder repeats nothing of itself; it gives up."""
AWAITING_HELLO: Final = Schedule(12.0, 12.0, 0)
"""Our Hello was acknowledged; theirs is still to come."""


class Timer:
    """The one timer of a stream."""

    __slots__ = ("_interval", "_left", "_schedule", "deadline")

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._schedule = HELLO
        self._interval = 0.0
        self._left = 0

    @property
    def slowed(self) -> bool:
        """Whether it was due before, so that its next interval is longer than its first."""
        return self._interval > self._schedule.first

    def start(self, schedule: Schedule, now: float) -> None:
        """Run from its beginning."""
        self._schedule = schedule
        self._interval = schedule.first
        self._left = schedule.repeats
        self.deadline = now + schedule.first

    def stop(self) -> None:
        """Be no longer due."""
        self.deadline = None

    def prolong(self, schedule: Schedule) -> None:
        """Go on as long as `schedule` allows, at the pace that was reached."""
        self._left += max(0, schedule.repeats - self._schedule.repeats)
        self._schedule = schedule

    def due(self, now: float) -> bool | None:
        """None while it is not due; then True to send again, False to give up."""
        if self.deadline is None or now < self.deadline:
            return None
        if not self._left:
            self.deadline = None
            return False
        self._left -= 1
        self._interval = min(2 * self._interval, self._schedule.cap)
        self.deadline += self._interval
        if self.deadline <= now:
            # A caller that slept long sends once, not once for each interval it missed.
            self.deadline = now + self._interval
        return True
