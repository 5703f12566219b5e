from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Callable

import pytest
from tests.shells.pins.stand_in_gpio import GROUND, LgpioError, StandInGpio

from offhook.base.errors import LocalError
from offhook.base.vocabulary import Edge
from offhook.shells.pins.gpio import MOST_EDGES, Gpio


class Bench:
    """Pins whose edges are told at once, on a clock that counts."""

    def __init__(self) -> None:
        count = itertools.count(100)
        self.clock = lambda: float(next(count))
        self.board = StandInGpio(lambda act: act(), self.clock)
        self.board.setmode(self.board.BCM)
        self.gpio = Gpio(self.board, self.clock)
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def levels(self) -> list[tuple[str, bool]]:
        return [(edge.pin, edge.high) for edge in self.gpio.edges()[0]]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_levels_at_the_start_come_first_then_every_edge_in_order(bench: Bench) -> None:
    bench.board.contact(5, GROUND, closed=True)
    bench.gpio.watch((4, 5), bench.wake)
    assert bench.levels() == [("4", True), ("5", False)]
    bench.board.contact(4, GROUND, closed=True)
    bench.board.contact(5, GROUND, closed=False)
    assert bench.levels() == [("4", False), ("5", True)]


def test_no_edge_is_behind_the_time_that_comes_with_them(bench: Bench) -> None:
    bench.gpio.watch((4,), bench.wake)
    before = 0.0
    for closed in (True, False, True):
        bench.board.contact(4, GROUND, closed=closed)
        edges, now = bench.gpio.edges()
        assert all(before < edge.at < now for edge in edges)
        before = now


def test_it_wakes_once_for_what_is_fetched_once(bench: Bench) -> None:
    bench.gpio.watch((4,), bench.wake)
    bench.board.contact(4, GROUND, closed=True)
    assert bench.woken == 1
    bench.gpio.edges()
    bench.board.contact(4, GROUND, closed=False)
    assert bench.woken == 2


def test_of_a_flood_the_last_level_stays(bench: Bench) -> None:
    bench.gpio.watch((4,), bench.wake)
    for index in range(MOST_EDGES + 11):
        bench.board.contact(4, GROUND, closed=index % 2 == 0)
    edges, _ = bench.gpio.edges()
    assert len(edges) == MOST_EDGES
    assert edges[-1].high is bench.board.level(4)


def test_a_flood_of_one_pin_takes_no_other_pins_last_level(bench: Bench) -> None:
    bench.gpio.watch((4, 5), bench.wake)
    bench.board.contact(5, GROUND, closed=True)
    for index in range(2 * MOST_EDGES + 1):
        bench.board.contact(4, GROUND, closed=index % 2 == 0)
    edges, now = bench.gpio.edges()
    assert len(edges) == MOST_EDGES
    assert [edge.high for edge in edges if edge.pin == "5"] == [False]
    times = [edge.at for edge in edges]
    assert times == sorted(times)
    assert times[-1] < now
    assert bench.gpio.edges()[0] == []


def test_a_level_that_is_heard_of_late_is_the_present_one(bench: Bench) -> None:
    late: list[int] = []
    bench.board._deliver = lambda _: late.append(1)
    bench.gpio.watch((4,), bench.wake)
    bench.gpio.edges()
    bench.board.contact(4, GROUND, closed=True)
    bench.board.contact(4, GROUND, closed=False)
    for _ in late:
        bench.gpio._changed(4)
    assert bench.levels() == [("4", True), ("4", True)]


def test_rows_are_released_before_another_is_driven_and_only_if_they_change(bench: Bench) -> None:
    rows = (22, 23, 24)
    bench.gpio.drive(rows, rows)
    bench.gpio.drive(rows, (22,))
    bench.gpio.drive(rows, (23,))
    bench.gpio.drive(rows, (23,))
    assert [(pin, state) for _, pin, state in bench.board.log] == [
        *((22, "low"), (23, "low"), (24, "low")),
        *((23, "in"), (24, "in")),
        *((22, "in"), (23, "low")),
    ]


def test_columns_are_read_as_they_are(bench: Bench) -> None:
    bench.gpio.watch((5, 6), bench.wake)
    bench.board.contact(6, GROUND, closed=True)
    assert bench.gpio.read((5, 6)) == {"5": True, "6": False}


@pytest.mark.parametrize("idle", [False, True])
def test_an_output_begins_and_ends_idle(bench: Bench, idle: bool) -> None:
    bench.gpio.output(12, idle=idle)
    assert bench.board.state(12) == ("high" if idle else "low")
    bench.gpio.set(12, not idle)
    bench.gpio.close()
    assert [state for _, state in bench.board.states(12)][-2] == ("high" if idle else "low")
    assert bench.board.state(12) == "in"
    bench.gpio.set(12, level=True)
    assert bench.board.claimed() == set()


@pytest.mark.parametrize("idle", [False, True])
def test_a_share_of_all_or_nothing_needs_no_pwm(bench: Bench, idle: bool) -> None:
    pin = bench.gpio.pwm(13, 2000, idle=idle)
    pin.share(0)
    assert bench.board.state(13) == "low"
    pin.share(30)
    pin.share(50)
    assert bench.board.state(13) == (2000, 50)
    pin.share(100)
    assert bench.board.state(13) == "high"
    pin.share(7)
    assert bench.board.state(13) == (2000, 7)


