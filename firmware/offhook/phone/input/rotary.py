"""The dial: pulses while it runs back become one digit.

Two contacts: *nsi* opens once for each pulse, *nsa* is closed while the dial is away from rest. A
dial makes 7 to 12 pulses a second, open for 47 to 80 ms and closed for 30 to 55 ms of each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import Enum
from typing import Final

from offhook.base.state_table import Table, step
from offhook.phone.input.contact import Contact
from offhook.phone.input.events import RotaryDigit
from offhook.phone.input.times import HandsetTimes

DIGIT_MAPS: Final[Mapping[str, str]] = {
    "international": "1234567890",
    "new-zealand": "9876543210",
    "sweden": "0123456789",
}
"""The digit for one pulse, two pulses …, ten. The map is the dial's, not the network's."""


class DialState(Enum):
    """How far a turn of the dial has come."""

    REST = "Rest"
    AWAY = "Away"
    """Off rest, no pulse yet."""
    COUNTING = "Counting"
    VOID = "Void"
    """After a fault: nothing counts before rest or silence."""


class DialInput(Enum):
    """What a dial can meet, bounce taken away."""

    LEFT = "left rest"
    BROKE = "pulse"
    SILENT = "no more pulses"
    STUCK = "pulse without end"
    RETURNED = "back at rest"


class DialAction(Enum):
    """What a step does beside its change of state."""

    CLEAR = "clear count"
    COUNT = "count"
    REPORT = "report digit"
    STOP_PAUSE = "stop pause timer"
    START_PAUSE = "start pause timer"


_S, _I, _A = DialState, DialInput, DialAction

_digit: Final = (_A.STOP_PAUSE, _A.REPORT)

DIAL: Final[Table[DialState, DialInput, DialAction]] = {
    (_S.REST, _I.LEFT): step(_S.AWAY, _A.CLEAR),
    (_S.AWAY, _I.BROKE): step(_S.COUNTING, _A.COUNT, _A.START_PAUSE),
    (_S.AWAY, _I.RETURNED): step(_S.REST),
    (_S.COUNTING, _I.BROKE): step(_S.COUNTING, _A.COUNT, _A.START_PAUSE),
    (_S.COUNTING, _I.SILENT): step(_S.AWAY, *_digit, _A.CLEAR),
    (_S.COUNTING, _I.STUCK): step(_S.VOID, _A.START_PAUSE),
    (_S.COUNTING, _I.RETURNED): step(_S.REST, *_digit),
    (_S.VOID, _I.BROKE): step(_S.VOID, _A.START_PAUSE),
    (_S.VOID, _I.STUCK): step(_S.VOID, _A.START_PAUSE),
    (_S.VOID, _I.SILENT): step(_S.AWAY, _A.STOP_PAUSE, _A.CLEAR),
    (_S.VOID, _I.RETURNED): step(_S.REST, _A.STOP_PAUSE),
}
"""A dial without nsa, or with an nsa that sticks, ends its digits by silence alone."""


class RotaryDial:
    """A dial at rest at first. `digits` is a value of `DIGIT_MAPS`.

    Without `has_rest_contact` the dial counts as away from rest for ever. Eleven pulses and more
    are no digit and aren't told. A dial that a finger holds back for longer than the pause makes
    two digits, as it would at an exchange.
    """

    def __init__(self, times: HandsetTimes, digits: str, *, has_rest_contact: bool = True) -> None:
        self._break = Contact(closed_s=times.pulse_s, open_s=times.pulse_s)
        """Closed here means that nsi is open."""
        self._away = Contact(closed_s=times.dial_away_s, open_s=times.dial_rest_s)
        self._pause_s = times.pulse_pause_s
        self._digits = digits
        self._pulses = 0
        self._pause_end: float | None = None
        self._state = DialState.REST
        self._has_rest_contact = has_rest_contact
        self._events: deque[RotaryDigit] = deque()
        if not has_rest_contact:
            self._take(DialInput.LEFT, 0.0)

    @property
    def state(self) -> DialState:
        """How far the turn has come."""
        return self._state

    def pulse_edge(self, closed: bool, at: float) -> None:
        """The pulse contact was seen closed or open at that time (s)."""
        self.tick(at)
        self._break.edge(not closed, at)
        self.tick(at)

    def rest_edge(self, closed: bool, at: float) -> None:
        """The rest contact was seen closed (off rest) or open at that time (s)."""
        self.tick(at)
        self._away.edge(closed, at)
        self.tick(at)

    def tick(self, now: float) -> None:
        """Let pass what was due by now, in its order."""
        while (due := self.deadline()) is not None and due <= now:
            if self._break.settle(due):
                if self._break.closed:
                    self._take(DialInput.BROKE, self._break.changed_at)
            elif self._away.settle(due):
                self._take(DialInput.LEFT if self._away.closed else DialInput.RETURNED, due)
            elif due == self._pause_end:
                self._take(DialInput.STUCK if self._break.closed else DialInput.SILENT, due)

    def deadline(self) -> float | None:
        """When to tick next (s)."""
        dues = (self._break.deadline(), self._away.deadline(), self._pause_end)
        return min((due for due in dues if due is not None), default=None)

    def next_event(self) -> RotaryDigit | None:
        """The next digit, None when all are told."""
        return self._events.popleft() if self._events else None

    def _take(self, event: DialInput, at: float) -> None:
        reached = DIAL.get((self._state, event))
        if reached is None:
            return
        self._state = reached.state
        for action in reached.actions:
            match action:
                case DialAction.CLEAR:
                    self._pulses = 0
                case DialAction.COUNT:
                    self._pulses += 1
                case DialAction.START_PAUSE:
                    self._pause_end = at + self._pause_s
                case DialAction.STOP_PAUSE:
                    self._pause_end = None
                case DialAction.REPORT if self._pulses <= len(self._digits):
                    self._events.append(RotaryDigit(self._digits[self._pulses - 1]))
                case _:
                    pass
