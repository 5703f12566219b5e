"""`offhook run` on a real pseudo-terminal, beside a practice trunk in this process."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
        try:
            async with asyncio.timeout(PATIENCE_S):
                while told not in self.picture:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{told!r} was never told, but:\n{self.shown}") from None

    async def call(self, number: str) -> None:
        """Lift the handset and dial."""
        self.press(" ")
        await self.until("dial tone")
        self.press(number)

    @property
    def shown(self) -> str:
        """The latest of what was shown, for a person who looks into what went wrong."""
        return self._shown[-6000:]

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


@asynccontextmanager
async def telephone_in_terminal(
    folder: Path, *options: str
) -> AsyncIterator[tuple[PracticeDesk, Terminal]]:
    """A telephone that is registered with a practice trunk. Whoever takes it ends it."""
    async with practice_desk(folder) as desk:
        terminal = await Terminal.open(desk, *options)
        await terminal.until("registered as phone@practice.example")
        yield desk, terminal
