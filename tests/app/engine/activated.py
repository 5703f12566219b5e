"""A service manager's part: a listening socket that outlives engines, and a notification socket."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""
PATIENCE_S = 25.0


class Manager:
    """Starts engines at one socket, as systemd does, and hears what they tell."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "engine.sock"
        self.notify = folder / "notify.sock"
        self.told: list[str] = []
        self.processes: list[asyncio.subprocess.Process] = []

    def __enter__(self) -> Self:
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(str(self.path))
        self.listening.listen(16)
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(self.notify))
        self._ear.setblocking(False)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.listening.close()
        self._ear.close()

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(PATIENCE_S)
        client.connect(str(self.path))
        return client

    async def start(self, *arguments: str, watchdog_s: float = 2.0) -> asyncio.subprocess.Process:
        """A new engine at the same socket."""
        number = os.dup(self.listening.fileno())
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", ACTIVATE, str(number), sys.executable, "-P"),
                *("-m", "offhook.app.engine.process", "--listen", *arguments),
                pass_fds=(number,),
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    "NOTIFY_SOCKET": str(self.notify),
                    "WATCHDOG_USEC": str(round(watchdog_s * 1_000_000)),
                },
            )
        finally:
            os.close(number)
        self.processes.append(process)
        return process

    def hear(self) -> list[str]:
        """Everything that was told up to now."""
        while True:
            try:
                self.told.append(self._ear.recv(4096).decode())
            except BlockingIOError:
                return self.told

    async def until(self, said: str, count: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.hear().count(said) < count:  # noqa: ASYNC110  a socket without a loop
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
