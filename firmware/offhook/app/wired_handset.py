"""A telephone that is wired to pins: `phone.input` on the running loop, with bell and lamps."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.hardware_profile import HardwareProfile
from offhook.base.schema.ring import ring_cadence
from offhook.base.vocabulary import Lamp, LampLook, Ring
from offhook.phone.input.events import InputEvent
from offhook.phone.input.flash import FlashWindow, flash_window
from offhook.phone.input.handset import Handset
from offhook.phone.input.matrix import Drive
from offhook.phone.input.times import HandsetTimes
from offhook.phone.input.wiring import Button, DialPins, HandsetWiring, HookPin, KeypadPins
from offhook.shells.pins.gpio import Gpio
from offhook.shells.pins.gpio_chip import PinLibrary, find_chip, load_library
from offhook.shells.pins.gpio_time import Alarm
from offhook.shells.pins.lamps import Lamps
from offhook.shells.pins.ringer import Ringer

AGAIN_S: Final = 1.0
"""After pins couldn't be read."""

SETTLE_S: Final = 0.0002
"""Between driving a row and reading the columns where the loop is late (see `row_s`)."""

log = logging.getLogger(__name__)


def wiring_of(profile: HardwareProfile) -> HandsetWiring:
    """What the input machines need of a profile; a pin is called by its number."""
    keypad, dial = profile.keypad, profile.dial
    return HandsetWiring(
        hook=HookPin(str(profile.hook.pin), closed_up=profile.hook.closed_when == "lifted"),
        keypad=None
        if keypad is None
        else KeypadPins(
            rows=tuple(map(str, keypad.rows)),
            columns=tuple(map(str, keypad.columns)),
            layout=keypad.layout,
            switches=keypad.kind == "2-of-7",
        ),
        dial=None
        if dial is None
        else DialPins(
            nsi=str(dial.nsi),
            nsa=None if dial.nsa is None else str(dial.nsa),
            digit_map=dial.digits,
        ),
        buttons=tuple(Button(str(each.pin), each.symbol) for each in profile.buttons),
    )


def times_of(profile: HardwareProfile, country: str = "DE") -> HandsetTimes:
    """The profile's times; where it has no flash window, the country's (ISO 3166-1)."""
    times = profile.times
    window: FlashWindow | None = flash_window(country)
    if times.flash_ms is not None:
        window = None
        if times.flash_ms:
            shortest, longest = times.flash_ms
            window = FlashWindow(shortest / 1000, longest / 1000)
    return HandsetTimes(
        hook_up_s=times.hook_up_ms / 1000,
        hook_down_s=times.hook_down_ms / 1000,
        flash=window,
        key_closed_s=times.key_closed_ms / 1000,
        key_open_s=times.key_open_ms / 1000,
        crowd_s=times.crowd_ms / 1000,
        row_s=times.row_ms / 1000,
        pulse_s=times.pulse_ms / 1000,
        dial_away_s=times.dial_away_ms / 1000,
        dial_rest_s=times.dial_rest_ms / 1000,
        pulse_pause_s=times.pulse_pause_ms / 1000,
    )


def pins_of(profile: HardwareProfile) -> PinLibrary:
    """The RPi.GPIO API on the profile's chip. LocalError with the remedy where there is none."""
    return load_library(find_chip(profile.chips))


