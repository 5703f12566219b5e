from __future__ import annotations

from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phone.input.fingers import MS, Keypad, Press, bounce, chance, of_key, press, spike

from offhook.base.errors import LocalError
from offhook.base.state_table import render
from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.matrix import LAYOUT_3X4, LAYOUT_4X4, SCAN, Drive, MatrixKeypad, ScanState
from offhook.phone.input.times import HandsetTimes

LAYOUTS = {"3 by 4": LAYOUT_3X4, "4 by 4": LAYOUT_4X4}
ROWS = ("r1", "r2", "r3", "r4")
COLUMNS = ("c1", "c2", "c3", "c4")
LATEST_S = 1.7 * MS
"""With rows of 2 ms each row is then read every 15 ms at the latest."""
SHORTEST_PRESS_S, SHORTEST_PAUSE_S, SHORTEST_BESIDE_S = 55 * MS, 65 * MS, 75 * MS
"""Bounce, two such scans, and the time that a press, a pause, a press with a neighbour needs."""

Changes = list[tuple[float, str, bool]]


def machine(layout: tuple[str, ...], times: HandsetTimes | None = None) -> MatrixKeypad:
    return MatrixKeypad(layout, ROWS, COLUMNS[: len(layout[0])], times or HandsetTimes())


def keypad(
    layout: tuple[str, ...], rng: Random | None = None, made: MatrixKeypad | None = None
) -> Keypad:
    late = (lambda: rng.uniform(0.0, LATEST_S)) if rng else lambda: 0.0
    return Keypad(made or machine(layout), layout, ROWS, COLUMNS[: len(layout[0])], late)


def bouncing(rng: Random, presses: list[Press]) -> Changes:
    return [
        (at, each.key, closed)
        for each in presses
        for at, closed in press(rng, each.at, each.lasts_s)
    ]


def typed(rng: Random, layout: tuple[str, ...], count: int, start: float) -> list[Press]:
    """One key after the other, some as short and as close as they may be."""
    presses, at = [], start
    for _ in range(count):
        lasts = max(SHORTEST_PRESS_S, rng.uniform(20 * MS, 150 * MS))
        presses.append(Press(rng.choice("".join(layout)), at, lasts))
        at += lasts + max(SHORTEST_PAUSE_S, rng.uniform(20 * MS, 200 * MS))
    return presses


