from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phone.input.fingers import LONGEST_BOUNCE_S, MS, Change, bounce, chance, told

from offhook.base.state_table import render
from offhook.phone.input.events import RotaryDigit
from offhook.phone.input.rotary import DIAL, DIGIT_MAPS, DialState, RotaryDial
from offhook.phone.input.times import HandsetTimes

TIMES = HandsetTimes()
INTERNATIONAL = DIGIT_MAPS["international"]

Turn = list[tuple[float, str, bool]]
"""When which contact was closed or opened."""


def dial(
    digits: str = INTERNATIONAL, *, times: HandsetTimes = TIMES, nsa: bool = True
) -> RotaryDial:
    return RotaryDial(times, digits, has_rest_contact=nsa)


def named(contact: str, changes: list[Change]) -> Turn:
    return [(at, contact, closed) for at, closed in changes]


def turn(rng: Random, at: float, pulses: int, rate: float, break_s: float) -> tuple[Turn, float]:
    """One turn of a dial of `rate` pulses a second, each open for `break_s`; and when it ends.

    The speed wanders by 2 %; both contacts bounce for up to 15 ms at each change.
    """
    changes = named("nsa", bounce(rng, at, closed=True))
    at += rng.uniform(0.05, 1.0)
    for _ in range(pulses):
        factor = rng.uniform(0.98, 1.02)
        changes += named("nsi", bounce(rng, at, closed=False))
        changes += named("nsi", bounce(rng, at + break_s * factor, closed=True))
        at += factor / rate
    at += rng.uniform(0.0, 0.2)
    changes += named("nsa", bounce(rng, at, closed=False))
    return changes, at


def play(machine: RotaryDial, changes: Turn, until: float) -> str:
    machine.pulse_edge(closed=True, at=0.0)
    for at, contact, closed in sorted(changes, key=lambda change: change[0]):
        (machine.pulse_edge if contact == "nsi" else machine.rest_edge)(closed, at)
    machine.tick(until)
    return "".join(event.digit for event in told(machine))


@st.composite
def speeds(draw: st.DrawFn) -> tuple[float, float]:
    """Pulses a second and the time of a break (s): breaks of 47 to 80 ms, makes of 24 to 55 ms."""
    rate = draw(st.floats(7.5, 12.0))
    shortest = max(47 * MS, 1 / rate - 55 * MS)
    longest = min(80 * MS, 1 / rate * 0.98 - 24.5 * MS) / 1.02
    return rate, draw(st.floats(shortest, max(shortest, longest)))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(min_value=0),
    speed=speeds(),
    pulses=st.lists(st.integers(1, 10), min_size=1, max_size=12),
    name=st.sampled_from(sorted(DIGIT_MAPS)),
    nsa=st.booleans(),
)
def test_every_dial_of_the_trade_is_read_without_fault(
    seed: int, speed: tuple[float, float], pulses: list[int], name: str, *, nsa: bool
) -> None:
    rng, at, changes = chance(seed), 1.0, []
    for count in pulses:
        turned, at = turn(rng, at, count, *speed)
        changes += turned
        at += rng.uniform(0.1, 1.0) if nsa else rng.uniform(0.3, 1.0)
    if not nsa:
        changes = [change for change in changes if change[1] == "nsi"]
    wanted = "".join(DIGIT_MAPS[name][count - 1] for count in pulses)
    assert play(dial(DIGIT_MAPS[name], nsa=nsa), changes, at + 1) == wanted


def test_ten_thousand_pulses_and_none_is_lost() -> None:
    rng, at, changes, wanted, count = chance("dial"), 1.0, [], "", 0
    while count < 10_000:
        pulses = rng.randint(1, 10)
        turned, at = turn(rng, at, pulses, rng.uniform(8.0, 11.5), rng.uniform(50 * MS, 56 * MS))
        changes += turned
        at += 0.2
        count += pulses
        wanted += INTERNATIONAL[pulses - 1]
    assert play(dial(), changes, at + 1) == wanted


def regular(pulses: int, at: float = 1.0, period_s: float = 0.1) -> Turn:
    """A turn without bounce at 60 % break, its rest contact included."""
    changes: Turn = [(at - 0.2, "nsa", True)]
    for index in range(pulses):
        start = at + index * period_s
        changes += [(start, "nsi", False), (start + 0.6 * period_s, "nsi", True)]
    return [*changes, (at + pulses * period_s, "nsa", False)]


@pytest.mark.parametrize(
    ("name", "one", "nine", "ten"),
    [("international", "1", "9", "0"), ("new-zealand", "9", "1", "0"), ("sweden", "0", "8", "9")],
)
def test_each_kind_of_dial_has_its_own_digits(name: str, one: str, nine: str, ten: str) -> None:
    for pulses, digit in ((1, one), (9, nine), (10, ten)):
        assert play(dial(DIGIT_MAPS[name]), regular(pulses), 9.0) == digit
    assert sorted(DIGIT_MAPS[name]) == sorted("0123456789")


