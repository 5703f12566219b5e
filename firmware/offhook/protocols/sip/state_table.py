"""State machines as data: RFC 3261's figures are tables, and the figures are drawn from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
A = TypeVar("A", bound=Enum)


@dataclass(frozen=True, slots=True)
class Step(Generic[S, A]):
    """What happens on one event in one state: `actions` in order, then `state`."""

    state: S
    actions: tuple[A, ...] = ()


Table: TypeAlias = Mapping[tuple[S, E], Step[S, A]]


def step(state: S, *actions: A) -> Step[S, A]:
    """A table's right-hand side: go to `state` after `actions`."""
    return Step(state, actions)


def render(table: Table[S, E, A]) -> str:
    """The table as a Mermaid `stateDiagram-v2`, one line for each entry in the table's order."""
    lines = ["stateDiagram-v2"]
    for (state, event), reached in table.items():
        actions = ", ".join(action.value for action in reached.actions) or "nothing"
        lines.append(f"    {state.value} --> {reached.state.value} : {event.value} / {actions}")
    return "\n".join(lines) + "\n"


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
