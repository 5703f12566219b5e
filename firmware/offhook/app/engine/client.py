"""The signalling side's end of the engine: starts the process, speaks to it, sees it crash."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.app.engine import channel
from offhook.app.engine.pipe import Pipe
from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.messages import Command, Report

MAX_UNSENT: Final = 256
EXIT_S: Final = 5.0
"""How long a process may take to end after its channel was closed."""
INHERITED: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "XDG_RUNTIME_DIR",
    "PULSE_SERVER",
    "PULSE_LATENCY_MSEC",
    "ALSA_CONFIG_PATH",
    "JACK_NO_START_SERVER",
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine's process is started with; none of it is secret.

    `play` is spoken and `record` written by the first session; each later one records into the
    same name with its number appended to the stem.
    """

    play: Path | None = None
    record: Path | None = None
    loop: bool = False
    ports: range | None = None
    delay_ms: int = DEFAULT_DELAY_MS
    handset: str | None = None
    """"card" or "files": one sound for tones, words and calls; None: each session has its own."""
    card: str | None = None
    """Part of the sound card's name; None: the system's choice."""
    prompts: Path | None = None
    """The folder of rendered prompts."""
    log: Path | None = None
    """The file to append what the process logs to; None: our standard error."""

    def arguments(self) -> list[str]:
        """As the process's command line takes them."""
        made = [f"--delay-ms={self.delay_ms}"]
        if self.play is not None:
            made.append(f"--play={self.play}")
        if self.record is not None:
            made.append(f"--record={self.record}")
        if self.loop:
            made.append("--loop")
        if self.handset is not None:
            made.append(f"--handset={self.handset}")
        if self.card is not None:
            made.append(f"--card={self.card}")
        if self.prompts is not None:
            made.append(f"--prompts={self.prompts}")
        if self.ports is not None:
            made.append(f"--ports={self.ports.start}-{self.ports.stop - 1}")
        return made


class EngineProcess:
    """An engine in an interpreter of its own, behind one SOCK_SEQPACKET channel.

    Reports come through `on_report`; the end of the process, unless asked for by `close`, through
    `on_crash` with a sentence for a person, once. Both are called in the loop.
    """

    def __init__(
        self,
        options: EngineOptions,
        on_report: Callable[[Report], None],
        on_crash: Callable[[str], None],
    ) -> None:
        self._options = options
        self._on_report = on_report
        self._on_crash = on_crash
        self._process: asyncio.subprocess.Process | None = None
        self._pipe: Pipe | None = None
        self._closing = False
        self._watcher: asyncio.Task[None] | None = None
        self.unreadable = 0
        """Datagrams of the engine that could not be read: counted, logged, passed over."""

    @property
    def pid(self) -> int | None:
        """The process's number, None where none runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process; LocalError where that fails or one runs already."""
        if self._process is not None:
            raise LocalError("the engine runs already")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, contextlib.ExitStack() as stack:
            try:
                log_file = (
                    stack.enter_context(self._options.log.open("ab")) if self._options.log else None
                )
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-m",
                    "offhook.app.engine.process",
                    f"--channel={theirs.fileno()}",
                    *self._options.arguments(),
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    stderr=log_file,
                    env=_environment(),
                )
            except OSError as error:
                ours.close()
                raise LocalError(f"the engine can't be started: {error.strerror}") from None
        self._closing = False
        self._pipe = Pipe(ours, self._receive, self._hung_up, MAX_UNSENT)
        self._watcher = asyncio.create_task(self._watch(self._process))

    async def send(self, command: Command) -> None:
        """`post`, under the name that the engine in this process has too."""
        self.post(command)

    def post(self, command: Command) -> None:
        """Send one command, without waiting.

        Dropped where the engine has crashed: that has been told. LocalError where none was
        started, or it has stopped reading.
        """
        if self._watcher is None:
            raise LocalError("no engine runs")
        if self._pipe is None:
            return
        if self._pipe.unsent >= MAX_UNSENT:
            raise LocalError("the engine does not read its commands")
        self._pipe.post(channel.encode(command))

    def _receive(self, datagram: bytes) -> None:
        try:
            report = channel.decode_report(datagram)
        except PeerError as error:
            self.unreadable += 1
            log.warning("engine: %s", error)
            return
        self._on_report(report)

    def _hung_up(self) -> None:
        """The channel has ended: so must the process, and `_watch` tells how it did."""
        if self._process is not None:
            asyncio.get_running_loop().call_later(EXIT_S, _kill, self._process)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        pipe, self._pipe, self._process = self._pipe, None, None
        if pipe is not None:
            pipe.read()
            pipe.close()
        if not self._closing:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            self._on_crash(f"the media engine {how}")

    async def close(self) -> None:
        """Close the channel and wait for the process's end; it is killed where it takes too long.

        Sessions still open are stopped by the engine, and their reports are delivered.
        """
        process, pipe, watcher = self._process, self._pipe, self._watcher
        if process is None or pipe is None or watcher is None:
            return
        self._closing = True
        pipe.end()
        try:
            await asyncio.wait_for(asyncio.shield(watcher), EXIT_S)
        except TimeoutError:
            _kill(process)
            await watcher

    async def restart(self) -> None:
        """A new process in place of the one that crashed or hangs; its sessions are gone."""
        await self.close()
        await self.start()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _environment() -> dict[str, str]:
    """The few variables an engine needs, and this interpreter's import path; no credential."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
