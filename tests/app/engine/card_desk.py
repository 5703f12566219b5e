"""A telephone's engine with a sound card between a mouth and an ear that the test can reach."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self
from unittest import mock

import numpy as np
from tests.app.engine.scene import MadeSound, Side, towards
from tests.app.engine.test_process import Apart
from tests.shells.audio.sound_server import DEVICE, EAR, MOUTH, SoundServer

from offhook.app.engine.client import INHERITED, EngineOptions
from offhook.base.schema.tone_plan import ToneSegment, ToneShape
from offhook.protocols.media.handset_messages import HandsetCommand
from offhook.protocols.media.messages import Start

RATE = 48000
CALL_RATE = 8000
WINDOW_S = 0.2
PATIENCE_S = 25.0
SOON_S = 5.0
SILENT_DB = -60.0
LANGUAGE = "en"
WORD, WORD_HZ, WORD_S = "word", 900, 0.4

Samples = np.ndarray[Any, np.dtype[np.float64]]


def steady(hz: int) -> ToneShape:
    return ToneShape(cadence=(ToneSegment(hz=(hz,)),))


def sine(hz: int, seconds: float, peak: float, rate: int = RATE) -> bytes:
    n = np.arange(round(seconds * rate))
    return (peak * 32767 * np.sin(2 * np.pi * hz * n / rate)).astype(np.int16).tobytes()


def level_db(samples: Samples) -> float:
    """Power relative to a full-scale square wave."""
    return float(10 * np.log10(np.mean(samples**2) + 1e-12)) if len(samples) else -120.0


def level_at(samples: Samples, hz: int, rate: int = RATE) -> float:
    """The same of what lies within 20 Hz of `hz`."""
    window = np.hanning(len(samples))
    powers = 2 * np.abs(np.fft.rfft(samples * window)) ** 2 / len(samples) / np.sum(window**2)
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / rate) - hz) <= 20
    return float(10 * np.log10(powers[near].sum() + 1e-12))


def prompts(folder: Path) -> Path:
    """One word, which is a tone: so it is heard which word it is."""
    folder.mkdir()
    with wave.open(str(folder / "word.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(sine(WORD_HZ, WORD_S, 0.3, 16000))
    index = {"fragments": {WORD: "word.wav"}}
    (folder / f"{LANGUAGE}.json").write_text(json.dumps(index))
    return folder


class Ear:
    """What was played to the card, captured where it would become air."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.heard = bytearray()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, server: SoundServer) -> Self:
        form = ("--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=10")
        return cls(
            await asyncio.create_subprocess_exec(
                "parec",
                *form,
                f"--device={EAR}.monitor",
                env=server.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        )

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(9600):
            self.heard += chunk

    @property
    def samples(self) -> Samples:
        """All that was heard, full scale being 1."""
        whole = len(self.heard) // 2 * 2
        return np.frombuffer(bytes(self.heard[:whole]), np.int16) / 32768

    @property
    def last(self) -> Samples:
        size = int(2 * RATE * WINDOW_S)
        whole = len(self.heard) // 2 * 2
        return np.frombuffer(bytes(self.heard[max(0, whole - size) : whole]), np.int16) / 32768

    def hears(self, hz: int) -> bool:
        """Whether nearly all that is heard now is this tone."""
        last = self.last
        whole = level_db(last)
        return whole > SILENT_DB and level_at(last, hz) > whole - 1

    def silent(self) -> bool:
        return len(self.last) == int(RATE * WINDOW_S) and level_db(self.last) < SILENT_DB

    async def stays_silent(self) -> bool:
        """Whether it soon becomes silent, and is so for a while."""
        async with asyncio.timeout(SOON_S):
            await until(self.silent)
        begun = len(self.heard)
        await until(lambda: len(self.heard) > begun + 2 * RATE * 3 * WINDOW_S)
        return level_db(self.samples[begun // 2 :]) < SILENT_DB

    async def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
        await self._reader


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110  other processes set no event of the loop's
            await asyncio.sleep(0.02)


class Desk(Apart):
    """The engine's process as the telephone starts it."""

    def __init__(self, server: SoundServer, prompts: Path | None) -> None:
        self.server = server
        super().__init__(EngineOptions(handset="card", card=DEVICE, prompts=prompts))

    def tell(self, *commands: HandsetCommand) -> None:
        for command in commands:
            self.process.post(command)

    @asynccontextmanager
    async def ear(self) -> AsyncIterator[Ear]:
        ear = await Ear.open(self.server)
        try:
            yield ear
        finally:
            await ear.close()

    @asynccontextmanager
    async def mouth(self, said: bytes) -> AsyncIterator[None]:
        """Says this into the microphone, again and again until the end."""
        path = Path(self.server.environment["HOME"]) / "said"
        path.write_bytes(said)
        form = f"--raw --format=s16le --rate={RATE} --channels=1 --latency-msec=20 --device={MOUTH}"
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'while cat "$0"; do :; done | exec pacat {form}', str(path)),
            env=self.server.environment,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            await process.wait()

    @property
    def microphone_open(self) -> bool:
        return f"{MOUTH}.monitor" in self._sources()

    def _sources(self) -> str:
        used = self.server.ask("list", "short", "source-outputs").split("\n")
        numbers = {line.split("\t")[1] for line in used if line}
        known = self.server.ask("list", "short", "sources").split("\n")
        return " ".join(line.split("\t")[1] for line in known if line.split("\t")[0] in numbers)


@contextmanager
def beside(server: SoundServer) -> Iterator[None]:
    """What is started here finds the sound server's card."""
    wanted = {name: server.environment[name] for name in INHERITED if name in server.environment}
    with mock.patch.dict(os.environ, wanted):
        yield


@asynccontextmanager
async def desk(server: SoundServer, prompts: Path | None = None) -> AsyncIterator[Desk]:
    """An engine that runs in the sound server's environment."""
    made = Desk(server, prompts)
    with beside(server):
        await made.process.start()
    try:
        yield made
    finally:
        await made.process.close()


class Peer(Side):
    """The other end of a call: says a tone, and keeps what it hears."""

    def __init__(self, hz: int) -> None:
        self.heard: list[bytes] = []
        said = sine(hz, 0.02, 0.3, CALL_RATE)

        def speak(heard: bytes) -> bytes:
            self.heard.append(heard)
            return said

        super().__init__("peer", lambda _: MadeSound(speak))

    @property
    def last(self) -> Samples:
        periods = self.heard[-int(WINDOW_S / 0.02) :]
        return np.frombuffer(b"".join(periods), np.int16) / 32768

    def hears(self, hz: int) -> bool:
        whole = level_db(self.last)
        return whole > SILENT_DB and level_at(self.last, hz, CALL_RATE) > whole - 1

    def silent(self) -> bool:
        return level_db(self.last) < SILENT_DB

    @property
    def received(self) -> int:
        """Authenticated packets until now."""
        (session,) = self.engine._sessions.values()
        assert session._keyed is not None
        return session._keyed.statistics().received

    async def packets_a_second(self, seconds: float) -> float:
        begun, before = time.monotonic(), self.received
        await asyncio.sleep(seconds)
        return (self.received - before) / (time.monotonic() - begun)


async def call(desk: Desk, peer: Peer) -> None:
    """Connects the desk's telephone with the peer."""
    mine, theirs = await desk.ready(), peer.prepare()
    desk.process.post(towards(mine, theirs))
    peer.engine.handle(towards(theirs, mine))
    peer.engine.handle(Start(1))
    desk.process.post(Start(1))
