"""The engine as systemd sees it: ready, fed, and not fed when it stands still."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.app.engine.activated import Manager
from tests.app.engine.scene import play

from offhook.app.engine.process import main


def test_an_engine_service_is_ready_tests_itself_and_is_fed(tmp_path: Path) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            try:
                process = await manager.start("--handset=files", "--peer-uid", str(os.geteuid()))
                await manager.until("READY=1")
                await manager.until("WATCHDOG=1", count=6)
                assert "STATUS=waits for the telephone" in manager.told
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
                assert manager.hear()[-1] == "STOPPING=1"
            finally:
                await manager.end()

    play(scene(), 40)


def test_an_engine_that_stands_still_is_not_fed(tmp_path: Path) -> None:
    async def scene() -> None:
        with Manager(tmp_path) as manager:
            try:
                process = await manager.start(watchdog_s=0.4)
                await manager.until("WATCHDOG=1", count=3)
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.1)
                before = len(manager.hear())
                await asyncio.sleep(0.8)
                assert len(manager.hear()) == before
            finally:
                await manager.end()

    play(scene(), 40)


def test_an_engine_service_without_its_manager_says_what_is_missing(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["--listen"]) == 2
    assert "no socket was handed over" in caplog.text + capsys.readouterr().err


def test_an_engine_s_way_in_is_named_once() -> None:
    for arguments in ([], ["--listen", "--channel", "0"]):
        with pytest.raises(SystemExit):
            main(arguments)
