from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phone.input.fingers import MS, Press, bounce, chance, of_key, told

from offhook.base.errors import LocalError
from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.matrix import LAYOUT_3X4, LAYOUT_4X4
from offhook.phone.input.switch_keypad import SwitchKeypad
from offhook.phone.input.times import HandsetTimes

ROWS, COLUMNS = ("r1", "r2", "r3", "r4"), ("c1", "c2", "c3")
PLACES = {
    symbol: (ROWS[row], COLUMNS[column])
    for row, line in enumerate(LAYOUT_3X4)
    for column, symbol in enumerate(line)
}
SKEW_S = 5 * MS
"""How far apart the two switches of one key may change."""


def machine(times: HandsetTimes | None = None) -> SwitchKeypad:
    return SwitchKeypad(LAYOUT_3X4, ROWS, COLUMNS, times or HandsetTimes())


def play(pad: SwitchKeypad, rng: Random, presses: list[Press], until: float) -> list[Key]:
    """Switches that several keys close stay closed until the last of them opens."""
    changes = []
    for index, each in enumerate(presses):
        for pin in PLACES[each.key]:
            start, end = (at + rng.uniform(0, SKEW_S) for at in (each.at, each.at + each.lasts_s))
            edges = bounce(rng, start, closed=True) + bounce(rng, end, closed=False)
            changes += [(at, pin, index, closed) for at, closed in edges]
    closing: dict[str, set[int]] = {pin: set() for pin in (*ROWS, *COLUMNS)}
    for at, pin, index, closed in sorted(changes, key=lambda change: change[0]):
        before = bool(closing[pin])
        (closing[pin].add if closed else closing[pin].discard)(index)
        if bool(closing[pin]) != before:
            pad.receive(Edge(pin, high=not closing[pin], at=at))
    pad.tick(until)
    return told(pad)


def test_a_thousand_keys_one_by_one_and_none_is_wrong_or_lost() -> None:
    rng, at, presses = chance("2 of 7"), 1.0, []
    for _ in range(1000):
        lasts = rng.uniform(80 * MS, 200 * MS)
        presses.append(Press(rng.choice("".join(LAYOUT_3X4)), at, lasts))
        at += lasts + rng.uniform(60 * MS, 200 * MS)
    wanted = [Key(each.key, down) for each in presses for down in (True, False)]
    assert play(machine(), rng, presses, at + 1) == wanted


@settings(deadline=None)
@given(seed=st.integers(min_value=0), gap=st.floats(-20 * MS, 40 * MS))
def test_rolling_from_one_key_to_another_never_names_a_third(seed: int, gap: float) -> None:
    rng = chance(seed)
    one, other = rng.sample("".join(LAYOUT_3X4), 2)
    presses = [Press(one, 1.0, 0.2), Press(other, 1.2 + gap, 0.2)]
    found = play(machine(), rng, presses, 3.0)
    assert {key.symbol for key in found} == {one, other}
    assert of_key(found, one) == of_key(found, other) == [True, False]


@settings(deadline=None)
@given(seed=st.integers(min_value=0), offset=st.floats(0.0, 30 * MS), longer=st.floats(0.1, 0.3))
def test_of_two_keys_at_once_only_the_one_that_is_left_is_told(
    seed: int, offset: float, longer: float
) -> None:
    rng = chance(seed)
    one, other = rng.sample("".join(LAYOUT_3X4), 2)
    presses = [Press(one, 1.0, 0.15), Press(other, 1.0 + offset, 0.15 + longer)]
    found = play(machine(), rng, presses, 3.0)
    assert of_key(found, other) == [True, False]
    assert of_key(found, one) in ([], [True, False])
    assert {key.symbol for key in found} <= {one, other}


def test_a_row_without_a_column_is_no_key() -> None:
    pad = machine()
    pad.receive(Edge("r2", high=False, at=1.0))
    pad.tick(9.0)
    assert told(pad) == []
    assert pad.drive() is None


def test_pins_that_do_not_fit_the_layout_are_refused() -> None:
    with pytest.raises(LocalError, match="4 and 3 pins"):
        SwitchKeypad(LAYOUT_4X4, ROWS, COLUMNS, HandsetTimes())


def test_control_without_its_times_the_keypad_tells_bounce() -> None:
    bare = HandsetTimes(key_closed_s=0.0, key_open_s=0.0, crowd_s=0.0)
    wrong = 0
    for seed in range(30):
        found = play(machine(bare), chance(seed), [Press("5", 1.0, 0.2)], 3.0)
        wrong += found != [Key("5"), Key("5", pressed=False)]
    assert wrong > 20


def test_control_without_waiting_for_both_switches_rolling_names_a_third_key() -> None:
    hasty, third = HandsetTimes(crowd_s=0.0), 0
    for seed in range(200):
        rng = chance(seed)
        presses = [Press("1", 1.0, 0.2), Press("5", 1.2, 0.2)]
        third += len({key.symbol for key in play(machine(hasty), rng, presses, 3.0)}) > 2
    assert third > 10
