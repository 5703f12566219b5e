from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shells.pins.virtual_time import World, virtual_loop

from offhook.base.errors import LocalError
from offhook.shells.pins.gpio_time import Alarm, Cadence

LENGTHS = st.lists(st.integers(1, 5000), min_size=2, max_size=6).map(tuple)


@given(cadence=LENGTHS, steps=st.lists(st.integers(0, 20_000), max_size=30))
def test_a_cadence_is_on_when_its_figures_say_so_however_it_is_asked(
    cadence: tuple[int, ...], steps: list[int]
) -> None:
    played, at_ms = Cadence(cadence, 0.0), 0
    for step in steps:
        # Half a millisecond beside every change, where rounding can't matter.
        at_ms += step
        played.tick((at_ms + 0.5) / 1000)
        left = at_ms % sum(cadence)
        index = 0
        while left >= cadence[index]:
            left -= cadence[index]
            index += 1
        assert played.on is (index % 2 == 0)
        assert played.phase == at_ms // sum(cadence) * len(cadence) + index
        due = played.deadline()
        assert due is not None
        assert due == pytest.approx((at_ms - left + cadence[index]) / 1000)


def test_one_figure_is_on_for_ever_and_none_is_off() -> None:
    for cadence, on in (((1000,), True), ((), False)):
        played = Cadence(cadence, 0.0)
        played.tick(1e6)
        assert played.on is on
        assert played.deadline() is None


def test_a_day_asleep_is_made_up_at_once() -> None:
    played = Cadence((60, 4940), 0.0)
    played.tick(86_400.01)
    assert played.on
    assert played.deadline() == pytest.approx(86_400.06)


@pytest.mark.parametrize("cadence", [(0,), (100, 0), (-5, 10)])
def test_a_cadence_without_time_is_refused(cadence: tuple[int, ...]) -> None:
    with pytest.raises(LocalError, match="above 0"):
        Cadence(cadence, 0.0)


def test_an_alarm_rings_at_its_latest_time_alone() -> None:
    world, rung = World(), list[float]()
    alarm = Alarm(world.clock, lambda: rung.append(world.now))
    with virtual_loop(world) as loop:
        loop.do(lambda: alarm.set(1003.0))
        loop.do(lambda: alarm.set(1002.0))
        loop.run_until(1004)
        loop.do(lambda: alarm.set(1006.0))
        loop.do(lambda: alarm.set(None))
        loop.do(lambda: alarm.set(1001.0))
        loop.run_until(1008)
    assert rung == pytest.approx([1002.0, 1004.0])


def test_an_alarm_that_isnt_set_needs_no_loop() -> None:
    Alarm(lambda: 0.0, lambda: None).set(None)
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
