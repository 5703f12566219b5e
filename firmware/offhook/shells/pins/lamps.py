"""The lamps: each plays the cadence of its look, on one LED, on two, or in shares of three."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from offhook.base.schema.hardware_profile_parts import LampsWiring, LampWiring
from offhook.base.vocabulary import Lamp, LampLook
from offhook.shells.pins.gpio import Gpio, PwmPin
from offhook.shells.pins.gpio_time import Alarm, Cadence

DIMMING_HZ: Final = 200
"""Assumed: fast enough for the eye, and few enough edges for a library that makes them itself."""
FULL: Final = 255


class Lamps:
    """The lamps that `wiring` has, dark at first; a lamp that isn't wired is set in vain.

    Raises LocalError where a pin can't be had.
    """

    def __init__(
        self, gpio: Gpio, wiring: LampsWiring, clock: Callable[[], float] = time.monotonic
    ) -> None:
        wired = {
            Lamp.SECURITY: wiring.security,
            Lamp.MESSAGE: wiring.message,
            Lamp.MUTE: wiring.mute,
        }
        self._players = {
            lamp: _Player(_Light(gpio, each), clock) for lamp, each in wired.items() if each
        }

    def set(self, lamp: Lamp, look: LampLook) -> None:
        """From now on it looks like that; a look that it has already goes on."""
        player = self._players.get(lamp)
        if player is not None:
            player.show(look)

    def close(self) -> None:
        """Dark; raises what failed once all were tried."""
        with ExitStack() as closing:
            for player in self._players.values():
                closing.callback(player.close)


class _Light:
    """The LEDs of one lamp."""

    def __init__(self, gpio: Gpio, wiring: LampWiring) -> None:
        self._gpio, self._leds = gpio, wiring.leds
        self._low = wiring.active == "low"
        self._dimmed: dict[str, PwmPin] = {}
        for name, pin in self._leds.items():
            if "blue" in self._leds:
                self._dimmed[name] = gpio.pwm(pin, DIMMING_HZ, idle=self._low)
            else:
                gpio.output(pin, idle=self._low)

    def show(self, look: LampLook, *, lit: bool) -> None:
        """Give this look's light, or none."""
        if self._dimmed:
            shares = zip(("red", "green", "blue"), look.rgb, strict=True)
            for name, level in shares:
                share = 100 * level / FULL if lit else 0.0
                self._dimmed[name].share(100 - share if self._low else share)
            return
        wanted = {"pin": True, "red": look.red, "green": look.green}
        for name, pin in self._leds.items():
            self._gpio.set(pin, (lit and wanted[name]) is not self._low)


class _Player:
    """One lamp in time."""

    def __init__(self, light: _Light, clock: Callable[[], float]) -> None:
        self._light, self._clock = light, clock
        self._alarm = Alarm(clock, self._turn)
        self._look = LampLook("dark", ())
        self._cadence = Cadence((), 0.0)

    def show(self, look: LampLook) -> None:
        if look != self._look:
            self._look, self._cadence = look, Cadence(look.cadence_ms, self._clock())
            self._turn()

    def close(self) -> None:
        self._alarm.set(None)
        self._light.show(self._look, lit=False)

    def _turn(self) -> None:
        self._cadence.tick(self._clock())
        self._alarm.set(self._cadence.deadline())
        self._light.show(self._look, lit=self._cadence.on)
