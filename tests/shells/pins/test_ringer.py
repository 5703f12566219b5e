from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.shells.pins.stand_in_gpio import StandInGpio, State
from tests.shells.pins.virtual_time import VirtualLoop, World, virtual_loop

from offhook.base.errors import LocalError
from offhook.base.schema.hardware_profile_parts import RingerLimits, RingerWiring
from offhook.shells.pins.gpio import Gpio
from offhook.shells.pins.ringer import Guard, Ringer

PIN, TOGGLE = 13, 22
TONE = RingerWiring(pin=PIN, duty_percent=(5, 20, 50))
MODULE = RingerWiring(kind="module", pin=PIN, toggle=TOGGLE, hz=25)
DE = (1000, 4000)


class Booth:
    def __init__(self, wiring: RingerWiring, clock: Callable[[], float]) -> None:
        self.board = StandInGpio(lambda act: act(), clock)
        self.board.setmode(self.board.BCM)
        self.gpio = Gpio(self.board, clock)
        self.ringer = Ringer(self.gpio, wiring, clock)

    def changes(self, pin: int = PIN) -> list[tuple[int, State]]:
        return [(round((at - 1000) * 1000), state) for at, state in self.board.states(pin)]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def loop(world: World) -> Iterator[VirtualLoop]:
    with virtual_loop(world) as made:
        yield made


@pytest.fixture
def booth(world: World) -> Iterator[Booth]:
    made = Booth(TONE, world.clock)
    yield made
    made.ringer.close()


def test_a_tone_sounds_in_its_cadence_until_it_is_stopped(booth: Booth, loop: VirtualLoop) -> None:
    loop.do(lambda: booth.ringer.ring(DE, 3))
    loop.run_until(1010.5)
    loop.do(booth.ringer.stop)
    loop.run_until(1030)
    tone = (2000, 50)
    assert booth.changes() == [
        *((0, "low"), (0, tone), (1000, "low"), (5000, tone), (6000, "low")),
        *((10_000, tone), (10_500, "low")),
    ]


@pytest.mark.parametrize(("step", "duty"), [(1, 5), (2, 20), (3, 50), (4, 50), (9, 50)])
def test_the_volume_is_the_share_of_a_period(
    booth: Booth, loop: VirtualLoop, step: int, duty: float
) -> None:
    loop.do(lambda: booth.ringer.ring(DE, step))
    assert booth.board.state(PIN) == (2000, duty)


@pytest.mark.parametrize("step", [0, -1])
def test_step_0_is_silent(booth: Booth, loop: VirtualLoop, step: int) -> None:
    loop.do(lambda: booth.ringer.ring(DE, step))
    loop.run_until(1020)
    assert booth.changes() == [(0, "low")]


def test_a_ring_that_was_silent_begins_when_it_is_heard(booth: Booth, loop: VirtualLoop) -> None:
    loop.do(lambda: booth.ringer.ring(DE, 0))
    loop.run_until(1002)
    loop.do(lambda: booth.ringer.ring(DE, 3))
    loop.run_until(1004)
    assert booth.changes() == [(0, "low"), (2000, (2000, 50)), (3000, "low")]


def test_a_volume_that_changes_while_it_rings_begins_nothing_anew(
    booth: Booth, loop: VirtualLoop
) -> None:
    loop.do(lambda: booth.ringer.ring(DE, 1))
    loop.run_until(1000.5)
    loop.do(lambda: booth.ringer.ring(DE, 3))
    loop.run_until(1001.5)
    loop.do(lambda: booth.ringer.ring(DE, 2))
    loop.run_until(1005.5)
    loop.do(lambda: booth.ringer.ring(DE, 0))
    loop.run_until(1020)
    assert booth.changes() == [
        *((0, "low"), (0, (2000, 5)), (500, (2000, 50)), (1000, "low")),
        *((5000, (2000, 20)), (5500, "low")),
    ]


