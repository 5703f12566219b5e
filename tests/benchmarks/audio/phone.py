"""A telephone as it is in the product, on a null sink and the practice trunk, its card watched.

This process is the signalling process; engine, trunk and sound server have one of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from tests.benchmarks.audio.busy_trunk import DOMAIN, USER
from tests.benchmarks.audio.probe import RECORDING, interpreter
from tests.interop.lab.usage import cpu_seconds
from tests.shells.audio.sound_server import DEVICE, SoundServer

from offhook.app.commands.session import read_builder
from offhook.app.engine.client import INHERITED, EngineOptions
from offhook.app.engine.keeper import EngineKeeper
from offhook.app.handset import Handset
from offhook.app.handset_terms import store_of, terms_of
from offhook.app.line_store import LineStore
from offhook.app.telephone import Telephone
from offhook.base.secret import Secret
from offhook.base.vocabulary import Key, PathAddress
from offhook.phone.input.events import HookDown, HookUp
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import PracticeFiles, make_practice_pki

ROOT = Path(__file__).parents[3]
PASSWORD = "practice"
PATIENCE_S = 30.0
KEY_S = 0.06
"""Between two keys: what practised fingers need."""


class Trunk:
    """The practice trunk's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    @asynccontextmanager
    async def running(cls, files: PracticeFiles) -> AsyncIterator[Trunk]:
        trunk = cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.benchmarks.audio.busy_trunk"),
                *(str(files.certificate), str(files.key), PASSWORD),
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": "firmware:provisioning:."},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )
        try:
            yield trunk
        finally:
            assert trunk._process.stdin is not None
            trunk._process.stdin.close()
            await trunk._process.wait()

    async def told(self) -> dict[str, int]:
        assert self._process.stdout is not None
        answer: dict[str, int] = json.loads(await self._process.stdout.readline())
        return answer

    async def ask(self, a_second: int) -> dict[str, int]:
        """Ask so often from now on; what was asked and answered until now."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"ask {a_second}\n".encode())
        return await self.told()


@dataclass
class Phone:
    """A telephone, its handset and the processes about it."""

    telephone: Telephone
    handset: Handset
    engine: EngineKeeper
    trunk: Trunk

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  a person looks now and then
                await asyncio.sleep(0.01)

    def lift(self) -> float:
        """Lift the handset; when (s, monotonic)."""
        now = time.monotonic()
        self.handset.receive(HookUp())
        return now

    def lay_down(self) -> float:
        now = time.monotonic()
        self.handset.receive(HookDown())
        return now

    def press(self, symbol: str) -> float:
        now = time.monotonic()
        self.handset.receive(Key(symbol))
        self.handset.receive(Key(symbol, pressed=False))
        return now

    async def dial(self, symbols: str) -> float:
        """Press one key after the other; when the last one was pressed."""
        at = 0.0
        for symbol in symbols:
            await asyncio.sleep(KEY_S)
            at = self.press(symbol)
        return at

    async def talk(self, number: str) -> None:
        """Call `number` and wait until it talks."""
        self.lift()
        await self.dial(f"{number}#")
        await self.until(lambda: any(each.talked_s > 0.5 for each in self.handset.view().calls))

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process so far."""
        assert self.engine.pid is not None
        pids = {"signalling": os.getpid(), "engine": self.engine.pid, "trunk": self.trunk.pid}
        return {name: cpu_seconds([pid]) for name, pid in pids.items()}


@asynccontextmanager
async def phone(
    folder: Path, server: SoundServer, prompts: Path, *, blocking: bool = True
) -> AsyncIterator[Phone]:
    """One that is registered. What its card played is in `recording(server)` after the end."""
    files = make_practice_pki(folder, DOMAIN)
    environment = {
        name: server.environment[name] for name in INHERITED if name in server.environment
    }
    watched = str(interpreter(folder, blocking=blocking))
    async with Trunk.running(files) as trunk:
        address = PathAddress("127.0.0.1", (await trunk.told())["port"])
        access = PhoneAccess(DOMAIN, USER, Secret(PASSWORD), address, files.ca)
        settings = write_phone_settings(folder, access)
        with settings.open("a") as file:
            # The null sink is an ear pressed to the mouth: side tone would never end.
            file.write("\n[sound]\nside_tone = false\n")
        builder = read_builder(settings)
        engine = EngineKeeper(
            EngineOptions(handset="card", card=DEVICE, prompts=prompts, log=log_of(server)),
            on_report=lambda report: telephone.take_report(report),  # noqa: PLW0108  made below
            on_lost=lambda reason: telephone.engine_lost(reason),  # noqa: PLW0108  made below
            on_started=lambda: telephone.engine_started(),  # noqa: PLW0108  made below
        )
        telephone = Telephone(builder, engine)
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(sys, "executable", watched),
        ):
            await engine.start()
        telephone.start()
        store = LineStore(store_of(builder))
        handset = Handset(telephone, terms_of(builder, store), store.read())
        made = Phone(telephone, handset, engine, trunk)
        try:
            await made.until(lambda: "registered as" in handset.view().account)
            yield made
        finally:
            handset.close()
            await telephone.stop()
            await engine.close()


def log_of(server: SoundServer) -> Path:
    """What engine, PortAudio and ALSA write to standard error."""
    return Path(server.environment["HOME"]) / "engine.log"


def recording(server: SoundServer) -> dict[str, Any]:
    """What the probe wrote of the engine that ended last."""
    path = Path(server.environment["HOME"]) / RECORDING
    with np.load(path) as stored:
        told: dict[str, Any] = {name: stored[name] for name in stored.files}
    path.unlink()
    told.update(json.loads(str(told.pop("told"))))
    return told