class WiredHandset:
    """Hook, keys, dial, bell and lamps of a telephone that is wired as `profile` says.

    `on_event` is called on the loop for all that fingers do, in its order. Flash and the bell's
    cadence are those of `country` (ISO 3166-1). `find_pins` and `clock` are for tests.
    """

    def __init__(
        self,
        profile: HardwareProfile,
        on_event: Callable[[InputEvent], None],
        *,
        country: str = "DE",
        find_pins: Callable[[HardwareProfile], PinLibrary] = pins_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._profile, self._on_event = profile, on_event
        self._find_pins, self._clock = find_pins, clock
        self._wiring, self._times = wiring_of(profile), times_of(profile, country)
        self._cadences = {ring: ring_cadence(ring, country) for ring in Ring}
        self._alarm = Alarm(clock, self._turn)
        self._driven: tuple[str, ...] | None = None
        self._settled_at = 0.0
        self._gpio: Gpio | None = None
        self._lamps: Lamps | None = None
        self._ringer: Ringer | None = None

    def open(self) -> None:
        """Take the pins; the handset's present place is told soon after, if it isn't down.

        Raises LocalError, with the remedy, for a missing library, chip, permission or pin. Then
        nothing is taken.
        """
        if self._gpio is not None:
            raise LocalError("the wired handset is open already")
        self._handset = Handset(self._wiring, self._times)
        self._driven = None
        self._loop = asyncio.get_running_loop()
        self._gpio = Gpio(self._find_pins(self._profile), self._clock)
        try:
            if self._profile.ringer is not None:
                self._ringer = Ringer(self._gpio, self._profile.ringer, self._clock)
            self._lamps = Lamps(self._gpio, self._profile.lamps, self._clock)
            self._drive(self._gpio, self._handset.drive())
            self._gpio.watch((int(pin) for pin in self._handset.inputs), self._woken)
        except BaseException:
            with _without_raising():
                self.close()
            raise

    def close(self) -> None:
        """Silence, darkness, and every pin an input again. No event follows."""
        gpio, self._gpio = self._gpio, None
        if gpio is None:
            return
        self._alarm.set(None)
        ringer, self._ringer = self._ringer, None
        lamps, self._lamps = self._lamps, None
        with ExitStack() as closing:
            closing.callback(gpio.close)
            for part in (lamps, ringer):
                if part is not None:
                    closing.callback(part.close)

    def set_lamp(self, lamp: Lamp, look: LampLook) -> None:
        """From now on this lamp looks like that; one that isn't wired is left out."""
        if self._lamps is not None:
            with _without_raising():
                self._lamps.set(lamp, look)

    def ring(self, ring: Ring, volume_step: int) -> None:
        """Ring until `stop_ring`, 0 silently; asked again, only the volume changes."""
        if self._ringer is not None:
            with _without_raising():
                self._ringer.ring(self._cadences[ring], volume_step)

    def stop_ring(self) -> None:
        """Stop the bell."""
        if self._ringer is not None:
            with _without_raising():
                self._ringer.stop()

    def _woken(self) -> None:
        """In a thread of the library: there are edges."""
        try:
            self._loop.call_soon_threadsafe(self._turn)
        except RuntimeError:
            # The loop was closed before the handset was: nobody is left to hear.
            log.debug("an edge came after the loop's end")

    def _turn(self) -> None:
        """Hand in what has happened, do what is due, and come back for the next."""
        gpio = self._gpio
        if gpio is None:
            return
        try:
            self._hear(gpio)
            due = self._deadline()
        except LocalError:
            log.exception("the pins can't be read; trying again in %g s", AGAIN_S)
            due = self._clock() + AGAIN_S
        self._alarm.set(due)
        event = self._handset.next_event()
        if event is not None:
            # Asked for first: a listener that fails keeps back nothing of what follows.
            self._loop.call_soon(self._turn)
            self._on_event(event)

    def _hear(self, gpio: Gpio) -> None:
        edges, now = gpio.edges()
        for edge in edges:
            self._handset.receive(edge)
        self._handset.tick(now)
        keypad, drive = self._profile.keypad, self._handset.drive()
        if keypad is None or drive is None:
            return
        self._drive(gpio, drive)
        if drive.read_at is not None and max(drive.read_at, self._settled_at) <= now:
            self._handset.columns(gpio.read(keypad.columns), now)
            self._drive(gpio, self._handset.drive())

    def _drive(self, gpio: Gpio, drive: Drive | None) -> None:
        keypad = self._profile.keypad
        if keypad is not None and drive is not None and drive.rows != self._driven:
            gpio.drive(keypad.rows, (int(row) for row in drive.rows))
            self._driven, self._settled_at = drive.rows, self._clock() + SETTLE_S

    def _deadline(self) -> float | None:
        due = self._handset.deadline()
        return None if due is None else max(due, self._settled_at)


@contextmanager
def _without_raising() -> Iterator[None]:
    """A bell or a lamp that fails ends no call."""
    try:
        yield
    except LocalError:
        log.exception("bell and lamps don't do what they should")
