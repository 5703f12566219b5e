"""The command line as processes of their own, beside a practice trunk in this one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offhook.base.secret import Secret
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki
from offhook_practice.trunk import PracticeTrunk

DOMAIN = "practice.example"
PASSWORD = "the-password-itself"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Ended:
    status: int
    report: dict[str, Any]
    progress: str


class Command:
    """One `offhook` process; its progress is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._progress: list[str] = []

    async def until(self, said: str) -> None:
        """Read progress until a line holds `said`."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while said not in "".join(self._progress):
                line = await self.process.stderr.readline()
                assert line, f"{said!r} was never said, but {self._progress}"
                self._progress.append(line.decode())

    async def end(self) -> Ended:
        async with asyncio.timeout(PATIENCE_S):
            output, progress = await self.process.communicate()
        told = "".join(self._progress) + progress.decode()
        assert self.process.returncode is not None
        return Ended(self.process.returncode, json.loads(output), told)

    def engine_pid(self) -> int:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])


@dataclass(frozen=True)
class PracticeDesk:
    trunk: PracticeTrunk
    settings: Path

    async def run(self, *arguments: str) -> Command:
        return Command(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "offhook.app.cli", *arguments),
                *("--settings", str(self.settings), "--json"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        )


@asynccontextmanager
async def practice_desk(folder: Path) -> AsyncIterator[PracticeDesk]:
    files = make_practice_pki(folder, DOMAIN)
    password = Secret(PASSWORD)
    trunk = PracticeTrunk(DOMAIN, {"phone": password}, files.certificate, files.key)
    address = await trunk.start()
    access = PhoneAccess(DOMAIN, "phone", password, address, files.ca)
    try:
        yield PracticeDesk(trunk, write_phone_settings(folder, access))
    finally:
        await trunk.stop()
