"""The keypad of a 2500 set: a switch for each row and each column, one key closes two of them.

Two keys at once close three or four switches, which names no single key: nothing new is told until
one row and one column are left. A key that was told before is let go when one of its two opens.
"""

from __future__ import annotations

from collections import deque

from offhook.base.errors import LocalError
from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.contact import Contact
from offhook.phone.input.matrix import Drive
from offhook.phone.input.times import HandsetTimes


class SwitchKeypad:
    """A keypad of row and column switches, each pulled up and closed to ground ("2 of 7").

    A row and a column name a key once the seven have been the same for `crowd_s`: the two switches
    of one key need not change together, so in between one of an old key can stand beside one of a
    new one. Raises LocalError where layout and pins don't fit.
    """

    def __init__(
        self,
        layout: tuple[str, ...],
        rows: tuple[str, ...],
        columns: tuple[str, ...],
        times: HandsetTimes,
    ) -> None:
        if len(layout) != len(rows) or any(len(line) != len(columns) for line in layout):
            raise LocalError(f"{len(rows)} and {len(columns)} pins don't fit the keypad {layout}")
        self._rows, self._columns = rows, columns
        self._keys = {
            (row, column): symbol
            for row, line in zip(rows, layout, strict=True)
            for column, symbol in zip(columns, line, strict=True)
        }
        self._contacts = {
            pin: Contact(times.key_closed_s, times.key_open_s) for pin in (*rows, *columns)
        }
        self._alike_s = times.crowd_s
        self._alike_until: float | None = None
        self._told: tuple[str, str] | None = None
        self._events: deque[Key] = deque()

    def drive(self) -> Drive | None:
        """Nothing is driven."""
        return None

    def receive(self, edge: Edge) -> None:
        """The level of a row's or a column's pin changed."""
        self.tick(edge.at)
        self._contacts[edge.pin].edge(not edge.high, edge.at)
        self.tick(edge.at)

    def tick(self, now: float) -> None:
        """Let pass what was due by now, in its order."""
        while (due := self.deadline()) is not None and due <= now:
            if any(contact.settle(due) for contact in self._contacts.values()):
                self._let_go()
                self._alike_until = due + self._alike_s
            elif due == self._alike_until:
                self._alike_until = None
                self._press()

    def deadline(self) -> float | None:
        """When to tick next (s)."""
        dues = [contact.deadline() for contact in self._contacts.values()]
        return min((due for due in (*dues, self._alike_until) if due is not None), default=None)

    def next_event(self) -> Key | None:
        """The next key that went down or up, None when all are told."""
        return self._events.popleft() if self._events else None

    def _let_go(self) -> None:
        if self._told and not all(self._contacts[pin].closed for pin in self._told):
            self._events.append(Key(self._keys[self._told], pressed=False))
            self._told = None

    def _press(self) -> None:
        rows = [pin for pin in self._rows if self._contacts[pin].closed]
        columns = [pin for pin in self._columns if self._contacts[pin].closed]
        if self._told is None and len(rows) == len(columns) == 1:
            self._told = (rows[0], columns[0])
            self._events.append(Key(self._keys[self._told]))
