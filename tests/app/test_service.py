"""The telephone as systemd sees it: ready, how it stands, fed, and stopping."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.app.engine.activated import Manager
from tests.app.practice_desk import PASSWORD, PATIENCE_S, practice_desk
from tests.app.terminal_desk import Terminal

from offhook.app import service
from offhook.app.service import Service
from offhook.app.telephone import Telephone
from offhook.shells.store.notify import ServiceManager


class Systemd:
    """Hears what a process tells its service manager."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(folder / "systemd"))
        self._ear.setblocking(False)
        self._told: list[str] = []
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "systemd"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")

    @property
    def told(self) -> list[str]:
        while True:
            try:
                self._told.append(self._ear.recv(4096).decode())
            except BlockingIOError:
                return self._told

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  a socket without a loop
                await asyncio.sleep(0.02)

    def close(self) -> None:
        self._ear.close()


def test_a_telephone_is_ready_with_its_engine_tells_how_it_stands_and_is_fed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        systemd = Systemd(tmp_path, monkeypatch)
        with Manager(tmp_path) as manager:
            await manager.start("--handset=files")
            async with practice_desk(tmp_path) as desk:
                phone = await Terminal.open(desk, "--engine", str(manager.path))
                registered = "STATUS=registered as phone@practice.example"
                await systemd.until(lambda: registered in systemd.told)
                assert systemd.told.count("READY=1") == 1
                await systemd.until(lambda: systemd.told.count("WATCHDOG=1") >= 4)
                manager.processes[0].send_signal(signal.SIGKILL)
                await systemd.until(
                    lambda: (
                        "STATUS=no media engine; registered as phone@practice.example"
                        in systemd.told
                    )
                )
                phone.process.send_signal(signal.SIGTERM)
                await phone.process.wait()
                phone.hang_up()
                assert "STOPPING=1" in systemd.told
                assert PASSWORD not in "".join(systemd.told)
            await manager.end()
        systemd.close()

    asyncio.run(run())


def test_a_telephone_whose_trunk_is_away_is_ready_and_fed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        systemd = Systemd(tmp_path, monkeypatch)
        async with practice_desk(tmp_path) as desk:
            await desk.trunk.stop()
            phone = await Terminal.open(desk)
            await systemd.until(lambda: systemd.told.count("WATCHDOG=1") >= 4)
            assert systemd.told.count("READY=1") == 1
            await systemd.until(
                lambda: any(each.startswith("STATUS=not registered: ") for each in systemd.told)
            )
            assert await phone.leave() == 0
        systemd.close()

    asyncio.run(run())


def test_without_an_engine_it_is_ready_after_a_while_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "ENGINE_PATIENCE_S", 0.05)

    async def run() -> None:
        told: list[str] = []
        manager = ServiceManager({})
        monkeypatch.setattr(manager, "_tell", told.append)
        telephone = SimpleNamespace(engine_there=False, on_engine_change=None)
        made = Service(cast("Telephone", telephone), manager)
        with made.attended():
            assert "READY=1" not in told
            async with asyncio.timeout(PATIENCE_S):
                while "READY=1" not in told:  # noqa: ASYNC110  as above
                    await asyncio.sleep(0.01)
            telephone.engine_there = True
            telephone.on_engine_change()
        assert told == [
            "STATUS=no media engine; starting",
            "READY=1",
            "STATUS=starting",
            "STOPPING=1",
        ]

    asyncio.run(run())
