"""State machines as data: a figure is a table, and the figure is drawn from it."""

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
"""A pair of state and event that a table doesn't hold changes nothing."""


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
