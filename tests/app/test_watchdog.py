"""The watchdog is fed by a live loop, and by nothing else."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path

from offhook.app.watchdog import Watchdog
from offhook.shells.store.notify import ServiceManager

PERIOD_S = 0.4
PATIENCE_S = 10.0


class Ear:
    def __init__(self, folder: Path, *, watching: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.setblocking(False)
        environment = {"NOTIFY_SOCKET": str(folder / "notify")}
        if watching:
            environment["WATCHDOG_USEC"] = str(round(PERIOD_S * 1_000_000))
        self.manager = ServiceManager(environment)
        self.fed = 0

    def hear(self) -> int:
        while True:
            try:
                self.fed += self.socket.recv(100) == b"WATCHDOG=1"
            except BlockingIOError:
                return self.fed

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  a socket without a loop
                await asyncio.sleep(0.01)


def test_a_live_loop_feeds_the_watchdog_several_times_in_its_period(tmp_path: Path) -> None:
    async def run() -> None:
        ear = Ear(tmp_path)
        watchdog = Watchdog(ear.manager)
        watchdog.start()
        assert ear.hear() == 1
        began = time.monotonic()
        await ear.until(lambda: ear.hear() >= 9)
        assert time.monotonic() - began >= PERIOD_S
        watchdog.stop()
        await asyncio.sleep(PERIOD_S)
        before = ear.hear()
        await asyncio.sleep(PERIOD_S)
        assert ear.hear() == before
        ear.socket.close()

    asyncio.run(run())


def test_a_stalled_loop_feeds_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        ear = Ear(tmp_path)
        watchdog = Watchdog(ear.manager)
        watchdog.start()
        await ear.until(lambda: ear.hear() >= 2)
        before = ear.hear()
        time.sleep(2 * PERIOD_S)  # noqa: ASYNC251  the stall itself
        assert ear.hear() == before
        await ear.until(lambda: ear.hear() > before)
        watchdog.stop()
        ear.socket.close()

    asyncio.run(run())


def test_what_stands_still_is_not_fed_for_and_fed_for_again_when_it_moves(tmp_path: Path) -> None:
    async def run() -> None:
        ear = Ear(tmp_path)
        faults = [""]
        asked: list[str] = []

        def fault() -> str:
            asked.append(faults[0])
            return faults[0]

        watchdog = Watchdog(ear.manager, fault)
        watchdog.start()
        await ear.until(lambda: ear.hear() >= 2)
        faults[0] = "the sound stands still for 6 s"
        before = ear.hear()
        await ear.until(lambda: len(asked) > before + 6)
        assert ear.hear() == before
        faults[0] = ""
        await ear.until(lambda: ear.hear() > before)
        watchdog.stop()
        ear.socket.close()

    asyncio.run(run())


def test_where_nobody_watches_nothing_ticks(tmp_path: Path) -> None:
    async def run() -> None:
        ear = Ear(tmp_path, watching=False)
        watchdog = Watchdog(ear.manager, lambda: "never asked" if ear.fed else "")
        watchdog.start()
        await asyncio.sleep(0.05)
        assert ear.hear() == 0
        watchdog.stop()
        ear.socket.close()

    asyncio.run(run())