def one_by_one(presses: list[Press]) -> list[Key]:
    return [Key(each.key, down) for each in presses for down in (True, False)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ten_thousand_presses_that_bounce_for_up_to_15_ms_and_none_is_wrong_or_lost(
    layout: str,
) -> None:
    rng = chance(layout)
    for _ in range(50):
        presses = typed(rng, LAYOUTS[layout], 100, start=1.0)
        told = keypad(LAYOUTS[layout], rng).run(bouncing(rng, presses), presses[-1].at + 1)
        assert told == one_by_one(presses)


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    layout=st.sampled_from(sorted(LAYOUTS)),
    row_s=st.floats(0.5 * MS, 3 * MS),
    times=st.lists(
        st.tuples(
            st.integers(0, 11),
            st.floats(SHORTEST_PRESS_S, 0.2),
            st.floats(SHORTEST_PAUSE_S, 0.3),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_keys_one_by_one_are_told_in_their_order_at_any_speed_of_the_scan(
    seed: int, layout: str, row_s: float, times: list[tuple[int, float, float]]
) -> None:
    rng, at, presses = chance(seed), 1.0, []
    made = machine(LAYOUTS[layout], HandsetTimes(row_s=row_s))
    for index, lasts, gap in times:
        presses.append(Press("".join(LAYOUTS[layout])[index], at, lasts))
        at += lasts + gap
    told = keypad(LAYOUTS[layout], made=made).run(bouncing(rng, presses), at + 1)
    assert told == one_by_one(presses)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(min_value=0),
    layout=st.sampled_from(sorted(LAYOUTS)),
    offset=st.floats(-30 * MS, 30 * MS),
    lengths=st.tuples(*[st.floats(SHORTEST_BESIDE_S, 0.3)] * 2),
)
def test_two_keys_at_once_are_both_told_once(
    seed: int, layout: str, offset: float, lengths: tuple[float, float]
) -> None:
    rng = chance(seed)
    one, other = rng.sample("".join(LAYOUTS[layout]), 2)
    presses = [Press(one, 1.0, lengths[0]), Press(other, 1.0 + offset, lengths[1])]
    told = keypad(LAYOUTS[layout], rng).run(bouncing(rng, presses), 3.0)
    assert len(told) == 4
    assert of_key(told, one) == of_key(told, other) == [True, False]


@settings(deadline=None)
@given(seed=st.integers(min_value=0), layout=st.sampled_from(sorted(LAYOUTS)))
def test_rolling_from_key_to_key_tells_each_in_the_order_of_their_presses(
    seed: int, layout: str
) -> None:
    """The next key goes down 10 to 60 ms before the last comes up: two are down at a time."""
    rng, at, last = chance(seed), 1.0, ""
    presses: list[Press] = []
    for _ in range(12):
        lasts = rng.uniform(180 * MS, 300 * MS)
        last = rng.choice("".join(LAYOUTS[layout]).replace(last, "") if last else "5")
        presses.append(Press(last, at, lasts))
        at += lasts - rng.uniform(10 * MS, 60 * MS)
    told = keypad(LAYOUTS[layout], rng).run(bouncing(rng, presses), at + 1)
    assert [key.symbol for key in told if key.pressed] == [each.key for each in presses]
    assert sorted(key.symbol for key in told if not key.pressed) == sorted(
        each.key for each in presses
    )


def rectangles(layout: tuple[str, ...]) -> list[str]:
    """All corners of all rectangles: the first row's two, then the second row's."""
    return [
        layout[top][left] + layout[top][right] + layout[bottom][left] + layout[bottom][right]
        for top, bottom in combinations(range(len(layout)), 2)
        for left, right in combinations(range(len(layout[0])), 2)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_three_corners_of_any_rectangle_in_any_order_never_make_a_phantom(layout: str) -> None:
    rng = chance(layout)
    for corners in rectangles(LAYOUTS[layout]):
        for phantom in corners:
            for order in permutations(corners.replace(phantom, "")):
                presses = [Press(key, 1.0 + index * 0.15, 0.6) for index, key in enumerate(order)]
                told = keypad(LAYOUTS[layout], rng).run(bouncing(rng, presses), 4.0)
                assert of_key(told, phantom) == []
                for key in order:
                    assert of_key(told, key) == [True, False], (corners, order, key)


@settings(max_examples=500, deadline=None)
@given(
    seed=st.integers(min_value=0),
    layout=st.sampled_from(sorted(LAYOUTS)),
    starts=st.tuples(*[st.floats(1.0, 1.06)] * 3),
    lengths=st.tuples(*[st.floats(70 * MS, 0.4)] * 3),
)
def test_three_corners_at_once_never_make_a_phantom_and_what_is_told_ends(
    seed: int,
    layout: str,
    starts: tuple[float, float, float],
    lengths: tuple[float, float, float],
) -> None:
    rng = chance(seed)
    corners = rng.sample(rng.choice(rectangles(LAYOUTS[layout])), 4)
    presses = [Press(*each) for each in zip(corners[:3], starts, lengths, strict=True)]
    told = keypad(LAYOUTS[layout], rng).run(bouncing(rng, presses), 4.0)
    assert of_key(told, corners[3]) == []
    for key in corners[:3]:
        assert of_key(told, key) in ([], [True, False])


def test_a_third_corner_is_told_as_soon_as_the_rectangle_breaks() -> None:
    changes: Changes = [(1.0, "1", True), (1.2, "2", True), (1.4, "4", True)]
    pad = keypad(LAYOUT_3X4)
    assert pad.run(changes, 1.9) == [Key("1"), Key("2")]
    pad.run([(2.0, "1", False)], 2.1)
    assert pad.told[2:] == [Key("4"), Key("1", pressed=False)]
    pad.run([(2.2, "2", False), (2.3, "4", False)], 3.0)
    assert pad.told[4:] == [Key("2", pressed=False), Key("4", pressed=False)]


def test_three_keys_that_are_no_three_corners_are_all_told() -> None:
    changes: Changes = [(1.0, "1", True), (1.1, "5", True), (1.2, "9", True)]
    assert keypad(LAYOUT_3X4).run(changes, 2.0) == [Key("1"), Key("5"), Key("9")]


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    layout=st.sampled_from(sorted(LAYOUTS)),
    lengths=st.lists(st.floats(0.1 * MS, 9.9 * MS), min_size=1, max_size=10),
)
def test_a_spike_shorter_than_the_key_time_is_no_press_and_costs_none(
    seed: int, layout: str, lengths: list[float]
) -> None:
    """Spikes on other keys, some while the key is down."""
    rng = chance(seed)
    first, *others = rng.sample("".join(LAYOUTS[layout]), 4)
    at, changes = 1.0, [(at, first, closed) for at, closed in press(rng, 1.2, 0.4)]
    for lasts in lengths:
        other = rng.choice(others)
        changes += [(when, other, closed) for when, closed in spike(at, lasts)]
        at += lasts + rng.uniform(40 * MS, 150 * MS)
    told = keypad(LAYOUTS[layout], rng).run(changes, at + 2)
    assert told == [Key(first), Key(first, pressed=False)]


def test_while_no_key_is_down_all_rows_are_driven_and_nothing_is_read() -> None:
    pad = machine(LAYOUT_3X4)
    assert pad.drive() == Drive(ROWS, 0.0)
    pad.columns(dict.fromkeys(COLUMNS, True), 0.0)
    assert pad.drive() == Drive(ROWS, None)
    assert pad.deadline() is None
    assert pad.state is ScanState.LISTENING


def test_an_edge_starts_the_scan_and_one_row_is_driven_at_a_time() -> None:
    pad = machine(LAYOUT_3X4)
    pad.columns(dict.fromkeys(COLUMNS, True), 0.0)
    pad.receive(Edge("c1", high=False, at=1.0))
    driven = []
    for _ in range(5):
        drive = pad.drive()
        assert drive.read_at is not None
        driven.append(drive.rows)
        pad.columns({"c1": drive.rows != ("r2",), "c2": True, "c3": True}, drive.read_at)
    assert driven == [("r1",), ("r2",), ("r3",), ("r4",), ("r1",)]


def test_the_scan_ends_when_every_key_has_been_up_for_its_time() -> None:
    pad = keypad(LAYOUT_3X4)
    pad.run([(1.0, "5", True), (1.1, "5", False)], 5.0)
    assert pad.readings < 90
    assert pad._machine.state is ScanState.LISTENING


def test_a_key_that_goes_down_while_the_scan_ends_is_found() -> None:
    rng = chance(7)
    for step in range(200):
        again = 1.11 + step * 0.5 * MS
        pad = keypad(LAYOUT_3X4, rng)
        told = pad.run(
            [(1.0, "5", True), (1.1, "5", False), (again, "#", True), (again + 0.1, "#", False)],
            3.0,
        )
        assert of_key(told, "#") == [True, False]


def test_a_reading_before_its_time_or_unasked_for_changes_nothing() -> None:
    pad = machine(LAYOUT_3X4)
    pad.columns(dict.fromkeys(COLUMNS, True), 0.0)
    before = pad.drive()
    pad.columns(dict.fromkeys(COLUMNS, False), 1.0)
    assert pad.drive() == before
    pad.receive(Edge("c1", high=False, at=1.0))
    before = pad.drive()
    pad.columns(dict.fromkeys(COLUMNS, False), 1.001)
    assert pad.drive() == before


def test_pins_that_do_not_fit_the_layout_are_refused() -> None:
    with pytest.raises(LocalError, match="4 by 4 pins"):
        MatrixKeypad(LAYOUT_3X4, ROWS, COLUMNS, HandsetTimes())


class Trusting(MatrixKeypad):
    """Believes every corner."""

    def _is_ambiguous(self, row: int, column: int) -> bool:
        return row < 0 and column < 0


def test_control_a_keypad_that_believes_every_corner_tells_the_phantom() -> None:
    pad = keypad(LAYOUT_3X4, made=Trusting(LAYOUT_3X4, ROWS, COLUMNS[:3], HandsetTimes()))
    assert Key("5") in pad.run([(1.0, "1", True), (1.2, "2", True), (1.4, "4", True)], 2.0)


def test_control_without_debounce_bounce_is_told_as_presses() -> None:
    """Rows of 0.5 ms, since a slow scan overlooks most bounce."""
    rng, wrong = chance(3), {}
    for name, times in (
        ("bare", HandsetTimes(row_s=0.5 * MS, key_closed_s=0.0, key_open_s=0.0, crowd_s=0.0)),
        ("settled", HandsetTimes(row_s=0.5 * MS)),
    ):
        wrong[name] = 0
        for _ in range(40):
            presses = typed(rng, LAYOUT_3X4, 20, start=1.0)
            pad = keypad(LAYOUT_3X4, made=machine(LAYOUT_3X4, times))
            told = pad.run(bouncing(rng, presses), presses[-1].at + 1)
            wrong[name] += told != one_by_one(presses)
    assert wrong["bare"] > 35
    assert wrong["settled"] == 0


def hidden_corners() -> tuple[Changes, HandsetTimes]:
    """Two corners bounce open whenever their row is read, closed whenever the other is."""
    changes: Changes = [(1.0, "4", True)]
    for key in "12":
        for at in (1.005, 1.017):
            changes += [(at, key, True), (at + 4 * MS, key, False)]
        changes.append((1.0195, key, True))
    return sorted(changes), HandsetTimes(row_s=3 * MS)


def test_corners_that_bounce_just_when_they_are_read_make_no_phantom() -> None:
    changes, times = hidden_corners()
    told = keypad(LAYOUT_3X4, made=machine(LAYOUT_3X4, times)).run(changes, 2.0)
    assert of_key(told, "5") == []


def test_control_without_the_longer_time_such_corners_make_a_phantom() -> None:
    changes, times = hidden_corners()
    hasty = HandsetTimes(row_s=times.row_s, crowd_s=times.key_closed_s)
    told = keypad(LAYOUT_3X4, made=machine(LAYOUT_3X4, hasty)).run(changes, 2.0)
    assert of_key(told, "5")[:1] == [True]


def test_the_table_can_be_drawn() -> None:
    assert render(SCAN).splitlines()[1:] == [
        "    Listening --> Scanning : column went low / drive the first row, ask for a reading",
        "    Scanning --> Checking : every key up / drive all rows, ask for a reading",
        "    Checking --> Scanning : column went low / drive the first row, ask for a reading",
        "    Checking --> Scanning : a column is low / drive the first row, ask for a reading",
        "    Checking --> Listening : no column is low / wait for an edge",
    ]


def test_the_model_lets_current_stray() -> None:
    """A control of the tests' own keypad: three corners pull the fourth's column low."""
    pad = keypad(LAYOUT_3X4)
    pad._closed = {("r1", "c1"), ("r1", "c2"), ("r2", "c1")}
    pad._machine._drive = Drive(("r2",), None)
    assert pad._current() == {"c1": False, "c2": False, "c3": True}
    assert len(bounce(chance(1), 0.0, closed=True)) % 2 == 1