def test_a_module_gets_ring_mode_and_a_changing_direction_and_loses_the_voltage_first(
    world: World, loop: VirtualLoop
) -> None:
    booth = Booth(MODULE, world.clock)
    loop.do(lambda: booth.ringer.ring(DE, 1))
    loop.run_until(1002)
    loop.do(booth.ringer.close)
    assert booth.changes() == [(0, "low"), (0, "high"), (1000, "low")]
    assert booth.changes(TOGGLE) == [(0, "low"), (0, (25, 50)), (1000, "low")]
    order = [(pin, state) for _, pin, state in booth.board.log]
    assert order.index((PIN, "low"), 2) < len(order) - 1 - order[::-1].index((TOGGLE, "low"))


def test_a_profiles_limits_hold_for_the_pin_too(world: World, loop: VirtualLoop) -> None:
    limits = RingerLimits(longest_on_ms=500, share_percent=10, window_s=20)
    booth = Booth(RingerWiring(pin=PIN, limits=limits), world.clock)
    loop.do(lambda: booth.ringer.ring((2000, 1000), 3))
    loop.run_until(1060)
    loop.do(booth.ringer.close)
    times = [at for at, _ in booth.changes()[1:]]
    sounds = list(zip(times[::2], times[1::2], strict=True))
    assert sounds
    assert all(end - start <= 500 for start, end in sounds)
    assert sum(end - start for start, end in sounds) <= 3 * 2000 + 500


def test_when_closed_it_is_silent_and_its_thread_is_gone(booth: Booth, loop: VirtualLoop) -> None:
    loop.do(lambda: booth.ringer.ring(DE, 3))
    loop.do(booth.ringer.close)
    assert booth.board.state(PIN) == "low"
    loop.run_until(1030)
    assert booth.board.state(PIN) == "low"


def test_a_bell_that_fails_to_fall_silent_is_tried_again(
    booth: Booth, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.do(lambda: booth.ringer.ring(DE, 3))
    with monkeypatch.context() as patched:

        def broken(*_: object) -> None:
            raise OSError("bad write")

        patched.setattr(booth.board, "wave", broken)
        with pytest.raises(LocalError):
            loop.do(booth.ringer.stop)
    loop.do(booth.ringer.stop)
    assert booth.board.state(PIN) == "low"


def test_a_bell_that_fails_to_sound_is_silenced_in_all_its_pins(
    world: World, loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booth = Booth(MODULE, world.clock)
    with monkeypatch.context() as patched:

        def broken(*_: object) -> None:
            raise OSError("bad write")

        patched.setattr(booth.board, "output", broken)
        with pytest.raises(LocalError):
            loop.do(lambda: booth.ringer.ring(DE, 1))
    assert booth.board.state(TOGGLE) == (25, 50)
    loop.do(booth.ringer.stop)
    assert booth.board.state(TOGGLE) == "low"
    booth.ringer.close()


# In real time: what is left when the loop hangs


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_loop_that_hangs_doesnt_keep_the_bell_ringing() -> None:
    limits = RingerLimits(longest_on_ms=200)
    booth = Booth(RingerWiring(pin=PIN, limits=limits), time.monotonic)

    async def hang() -> None:
        booth.ringer.ring((3000, 1000), 3)
        assert booth.board.state(PIN) == (2000, 5)
        eventually(lambda: booth.board.state(PIN) == "low")

    asyncio.run(hang())
    (begun, _), (ended, _) = booth.board.states(PIN)[1:]
    assert ended - begun > 0.2
    booth.ringer.close()


def test_a_loop_that_is_gone_doesnt_keep_the_bell_ringing() -> None:
    booth = Booth(RingerWiring(pin=PIN, limits=RingerLimits(longest_on_ms=200)), time.monotonic)

    async def ring() -> None:
        booth.ringer.ring((3000, 1000), 3)

    asyncio.run(ring())
    eventually(lambda: booth.board.state(PIN) == "low")
    booth.ringer.close()


def test_the_guard_leaves_alone_what_was_disarmed_and_survives_what_fails() -> None:
    silenced: list[int] = []

    def silence() -> None:
        silenced.append(1)
        raise OSError("bad write")

    guard = Guard(silence)
    guard.arm(0.001)
    eventually(lambda: len(silenced) == 1)
    guard.arm(0.001)
    eventually(lambda: len(silenced) == 2)
    guard.arm(30)
    guard.arm(None)
    guard.close()
    assert len(silenced) == 2
    assert "bell guard" not in {each.name for each in threading.enumerate()}
