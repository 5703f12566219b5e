from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phone.input.fingers import MS, Change, bounce, chance, in_order, told

from offhook.base.state_table import render
from offhook.phone.input.events import Flash, HookDown, HookUp
from offhook.phone.input.flash import FLASH_WINDOWS, FlashWindow
from offhook.phone.input.hook import HOOK, Hook, HookState
from offhook.phone.input.times import HandsetTimes

TIMES = HandsetTimes()
GERMANY, AMERICA = FLASH_WINDOWS["DE"], FLASH_WINDOWS["US"]
Event = HookUp | HookDown | Flash


def hook(window: FlashWindow | None) -> Hook:
    return Hook(TIMES.hook_up_s, TIMES.hook_down_s, window)


def lifted(window: FlashWindow | None) -> Hook:
    machine = hook(window)
    machine.edge(up=True, at=0.0)
    machine.tick(0.9)
    assert told(machine) == [HookUp()]
    return machine


def pressed(rng: Random, at: float, lasts_s: float) -> list[Change]:
    return bounce(rng, at, closed=False) + bounce(rng, at + lasts_s, closed=True)


def play(machine: Hook, changes: list[Change], until: float) -> list[Event]:
    for at, up in changes:
        machine.edge(up, at)
    machine.tick(until)
    return told(machine)


def expected(lasts_s: float, window: FlashWindow) -> list[Event]:
    if lasts_s < window.shortest_s:
        return []
    return [Flash()] if lasts_s < window.longest_s else [HookDown(), HookUp()]


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    country=st.sampled_from(sorted(FLASH_WINDOWS)),
    lengths=st.lists(
        st.one_of(st.integers(1, 29), st.integers(50, 1200)).map(lambda ms: ms * MS), max_size=20
    ),
)
def test_a_press_of_the_hook_is_nothing_or_flash_or_hanging_up_by_its_length_alone(
    seed: int, country: str, lengths: list[float]
) -> None:
    rng, window, at = chance(seed), FLASH_WINDOWS[country], 1.0
    changes: list[Change] = []
    wanted: list[Event] = []
    for lasts in lengths:
        if lasts < 30 * MS:  # a spike, without bounce of its own
            changes += [(at, False), (at + lasts, True)]
        else:
            changes += pressed(rng, at, lasts)
            wanted += expected(lasts, window)
        at += lasts + rng.uniform(60 * MS, 2.0)
    assert play(lifted(window), in_order(changes), at + 2) == wanted


@pytest.mark.parametrize("country", sorted(FLASH_WINDOWS))
def test_the_window_begins_with_its_shortest_and_ends_before_its_longest_press(
    country: str,
) -> None:
    window = FLASH_WINDOWS[country]
    for lasts in (window.shortest_s + 0.01 * MS, window.longest_s - 0.01 * MS):
        assert play(lifted(window), [(1.0, False), (1.0 + lasts, True)], 9.0) == [Flash()]
    for lasts in (window.shortest_s - 0.01 * MS, window.longest_s):
        found = play(lifted(window), [(1.0, False), (1.0 + lasts, True)], 9.0)
        assert found == expected(lasts, window)


@settings(deadline=None)
@given(seed=st.integers(min_value=0), country=st.sampled_from(sorted(FLASH_WINDOWS)))
def test_hanging_up_is_told_when_the_window_is_over_and_never_before(
    seed: int, country: str
) -> None:
    window, machine = FLASH_WINDOWS[country], lifted(FLASH_WINDOWS[country])
    for at, up in bounce(chance(seed), 1.0, closed=False):
        machine.edge(up, at)
    machine.tick(1.0 + window.longest_s - 0.01 * MS)
    assert told(machine) == []
    assert machine.deadline() == 1.0 + window.longest_s
    machine.tick(1.0 + window.longest_s)
    assert told(machine) == [HookDown()]


def test_a_press_whose_end_still_bounces_when_the_window_closes_is_a_flash() -> None:
    end = 1.0 + GERMANY.longest_s
    changes = [(1.0, False), (end - MS, True), (end + 5 * MS, False), (end + 9 * MS, True)]
    assert play(lifted(GERMANY), changes, 9.0) == [Flash()]


