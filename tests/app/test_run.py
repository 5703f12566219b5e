"""`offhook run` on a real pseudo-terminal: a person lifts, dials, talks and lays down."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from pathlib import Path

from tests.app.practice_desk import PATIENCE_S, PracticeDesk, practice_desk

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A terminal with the telephone in it."""

    def __init__(self, process: asyncio.subprocess.Process, controller: int) -> None:
        self.process = process
        self._controller = controller
        self._shown = ""
        asyncio.get_running_loop().add_reader(controller, self._read)
        self._more = asyncio.Event()

    @classmethod
    async def open(cls, desk: PracticeDesk, *options: str) -> Terminal:
        controller, screen = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "offhook.app.cli", "run", "--settings", str(desk.settings)),
            *("--socket", str(desk.settings.with_name("control.sock")), *options),
            stdin=screen,
            stdout=screen,
            stderr=screen,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
        )
        os.close(screen)
        return cls(process, controller)

    def press(self, keys: str) -> None:
        os.write(self._controller, keys.encode())

    async def until(self, told: str) -> None:
        """Wait until the latest picture tells this."""
        async with asyncio.timeout(PATIENCE_S):
            while told not in self.picture:
                self._more.clear()
                await self._more.wait()

    @property
    def picture(self) -> str:
        return self._shown[self._shown.rfind("╭─ Offhook") :]

    def _read(self) -> None:
        try:
            data = os.read(self._controller, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._controller)
            return
        self._shown = (self._shown + ESCAPES.sub("", data.decode("utf-8", "replace")))[-20_000:]
        self._more.set()

    def hang_up(self) -> None:
        """The line to the terminal breaks."""
        asyncio.get_running_loop().remove_reader(self._controller)
        os.close(self._controller)

    async def leave(self) -> int:
        self.press("q")
        async with asyncio.timeout(PATIENCE_S):
            status = await self.process.wait()
        self.hang_up()
        return status


def test_a_person_lifts_dials_talks_and_lays_down(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            terminal = await Terminal.open(desk)
            await terminal.until("registered as phone@practice.example")
            terminal.press(" ")
            await terminal.until("dial tone")
            terminal.press("600#")
            await terminal.until("hop by hop  AEAD_AES_256_GCM")
            terminal.press(" ")
            await terminal.until("on the hook")
            await terminal.until("security: ready")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_person_is_called_and_answers_by_lifting(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            terminal = await Terminal.open(desk)
            await terminal.until("registered as")
            assert desk.trunk.call("phone", "echo")
            await terminal.until("rings")
            terminal.press(" ")
            await terminal.until("hop by hop  AEAD_AES_256_GCM")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_call_that_would_not_be_encrypted_is_explained(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            terminal = await Terminal.open(desk)
            await terminal.until("registered as")
            terminal.press(" ")
            await terminal.until("dial tone")
            terminal.press("606#")
            await terminal.until("would not be encrypted")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_flash_holds_the_call_and_another_resumes_it_with_real_engines(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            terminal = await Terminal.open(desk)
            await terminal.until("registered as")
            terminal.press(" ")
            await terminal.until("dial tone")
            terminal.press("600#")
            await terminal.until("hop by hop  AEAD_AES_256_GCM")
            terminal.press("f")
            await terminal.until("talking, held")
            await terminal.until("dial tone")
            terminal.press("f")
            await terminal.until("talking  0:")
            await terminal.until("talking  0:03")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_terminal_that_is_lost_ends_the_telephone(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            terminal = await Terminal.open(desk)
            await terminal.until("registered as")
            terminal.hang_up()
            async with asyncio.timeout(PATIENCE_S):
                await terminal.process.wait()
            assert not desk.trunk.registered("phone")

    asyncio.run(run())
