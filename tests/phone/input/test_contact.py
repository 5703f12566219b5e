from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phone.input.fingers import (
    LONGEST_BOUNCE_S,
    MS,
    Change,
    bounce,
    chance,
    in_order,
    press,
    spike,
)

from offhook.base.state_table import render
from offhook.phone.input.contact import CONTACT, Contact, ContactInput, ContactState

CLOSED_S, OPEN_S = 10 * MS, 20 * MS

Told = list[tuple[float, bool, float]]


def play(contact: Contact, changes: list[Change], until: float) -> Told:
    """What was told: when, which level, and when it is said to have begun."""
    found: Told = []

    def settle(now: float) -> None:
        while (due := contact.deadline()) is not None and due <= now:
            if contact.settle(due):
                found.append((due, contact.closed, contact.changed_at))

    for at, closed in changes:
        settle(at)
        contact.edge(closed, at)
        settle(at)
    settle(until)
    return found


@settings(deadline=None)
@given(seed=st.integers(min_value=0), count=st.integers(1, 30))
def test_each_press_is_told_once_whatever_its_bounce(seed: int, count: int) -> None:
    rng, at, changes, starts = chance(seed), 1.0, [], []
    for _ in range(count):
        lasts = rng.uniform(30 * MS, 300 * MS)
        changes += press(rng, at, lasts)
        starts += [at, at + lasts]
        at += lasts + rng.uniform(40 * MS, 400 * MS)
    found = play(Contact(CLOSED_S, OPEN_S), in_order(changes), at)
    assert [closed for _, closed, _ in found] == [True, False] * count
    for began, start in zip([began for _, _, began in found], starts, strict=True):
        assert 0 <= began - start <= LONGEST_BOUNCE_S


@settings(deadline=None)
@given(seed=st.integers(min_value=0))
def test_with_times_longer_than_bounce_a_change_is_dated_to_its_first_edge(seed: int) -> None:
    rng = chance(seed)
    changes = in_order(press(rng, 1.0, 80 * MS) + press(rng, 2.0, 50 * MS))
    found = play(Contact(16 * MS, 16 * MS), changes, 3.0)
    assert [began for _, _, began in found] == [1.0, 1.0 + 80 * MS, 2.0, 2.0 + 50 * MS]


@settings(deadline=None)
@given(
    lengths=st.lists(st.floats(0.01 * MS, 9.99 * MS), min_size=1, max_size=10),
    gaps=st.lists(st.floats(20 * MS, 1.0), min_size=10, max_size=10),
)
def test_a_spike_shorter_than_the_time_is_never_told(
    lengths: list[float], gaps: list[float]
) -> None:
    at, changes = 1.0, []
    for length, gap in zip(lengths, gaps, strict=False):
        changes += spike(at, length)
        at += length + gap
    assert play(Contact(CLOSED_S, OPEN_S), changes, at + 1) == []


def test_a_spike_long_ago_is_not_taken_for_the_first_edge_of_a_press() -> None:
    changes = [*spike(1.0, 5 * MS), (1.1, True)]
    ((_, closed, began),) = play(Contact(CLOSED_S, OPEN_S), changes, 2.0)
    assert (closed, began) == (True, 1.1)


def test_the_two_times_may_differ() -> None:
    found = play(Contact(CLOSED_S, OPEN_S), [(1.0, True), (2.0, False)], 3.0)
    assert [when for when, _, _ in found] == [pytest.approx(1.0 + CLOSED_S), 2.0 + OPEN_S]


@settings(deadline=None)
@given(
    times=st.lists(st.floats(0, 14.99 * MS), max_size=40),
    closed_ms=st.integers(1, 14),
)
def test_no_bounce_is_counted_twice_if_both_times_together_are_longer(
    times: list[float], closed_ms: int
) -> None:
    """Bounce of any shape within 15 ms; the two times share out 15 ms in any way."""
    edges = [0.0, *sorted(times)]
    edges = edges if len(edges) % 2 else edges[:-1]
    changes = [(at, index % 2 == 0) for index, at in enumerate(edges)]
    contact = Contact(closed_ms * MS, (15 - closed_ms) * MS)
    assert [closed for _, closed, _ in play(contact, changes, 1.0)] == [True]


def test_control_times_that_are_shorter_together_count_some_bounce_twice() -> None:
    changes = [(0.0, True), (6 * MS, False), (12 * MS, True)]
    assert len(play(Contact(5 * MS, 5 * MS), changes, 1.0)) == 3


@settings(deadline=None)
@given(seed=st.integers(min_value=0))
def test_ticks_in_between_change_nothing(seed: int) -> None:
    rng = chance(seed)
    changes = in_order(press(rng, 1.0, 100 * MS) + press(rng, 1.3, 50 * MS))
    ticked = Contact(CLOSED_S, OPEN_S)
    found: Told = []
    now = 0.9
    for at, closed in [*changes, (2.0, False)]:
        while now < at:
            if ticked.settle(now):
                found.append((0.0, ticked.closed, ticked.changed_at))
            now += rng.uniform(0.1 * MS, 5 * MS)
        if ticked.settle(at):
            found.append((0.0, ticked.closed, ticked.changed_at))
        ticked.edge(closed, at)
    expected = play(Contact(CLOSED_S, OPEN_S), changes, 2.0)
    assert [each[1:] for each in found] == [each[1:] for each in expected]


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_control_without_times_bounce_is_told(seed: int) -> None:
    changes = bounce(chance(seed), 1.0, closed=True)
    assert len(play(Contact(0.0, 0.0), changes, 2.0)) == len(changes)


def test_the_table_answers_every_edge_in_every_state() -> None:
    for state in ContactState:
        wanted = ContactInput.BREAKS if seen_closed(state) else ContactInput.MAKES
        assert (state, wanted) in CONTACT


def seen_closed(state: ContactState) -> bool:
    contact = Contact(0.0, 0.0)
    contact.state = state
    return contact.seen_closed


def test_the_table_can_be_drawn() -> None:
    drawn = render(CONTACT)
    assert drawn.startswith("stateDiagram-v2\n    Open --> Closing : makes / note the first edge")
    assert len(drawn.splitlines()) == 1 + len(CONTACT)
