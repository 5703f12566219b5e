"""A model of fingers and contacts: presses with bounce, keypads through which current strays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Protocol, TypeVar

from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.matrix import MatrixKeypad

MS = 0.001
LONGEST_BOUNCE_S = 0.015

Change = tuple[float, bool]
"""When a contact was closed (True) or opened."""

E_co = TypeVar("E_co", covariant=True)


class Reporting(Protocol[E_co]):
    def next_event(self) -> E_co | None: ...


def chance(seed: int | str) -> Random:
    """Fingers that do the same again for the same seed."""
    return Random(seed)  # noqa: S311 (fingers, not keys)


def told(machine: Reporting[E_co]) -> list[E_co]:
    events = []
    while (event := machine.next_event()) is not None:
        events.append(event)
    return events


def bounce(rng: Random, at: float, closed: bool, length_s: float | None = None) -> list[Change]:
    """A change to `closed` at that time, with up to six false pairs within 1 to 15 ms."""
    length = rng.uniform(MS, LONGEST_BOUNCE_S) if length_s is None else length_s
    times = sorted(at + rng.uniform(0.0, length) for _ in range(2 * rng.randint(0, 6)))
    levels = [closed] + [closed if index % 2 else not closed for index in range(len(times))]
    return list(zip([at, *times], levels, strict=True))


def press(rng: Random, at: float, lasts_s: float) -> list[Change]:
    """A contact closed from `at` on for `lasts_s`, bouncing at both ends."""
    return bounce(rng, at, closed=True) + bounce(rng, at + lasts_s, closed=False)


def spike(at: float, lasts_s: float) -> list[Change]:
    return [(at, True), (at + lasts_s, False)]


def in_order(changes: Iterable[Change]) -> list[Change]:
    ordered = sorted(changes, key=lambda change: change[0])
    assert all(one[0] <= other[0] for one, other in pairwise(ordered))
    return ordered


@dataclass(frozen=True)
class Press:
    key: str
    at: float
    lasts_s: float


class Keypad:
    """A keypad without diodes, and the shell that drives and reads it.

    Every reading comes `late(rng)` seconds after its time.
    """

    def __init__(
        self,
        machine: MatrixKeypad,
        layout: Sequence[str],
        rows: Sequence[str],
        columns: Sequence[str],
        late: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._machine, self._rows, self._columns, self._late = machine, rows, columns, late
        self._places = {
            symbol: (rows[row], columns[column])
            for row, line in enumerate(layout)
            for column, symbol in enumerate(line)
        }
        self._closed: set[tuple[str, str]] = set()
        self._levels = dict.fromkeys(columns, True)
        self.readings = 0
        self.told: list[Key] = []

    def run(self, changes: Iterable[tuple[float, str, bool]], until: float) -> list[Key]:
        """Let these keys close and open; return what the machine told."""
        pending = sorted(changes, key=lambda change: change[0])
        pending.append((until, "", False))
        for at, symbol, closed in pending:
            self._read_until(at)
            if symbol:
                place = self._places[symbol]
                self._closed = self._closed | {place} if closed else self._closed - {place}
                self._follow(at)
        return self.told

    def _read_until(self, end: float) -> None:
        while (due := self._machine.deadline()) is not None:
            at = due + self._late()
            if at >= end:
                return
            self._machine.columns(self._current(), at)
            self.readings += 1
            self.told += told(self._machine)
            self._follow(at)

    def _follow(self, at: float) -> None:
        """Hand in the edges that keys or newly driven rows make on the columns."""
        while (levels := self._current()) != self._levels:
            before, self._levels = self._levels, levels
            for pin in self._columns:
                if levels[pin] != before[pin]:
                    self._machine.receive(Edge(pin, levels[pin], at))

    def _current(self) -> dict[str, bool]:
        """The columns' levels: low is whatever closed keys connect with a driven row."""
        low = set(self._machine.drive().rows)
        grown = True
        while grown:
            more = {pin for place in self._closed if set(place) & low for pin in place}
            grown = not more <= low
            low |= more
        return {pin: pin not in low for pin in self._columns}


def of_key(events: Iterable[Key], symbol: str) -> list[bool]:
    return [event.pressed for event in events if event.symbol == symbol]
