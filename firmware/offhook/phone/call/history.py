"""Who was called and who called: bounded, frozen, and kept as a plain document.

What arrives names itself; nothing here proves it. Emergency numbers are not entered by the line,
so that a redial never calls one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from offhook.base.errors import LocalError

LONGEST_LIST = 20
"""Entries of each list; the oldest is forgotten first."""
LONGEST_NUMBER = 128
"""Characters of a number or name; the rest is cut."""
MOST_TIMES = 99


@dataclass(frozen=True, slots=True)
class Entry:
    """One other party. `at` is Unix seconds, None where the clock wasn't known."""

    number: str
    """A number or name; empty: withheld."""
    at: float | None = None
    times: int = 1
    """How often in a row."""


@dataclass(frozen=True, slots=True)
class History:
    """Three lists, the latest entry first."""

    dialled: tuple[Entry, ...] = ()
    callers: tuple[Entry, ...] = ()
    """Everyone who called, answered or not."""
    missed: tuple[Entry, ...] = ()
    """Who called in vain since the person last asked."""

    def with_dialled(self, number: str, at: float | None = None) -> History:
        """After the person has dialled `number`."""
        return replace(self, dialled=_entered(self.dialled, number, at))

    def with_caller(self, number: str, at: float | None = None) -> History:
        """After somebody has called."""
        return replace(self, callers=_entered(self.callers, number, at))

    def with_missed(self, number: str, at: float | None = None) -> History:
        """After a call was not answered here."""
        return replace(self, missed=_entered(self.missed, number, at))

    def with_missed_heard(self) -> History:
        """After the person was told of the missed calls."""
        return replace(self, missed=())

    @property
    def last_dialled(self) -> str | None:
        """The number dialled last."""
        return self.dialled[0].number if self.dialled else None

    @property
    def last_caller(self) -> Entry | None:
        """Who called last."""
        return self.callers[0] if self.callers else None

    @property
    def missed_count(self) -> int:
        """How many calls were missed, repeated ones counted."""
        return sum(each.times for each in self.missed)

    def to_document(self) -> dict[str, list[dict[str, object]]]:
        """Strings, numbers and lists, for a store."""
        return {name: [_written(each) for each in getattr(self, name)] for name in _LISTS}

    @classmethod
    def from_document(cls, document: object) -> History:
        """The reverse of `to_document`. Raises LocalError for anything else."""
        if not isinstance(document, Mapping) or set(document) - set(_LISTS):
            raise LocalError("a call history is a table of " + ", ".join(_LISTS))
        return cls(*(_list(document.get(name, [])) for name in _LISTS))


_LISTS = ("dialled", "callers", "missed")


def _entered(entries: tuple[Entry, ...], number: str, at: float | None) -> tuple[Entry, ...]:
    number = number[:LONGEST_NUMBER]
    if entries and entries[0].number == number:
        again = min(entries[0].times + 1, MOST_TIMES)
        return (Entry(number, at, again), *entries[1:])
    return (Entry(number, at), *entries)[:LONGEST_LIST]


def _written(entry: Entry) -> dict[str, object]:
    written: dict[str, object] = {"number": entry.number, "times": entry.times}
    return written if entry.at is None else {**written, "at": entry.at}


def _list(raw: object) -> tuple[Entry, ...]:
    if not isinstance(raw, list) or len(raw) > LONGEST_LIST:
        raise LocalError(f"a list of a call history has at most {LONGEST_LIST} entries")
    return tuple(_entry(each) for each in raw)


def _entry(raw: object) -> Entry:
    if isinstance(raw, Mapping):
        number, at, times = raw.get("number"), raw.get("at"), raw.get("times", 1)
        if (
            isinstance(number, str)
            and len(number) <= LONGEST_NUMBER
            and type(times) is int
            and 1 <= times <= MOST_TIMES
            and (at is None or (type(at) in {int, float} and math.isfinite(at)))
        ):
            return Entry(number, None if at is None else float(at), int(times))
    raise LocalError("an entry of a call history has a number, a time and a count")
