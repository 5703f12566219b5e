"""A control server that answers each line with itself, and clients that behave as they like."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from offhook.shells.control.connection import Client, Limits
from offhook.shells.control.peer import Allowed
from offhook.shells.control.server import ControlServer

PATIENCE_S = 10.0
TOO_LONG, TOO_MANY = b"too long\n", b"too many\n"


class Echo:
    """Answers `stay` by letting the client stay, and everything by itself."""

    too_long = TOO_LONG
    too_many = TOO_MANY

    def __init__(self) -> None:
        self.here: list[Client] = []
        self.lines: list[bytes] = []
        self.left = 0

    def asked(self, client: Client, line: bytes) -> None:
        self.lines.append(line)
        if line == b"stay":
            client.stay()
            self.here.append(client)
        client.send(b"<" + line + b">\n")

    def gone(self, client: Client) -> None:
        self.left += 1
        if client in self.here:
            self.here.remove(client)


@asynccontextmanager
async def served(
    path: Path,
    limits: Limits = Limits(rest_s=0.001),  # noqa: B008  frozen
    allowed: Allowed = Allowed(),  # noqa: B008  frozen
) -> AsyncIterator[tuple[ControlServer, Echo]]:
    echo = Echo()
    server = ControlServer(path, echo, allowed, limits)
    server.open()
    try:
        yield server, echo
    finally:
        server.close()


class Knocker:
    """A client's bare socket."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    @classmethod
    async def connect(cls, path: Path) -> Knocker:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, str(path))
        return cls(connected)

    async def say(self, octets: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().sock_sendall(self.socket, octets)

    async def line(self) -> bytes:
        """The next line; shorter and without its end where the connection is closed."""
        told = b""
        async with asyncio.timeout(PATIENCE_S):
            while not told.endswith(b"\n"):
                more = await self._some(1)
                if not more:
                    break
                told += more
        return told

    async def rest(self) -> bytes:
        """Everything until the end."""
        told = b""
        async with asyncio.timeout(PATIENCE_S):
            while more := await self._some(65536):
                told += more
        return told

    async def _some(self, most: int) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self.socket, most)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self.socket.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.002)
