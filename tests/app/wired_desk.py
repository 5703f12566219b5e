"""A wired telephone on a desk in virtual time, with contacts that hands close and open."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.phone.input.fingers import MS, Change, chance
from tests.shells.pins.stand_in_gpio import GROUND, StandInGpio
from tests.shells.pins.virtual_time import World, virtual_loop

from offhook.app.wired_handset import WiredHandset
from offhook.base.schema.hardware_profile import HardwareProfile, read_hardware_profile
from offhook.phone.input.events import InputEvent

PROFILES = Path(__file__).parents[2] / "board" / "profiles"
HOOK, MUTE = 4, 17


def profile(name: str) -> HardwareProfile:
    return read_hardware_profile((PROFILES / f"{name}.toml").read_text())


@dataclass
class Desk:
    """A telephone on a desk in virtual time. Edges take a moment, and the loop is late."""

    profile: HardwareProfile
    rng: Random = field(default_factory=lambda: chance(1))
    late_s: float = 1.0 * MS
    """What a loop's timer of 1 ms rounds up to."""
    country: str = "DE"

    def __post_init__(self) -> None:
        self.world = World(late=lambda: self.rng.uniform(0.0, self.late_s))
        self.gpio = StandInGpio(
            self.world.deliver(lambda: self.rng.uniform(0.05 * MS, 0.6 * MS)), self.world.clock
        )
        self.told: list[InputEvent] = []
        self.phone = WiredHandset(
            self.profile,
            self.told.append,
            country=self.country,
            find_pins=self.find_pins,
            clock=self.world.clock,
        )
        self.end = self.world.now

    def find_pins(self, _: HardwareProfile) -> StandInGpio:
        self.gpio.setmode(self.gpio.BCM)
        return self.gpio

    def change(self, pins: tuple[int, int], changes: list[Change]) -> None:
        """Contacts close and open at times after the start."""
        for after, closed in changes:
            at = 1000.0 + after
            self.end = max(self.end, at)
            self.world.at(at, lambda closed=closed: self.gpio.contact(*pins, closed=closed))  # type: ignore[misc]

    def key(self, symbol: str, changes: list[Change]) -> None:
        keypad = self.profile.keypad
        assert keypad is not None
        row, column = next(
            (row, line.index(symbol)) for row, line in enumerate(keypad.layout) if symbol in line
        )
        one, other = keypad.rows[row], keypad.columns[column]
        if keypad.kind == "matrix":
            self.change((one, other), changes)
            return
        # The two switches of a key don't close together.
        self.change((one, GROUND), changes)
        self.change((other, GROUND), [(at + 2 * MS, closed) for at, closed in changes])

    def play(self, *, after: float = 2.0) -> list[InputEvent]:
        with virtual_loop(self.world) as loop:
            loop.do(self.phone.open)
            loop.run_until(self.end + after)
            loop.do(self.phone.close)
        self.check_let_go()
        return self.told

    def check_let_go(self) -> None:
        assert self.gpio.claimed() == set()
        assert self.gpio.faults == []
        assert all(self.gpio.state(pin) == "in" for pin in range(28))
