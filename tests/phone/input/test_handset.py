from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.phone.input.fingers import MS, bounce, chance, press, told

from offhook.base.errors import LocalError
from offhook.base.vocabulary import Edge, Key
from offhook.phone.input.events import Flash, HookDown, HookUp, InputEvent, RotaryDigit
from offhook.phone.input.flash import FLASH_WINDOWS
from offhook.phone.input.handset import Handset
from offhook.phone.input.matrix import LAYOUT_4X4
from offhook.phone.input.times import HandsetTimes
from offhook.phone.input.wiring import Button, DialPins, HandsetWiring, HookPin, KeypadPins

ROWS = ("22", "23", "24", "25")
DESK = HandsetWiring(
    hook=HookPin("4"),
    keypad=KeypadPins(rows=ROWS, columns=("5", "6", "16")),
    buttons=(Button("17", "mute"),),
)
DIAL = HandsetWiring(hook=HookPin("4"), dial=DialPins(nsi="5", nsa="6"))


def edges(pin: str, changes: list[tuple[float, bool]]) -> list[Edge]:
    """Closed is low."""
    return [Edge(pin, not closed, at) for at, closed in changes]


def play(handset: Handset, given_edges: list[Edge], until: float) -> list[InputEvent]:
    for edge in sorted(given_edges, key=lambda each: each.at):
        handset.receive(edge)
    handset.tick(until)
    return told(handset)


def test_hook_and_button_are_told_in_the_order_of_what_happened() -> None:
    rng = chance(1)
    done = edges("4", bounce(rng, 1.0, closed=True)) + edges("17", press(rng, 1.5, 0.1))
    done += edges("4", bounce(rng, 2.0, closed=False) + bounce(rng, 2.2, closed=True))
    done += edges("4", bounce(rng, 3.0, closed=False))
    assert play(Handset(DESK), done, 9.0) == [
        HookUp(),
        Key("mute"),
        Key("mute", pressed=False),
        Flash(),
        HookDown(),
    ]


def test_a_handset_that_is_up_at_the_start_is_told_by_its_first_level() -> None:
    handset = Handset(DESK)
    start = [Edge(pin, pin != "4", 0.0) for pin in handset.inputs]
    assert play(handset, start, 1.0) == [HookUp()]


def test_a_hook_switch_may_open_when_the_handset_is_lifted() -> None:
    handset = Handset(HandsetWiring(hook=HookPin("4", closed_up=False)))
    assert play(handset, [Edge("4", high=True, at=1.0)], 2.0) == [HookUp()]


def test_a_dialled_digit_comes_between_the_hooks_events() -> None:
    rng = chance(2)
    done = edges("4", bounce(rng, 1.0, closed=True)) + edges("5", [(0.0, True)])
    done += edges("6", press(rng, 1.5, 0.6))
    for index in range(3):
        at = 1.7 + index * 0.1
        done += edges("5", bounce(rng, at, closed=False) + bounce(rng, at + 0.06, closed=True))
    done += edges("4", bounce(rng, 3.0, closed=False))
    assert play(Handset(DIAL), done, 9.0) == [HookUp(), RotaryDigit("3"), HookDown()]


def test_a_keypads_readings_are_asked_for_and_its_keys_told() -> None:
    handset, levels = Handset(DESK), {"5": True, "6": True, "16": True}
    handset.columns(levels, 0.0)
    assert handset.deadline() is None
    handset.receive(Edge("6", high=False, at=1.0))
    while (due := handset.deadline()) is not None and due < 1.1:
        drive = handset.drive()
        assert drive is not None
        handset.columns(levels | {"6": drive.rows != ("23",)}, due)
    assert told(handset) == [Key("5")]


def test_the_keypads_pins_depend_on_its_kind() -> None:
    assert set(Handset(DESK).inputs) == {"4", "5", "6", "16", "17"}
    switches = KeypadPins(rows=ROWS, columns=("5", "6", "16"), switches=True)
    handset = Handset(HandsetWiring(hook=HookPin("4"), keypad=switches))
    assert set(handset.inputs) == {"4", "5", "6", "16", *ROWS}
    assert handset.drive() is None
    done = edges("22", press(chance(1), 1.0, 0.2)) + edges("16", press(chance(2), 1.0, 0.2))
    assert play(handset, done, 9.0) == [Key("3"), Key("3", pressed=False)]
    handset.columns({}, 9.0)


@settings(deadline=None)
@given(
    seed=st.integers(min_value=0),
    steps=st.lists(st.floats(1 * MS, 4.0), min_size=1, max_size=5),
)
def test_time_that_runs_in_large_steps_changes_neither_events_nor_their_order(
    seed: int, steps: list[float]
) -> None:
    rng, at, done = chance(seed), 1.0, []
    up = False
    for _ in range(10):
        up = not up
        done += edges("4", bounce(rng, at, closed=up))
        done += edges("17", press(rng, at + rng.uniform(-0.3, 0.3), rng.uniform(0.05, 0.4)))
        at += 1.5
    done = sorted(done, key=lambda each: each.at)
    wanted = play(Handset(DESK), done, at + 5)
    assert [type(each) for each in wanted if not isinstance(each, Key)] == [HookUp, HookDown] * 5
    handset, now, waiting = Handset(DESK), 0.0, list(done)
    handset.columns({"5": True, "6": True, "16": True}, 0.0)
    while waiting or handset.deadline() is not None:
        now += steps[len(waiting) % len(steps)]
        while waiting and waiting[0].at <= now:
            handset.receive(waiting.pop(0))
        handset.tick(now)
    assert told(handset) == wanted


@pytest.mark.parametrize(
    ("wiring", "fault"),
    [
        (HandsetWiring(hook=HookPin("4"), buttons=(Button("4", "mute"),)), "4 is wired twice"),
        (HandsetWiring(hook=HookPin("22"), keypad=DESK.keypad), "22 is wired twice"),
        (
            HandsetWiring(hook=None, dial=DialPins("5", digit_map="klingon")),
            "no digit map “klingon”",
        ),
        (HandsetWiring(hook=None, keypad=KeypadPins(ROWS, ("5",), LAYOUT_4X4)), "don't fit"),
    ],
)
def test_wiring_that_cannot_be_is_refused(wiring: HandsetWiring, fault: str) -> None:
    with pytest.raises(LocalError, match=fault):
        Handset(wiring)


def test_times_out_of_their_ranges_are_refused_all_at_once() -> None:
    times = HandsetTimes(hook_up_s=0.0, pulse_s=1.0, flash=FLASH_WINDOWS["US"])
    with pytest.raises(LocalError, match=r"hook_up_s is 0\.0 s.*; pulse_s is 1\.0 s"):
        Handset(DESK, times)


def test_an_edge_of_a_pin_that_is_not_wired_is_the_callers_fault() -> None:
    with pytest.raises(LocalError, match="wired to 99"):
        Handset(DESK).receive(Edge("99", high=True, at=0.0))
