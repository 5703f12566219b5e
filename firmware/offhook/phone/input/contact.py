"""One contact without its bounce: a level counts once it has lasted.

A contact has two times, since its two changes differ in what a mistake costs. A level that lasts
shorter than its time is a spike and leaves no trace. A contact that bounces for B seconds can't be
counted twice if its two times together are longer than B: a false pair of changes would have to
fit both within the bounce.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from offhook.base.state_table import Table, step


class ContactState(Enum):
    """What is known of a contact, and what it seems to do meanwhile."""

    OPEN = "Open"
    CLOSING = "Closing"
    """Known open, seen closed."""
    REOPENED = "Reopened"
    """Known open, seen closed a moment ago and open again."""
    CLOSED = "Closed"
    OPENING = "Opening"
    """Known closed, seen open."""
    RECLOSED = "Reclosed"
    """Known closed, seen open a moment ago and closed again."""


class ContactInput(Enum):
    """What a contact can meet."""

    MAKES = "makes"
    BREAKS = "breaks"
    LASTS = "has lasted"


class ContactAction(Enum):
    """What a step does beside its change of state."""

    LEAVE = "note the first edge"
    WAIT_CLOSED = "wait the closed time"
    WAIT_OPEN = "wait the open time"
    REPORT_CLOSED = "report closed"
    REPORT_OPEN = "report open"
    FORGET = "forget the spike"


_S, _I, _A = ContactState, ContactInput, ContactAction

CONTACT: Final[Table[ContactState, ContactInput, ContactAction]] = {
    (_S.OPEN, _I.MAKES): step(_S.CLOSING, _A.LEAVE, _A.WAIT_CLOSED),
    (_S.CLOSING, _I.BREAKS): step(_S.REOPENED, _A.WAIT_OPEN),
    (_S.CLOSING, _I.LASTS): step(_S.CLOSED, _A.REPORT_CLOSED),
    (_S.REOPENED, _I.MAKES): step(_S.CLOSING, _A.WAIT_CLOSED),
    (_S.REOPENED, _I.LASTS): step(_S.OPEN, _A.FORGET),
    (_S.CLOSED, _I.BREAKS): step(_S.OPENING, _A.LEAVE, _A.WAIT_OPEN),
    (_S.OPENING, _I.MAKES): step(_S.RECLOSED, _A.WAIT_CLOSED),
    (_S.OPENING, _I.LASTS): step(_S.OPEN, _A.REPORT_OPEN),
    (_S.RECLOSED, _I.BREAKS): step(_S.OPENING, _A.WAIT_OPEN),
    (_S.RECLOSED, _I.LASTS): step(_S.CLOSED, _A.FORGET),
}
"""A contact on its way is told by its edges; `LASTS` is the one timer, started by each wait."""

_KNOWN_CLOSED: Final = frozenset({_S.CLOSED, _S.OPENING, _S.RECLOSED})
_SEEN_CLOSED: Final = frozenset({_S.CLOSED, _S.CLOSING, _S.RECLOSED})
_CALM: Final = frozenset({_S.OPEN, _S.CLOSED})


class Contact:
    """One contact, open at first. `closed_s` and `open_s`: how long each level must last (s).

    Hand an edge in only after `settle` has been asked up to the edge's time.
    """

    __slots__ = ("_closed_s", "_due", "_open_s", "_since", "changed_at", "state")

    def __init__(self, closed_s: float, open_s: float) -> None:
        self.state = ContactState.OPEN
        self.changed_at = 0.0
        """When the last change that was reported began: its first edge (s)."""
        self._closed_s = closed_s
        self._open_s = open_s
        self._since = 0.0
        self._due: float | None = None

    @property
    def closed(self) -> bool:
        """The level that is known."""
        return self.state in _KNOWN_CLOSED

    @property
    def seen_closed(self) -> bool:
        """The level that the last edge left."""
        return self.state in _SEEN_CLOSED

    @property
    def left_at(self) -> float | None:
        """The first edge away from the known level (s), None while the contact is calm."""
        return None if self.state in _CALM else self._since

    def edge(self, closed: bool, at: float) -> None:
        """The contact was seen closed or open at that time; seen unchanged changes nothing."""
        if closed != self.seen_closed:
            self._take(ContactInput.MAKES if closed else ContactInput.BREAKS, at)

    def settle(self, now: float) -> bool:
        """Let a level that has lasted count; whether the known level changed by it."""
        if self._due is None or now < self._due:
            return False
        known = self.closed
        self._take(ContactInput.LASTS, self._due)
        return self.closed != known

    def deadline(self) -> float | None:
        """When to ask `settle` next; None while the contact is calm."""
        return self._due

    def _take(self, event: ContactInput, at: float) -> None:
        reached = CONTACT[self.state, event]
        self.state = reached.state
        for action in reached.actions:
            match action:
                case ContactAction.LEAVE:
                    self._since = at
                case ContactAction.WAIT_CLOSED:
                    self._due = at + self._closed_s
                case ContactAction.WAIT_OPEN:
                    self._due = at + self._open_s
                case ContactAction.REPORT_CLOSED | ContactAction.REPORT_OPEN:
                    self.changed_at = self._since
                    self._due = None
                case ContactAction.FORGET:
                    self._due = None
