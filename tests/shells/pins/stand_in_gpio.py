"""A stand-in for the RPi.GPIO API as rpi-lgpio 0.6 serves it, with contacts wired to its pins.

It is no GPIO chip and proves nothing of one. It models what the library says and does: modes and
pulls, errors and their texts, outputs, PWM objects, edges told in a thread of its own; and what is
wired: contacts between pins and ground, through which current strays as through a keypad.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

GROUND: Final = -1
PINS: Final = range(54)

State = str | tuple[float, float]
"""What a pin does: "in", "low", "high", or (Hz, percent)."""

_NO_MODE: Final = (
    "Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)"
)


class LgpioError(Exception):
    """As lgpio.error: it derives from Exception alone."""


@dataclass
class _Pin:
    direction: int
    pull: int
    level: bool = False
    wave: tuple[float, float] | None = None


@dataclass
class EdgeThread:
    """The thread in which the library tells of edges."""

    jobs: queue.SimpleQueue[Callable[[], None] | None] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="stand-in edges", daemon=True)
        self._thread.start()

    def __call__(self, job: Callable[[], None]) -> None:
        self.jobs.put(job)

    def end(self) -> None:
        self.jobs.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()


class StandInGpio:
    """The module's functions as methods. `deliver` runs a callback's call, as the thread would.

    `log` has every state that a pin took, with the time; `faults` what would harm a board or
    leave a pin behind.
    """

    BCM, BOARD = 11, 10
    IN, OUT = 1, 0
    PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
    RISING, FALLING, BOTH = 31, 32, 33

    def __init__(
        self,
        deliver: Callable[[Callable[[], None]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deliver = deliver or EdgeThread()
        self._clock = clock
        self._lock = threading.RLock()
        self._mode: int | None = None
        self._pins: dict[int, _Pin] = {}
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._seen: dict[int, bool] = {}
        self._last: dict[int, State] = {}
        self._closed: set[frozenset[int]] = set()
        self._waves: weakref.WeakValueDictionary[int, StandInPwm] = weakref.WeakValueDictionary()
        self.busy: set[int] = set()
        self.log: list[tuple[float, int, State]] = []
        self.faults: list[str] = []
        self.cleanups = 0

    # What is wired

    def contact(self, one: int, other: int, *, closed: bool) -> None:
        """Close or open a contact between two pins, or a pin and ground."""
        with self._lock:
            (self._closed.add if closed else self._closed.discard)(frozenset((one, other)))
            self._follow()

    def level(self, pin: int) -> bool:
        """What can be measured at a pin; a floating one is low."""
        with self._lock:
            nodes, grown = {pin}, True
            while grown:
                more = {node for pair in self._closed if pair & nodes for node in pair}
                grown = not more <= nodes
                nodes |= more
            driven = {
                each.level
                for node in nodes
                if (each := self._pins.get(node)) and each.direction == self.OUT
            }
            if GROUND in nodes:
                driven.add(False)
            if driven == {True, False}:
                self.faults.append(f"a short circuit at GPIO {pin}")
            if driven:
                return driven == {True}
            return any(each.pull == self.PUD_UP for node in nodes if (each := self._pins.get(node)))

    def state(self, pin: int) -> State:
        """What a pin does now."""
        found = self._pins.get(pin)
        if found is None or found.direction == self.IN:
            return "in"
        return found.wave or ("high" if found.level else "low")

    def states(self, pin: int) -> list[tuple[float, State]]:
        """What a pin did, and when it began."""
        return [(at, state) for at, each, state in self.log if each == pin]

    def claimed(self) -> set[int]:
        """The pins that this process has."""
        return set(self._pins)

    # The API

    def setmode(self, mode: int) -> None:
        if self._mode is not None and mode != self._mode:
            raise ValueError("A different mode has already been set!")
        if mode not in (self.BOARD, self.BCM):
            raise ValueError("An invalid mode was passed to setmode()")
        self._mode = mode

    def setwarnings(self, wanted: bool) -> None:
        """Nothing here warns."""

    def setup(
        self,
        channel: int,
        direction: int,
        pull_up_down: int = PUD_OFF,
        initial: int | None = None,
    ) -> None:
        if direction == self.OUT and pull_up_down != self.PUD_OFF:
            raise ValueError("pull_up_down parameter is not valid for outputs")
        if direction == self.IN and initial is not None:
            raise ValueError("initial parameter is not valid for inputs")
        if direction not in (self.IN, self.OUT):
            raise ValueError("An invalid direction was passed to setup()")
        self._check(channel)
        if channel in self.busy:
            raise LgpioError("'GPIO busy'")
        with self._lock:
            if direction == self.IN:
                self._pins[channel] = _Pin(self.IN, pull_up_down)
            else:
                self._callbacks.pop(channel, None)
                before = self._pins.get(channel)
                if before is None or before.direction != self.OUT:
                    level = self.level(channel) if initial is None else bool(initial)
                    self._pins[channel] = _Pin(self.OUT, self.PUD_OFF, level)
            self._note(channel)

    def input(self, channel: int) -> int:
        self._check(channel)
        if channel not in self._pins:
            raise RuntimeError("You must setup() the GPIO channel first")
        return int(self.level(channel))

    def output(self, channel: int, value: int) -> None:
        self._check(channel)
        self._output(channel).level = bool(value)
        self._note(channel)

    def add_event_detect(
        self, channel: int, edge: int, callback: Callable[[int], None] | None = None
    ) -> None:
        self._check(channel)
        pin = self._pins.get(channel)
        if pin is None or pin.direction != self.IN:
            raise RuntimeError("You must setup() the GPIO channel as an input first")
        if edge != self.BOTH:
            raise ValueError("this stand-in tells of both edges alone")
        if channel in self._callbacks:
            raise RuntimeError("Conflicting edge detection already enabled for this GPIO channel")
        with self._lock:
            self._seen[channel] = self.level(channel)
            if callback is not None:
                self._callbacks[channel] = callback

    def remove_event_detect(self, channel: int) -> None:
        self._check(channel)
        self._callbacks.pop(channel, None)

    def cleanup(self) -> None:
        """All pins; the chip is let go and the mode forgotten."""
        with self._lock:
            for pin in list(self._pins):
                if self._pins[pin].wave is not None:
                    self.faults.append(f"GPIO {pin} was let go while its PWM ran")
                del self._pins[pin]
                self._callbacks.pop(pin, None)
                self._note(pin)
            self.cleanups += 1
            self._mode = None

    def PWM(self, channel: int, frequency: float) -> StandInPwm:  # noqa: N802  the API's name
        self._check(channel)
        if channel in self._waves:
            raise RuntimeError("A PWM object already exists for this GPIO channel")
        self._output(channel, "You must setup() the GPIO channel as an output first")
        self._waves[channel] = made = StandInPwm(self, channel, frequency)
        return made

    def wave(self, channel: int, wave: tuple[float, float] | None) -> None:
        """What a PWM object makes of its pin; nothing: low."""
        with self._lock:
            pin = self._pins.get(channel)
            if pin is None:
                # lgpio's gpio_write makes a pin that nobody has an output again.
                self.faults.append(f"a PWM object outlived GPIO {channel}")
                return
            pin.wave, pin.level = wave, False
            self._note(channel)

    def _check(self, channel: int) -> None:
        if self._mode is None:
            raise RuntimeError(_NO_MODE)
        if channel not in PINS:
            raise ValueError("The channel sent is invalid on a Raspberry Pi")

    def _output(
        self, channel: int, text: str = "The GPIO channel has not been set up as an OUTPUT"
    ) -> _Pin:
        pin = self._pins.get(channel)
        if pin is None or pin.direction != self.OUT:
            raise RuntimeError(text)
        return pin

    def _note(self, channel: int) -> None:
        with self._lock:
            state = self.state(channel)
            if self._last.get(channel) != state:
                self._last[channel] = state
                self.log.append((self._clock(), channel, state))
            self._follow()

    def _follow(self) -> None:
        for channel, callback in list(self._callbacks.items()):
            level = self.level(channel)
            if level != self._seen[channel]:
                self._seen[channel] = level
                self._deliver(lambda channel=channel, callback=callback: callback(channel))  # type: ignore[misc]


class StandInPwm:
    """A PWM object: it stops when it is forgotten."""

    def __init__(self, gpio: StandInGpio, channel: int, frequency: float) -> None:
        self._gpio, self._channel, self._frequency = gpio, channel, float(frequency)
        self._running = False
        self._stopped = True
        if self._frequency <= 0:
            raise ValueError("frequency must be greater than 0.0")

    def start(self, dc: float) -> None:
        self._begin(dc)
        self._running, self._stopped = True, False

    def ChangeDutyCycle(self, dc: float) -> None:  # noqa: N802  the API's name
        if self._running:
            self._begin(dc)

    def stop(self) -> None:
        self._gpio.wave(self._channel, None)
        self._running, self._stopped = False, True

    def __del__(self) -> None:
        self.stop()

    def _begin(self, dc: float) -> None:
        if not 0 <= dc <= 100:
            raise ValueError("dutycycle must have a value from 0.0 to 100.0")
        if not 0.1 <= self._frequency <= 10_000:
            raise LgpioError("'bad PWM frequency'")
        self._gpio.wave(self._channel, (self._frequency, float(dc)))
