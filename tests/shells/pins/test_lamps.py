from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.shells.pins.stand_in_gpio import StandInGpio, State
from tests.shells.pins.virtual_time import VirtualLoop, World, virtual_loop

from offhook.base.schema.hardware_profile_parts import LampsWiring, LampWiring
from offhook.base.vocabulary import Lamp, LampLook
from offhook.phone.line.lamps import (
    BLINKING,
    DARK,
    END_TO_END,
    LIT,
    LOWERED,
    READY,
    SECURITY_LOOKS,
    UNPROVEN,
    VERIFIED,
)
from offhook.shells.pins.gpio import Gpio
from offhook.shells.pins.lamps import Lamps

RED, GREEN, BLUE, ONE = 27, 26, 18, 12
TWO = LampWiring(red=RED, green=GREEN)
THREE = LampWiring(red=RED, green=GREEN, blue=BLUE)


class Panel:
    def __init__(self, security: LampWiring, world: World) -> None:
        self.world = world
        self.board = StandInGpio(lambda act: act(), world.clock)
        self.board.setmode(self.board.BCM)
        self.gpio = Gpio(self.board, world.clock)
        wiring = LampsWiring(security=security, message=LampWiring(pin=ONE))
        self.lamps = Lamps(self.gpio, wiring, world.clock)

    def changes(self, pin: int) -> list[tuple[int, State]]:
        """After how many ms it did what, from the first look on."""
        return [(round((at - 1000) * 1000), state) for at, state in self.board.states(pin)]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def loop(world: World) -> Iterator[VirtualLoop]:
    with virtual_loop(world) as made:
        yield made


def lit(looks: list[tuple[int, State]], at_ms: float, dark: State = "low") -> bool:
    return [state for since, state in looks if since <= at_ms][-1] != dark


@pytest.mark.parametrize("look", SECURITY_LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("active", ["high", "low"])
@pytest.mark.parametrize("wiring", [TWO, THREE, LampWiring(pin=RED)], ids=["two", "three", "one"])
def test_every_look_has_its_cadence_and_its_colours(
    world: World, loop: VirtualLoop, look: LampLook, active: str, wiring: LampWiring
) -> None:
    wired = LampWiring(**wiring.leds, active=active)  # type: ignore[arg-type]
    panel = Panel(wired, world)
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, look))
    loop.run_until(1012)
    dark = "low" if active == "high" else "high"
    colours = dict(zip(("red", "green", "blue"), look.rgb, strict=True))
    for name, pin in wired.leds.items():
        changes = panel.changes(pin)
        wanted = {"pin": True, "red": look.red, "green": look.green}
        shines = bool(colours[name]) if "blue" in wired.leds else wanted[name]
        for at_ms in range(0, 11_000, 7):
            left, index = at_ms % sum(look.cadence_ms), 0
            while len(look.cadence_ms) > 1 and left >= look.cadence_ms[index]:
                left -= look.cadence_ms[index]
                index += 1
            assert lit(changes, at_ms + 0.5, dark) is (shines and index % 2 == 0)
    loop.do(panel.lamps.close)
    assert all(panel.board.state(pin) == dark for pin in wired.leds.values())


def test_no_two_looks_blink_alike_on_a_lamp_of_one_led(world: World, loop: VirtualLoop) -> None:
    patterns = set()
    for look in SECURITY_LOOKS:
        panel, begun = Panel(LampWiring(pin=RED), world), world.now
        loop.do(lambda panel=panel, look=look: panel.lamps.set(Lamp.SECURITY, look))  # type: ignore[misc]
        loop.run_until(begun + 10)
        patterns.add(
            tuple((round((at - begun) * 1000), state) for at, state in panel.board.states(RED))
        )
    assert len(patterns) == len(SECURITY_LOOKS)


def test_two_leds_together_are_yellow(world: World, loop: VirtualLoop) -> None:
    panel = Panel(TWO, world)
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, UNPROVEN))
    assert (panel.board.state(RED), panel.board.state(GREEN)) == ("high", "high")


def test_three_leds_mix_by_shares_and_need_no_pwm_for_all_or_nothing(
    world: World, loop: VirtualLoop
) -> None:
    panel = Panel(THREE, world)
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, UNPROVEN))
    assert panel.board.state(RED) == "high"
    assert panel.board.state(GREEN) == pytest.approx((200, 100 * 140 / 255))
    assert panel.board.state(BLUE) == "low"


def test_shares_are_turned_round_where_low_lights(world: World, loop: VirtualLoop) -> None:
    panel = Panel(LampWiring(red=RED, green=GREEN, blue=BLUE, active="low"), world)
    assert panel.board.state(RED) == "high"
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, VERIFIED))
    assert panel.board.state(RED) == "high"
    assert panel.board.state(GREEN) == pytest.approx((200, 100 - 100 * 60 / 255))
    assert panel.board.state(BLUE) == "low"


def test_the_same_look_again_doesnt_begin_anew(world: World, loop: VirtualLoop) -> None:
    panel = Panel(TWO, world)
    for step in range(20):
        loop.do(lambda: panel.lamps.set(Lamp.SECURITY, END_TO_END))
        loop.run_until(1000 + 0.17 * step)
    greens = panel.changes(GREEN)
    assert greens[1:] == [(0, "high"), (3000, "low"), (3150, "high")]


def test_another_look_begins_at_once_and_the_old_one_is_over(
    world: World, loop: VirtualLoop
) -> None:
    panel = Panel(TWO, world)
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, READY))
    loop.run_until(1000.03)
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, LOWERED))
    assert (panel.board.state(RED), panel.board.state(GREEN)) == ("high", "low")
    loop.run_until(1006)
    assert panel.changes(GREEN) == [(0, "low"), (0, "high"), (30, "low")]


def test_lamps_blink_apart_and_a_missing_one_is_set_in_vain(
    world: World, loop: VirtualLoop
) -> None:
    panel = Panel(TWO, world)
    loop.do(lambda: panel.lamps.set(Lamp.MESSAGE, BLINKING))
    loop.do(lambda: panel.lamps.set(Lamp.MUTE, LIT))
    loop.run_until(1002.1)
    assert panel.changes(ONE) == [(0, "low"), (0, "high"), (500, "low"), (2000, "high")]
    loop.do(lambda: panel.lamps.set(Lamp.MESSAGE, DARK))
    assert panel.board.state(ONE) == "low"
    assert panel.changes(RED) == [(0, "low")]


def test_a_loop_that_slept_goes_on_where_the_cadence_is(world: World, loop: VirtualLoop) -> None:
    panel = Panel(TWO, world)
    loop.do(lambda: panel.lamps.set(Lamp.SECURITY, READY))
    world.late = lambda: 100.02
    loop.run_until(1000.01)
    world.late = lambda: 0.0
    loop.run_until(1205.5)
    assert panel.changes(GREEN)[-2:] == [(205_000, "high"), (205_060, "low")]