def test_pwm_objects_are_gone_before_their_pins_are(bench: Bench) -> None:
    pins = [bench.gpio.pwm(13, 2000), bench.gpio.pwm(18, 200, idle=True)]
    for pin in pins:
        pin.share(40)
    bench.gpio.close()
    for pin in pins:
        pin.share(40)
    gc.collect()
    assert bench.board.faults == []
    assert bench.board.claimed() == set()


def test_control_a_pwm_object_that_outlives_its_pin_is_a_fault(bench: Bench) -> None:
    bench.board.setup(13, bench.board.OUT, initial=0)
    wave = bench.board.PWM(13, 100)
    wave.start(50)
    bench.board.cleanup()
    del wave
    gc.collect()
    assert len(bench.board.faults) == 2


def test_after_the_close_no_edge_counts(bench: Bench) -> None:
    bench.gpio.watch((4,), bench.wake)
    bench.gpio.close()
    woken = bench.woken
    bench.gpio._changed(4)
    assert bench.gpio.edges()[0] == []
    assert bench.woken == woken
    bench.gpio.close()
    assert bench.board.cleanups == 1


def test_one_pin_that_fails_keeps_no_other_from_being_let_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.gpio.output(12, idle=False)
    bench.gpio.output(27, idle=False)
    bench.gpio.watch((4,), bench.wake)
    real = bench.board.output

    def output(pin: int, level: int) -> None:
        if pin == 12:
            raise LgpioError("'bad write'")
        real(pin, level)

    bench.gpio.set(27, level=True)
    monkeypatch.setattr(bench.board, "output", output)
    bench.gpio.close()
    assert [state for _, state in bench.board.states(27)] == ["low", "high", "low", "in"]
    assert bench.board.claimed() == set()


@pytest.mark.parametrize("act", ["watch", "output", "pwm", "drive"])
def test_what_the_library_refuses_is_told_with_the_pin(bench: Bench, act: str) -> None:
    bench.board.busy.add(5)
    acts: dict[str, Callable[[], object]] = {
        "watch": lambda: bench.gpio.watch((5,), bench.wake),
        "output": lambda: bench.gpio.output(5, idle=False),
        "pwm": lambda: bench.gpio.pwm(5, 100),
        "drive": lambda: bench.gpio.drive((5,), (5,)),
    }
    with pytest.raises(LocalError, match="GPIO 5 can't be had"):
        acts[act]()


def test_a_frequency_beyond_the_librarys_is_told(bench: Bench) -> None:
    with pytest.raises(LocalError, match="GPIO 13 can't have a duty"):
        bench.gpio.pwm(13, 20_000).share(50)


def test_an_edge_that_cant_be_read_raises_nothing_in_the_librarys_thread(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.gpio.watch((4,), bench.wake)

    def broken(_: int) -> int:
        raise LgpioError("'bad read'")

    monkeypatch.setattr(bench.board, "input", broken)
    bench.gpio._changed(4)
    assert "an edge of GPIO 4 was lost" in caplog.text


def test_edges_of_a_thread_keep_their_order_and_none_is_lost() -> None:
    board = StandInGpio(lambda act: act())
    board.setmode(board.BCM)
    gpio, got, done = Gpio(board), list[Edge](), threading.Event()

    def play() -> None:
        for index in range(3000):
            board.contact(4, GROUND, closed=index % 2 == 0)
        done.set()

    gpio.watch((4,), lambda: None)
    thread = threading.Thread(target=play)
    thread.start()
    latest = 0.0
    while not done.is_set() or not got or len(got) < 3001:
        edges, now = gpio.edges()
        assert all(latest <= edge.at <= now for edge in edges)
        got, latest = got + edges, now
    thread.join()
    assert [edge.high for edge in got] == [index % 2 == 0 for index in range(3001)]


# The stand-in says what rpi-lgpio 0.6 says: each text was read there.


def test_the_stand_in_refuses_as_the_library_does() -> None:
    board = StandInGpio(lambda act: act())
    with pytest.raises(RuntimeError, match="Please set pin numbering mode"):
        board.setup(4, board.IN)
    with pytest.raises(ValueError, match="invalid mode"):
        board.setmode(5)
    board.setmode(board.BCM)
    with pytest.raises(ValueError, match="different mode"):
        board.setmode(board.BOARD)
    with pytest.raises(RuntimeError, match=r"You must setup\(\) the GPIO channel first"):
        board.input(4)
    with pytest.raises(RuntimeError, match="not been set up as an OUTPUT"):
        board.output(4, 1)
    with pytest.raises(RuntimeError, match="as an output first"):
        board.PWM(4, 100)
    with pytest.raises(RuntimeError, match="as an input first"):
        board.add_event_detect(4, board.BOTH)
    with pytest.raises(ValueError, match="invalid direction"):
        board.setup(4, 7)
    with pytest.raises(ValueError, match="not valid for outputs"):
        board.setup(4, board.OUT, pull_up_down=board.PUD_UP)
    with pytest.raises(ValueError, match="not valid for inputs"):
        board.setup(4, board.IN, initial=1)
    with pytest.raises(ValueError, match="channel sent is invalid"):
        board.setup(54, board.IN)
