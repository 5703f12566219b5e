"""The hook: lifted, laid down, or flashed."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final

from offhook.base.state_table import Table, step
from offhook.phone.input.contact import Contact
from offhook.phone.input.events import Flash, HookDown, HookUp
from offhook.phone.input.flash import FlashWindow


class HookState(Enum):
    """Where the handset is, as far as can be told yet."""

    DOWN = "Down"
    UP = "Up"
    PRESSED = "Pressed"
    """Down for a moment: a flash or a hanging up."""


class HookInput(Enum):
    """What a hook can meet, bounce taken away."""

    LIFTED = "lifted"
    PRESSED = "pressed"
    SHORT = "let go before the window"
    WITHIN = "let go within the window"
    LASTED = "window over"


class HookAction(Enum):
    """What a step does beside its change of state."""

    OPEN_WINDOW = "open window"
    CLOSE_WINDOW = "close window"
    REPORT_UP = "report HookUp"
    REPORT_DOWN = "report HookDown"
    REPORT_FLASH = "report Flash"


_S, _I, _A = HookState, HookInput, HookAction

HOOK: Final[Table[HookState, HookInput, HookAction]] = {
    (_S.DOWN, _I.LIFTED): step(_S.UP, _A.REPORT_UP),
    (_S.UP, _I.PRESSED): step(_S.PRESSED, _A.OPEN_WINDOW),
    (_S.PRESSED, _I.SHORT): step(_S.UP, _A.CLOSE_WINDOW),
    (_S.PRESSED, _I.WITHIN): step(_S.UP, _A.CLOSE_WINDOW, _A.REPORT_FLASH),
    (_S.PRESSED, _I.LASTED): step(_S.DOWN, _A.CLOSE_WINDOW, _A.REPORT_DOWN),
}


class Hook:
    """The hook switch, at first down. `up_s`, `down_s`: how long each place must last (s).

    Without a `window` there is no flash and laying down counts at once. A press is measured from
    its first edge to the first edge of its end; where that end still bounces when the window
    closes, the decision waits for it.
    """

    def __init__(self, up_s: float, down_s: float, window: FlashWindow | None) -> None:
        self._contact = Contact(closed_s=up_s, open_s=down_s)
        self._shortest_s = window.shortest_s if window else 0.0
        self._longest_s = window.longest_s if window else 0.0
        self._state = HookState.DOWN
        self._pressed_at: float | None = None
        self._events: deque[HookUp | HookDown | Flash] = deque()

    @property
    def state(self) -> HookState:
        """Where the handset is."""
        return self._state

    def edge(self, up: bool, at: float) -> None:
        """The switch was seen up or down at that time (s)."""
        self.tick(at)
        self._contact.edge(up, at)
        self.tick(at)

    def tick(self, now: float) -> None:
        """Let pass what was due by now, in its order."""
        while (due := self.deadline()) is not None and due <= now:
            if self._contact.settle(due):
                self._settled()
            elif due == self._window_end:
                self._take(HookInput.LASTED)

    def deadline(self) -> float | None:
        """When to tick next (s)."""
        settles, left, end = self._contact.deadline(), self._contact.left_at, self._window_end
        if end is None or settles is None or left is None:
            return end if settles is None else settles
        return settles if left <= end else min(settles, end)

    def next_event(self) -> HookUp | HookDown | Flash | None:
        """What happened next, None when all is told."""
        return self._events.popleft() if self._events else None

    @property
    def _window_end(self) -> float | None:
        return None if self._pressed_at is None else self._pressed_at + self._longest_s

    def _settled(self) -> None:
        if not self._contact.closed:
            self._take(HookInput.PRESSED)
        elif self._pressed_at is None:
            self._take(HookInput.LIFTED)
        elif self._contact.changed_at < self._pressed_at + self._shortest_s:
            self._take(HookInput.SHORT)
        else:
            self._take(HookInput.WITHIN)

    def _take(self, event: HookInput) -> None:
        reached = HOOK[self._state, event]
        self._state = reached.state
        for action in reached.actions:
            match action:
                case HookAction.OPEN_WINDOW:
                    self._pressed_at = self._contact.changed_at
                case HookAction.CLOSE_WINDOW:
                    self._pressed_at = None
                case HookAction.REPORT_UP:
                    self._events.append(HookUp())
                case HookAction.REPORT_DOWN:
                    self._events.append(HookDown())
                case HookAction.REPORT_FLASH:
                    self._events.append(Flash())
