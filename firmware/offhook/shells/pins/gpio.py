"""The pins of one telephone, to the RPi.GPIO API: edges with their times in, levels out.

Contacts are pulled up and close to ground. The rows of a keypad are open-drain: low or released,
that is an input; they are never driven high. The library's own debouncing isn't used.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, ParamSpec

from offhook.base.vocabulary import Edge
from offhook.shells.pins.gpio_chip import PinLibrary, Pwm, reported

MOST_EDGES: Final = 4096
"""Edges that wait to be fetched; beyond them the oldest are lost, never the last of a pin."""

log = logging.getLogger(__name__)

P = ParamSpec("P")


class Gpio:
    """Pins by their BCM numbers; an `Edge` names its pin by that number as text.

    Nothing is claimed before a method asks for it. Everything but the edges' arrival happens in
    the caller's thread, except `PwmPin` and `set`, which any thread may call. Raises LocalError
    where the library does.
    """

    def __init__(self, library: PinLibrary, clock: Callable[[], float] = time.monotonic) -> None:
        self._library, self._clock = library, clock
        self._lock = threading.Lock()
        self._edges: deque[Edge] = deque()
        self._latest: dict[str, Edge] = {}
        self._watched: set[int] = set()
        self._rows: dict[int, bool] = {}
        self._outputs: dict[int, bool] = {}
        self._pwm: list[PwmPin] = []
        self._wake: Callable[[], None] | None = None
        self._closed = False

    def watch(self, pins: Iterable[int], wake: Callable[[], None]) -> None:
        """Pull these pins up and gather their edges; the level that each has now is the first.

        `wake` is called in a thread of the library when there are edges after there were none.
        """
        self._wake = wake
        for pin in pins:
            with reported(_busy(pin)):
                self._library.setup(
                    pin, self._library.IN, pull_up_down=self._library.PUD_UP, initial=None
                )
                self._watched.add(pin)
                self._library.add_event_detect(pin, self._library.BOTH, callback=self._changed)
            self._gather(pin)

    def edges(self) -> tuple[list[Edge], float]:
        """The edges since the last time, in their order, and a time that none is behind (s)."""
        with self._lock:
            edges = list(self._edges)
            self._edges.clear()
            self._latest.clear()
            return edges, self._clock()

    def drive(self, rows: Iterable[int], low: Iterable[int]) -> None:
        """Of `rows` drive those in `low`, and release the others first."""
        wanted = set(low)
        for driven in (False, True):
            for row in rows:
                if (row in wanted) is driven and self._rows.get(row) is not driven:
                    self._set_row(row, driven=driven)

    def read(self, pins: Iterable[int]) -> dict[str, bool]:
        """Whether each of these pins is high, by its name."""
        with reported("the keypad can't be read"):
            return {str(pin): bool(self._library.input(pin)) for pin in pins}

    def output(self, pin: int, *, idle: bool) -> None:
        """Claim an output whose level is `idle` now and when all is closed."""
        with reported(_busy(pin)):
            self._library.setup(pin, self._library.OUT, initial=int(idle))
        self._outputs[pin] = idle

    def set(self, pin: int, level: bool) -> None:
        """Set an output that was claimed; nothing once all is closed."""
        if not self._closed:
            with reported(f"GPIO {pin} can't be set"):
                self._library.output(pin, int(level))

    def pwm(self, pin: int, hz: float, *, idle: bool = False) -> PwmPin:
        """Claim an output that can be high for a share of each period. Once for a pin."""
        self.output(pin, idle=idle)
        made = PwmPin(self, pin, hz, idle=idle)
        self._pwm.append(made)
        return made

    def close(self) -> None:
        """Quiet all outputs, then make every pin an input. Edges that come later change nothing."""
        if self._closed:
            return
        for pwm in self._pwm:
            pwm.release()
        for pin, idle in self._outputs.items():
            _attempt(self.set, pin, idle)
        with self._lock:
            self._closed = True
            self._edges.clear()
            self._latest.clear()
        for pin in self._watched:
            _attempt(self._library.remove_event_detect, pin)
        with reported("the pins can't be let go"):
            self._library.cleanup()

    def make_pwm(self, pin: int, hz: float) -> Pwm:
        """The library's own object for a pin that is an output."""
        with reported(f"GPIO {pin} can't have a frequency of {hz:g} Hz"):
            return self._library.PWM(pin, hz)

    def _set_row(self, row: int, *, driven: bool) -> None:
        with reported(_busy(row)):
            if driven:
                self._library.setup(row, self._library.OUT, initial=0)
            else:
                self._library.setup(row, self._library.IN, pull_up_down=self._library.PUD_UP)
        self._rows[row] = driven

    def _changed(self, pin: int) -> None:
        """In the library's thread, which only prints what is raised here."""
        try:
            self._gather(pin)
        except Exception:
            log.exception("an edge of GPIO %d was lost", pin)

    def _gather(self, pin: int) -> None:
        with self._lock:
            if self._closed:
                return
            # The time first, so that the level is no older: after the last edge it is the last.
            at = self._clock()
            with reported(f"GPIO {pin} can't be read"):
                level = bool(self._library.input(pin))
            first = not self._edges
            self._keep(Edge(str(pin), level, at))
        if first and self._wake is not None:
            self._wake()

    def _keep(self, edge: Edge) -> None:
        self._latest[edge.pin] = edge
        if len(self._edges) >= MOST_EDGES:
            followed = (
                index
                for index, each in enumerate(self._edges)
                if each is not self._latest[each.pin]
            )
            del self._edges[next(followed)]
        self._edges.append(edge)


class PwmPin:
    """An output that is high for a share of each period, or for good."""

    def __init__(self, gpio: Gpio, pin: int, hz: float, *, idle: bool) -> None:
        self._gpio, self._pin, self._hz, self._idle = gpio, pin, hz, idle
        self._pwm: Pwm | None = None
        self._running = False
        self._released = False

    def share(self, percent: float) -> None:
        """High for so much of each period: 0 is low for good, 100 high; nothing once let go."""
        if self._released:
            return
        if 0 < percent < 100:
            self._run(percent)
            return
        self._halt()
        self._gpio.set(self._pin, percent > 0)

    def release(self) -> None:
        """Stop, and let go of the library's object: it would claim the pin again on its end."""
        self._released = True
        _attempt(self._halt)
        self._pwm = None
        _attempt(self._gpio.set, self._pin, self._idle)

    def _run(self, percent: float) -> None:
        if self._pwm is None:
            self._pwm = self._gpio.make_pwm(self._pin, self._hz)
        with reported(f"GPIO {self._pin} can't have a duty of {percent:g} %"):
            if self._running:
                self._pwm.ChangeDutyCycle(percent)
            else:
                self._pwm.start(percent)
        self._running = True

    def _halt(self) -> None:
        if self._pwm is not None and self._running:
            with reported(f"GPIO {self._pin} can't be stopped"):
                self._pwm.stop()
            self._running = False


def _busy(pin: int) -> str:
    return f"GPIO {pin} can't be had (does another program or an overlay use it?)"


def _attempt(act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """One pin that fails mustn't keep the others from being let go."""
    try:
        act(*args, **kwargs)
    except Exception:
        log.exception("a pin could not be let go as it should")
