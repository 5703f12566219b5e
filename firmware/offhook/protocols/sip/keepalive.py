"""CRLF keep-alive of one flow: when to ping, when the pong is missing (RFC 5626 §4.4, §4.4.1)."""

from __future__ import annotations

import enum
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness, fraction

UPPER_S: Final = 120.0
"""RFC 5626 §4.4.1's upper bound between two pings for a device on mains power."""
PONG_S: Final = 10.0
_SPREAD: Final = 0.2
_SHORTEST_S: Final = 5.0


class KeepAliveState(enum.Enum):
    """Where the supervision of one flow stands."""

    IDLE = "not started"
    QUIET = "between two pings"
    AWAITING = "ping sent, pong awaited"
    FAILED = "pong missing"


class Moment(enum.Enum):
    """What can happen to the supervision."""

    START = "flow opened"
    PING = "ping due"
    PONG = "pong received"
    SILENCE = "pong demanded and missing"
    EXCUSED = "pong missing, none demanded"


TRANSITIONS: Final = {
    (KeepAliveState.IDLE, Moment.START): KeepAliveState.QUIET,
    (KeepAliveState.QUIET, Moment.PING): KeepAliveState.AWAITING,
    (KeepAliveState.QUIET, Moment.PONG): KeepAliveState.QUIET,
    (KeepAliveState.AWAITING, Moment.PONG): KeepAliveState.QUIET,
    (KeepAliveState.AWAITING, Moment.SILENCE): KeepAliveState.FAILED,
    (KeepAliveState.AWAITING, Moment.EXCUSED): KeepAliveState.QUIET,
}
"""(state, moment) → next state; a pair that isn't here changes nothing."""


class KeepAlive:
    """Decides about one flow's pings; whoever owns the flow writes and reads the CRLFs.

    `upper_s` bounds the time between two pings; each interval is drawn from its upper fifth.
    Where `pong_required`, the first missing pong fails the flow. Otherwise the server is asked
    at once and held to its pongs only after it has sent one: some servers never answer a ping.

    Feed what was received before asking what is due: a pong that arrived together with the
    tenth second counts (RFC 5626 §4.4.1).
    """

    def __init__(
        self,
        randomness: Randomness,
        *,
        upper_s: float = UPPER_S,
        pong_s: float = PONG_S,
        pong_required: bool = True,
    ) -> None:
        if upper_s < _SHORTEST_S or pong_s <= 0:
            raise LocalError(f"pings every {upper_s} s with {pong_s} s for the pong are too dense")
        self._randomness = randomness
        self._configured_s = upper_s
        self._upper_s = upper_s
        self._pong_s = pong_s
        self._pong_required = pong_required
        self._supervised = pong_required
        self._state = KeepAliveState.IDLE
        self._due: float | None = None
        self._pinged_at = 0.0

    @property
    def state(self) -> KeepAliveState:
        """Where the supervision stands."""
        return self._state

    @property
    def failed(self) -> bool:
        """Whether a pong is missing: the flow must be closed."""
        return self._state is KeepAliveState.FAILED

    @property
    def supervised(self) -> bool:
        """Whether the next missing pong fails the flow."""
        return self._supervised

    def start(self, now: float) -> None:
        """A new flow is open: all that was known of the old one is forgotten."""
        self._upper_s = self._configured_s
        self._supervised = self._pong_required
        self._state = KeepAliveState.IDLE
        self._move(Moment.START)
        self._due = now + self._interval() if self._pong_required else now

    def flow_timer(self, seconds: int | None, now: float) -> None:
        """Follow the Flow-Timer of the last 2xx to REGISTER (RFC 5626 §4.4), None if it had none.

        A server that sends one promises pongs: from here on a missing one fails the flow.
        """
        if seconds is None or seconds <= 0:
            self._upper_s = self._configured_s
            return
        self._supervised = True
        self._upper_s = min(self._configured_s, max(float(seconds), _SHORTEST_S))
        if self._state is KeepAliveState.QUIET and self._due is not None:
            self._due = min(self._due, now + self._interval())

    def ping_due(self, now: float) -> bool:
        """Whether the owner must write a double CRLF now; True once for each ping.

        Also where a missing pong is noticed: look at `failed` afterwards.
        """
        if self._due is None or now < self._due:
            return False
        if self._state is KeepAliveState.AWAITING:
            if self._supervised:
                self._move(Moment.SILENCE)
                self._due = None
                return False
            self._move(Moment.EXCUSED)
            self._due = self._pinged_at + self._interval()
            return False
        self._move(Moment.PING)
        self._pinged_at = now
        self._due = now + self._pong_s
        return True

    def pong(self, now: float) -> None:
        """A single CRLF came in between two messages; a pong nobody asked for changes nothing."""
        if self._state is KeepAliveState.AWAITING:
            self._supervised = True
            self._due = max(now, self._pinged_at + self._interval())
        self._move(Moment.PONG)

    def deadline(self) -> float | None:
        """When to ask `ping_due` next; None before `start` and after the failure."""
        return self._due

    def _interval(self) -> float:
        return self._upper_s * (1.0 - _SPREAD * fraction(self._randomness))

    def _move(self, moment: Moment) -> None:
        self._state = TRANSITIONS.get((self._state, moment), self._state)