def test_a_spike_across_the_end_of_the_window_does_not_keep_the_call() -> None:
    end = 1.0 + GERMANY.longest_s
    changes = [(1.0, False), (end - MS, True), (end + 9 * MS, False)]
    assert play(lifted(GERMANY), changes, 9.0) == [HookDown()]


def test_without_a_window_laying_down_counts_at_once_and_nothing_is_a_flash() -> None:
    machine = lifted(None)
    machine.edge(up=False, at=1.0)
    machine.tick(1.0 + TIMES.hook_down_s)
    assert told(machine) == [HookDown()]
    machine.edge(up=True, at=1.2)
    machine.tick(1.3)
    assert told(machine) == [HookUp()]


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    places=st.lists(st.floats(100 * MS, 3.0), min_size=1, max_size=20),
    window=st.sampled_from([None, GERMANY, AMERICA]),
)
def test_up_and_down_take_turns_and_none_is_lost(
    seed: int, places: list[float], window: FlashWindow | None
) -> None:
    """The handset stays up for each even, down for each odd length; flashes are left out."""
    rng, at, up = chance(seed), 1.0, True
    changes: list[Change] = []
    wanted: list[Event] = []
    for length in places:
        changes += bounce(rng, at, closed=up)
        wanted.append(HookUp() if up else HookDown())
        at += length if up else length + 1.0
        up = not up
    assert play(hook(window), in_order(changes), at + 2) == wanted


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    lengths=st.lists(st.floats(50 * MS, 1.2), min_size=1, max_size=8),
    steps=st.lists(st.floats(0.1 * MS, 2.0), min_size=1, max_size=8),
)
def test_edges_that_come_late_and_time_that_runs_in_large_steps_change_nothing(
    seed: int, lengths: list[float], steps: list[float]
) -> None:
    rng, at = chance(seed), 1.0
    changes: list[Change] = []
    for lasts in lengths:
        changes += pressed(rng, at, lasts)
        at += lasts + 0.1
    changes = in_order(changes)
    prompt, late = lifted(GERMANY), lifted(GERMANY)
    found: list[Event] = []
    for (at_edge, up), (following, _) in pairwise([*changes, (at + 5, True)]):
        prompt.edge(up, at_edge)
        while (due := prompt.deadline()) is not None and due < following:
            prompt.tick(due)
        found += told(prompt)
    now, waiting = 0.9, list(changes)
    while waiting or late.deadline() is not None:
        now += steps[len(waiting) % len(steps)]
        while waiting and waiting[0][0] <= now:
            at_edge, up = waiting.pop(0)
            late.edge(up, at_edge)
        late.tick(now)
    assert told(late) == found


def test_an_edge_whose_time_lies_before_the_last_tick_is_taken_all_the_same() -> None:
    machine = lifted(GERMANY)
    machine.tick(5.0)
    machine.edge(up=False, at=4.9)
    machine.tick(6.0)
    assert told(machine) == [HookDown()]
    assert machine.state is HookState.DOWN


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_control_without_debounce_a_bouncing_hook_is_told_wrong(seed: int) -> None:
    changes = bounce(chance(seed), 1.0, closed=True)
    changes = [*changes, *bounce(chance(seed + 1), 2.0, closed=False)]
    found = play(Hook(0.0, 0.0, None), in_order(changes), 9.0)
    assert len(found) == len(changes)
    assert play(hook(None), in_order(changes), 9.0) == [HookUp(), HookDown()]


def test_control_a_german_window_hangs_up_where_an_american_one_flashes() -> None:
    changes: list[Change] = [(1.0, False), (1.6, True)]
    assert play(lifted(AMERICA), changes, 9.0) == [Flash()]
    assert play(lifted(GERMANY), changes, 9.0) == [HookDown(), HookUp()]


def test_the_table_can_be_drawn() -> None:
    assert render(HOOK).splitlines()[1:] == [
        "    Down --> Up : lifted / report HookUp",
        "    Up --> Pressed : pressed / open window",
        "    Pressed --> Up : let go before the window / close window",
        "    Pressed --> Up : let go within the window / close window, report Flash",
        "    Pressed --> Down : window over / close window, report HookDown",
    ]
