"""The bell: a tone by PWM or a module with ringing voltage, within the limits of its profile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from offhook.base.schema.hardware_profile_parts import RingerWiring
from offhook.shells.pins.gpio import Gpio
from offhook.shells.pins.gpio_time import Alarm
from offhook.shells.pins.ringer_player import RingPlayer

GRACE_S: Final = 0.1
"""How late the loop may be before somebody else silences the bell."""

log = logging.getLogger(__name__)


class Bell(Protocol):
    """Something that sounds or doesn't."""

    def sound(self, step: int) -> None:
        """Sound with this step of the volume, 1 or more."""

    def silence(self) -> None:
        """Don't."""


class ToneBell:
    """A piezo or loudspeaker stage: the volume is the share of each period."""

    def __init__(self, gpio: Gpio, wiring: RingerWiring) -> None:
        self._duty = wiring.duty_percent
        self._pin = gpio.pwm(wiring.pin, wiring.hz)

    def sound(self, step: int) -> None:
        """The tone; a step beyond the profile's takes the last."""
        self._pin.share(self._duty[min(step, len(self._duty)) - 1])

    def silence(self) -> None:
        """Low."""
        self._pin.share(0)


class ModuleBell:
    """A real bell: RM high, F/R changing 20 to 25 times a second. It has one volume."""

    def __init__(self, gpio: Gpio, wiring: RingerWiring) -> None:
        assert wiring.toggle is not None  # noqa: S101  the profile's check
        self._gpio, self._enable = gpio, wiring.pin
        gpio.output(self._enable, idle=False)
        self._toggle = gpio.pwm(wiring.toggle, wiring.hz)

    def sound(self, step: int) -> None:  # noqa: ARG002  one volume
        """Ring."""
        self._toggle.share(50)
        self._gpio.set(self._enable, level=True)

    def silence(self) -> None:
        """The voltage goes first."""
        self._gpio.set(self._enable, level=False)
        self._toggle.share(0)


class Guard:
    """A thread that calls `silence` when nobody has said in time that it isn't needed.

    What is left of the limits when the loop hangs.
    """

    def __init__(self, silence: Callable[[], None]) -> None:
        self._silence = silence
        self._changed = threading.Condition()
        self._due: float | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="bell guard", daemon=True)
        self._thread.start()

    def arm(self, within_s: float | None) -> None:
        """Silence after so many seconds; None: not needed."""
        with self._changed:
            self._due = None if within_s is None else time.monotonic() + within_s
            self._changed.notify()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                left = None if self._due is None else self._due - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                self._due = None
            log.warning("the bell was silenced: the telephone's loop is too late")
            try:
                self._silence()
            except Exception:
                log.exception("the bell could not be silenced")


class Ringer:
    """Plays cadences on a bell, on the running loop, within the profile's limits."""

    def __init__(
        self, gpio: Gpio, wiring: RingerWiring, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bell: Bell = (
            ModuleBell(gpio, wiring) if wiring.kind == "module" else ToneBell(gpio, wiring)
        )
        self._clock = clock
        self._player = RingPlayer(wiring.limits)
        self._alarm = Alarm(clock, self._turn)
        self._cadence: tuple[int, ...] | None = None
        self._step = 0
        self._heard: int | None = 0
        """What the bell was told last; None: that failed."""
        self._lock = threading.Lock()
        self._guard = Guard(self._hush)

    def ring(self, cadence_ms: tuple[int, ...], step: int) -> None:
        """Ring with this cadence until `stop`; a step of 0 is silent.

        The same cadence asked again goes on, with the volume of that step.
        """
        now = self._clock()
        self._step = max(0, step)
        if self._step == 0:
            self.stop()
            return
        if cadence_ms != self._cadence:
            self._cadence = cadence_ms
            self._player.start(cadence_ms, now)
        self._turn()

    def stop(self) -> None:
        """Fall silent."""
        self._cadence = None
        self._player.stop(self._clock())
        self._turn()

    def close(self) -> None:
        """Fall silent for good."""
        try:
            self.stop()
        finally:
            self._alarm.set(None)
            self._guard.close()

    def _turn(self) -> None:
        now = self._clock()
        self._player.tick(now)
        due = self._player.deadline(now)
        self._alarm.set(due)
        if not self._player.sounding:
            self._hear(0)
            self._guard.arm(None)
            return
        # Armed before it sounds: were this thread to stop here, it would be silenced all the same.
        self._guard.arm(None if due is None else due - now + GRACE_S)
        self._hear(self._step)

    def _hush(self) -> None:
        self._hear(0, again=True)

    def _hear(self, step: int, *, again: bool = False) -> None:
        with self._lock:
            if step != self._heard or again:
                self._heard = None
                if step:
                    self._bell.sound(step)
                else:
                    self._bell.silence()
                self._heard = step
