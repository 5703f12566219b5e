"""The sound's signs of life, in virtual time, and the urgency of its threads."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import threading
from collections.abc import Callable

import pytest
from tests.app.engine.scene import HandSound

from offhook.app.engine.pulse import SLOW_S, STILL_S, TEST_S, Pulse, mixes
from offhook.app.engine.urgency import SOUND_PRIORITY, hold_memory, urgent_threads
from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.port import COMMON
from offhook.shells.audio.sound import OnPeriod

PATIENCE_S = 10.0


class HandCard(HandSound):
    def side_tone(self, gain_db: float | None) -> None:
        self.gain_db = gain_db


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110  threads have no event here
            await asyncio.sleep(0.005)


def test_an_open_sound_is_alive_while_its_periods_come_and_not_otherwise() -> None:
    async def run() -> None:
        clock, card = Clock(), HandCard()
        pulse = Pulse(clock=clock)
        watched = pulse.watch(card)
        watched.open(COMMON, lambda captured: captured)
        watched.side_tone(-18.0)
        assert card.gain_db == -18.0
        for _ in range(5):
            clock.now += STILL_S
            assert pulse.fault() == ""
            assert card.period(b"heard") == b"heard"
        clock.now += STILL_S + 1
        assert pulse.fault() == "the sound stands still for 6 s"
        card.period(b"")
        assert pulse.fault() == "", "a card that is away is no fault: its thread keeps time"
        clock.now += STILL_S + 1
        watched.close()
        assert card.closed == 1
        assert pulse.fault() == ""

    asyncio.run(run())


def test_a_card_that_hangs_while_it_is_opened_is_a_fault_in_the_end() -> None:
    async def run() -> None:
        clock, let_go = Clock(), threading.Event()

        class Hanging(HandCard):
            def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:  # noqa: ARG002
                let_go.wait(PATIENCE_S)
                raise LocalError("there is no such card")

        pulse = Pulse(clock=clock)

        def work() -> None:
            with contextlib.suppress(LocalError):
                pulse.watch(Hanging()).open(COMMON, lambda captured: captured)

        thread = threading.Thread(target=work)
        thread.start()
        await until(lambda: pulse._busy_since is not None)
        clock.now += SLOW_S
        assert pulse.fault() == ""
        clock.now += 1
        assert pulse.fault() == "the sound card hangs for 21 s"
        let_go.set()
        thread.join()
        assert pulse.fault() == ""

    asyncio.run(run())


def test_without_a_sound_a_self_test_is_made_at_each_tick() -> None:
    async def run() -> None:
        made: list[str] = []

        def test() -> bool:
            made.append(threading.current_thread().name)
            return True

        pulse = Pulse(test, Clock())
        for count in range(1, 4):
            assert pulse.fault() == ""
            await until(lambda count=count: len(made) == count and pulse._testing_since is None)  # type: ignore[misc]
        assert set(made) == {"self-test"}

    asyncio.run(run())


@pytest.mark.parametrize("how", ["no sound comes out", "it raises"])
def test_a_self_test_that_fails_is_a_fault(how: str) -> None:
    async def run() -> None:
        def test() -> bool:
            if how == "it raises":
                raise MemoryError
            return False

        pulse = Pulse(test, Clock())
        assert pulse.fault() == ""
        await until(lambda: pulse._test_failed)
        assert pulse.fault() == "the self-test of the sound failed"

    asyncio.run(run())


def test_a_self_test_that_never_ends_is_a_fault() -> None:
    async def run() -> None:
        clock, let_go = Clock(), threading.Event()
        pulse = Pulse(lambda: let_go.wait(PATIENCE_S), clock)
        assert pulse.fault() == ""
        clock.now += TEST_S
        assert pulse.fault() == ""
        clock.now += 1
        assert pulse.fault() == "the self-test of the sound doesn't end"
        let_go.set()
        await until(lambda: pulse._testing_since is None)
        assert pulse.fault() == ""

    asyncio.run(run())


def test_the_real_self_test_passes() -> None:
    assert mixes()


def policies() -> tuple[int, int]:
    """Of a thread begun in here, and of one that this one begins."""
    found: list[int] = []

    def note() -> None:
        found.append(os.sched_getscheduler(0))

    def work() -> None:
        note()
        inner = threading.Thread(target=note)
        inner.start()
        inner.join()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0], found[1]


def allowed() -> bool:
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(SOUND_PRIORITY))
    except OSError:
        return False
    os.sched_setscheduler(0, *before)
    return True


def test_threads_of_the_sound_are_real_time_where_allowed_and_this_one_stays_as_it_was() -> None:
    before = os.sched_getscheduler(0)
    urgent = os.SCHED_FIFO if allowed() else before
    with urgent_threads():
        assert policies() == (urgent, urgent)
    assert os.sched_getscheduler(0) == before
    assert policies() == (before, before)


def test_where_real_time_is_not_allowed_threads_are_ordinary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    with urgent_threads():
        assert policies() == (os.SCHED_OTHER, os.SCHED_OTHER)


def test_memory_under_a_limit_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (8 << 20, 8 << 20))
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: pytest.fail("it was"))
    assert not hold_memory()
