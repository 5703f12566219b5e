"""How a wired telephone opens, fails, rings and lets go of its pins."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest
from tests.app.wired_desk import HOOK, MUTE, Desk, profile
from tests.shells.pins.stand_in_gpio import GROUND
from tests.shells.pins.virtual_time import VirtualLoop, virtual_loop

from offhook.base.errors import LocalError
from offhook.base.vocabulary import Key, Lamp, LampLook, Ring
from offhook.phone.input.events import HookDown, HookUp, InputEvent
from offhook.shells.pins.gpio_time import Cadence


@pytest.fixture
def desk() -> Desk:
    return Desk(profile("keypad-3x4-rgb"))


@pytest.fixture
def loop(desk: Desk) -> Iterator[VirtualLoop]:
    with virtual_loop(desk.world) as made:
        yield made


def test_when_closed_every_pin_is_an_input_whatever_it_did(desk: Desk, loop: VirtualLoop) -> None:
    loop.do(desk.phone.open)
    yellow = LampLook("yellow", (1000,), red=True, green=True, rgb=(255, 140, 20))
    for lamp in Lamp:
        loop.do(lambda lamp=lamp: desk.phone.set_lamp(lamp, yellow))  # type: ignore[misc]
    loop.do(lambda: desk.phone.ring(Ring.CALL, 9))
    loop.run_until(1000.5)
    assert desk.gpio.state(13) == (2000.0, 50.0)
    assert desk.gpio.state(26) == pytest.approx((200, 54.9), abs=0.1)
    loop.do(desk.phone.close)
    desk.check_let_go()
    loop.do(desk.phone.close)
    assert desk.gpio.cleanups == 1


def test_edges_after_the_close_and_on_their_way_change_nothing(
    desk: Desk, loop: VirtualLoop
) -> None:
    loop.do(desk.phone.open)
    loop.run_until(1000.5)
    desk.gpio.contact(HOOK, GROUND, closed=True)
    loop.do(desk.phone.close)
    desk.gpio.contact(MUTE, GROUND, closed=True)
    loop.run_until(1005)
    assert desk.told == []
    assert desk.gpio.claimed() == set()


def test_a_listener_may_close_the_handset_and_hears_no_more() -> None:
    desk = Desk(profile("keypad-3x4"))

    def leave(event: InputEvent) -> None:
        desk.told.append(event)
        desk.phone.close()

    desk.phone._on_event = leave
    desk.world.late = lambda: 0.3
    for pin in (HOOK, MUTE):
        desk.change((pin, GROUND), [(0.5, True)])
    assert desk.play() == [Key("mute")]


def test_a_listener_that_fails_does_not_end_the_hearing(loop: VirtualLoop, desk: Desk) -> None:
    problems: list[object] = []
    loop.set_exception_handler(lambda _, context: problems.append(context["exception"]))

    def fail(event: InputEvent) -> None:
        desk.told.append(event)
        raise LookupError

    desk.phone._on_event = fail
    loop.do(desk.phone.open)
    for pin in (HOOK, MUTE):
        desk.change((pin, GROUND), [(0.5, True), (1.0, False)])
    desk.world.late = lambda: 0.3
    loop.run_until(1002)
    loop.do(desk.phone.close)
    assert desk.told == [Key("mute"), HookUp(), Key("mute", False), HookDown()]
    assert len(problems) == len(desk.told)


def test_it_can_be_opened_again_but_not_twice(desk: Desk, loop: VirtualLoop) -> None:
    loop.do(desk.phone.open)
    with pytest.raises(LocalError, match="open already"):
        loop.do(desk.phone.open)
    loop.do(desk.phone.close)
    loop.do(desk.phone.open)
    desk.change((MUTE, GROUND), [(0.5, True), (1.0, False)])
    loop.run_until(1002)
    loop.do(desk.phone.close)
    assert desk.told == [Key("mute"), Key("mute", False)]
    desk.check_let_go()


@pytest.mark.parametrize("pin", [4, 13, 16, 18, 23, 27])
def test_a_pin_that_another_program_has_is_named_and_nothing_is_kept(
    desk: Desk, loop: VirtualLoop, pin: int
) -> None:
    desk.gpio.busy.add(pin)
    with pytest.raises(LocalError, match=rf"GPIO {pin} can't be had.*another program"):
        loop.do(desk.phone.open)
    desk.check_let_go()
    names = {thread.name for thread in threading.enumerate()}
    assert "bell guard" not in names


def test_what_failed_first_is_told_even_if_letting_go_fails_too(
    desk: Desk, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("no such device")

    monkeypatch.setattr(desk.gpio, "cleanup", broken)
    desk.gpio.busy.add(HOOK)
    with pytest.raises(LocalError, match=f"GPIO {HOOK} can't be had"):
        loop.do(desk.phone.open)


def test_pins_that_fail_for_a_while_are_asked_again(
    desk: Desk, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.do(desk.phone.open)
    loop.run_until(1000.5)
    real = desk.gpio.setup

    def broken(*_: object, **__: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(desk.gpio, "setup", broken)
    desk.key("5", [(1.0, True), (9.0, False)])
    loop.run_until(1003)
    assert desk.told == []
    monkeypatch.setattr(desk.gpio, "setup", real)
    loop.run_until(1010)
    loop.do(desk.phone.close)
    assert desk.told == [Key("5"), Key("5", False)]


def test_a_lamp_or_bell_that_fails_ends_no_call(
    desk: Desk, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.do(desk.phone.open)

    def broken(*_: object) -> None:
        raise OSError("no such device")

    with monkeypatch.context() as patched:
        patched.setattr(desk.gpio, "output", broken)
        patched.setattr(desk.gpio, "PWM", broken)
        loop.do(lambda: desk.phone.set_lamp(Lamp.MESSAGE, LampLook("lit", (1000,))))
        loop.do(lambda: desk.phone.ring(Ring.CALL, 5))
        loop.do(desk.phone.stop_ring)
    loop.do(desk.phone.close)


@pytest.mark.parametrize("failing", [13, 27, 12])
def test_a_bell_or_lamp_that_fails_at_the_end_leaves_no_other_going(
    desk: Desk, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    loop.do(desk.phone.open)
    for lamp in Lamp:
        loop.do(lambda lamp=lamp: desk.phone.set_lamp(lamp, LampLook("quick", (100, 100))))  # type: ignore[misc]
    loop.do(lambda: desk.phone.ring(Ring.CALL, 5))
    real = desk.gpio.output

    def output(pin: int, value: int) -> None:
        if pin == failing:
            raise OSError("no such device")
        real(pin, value)

    monkeypatch.setattr(desk.gpio, "output", output)
    with pytest.raises(LocalError, match=f"GPIO {failing} can't be set"):
        loop.do(desk.phone.close)
    asked: list[float] = []
    monkeypatch.setattr(Cadence, "tick", lambda _, now: asked.append(now))
    loop.run_until(1005)
    assert asked == []
    desk.check_let_go()


def test_before_it_is_open_and_without_lamps_nothing_is_done(loop: VirtualLoop) -> None:
    bare = msgspec.structs.replace(
        profile("keypad-3x4"), ringer=None, lamps=type(profile("keypad-3x4").lamps)()
    )
    phone = Desk(bare).phone
    for act in (lambda: None, phone.open, phone.close):
        loop.do(act)
        loop.do(lambda: phone.set_lamp(Lamp.MUTE, LampLook("lit", (1000,))))
        loop.do(lambda: phone.ring(Ring.CALL, 5))
        loop.do(phone.stop_ring)


# The bell


def sounding(desk: Desk, pin: int = 13) -> list[tuple[float, bool]]:
    """When the bell's pin began and ceased to carry a tone."""
    found: list[tuple[float, bool]] = []
    for at, state in desk.gpio.states(pin):
        tone = isinstance(state, tuple)
        if tone is not (bool(found) and found[-1][1]):
            found.append((round(at - 1000, 3), tone))
    return found


def test_a_call_rings_as_in_the_country_and_a_recall_otherwise() -> None:
    desk = Desk(profile("keypad-3x4"), late_s=0.0, country="GB")
    with virtual_loop(desk.world) as loop:
        loop.do(desk.phone.open)
        loop.do(lambda: desk.phone.ring(Ring.CALL, 6))
        loop.run_until(1003.1)
        loop.do(desk.phone.stop_ring)
        loop.run_until(1010)
        loop.do(lambda: desk.phone.ring(Ring.RECALL, 6))
        loop.run_until(1011)
        loop.do(desk.phone.close)
    assert sounding(desk) == [
        *((0.0, True), (0.4, False), (0.6, True), (1.0, False), (3.0, True), (3.1, False)),
        *((10.0, True), (10.3, False), (10.5, True), (10.8, False), (11.0, True), (11.0, False)),
    ]


def test_a_country_without_tones_is_refused_before_anything_rings() -> None:
    with pytest.raises(LocalError, match="no tones"):
        Desk(profile("rotary"), country="XX")
