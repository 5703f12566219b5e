"""All contacts of one telephone as one machine: edges and readings in, what fingers did out."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Protocol

from offhook.base.errors import LocalError
from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.contact import Contact
from offhook.phone.input.events import InputEvent
from offhook.phone.input.hook import Hook
from offhook.phone.input.matrix import Drive, MatrixKeypad
from offhook.phone.input.rotary import DIGIT_MAPS, RotaryDial
from offhook.phone.input.switch_keypad import SwitchKeypad
from offhook.phone.input.times import HandsetTimes, faults
from offhook.phone.input.wiring import HandsetWiring, HookPin, KeypadPins


class _Machine(Protocol):
    def tick(self, now: float) -> None: ...

    def deadline(self) -> float | None: ...

    def next_event(self) -> InputEvent | None: ...


class _PushButton:
    """A key with a contact of its own."""

    def __init__(self, symbol: str, times: HandsetTimes) -> None:
        self._symbol = symbol
        self._contact = Contact(times.key_closed_s, times.key_open_s)
        self._events: deque[Key] = deque()

    def receive(self, edge: Edge) -> None:
        self.tick(edge.at)
        self._contact.edge(not edge.high, edge.at)
        self.tick(edge.at)

    def tick(self, now: float) -> None:
        if self._contact.settle(now):
            self._events.append(Key(self._symbol, self._contact.closed))

    def deadline(self) -> float | None:
        return self._contact.deadline()

    def next_event(self) -> Key | None:
        return self._events.popleft() if self._events else None


class Handset:
    """The input of one telephone: handset down, dial at rest, no key pressed, until edges tell.

    Hand every edge to `receive` in the order of its time and before a `tick` that lies behind it;
    late is no matter: every machine reckons with the edges' own times. After each call look at
    `next_event`, `drive` and `deadline`. Hand in the level of each pin of `inputs` at the start.

    Raises LocalError for times out of their ranges and for wiring that can't be.
    """

    def __init__(self, wiring: HandsetWiring, times: HandsetTimes | None = None) -> None:
        times = times or HandsetTimes()
        _check(wiring, times)
        self._routes: dict[str, Callable[[Edge], None]] = {}
        self._machines: list[_Machine] = []
        self._keypad: MatrixKeypad | SwitchKeypad | None = None
        self._events: deque[InputEvent] = deque()
        if wiring.hook:
            self._add_hook(wiring.hook, times)
        if wiring.keypad:
            self._add_keypad(wiring.keypad, times)
        if wiring.dial:
            dial = RotaryDial(
                times, DIGIT_MAPS[wiring.dial.digit_map], has_rest_contact=bool(wiring.dial.nsa)
            )
            self._machines.append(dial)
            self._routes[wiring.dial.nsi] = lambda edge: dial.pulse_edge(not edge.high, edge.at)
            if wiring.dial.nsa:
                self._routes[wiring.dial.nsa] = lambda edge: dial.rest_edge(not edge.high, edge.at)
        for button in wiring.buttons:
            machine = _PushButton(button.symbol, times)
            self._machines.append(machine)
            self._routes[button.pin] = machine.receive

    @property
    def inputs(self) -> tuple[str, ...]:
        """The pins whose edges are wanted."""
        return tuple(self._routes)

    def receive(self, edge: Edge) -> None:
        """A pin's level changed; raises LocalError for a pin that isn't one of `inputs`."""
        route = self._routes.get(edge.pin)
        if route is None:
            raise LocalError(f"no contact of this telephone is wired to {edge.pin}")
        self.tick(edge.at)
        route(edge)
        self._gather()

    def drive(self) -> Drive | None:
        """What the keypad wishes of its row pins; None where no pin is driven."""
        return self._keypad.drive() if self._keypad else None

    def columns(self, levels: Mapping[str, bool], now: float) -> None:
        """The columns were read as `drive` wished, for each pin whether it is high.

        A reading that nobody wished for, or before its time, changes nothing.
        """
        self.tick(now)
        if isinstance(self._keypad, MatrixKeypad):
            self._keypad.columns(levels, now)
            self._gather()

    def tick(self, now: float) -> None:
        """Let pass what was due by now, in its order."""
        while (due := self._timer()) is not None and due <= now:
            for machine in self._machines:
                machine.tick(due)
            self._gather()

    def deadline(self) -> float | None:
        """When to tick next, or to read the columns if that comes first (s)."""
        drive = self.drive()
        dues = (self._timer(), drive.read_at if drive else None)
        return min((due for due in dues if due is not None), default=None)

    def next_event(self) -> InputEvent | None:
        """What was done next, in the order in which it was believed; None when all is told."""
        return self._events.popleft() if self._events else None

    def _timer(self) -> float | None:
        dues = (
            machine.deadline()
            for machine in self._machines
            if not isinstance(machine, MatrixKeypad)
        )
        return min((due for due in dues if due is not None), default=None)

    def _gather(self) -> None:
        for machine in self._machines:
            while (event := machine.next_event()) is not None:
                self._events.append(event)

    def _add_hook(self, wired: HookPin, times: HandsetTimes) -> None:
        hook = Hook(times.hook_up_s, times.hook_down_s, times.flash)
        self._machines.append(hook)
        self._routes[wired.pin] = lambda edge: hook.edge(edge.high != wired.closed_up, edge.at)

    def _add_keypad(self, wired: KeypadPins, times: HandsetTimes) -> None:
        kind = SwitchKeypad if wired.switches else MatrixKeypad
        self._keypad = kind(wired.layout, wired.rows, wired.columns, times)
        self._machines.append(self._keypad)
        self._routes.update(dict.fromkeys(wired.inputs, self._keypad.receive))


def _check(wiring: HandsetWiring, times: HandsetTimes) -> None:
    found = list(faults(times))
    found += [f"{pin} is wired twice" for pin, count in Counter(wiring.pins()).items() if count > 1]
    if wiring.dial and wiring.dial.digit_map not in DIGIT_MAPS:
        found.append(f"there is no digit map “{wiring.dial.digit_map}”")
    if found:
        raise LocalError("; ".join(found))