def test_a_digit_is_told_when_the_dial_is_back_at_rest() -> None:
    machine = dial()
    play(machine, regular(3)[:-1], 1.31)
    machine.rest_edge(closed=False, at=1.31)
    machine.tick(1.31 + TIMES.dial_rest_s)
    assert told(machine) == [RotaryDigit("3")]
    assert machine.state is DialState.REST


@pytest.mark.parametrize("nsa", [True, False])
def test_a_digit_is_told_after_silence_where_the_rest_contact_never_opens(*, nsa: bool) -> None:
    machine = dial(nsa=nsa)
    changes = [*regular(3)[:-1], *regular(4, at=3.0)[1:-1]]
    assert play(machine, changes if nsa else changes[1:], 9.0) == "34"
    assert machine.state is DialState.AWAY


def test_a_turn_without_a_pulse_is_nothing() -> None:
    assert play(dial(), regular(0), 9.0) == ""


def test_more_than_ten_pulses_are_no_digit_and_the_next_turn_counts() -> None:
    assert play(dial(), regular(11) + regular(2, at=4.0), 9.0) == "2"


def test_pulses_at_rest_are_noise() -> None:
    changes = [change for change in regular(4) if change[1] == "nsi"]
    assert play(dial(), changes, 9.0) == ""


def test_a_pulse_without_end_voids_the_turn_and_the_next_one_counts() -> None:
    stuck: Turn = [(0.9, "nsa", True), *regular(2)[1:-1], (1.3, "nsi", False)]
    mended: Turn = [(3.0, "nsi", True), (3.1, "nsa", False)]
    assert play(dial(), stuck + mended + regular(5, at=4.0), 9.0) == "5"


def test_a_pulse_without_end_is_got_over_without_a_rest_contact_too() -> None:
    changes: Turn = [(1.0, "nsi", False), (3.0, "nsi", True), *regular(5, at=4.0)[1:-1]]
    assert play(dial(nsa=False), changes, 9.0) == "5"


@settings(deadline=None)
@given(at=st.floats(0.5, 1.18), lasts=st.floats(0.1 * MS, 7.9 * MS))
def test_a_spike_shorter_than_the_pulse_time_is_no_pulse(at: float, lasts: float) -> None:
    changes: Turn = [*regular(3, at=1.2), (at, "nsi", False), (at + lasts, "nsi", True)]
    assert play(dial(), changes, 9.0) == "3"


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    steps=st.lists(st.floats(1 * MS, 3.0), min_size=1, max_size=6),
)
def test_edges_that_come_late_change_nothing(seed: int, steps: list[float]) -> None:
    rng, at, changes, wanted = chance(seed), 1.0, [], ""
    for _ in range(4):
        pulses = rng.randint(1, 10)
        turned, at = turn(rng, at, pulses, 10.0, 55 * MS)
        changes += turned
        at += 0.2
        wanted += INTERNATIONAL[pulses - 1]
    waiting = sorted(changes, key=lambda change: change[0])
    machine, now = dial(), 0.5
    machine.pulse_edge(closed=True, at=0.0)
    while waiting or machine.deadline() is not None:
        now += steps[len(waiting) % len(steps)]
        while waiting and waiting[0][0] <= now:
            when, contact, closed = waiting.pop(0)
            (machine.pulse_edge if contact == "nsi" else machine.rest_edge)(closed, when)
        machine.tick(now)
    assert "".join(event.digit for event in told(machine)) == wanted


def test_the_pulse_time_is_over_half_the_longest_bounce_and_fits_the_shortest_make() -> None:
    assert 2 * TIMES.pulse_s > LONGEST_BOUNCE_S
    assert TIMES.pulse_s + LONGEST_BOUNCE_S <= 23 * MS


def test_control_without_debounce_bounce_is_dialled() -> None:
    bare = HandsetTimes(pulse_s=0.0, dial_away_s=0.0, dial_rest_s=0.0)
    wrong = 0
    for seed in range(50):
        changes, end = turn(chance(seed), 1.0, 5, 10.0, 55 * MS)
        wrong += play(dial(times=bare), changes, end + 1) != "5"
        assert play(dial(), changes, end + 1) == "5"
    assert wrong > 45


def test_control_too_long_a_time_loses_pulses() -> None:
    slow = HandsetTimes(pulse_s=30 * MS)
    changes, end = turn(chance(1), 1.0, 9, 12.0, 50 * MS)
    assert play(dial(times=slow), changes, end + 1) != "9"


def test_the_table_can_be_drawn() -> None:
    drawn = render(DIAL)
    assert "    Rest --> Away : left rest / clear count\n" in drawn
    assert len(drawn.splitlines()) == 1 + len(DIAL)
