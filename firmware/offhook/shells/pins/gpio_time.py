"""What pins do in time: a cadence with `now` passed in, and an alarm on the running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from offhook.base.errors import LocalError


class Cadence:
    """On, off, on, off … (ms), repeated, begun at `now` (s); one value is on for ever, none off.

    Raises LocalError for a time that isn't above 0.
    """

    __slots__ = ("_ends", "_lengths", "phase")

    def __init__(self, cadence_ms: tuple[int, ...], now: float) -> None:
        if any(length <= 0 for length in cadence_ms):
            raise LocalError(f"a cadence's times are above 0 ms: {cadence_ms}")
        self._lengths = tuple(length / 1000 for length in cadence_ms)
        self.phase = 0
        """Counts the times from 0, over all repetitions."""
        self._ends = now + self._lengths[0] if len(cadence_ms) > 1 else None

    @property
    def on(self) -> bool:
        """Whether it is on in this phase."""
        return bool(self._lengths) and self.phase % len(self._lengths) % 2 == 0

    def deadline(self) -> float | None:
        """When the phase ends (s)."""
        return self._ends

    def tick(self, now: float) -> None:
        """Let pass what has passed by now."""
        if self._ends is None or now < self._ends:
            return
        count, whole = len(self._lengths), sum(self._lengths)
        missed = int((now - self._ends) // whole)
        self.phase += missed * count
        self._ends += missed * whole
        while self._ends <= now:
            self.phase += 1
            self._ends += self._lengths[self.phase % count]


class Alarm:
    """Calls `act` on the running loop once a time on `clock` (s) has come."""

    __slots__ = ("_act", "_clock", "_handle")

    def __init__(self, clock: Callable[[], float], act: Callable[[], None]) -> None:
        self._clock, self._act = clock, act
        self._handle: asyncio.TimerHandle | None = None

    def set(self, due: float | None) -> None:
        """Ring at `due` and at no other time; None: not at all."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if due is not None:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_later(max(0.0, due - self._clock()), self._ring)

    def _ring(self) -> None:
        self._handle = None
        self._act()
