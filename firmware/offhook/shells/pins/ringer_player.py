"""When the bell may sound: a cadence within the limits of its profile, with `now` passed in (s).

Three laws hold for whatever is asked of it, as long as it is ticked by its deadlines: it never
sounds for longer than `longest_on_ms`; once silent it rests for `REST_S`; and in no window of
`window_s` it sounds for more than `share_percent`. A tick that comes late is charged to the share.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from offhook.base.schema.hardware_profile_parts import RingerLimits
from offhook.shells.pins.gpio_time import Cadence

REST_S: Final = 0.1
"""Assumed: the shortest silence that counts as one."""
ROUNDING_S: Final = 1e-6
FINEST_S: Final = 0.01
SHORTEST_S: Final = 0.05
"""Less than this of the share left over isn't begun with."""


class RingPlayer:
    """Silent at first."""

    def __init__(self, limits: RingerLimits) -> None:
        self._longest_s = limits.longest_on_ms / 1000
        self._window_s = float(limits.window_s)
        self._budget_s = limits.window_s * limits.share_percent / 100
        self._cadence: Cadence | None = None
        self._past: deque[tuple[float, float]] = deque()
        self._since: float | None = None
        self._begun_in = -1
        """The phase in which it last began to sound, or was kept from it."""
        self._rested_at = 0.0

    @property
    def sounding(self) -> bool:
        """Whether the bell is to sound now."""
        return self._since is not None

    def start(self, cadence_ms: tuple[int, ...], now: float) -> None:
        """Ring with this cadence from its beginning."""
        self.stop(now)
        self._cadence, self._begun_in = Cadence(cadence_ms, now), -1
        self.tick(now)

    def stop(self, now: float) -> None:
        """Fall silent."""
        self._silence(now)
        self._cadence = None

    def tick(self, now: float) -> None:
        """Let pass what has passed by now."""
        if self._cadence is None:
            return
        self._cadence.tick(now)
        phase, on = self._cadence.phase, self._cadence.on
        if self._since is not None:
            if not on or phase != self._begun_in or self._left_s(now) < ROUNDING_S:
                self._silence(now)
        elif on and phase != self._begun_in and now >= self._rested_at:
            self._begun_in = phase
            if self._left_s(now) >= SHORTEST_S:
                self._since = now

    def deadline(self, now: float) -> float | None:
        """When to tick next (s)."""
        if self._cadence is None:
            return None
        dues = [self._cadence.deadline()]
        if self._since is not None:
            dues.append(now + self._left_s(now))
        elif self._cadence.on and self._cadence.phase != self._begun_in:
            dues.append(self._rested_at)
        return min((due for due in dues if due is not None), default=None)

    def _silence(self, now: float) -> None:
        if self._since is not None:
            self._past.append((self._since, now))
            self._since, self._rested_at = None, now + REST_S

    def _left_s(self, now: float) -> float:
        """For how long it may sound from now on at least."""
        while self._past and self._past[0][1] <= now - self._window_s:
            self._past.popleft()
        since = now if self._since is None else self._since
        used = now - max(since, now - self._window_s)
        used += sum(end - max(start, now - self._window_s) for start, end in self._past)
        share = self._budget_s - used
        if self._since is not None and share < FINEST_S:
            # A share that frees itself as fast as it is used would ask for tick after tick.
            share = 0.0
        return min(self._longest_s - (now - since), share)
