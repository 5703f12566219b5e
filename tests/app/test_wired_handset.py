"""A wired telephone through all of it: contacts, the pins' API, the loop, what fingers did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.wired_desk import HOOK, MUTE, Desk, profile
from tests.phone.input.fingers import MS, bounce, chance, press
from tests.shells.pins.stand_in_gpio import GROUND, EdgeThread, StandInGpio
from tests.shells.pins.virtual_time import virtual_loop

from offhook.app.wired_handset import SETTLE_S, WiredHandset
from offhook.base.schema.hardware_profile import HardwareProfile
from offhook.base.vocabulary import Key
from offhook.phone.input.events import Flash, HookDown, HookUp, InputEvent, RotaryDigit
from offhook.shells.pins.gpio import Gpio


def typed(rng: Random, layout: tuple[str, ...], count: int) -> list[tuple[str, float, float]]:
    """Keys, when each is pressed and for how long; some as short and as close as they may be."""
    keys, at = [], 0.1
    for _ in range(count):
        lasts = max(55 * MS, rng.uniform(20 * MS, 150 * MS))
        keys.append((rng.choice("".join(layout)), at, lasts))
        at += lasts + max(65 * MS, rng.uniform(20 * MS, 200 * MS))
    return keys


@pytest.mark.parametrize("name", ["keypad-3x4", "keypad-4x4", "keypad-3x4-rgb"])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_key_is_told_once_in_its_order_whatever_bounces(name: str, seed: int) -> None:
    desk = Desk(profile(name), chance(seed))
    assert desk.profile.keypad
    keys = typed(desk.rng, desk.profile.keypad.layout, 150)
    for symbol, at, lasts in keys:
        desk.key(symbol, press(desk.rng, at, lasts))
    assert desk.play() == [Key(symbol, down) for symbol, _, _ in keys for down in (True, False)]


def test_a_keypad_of_switches_tells_its_keys() -> None:
    desk = Desk(profile("telephone-2-of-7"), chance(3))
    assert desk.profile.keypad
    at = 0.1
    pressed = "".join(desk.rng.choice("0123456789*#") for _ in range(100))
    for symbol in pressed:
        desk.key(symbol, press(desk.rng, at, 120 * MS))
        at += 250 * MS
    assert desk.play() == [Key(symbol, down) for symbol in pressed for down in (True, False)]


def test_no_row_is_ever_driven_high_and_released_ones_are_inputs() -> None:
    desk = Desk(profile("keypad-4x4"))
    assert desk.profile.keypad
    for symbol, at, lasts in typed(desk.rng, desk.profile.keypad.layout, 40):
        desk.key(symbol, press(desk.rng, at, lasts))
    desk.play()
    for row in desk.profile.keypad.rows:
        states = {state for _, state in desk.gpio.states(row)}
        assert states == {"in", "low"}
    assert not any("short" in fault for fault in desk.gpio.faults)


@pytest.mark.parametrize("late_s", [0.0, 1 * MS, 6 * MS])
def test_columns_are_read_only_when_a_row_has_settled_however_late_the_loop_is(
    late_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, read, gaps = Desk(profile("keypad-3x4"), late_s=late_s), Gpio.read, list[float]()

    def reading(gpio: Gpio, pins: Iterable[int]) -> dict[str, bool]:
        gaps.append(
            desk.world.now - max(at for at, pin, _ in desk.gpio.log if pin in range(22, 26))
        )
        return read(gpio, pins)

    monkeypatch.setattr(Gpio, "read", reading)
    for symbol, at, lasts in typed(desk.rng, ("123", "456", "789"), 10):
        desk.key(symbol, press(desk.rng, at, lasts))
    desk.play()
    assert len(gaps) > 100
    assert min(gaps) >= SETTLE_S - 1e-9


def test_control_a_row_that_is_driven_high_is_seen() -> None:
    gpio = StandInGpio(lambda act: act())
    gpio.setmode(gpio.BCM)
    gpio.setup(22, gpio.OUT, initial=1)
    gpio.setup(23, gpio.OUT, initial=0)
    gpio.setup(5, gpio.IN, pull_up_down=gpio.PUD_UP)
    gpio.contact(22, 5, closed=True)
    gpio.contact(23, 5, closed=True)
    gpio.input(5)
    assert "high" in {state for _, state in gpio.states(22)}
    assert gpio.faults


def test_three_corners_of_a_rectangle_press_no_fourth_key() -> None:
    desk = Desk(profile("keypad-3x4"))
    for index, symbol in enumerate("124"):
        desk.key(symbol, press(desk.rng, 0.5 + 0.1 * index, 1.0))
    assert "5" not in {event.symbol for event in desk.play() if isinstance(event, Key)}


def test_two_keys_at_once_are_both_told() -> None:
    desk = Desk(profile("keypad-3x4"))
    desk.key("1", press(desk.rng, 0.5, 0.5))
    desk.key("5", press(desk.rng, 0.7, 0.5))
    assert desk.play() == [Key("1"), Key("5"), Key("1", False), Key("5", False)]


def test_a_key_that_is_held_at_the_start_is_told() -> None:
    desk = Desk(profile("keypad-3x4"))
    desk.key("7", [(0.0, True), (1.0, False)])
    assert desk.play() == [Key("7"), Key("7", False)]


def test_hook_flash_mute_key_and_hanging_up() -> None:
    desk = Desk(profile("keypad-3x4"))
    desk.change((HOOK, GROUND), bounce(desk.rng, 0.5, closed=True))
    desk.change((MUTE, GROUND), press(desk.rng, 1.0, 0.1))
    desk.change((HOOK, GROUND), bounce(desk.rng, 2.0, closed=False))
    desk.change((HOOK, GROUND), bounce(desk.rng, 2.2, closed=True))
    desk.change((HOOK, GROUND), bounce(desk.rng, 3.0, closed=False))
    mute = [Key("mute"), Key("mute", False)]
    assert desk.play() == [HookUp(), *mute, Flash(), HookDown()]


def test_a_handset_that_lies_beside_the_telephone_at_the_start_is_told() -> None:
    desk = Desk(profile("keypad-3x4"))
    desk.gpio.contact(HOOK, GROUND, closed=True)
    assert desk.play() == [HookUp()]


def test_a_hook_may_be_closed_while_the_handset_is_down() -> None:
    turned = msgspec.structs.replace(profile("keypad-3x4"))
    hook = msgspec.structs.replace(turned.hook, closed_when="down")
    desk = Desk(msgspec.structs.replace(turned, hook=hook))
    desk.gpio.contact(HOOK, GROUND, closed=True)
    desk.change((HOOK, GROUND), bounce(desk.rng, 1.0, closed=False))
    assert desk.play() == [HookUp()]


@pytest.mark.parametrize("has_nsa", [True, False])
def test_every_digit_of_a_dial_is_told_at_every_speed(has_nsa: bool) -> None:
    made = profile("rotary")
    assert made.dial
    if not has_nsa:
        made = msgspec.structs.replace(made, dial=msgspec.structs.replace(made.dial, nsa=None))
    desk = Desk(made, chance(5))
    nsi, nsa = (5, GROUND), (6, GROUND)
    desk.gpio.contact(*nsi, closed=True)
    at = 0.5

    def change(contact: tuple[int, int], when: float, *, closed: bool) -> None:
        length_s = desk.rng.uniform(1 * MS, 10 * MS)
        desk.change(contact, bounce(desk.rng, when, closed, length_s))

    for digit in "12345678905":
        period = desk.rng.uniform(1 / 12, 1 / 7)
        broken = desk.rng.uniform(47 * MS, min(80 * MS, period - 25 * MS))
        change(nsa, at, closed=True)
        at += 0.3
        for _ in range(int(digit) or 10):
            change(nsi, at, closed=False)
            change(nsi, at + broken, closed=True)
            at += period
        change(nsa, at, closed=False)
        at += 0.6
    assert desk.play() == [RotaryDigit(digit) for digit in "12345678905"]


def test_a_loop_that_hangs_for_half_a_second_changes_no_verdict() -> None:
    """The flash is long over when the loop hears of it, and is told as one all the same."""
    desk = Desk(profile("keypad-3x4"), late_s=0.0)
    desk.change((HOOK, GROUND), [(0.5, True), (2.0, False), (2.2, True)])
    with virtual_loop(desk.world) as loop:
        loop.do(desk.phone.open)
        loop.run_until(1001.9)
        desk.world.late = lambda: 0.5
        loop.run_until(1003.0)
        loop.do(desk.phone.close)
    assert desk.told == [HookUp(), Flash()]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(min_value=0))
def test_no_hand_makes_the_telephone_say_what_was_not_done(seed: int) -> None:
    desk = Desk(profile("keypad-3x4"), chance(seed))
    at, expected = 0.2, list[InputEvent]()
    for _ in range(desk.rng.randint(1, 12)):
        symbol = desk.rng.choice("0123456789*#m")
        lasts = desk.rng.uniform(80 * MS, 300 * MS)
        if symbol == "m":
            desk.change((MUTE, GROUND), press(desk.rng, at, lasts))
        else:
            desk.key(symbol, press(desk.rng, at, lasts))
        name = "mute" if symbol == "m" else symbol
        expected += [Key(name), Key(name, False)]
        at += lasts + desk.rng.uniform(100 * MS, 400 * MS)
    assert desk.play() == expected


# In real time


class Hand:
    """A thread that makes contacts bounce, and waits for what comes of each change."""

    def __init__(self, gpio: StandInGpio, told: list[InputEvent]) -> None:
        self._gpio, self._told, self._rng = gpio, told, chance(7)
        self.missing = ""

    def play(self, changes: list[tuple[tuple[int, int], bool]]) -> None:
        for count, (contact, closed) in enumerate(changes, 1):
            begun = time.monotonic()
            for at, level in bounce(self._rng, begun, closed=closed):
                time.sleep(max(0.0, at - time.monotonic()))
                self._gpio.contact(*contact, closed=level)
            while len(self._told) < count:
                if time.monotonic() > begun + 20:
                    self.missing = f"change {count} was not told"
                    return
                time.sleep(0.005)


def test_edges_from_another_thread_reach_the_loop() -> None:
    told, thread = list[InputEvent](), EdgeThread()
    gpio = StandInGpio(thread)

    def find(_: HardwareProfile) -> StandInGpio:
        gpio.setmode(gpio.BCM)
        return gpio

    contacts = {"1": (22, 5), "5": (23, 6), "9": (24, 16), "mute": (MUTE, GROUND)}
    changes = [((HOOK, GROUND), True)]
    changes += [(contact, closed) for contact in contacts.values() for closed in (True, False)]
    changes.append(((HOOK, GROUND), False))
    hand = Hand(gpio, told)

    async def scene() -> None:
        phone = WiredHandset(profile("keypad-3x4"), told.append, find_pins=find)
        phone.open()
        await asyncio.to_thread(hand.play, changes)
        phone.close()

    asyncio.run(scene())
    thread.end()
    keys = [Key(key, down) for key in contacts for down in (True, False)]
    assert hand.missing == ""
    assert told == [HookUp(), *keys, HookDown()]
    assert gpio.faults == []


def test_an_edge_after_the_loops_end_is_nobodys() -> None:
    gpio, told = StandInGpio(lambda act: act()), list[InputEvent]()

    def find(_: HardwareProfile) -> StandInGpio:
        gpio.setmode(gpio.BCM)
        return gpio

    phone = WiredHandset(profile("rotary"), told.append, find_pins=find)

    async def scene() -> None:
        phone.open()

    asyncio.run(scene())
    gpio.contact(HOOK, GROUND, closed=True)
    phone.close()
    assert told == []
    assert gpio.claimed() == set()
