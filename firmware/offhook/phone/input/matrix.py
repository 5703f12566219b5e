"""A keypad of rows and columns: one row is driven low at a time, the columns are read.

While no key is down all rows are driven and nothing is read: the first key makes an edge on its
column, and scanning begins. It ends when every key has been up for its time.

*Rollover.* Any number of keys is told, each when it goes down and when it comes up, unless three of
them stand at corners of a rectangle: current then flows through them to the fourth corner, which is
seen closed though nobody presses it. Whenever all four corners of a rectangle may be closed, none
of the four is newly taken for pressed; those told before stay so, and the last one is told as soon
as the rectangle breaks. Two keys at once are both told, in the order in which they are believed;
those believed in one reading, in the order of the keypad.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.state_table import Table, step
from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.contact import Contact
from offhook.phone.input.times import HandsetTimes

LAYOUT_3X4: Final = ("123", "456", "789", "*0#")
LAYOUT_4X4: Final = ("123A", "456B", "789C", "*0#D")


@dataclass(frozen=True, slots=True)
class Drive:
    """What the keypad wishes of its pins: `rows` low, the other rows released (not driven high).

    All column levels are to be read once at `read_at` or soon after (s), and handed to `columns`;
    None: nothing is read, an edge of a column is waited for.
    """

    rows: tuple[str, ...]
    read_at: float | None


class ScanState(Enum):
    """What the keypad is doing."""

    LISTENING = "Listening"
    """All rows driven, an edge is waited for."""
    SCANNING = "Scanning"
    """Row after row."""
    CHECKING = "Checking"
    """All rows driven again, read once: a key that went down during the change made no edge."""


class ScanInput(Enum):
    """What the scan can meet."""

    EDGE = "column went low"
    CALM = "every key up"
    LOW = "a column is low"
    HIGH = "no column is low"


class ScanAction(Enum):
    """What a step does beside its change of state."""

    FIRST_ROW = "drive the first row"
    ALL_ROWS = "drive all rows"
    READ = "ask for a reading"
    WAIT = "wait for an edge"


_S, _I, _A = ScanState, ScanInput, ScanAction

_scan: Final = step(_S.SCANNING, _A.FIRST_ROW, _A.READ)

SCAN: Final[Table[ScanState, ScanInput, ScanAction]] = {
    (_S.LISTENING, _I.EDGE): _scan,
    (_S.SCANNING, _I.CALM): step(_S.CHECKING, _A.ALL_ROWS, _A.READ),
    (_S.CHECKING, _I.EDGE): _scan,
    (_S.CHECKING, _I.LOW): _scan,
    (_S.CHECKING, _I.HIGH): step(_S.LISTENING, _A.WAIT),
}
"""Rows follow each other within Scanning by time alone."""


class MatrixKeypad:
    """A keypad whose `layout` has a string of symbols for each row.

    `rows` and `columns` name its pins; columns are pulled up, a pressed key pulls its column low
    while its row is driven. Every row has to be read every 15 ms. Then bounce of up to 15 ms is
    never counted, and no press of 55 ms (75 ms while another key of its row is down) or pause of
    65 ms is missed: the key's time, bounce and two scans.
    Raises LocalError where layout and pins don't fit.
    """

    def __init__(
        self,
        layout: tuple[str, ...],
        rows: tuple[str, ...],
        columns: tuple[str, ...],
        times: HandsetTimes,
    ) -> None:
        if len(layout) != len(rows) or any(len(line) != len(columns) for line in layout):
            raise LocalError(f"{len(rows)} by {len(columns)} pins don't fit the keypad {layout}")
        self._layout, self._rows, self._columns = layout, rows, columns
        self._row_s = times.row_s
        self._crowd_s = max(0.0, times.crowd_s - times.key_closed_s)
        self._contacts = [
            [Contact(times.key_closed_s, times.key_open_s) for _ in columns] for _ in rows
        ]
        self._seen = [[False] * len(columns) for _ in rows]
        self._state = ScanState.CHECKING
        self._row = 0
        self._drive = Drive(rows, 0.0)
        self._events: deque[Key] = deque()

    @property
    def state(self) -> ScanState:
        """What the keypad is doing."""
        return self._state

    def drive(self) -> Drive:
        """What the pins shall do now; look again after every call."""
        return self._drive

    def deadline(self) -> float | None:
        """When the columns are to be read (s); a keypad has no timer but this."""
        return self._drive.read_at

    def receive(self, edge: Edge) -> None:
        """A column's level changed; what changes while rows change is the scan's own doing."""
        if not edge.high:
            self._take(ScanInput.EDGE, edge.at)

    def tick(self, now: float) -> None:
        """Nothing: this keypad goes on by readings alone."""

    def columns(self, levels: Mapping[str, bool], now: float) -> None:
        """The columns, read as `drive` wished: for each pin whether it is high."""
        if self._drive.read_at is None or now < self._drive.read_at:
            return
        low = [not levels[pin] for pin in self._columns]
        if self._state is ScanState.CHECKING:
            self._take(ScanInput.LOW if any(low) else ScanInput.HIGH, now)
            return
        self._seen[self._row] = low
        for column in range(len(self._columns)):
            self._sample(self._row, column, now)
        self._row += 1
        if self._row < len(self._rows):
            self._drive = Drive((self._rows[self._row],), now + self._row_s)
        elif self._is_calm():
            self._take(ScanInput.CALM, now)
        else:
            self._take_first_row(now)

    def next_event(self) -> Key | None:
        """The next key that went down or up, None when all are told."""
        return self._events.popleft() if self._events else None

    def _sample(self, row: int, column: int, now: float) -> None:
        contact, seen = self._contacts[row][column], self._seen[row][column]
        contact.edge(contact.closed if self._is_ambiguous(row, column) else seen, now)
        going_down = contact.seen_closed and not contact.closed
        longer_s = self._crowd_s if going_down and self._has_neighbour(row, column) else 0.0
        if contact.settle(now - longer_s):
            self._events.append(Key(self._layout[row][column], contact.closed))

    def _may_be_closed(self, row: int, column: int) -> bool:
        contact = self._contacts[row][column]
        return self._seen[row][column] or contact.closed or contact.left_at is not None

    def _is_ambiguous(self, row: int, column: int) -> bool:
        """Whether the four corners of some rectangle with this one may all be closed."""
        return self._may_be_closed(row, column) and any(
            self._may_be_closed(row, other_column)
            and self._may_be_closed(other_row, column)
            and self._may_be_closed(other_row, other_column)
            for other_row, other_column in product(
                range(len(self._rows)), range(len(self._columns))
            )
            if other_row != row and other_column != column
        )

    def _has_neighbour(self, row: int, column: int) -> bool:
        """Whether another key of this row may be down.

        A phantom is never seen without one, and its other two corners may bounce and be missed by
        a scan: such a key has to last for longer than bounce and a scan.
        """
        return any(
            self._may_be_closed(row, other)
            for other in range(len(self._columns))
            if other != column
        )

    def _is_calm(self) -> bool:
        return not any(
            self._may_be_closed(row, column)
            for row, column in product(range(len(self._rows)), range(len(self._columns)))
        )

    def _take(self, event: ScanInput, now: float) -> None:
        reached = SCAN.get((self._state, event))
        if reached is None:
            return
        self._state = reached.state
        if ScanAction.FIRST_ROW in reached.actions:
            self._take_first_row(now)
        else:
            read_at = now + self._row_s if ScanAction.READ in reached.actions else None
            self._drive = Drive(self._rows, read_at)

    def _take_first_row(self, now: float) -> None:
        self._row = 0
        self._drive = Drive((self._rows[0],), now + self._row_s)
