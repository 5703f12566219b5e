"""State machines as data: RFC 3261's figures are tables, each with one timer at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

from offhook.base.state_table import A, E, S, Step, Table, render, step

__all__ = ["A", "E", "S", "Step", "Table", "TimedMachine", "render", "step"]


class TimedMachine(Generic[S, E, A]):
    """A state that follows a table, with one timer that actions start and stop.

    `timers` tells for each starting action the event that the timer will be and its length (s); a
    timer of zero seconds fires within the step that starts it. `deadline` is the running timer's
    time, or None.
    """

    __slots__ = ("_expiry", "_stops", "_table", "_timers", "deadline", "state")

    def __init__(
        self,
        table: Table[S, E, A],
        initial: S,
        timers: Mapping[A, tuple[E, float]],
        stops: A,
    ) -> None:
        self.state = initial
        self.deadline: float | None = None
        self._table = table
        self._timers = timers
        self._stops = stops
        self._expiry: E | None = None

    def handle(self, event: E, now: float) -> tuple[A, ...]:
        """Take the table's step; return its actions, and those of a timer that fired in it.

        A pair of state and event that the table doesn't hold changes nothing.
        """
        reached = self._table.get((self.state, event))
        if reached is None:
            return ()
        self.state = reached.state
        for action in reached.actions:
            started = self._timers.get(action)
            if started is not None:
                self._expiry, length = started
                self.deadline = now + length
            elif action is self._stops:
                self.deadline = None
        return reached.actions + self.expire(now)

    def expire(self, now: float) -> tuple[A, ...]:
        """Let the running timer fire if its time has come; return the actions of that step."""
        if self.deadline is None or self._expiry is None or now < self.deadline:
            return ()
        self.deadline = None
        return self.handle(self._expiry, now)
