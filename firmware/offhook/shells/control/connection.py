"""One client of the control socket: lines in, lines out, every queue bounded, nothing waits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from offhook.shells.control.peer import Peer


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may ask of the phone."""

    clients: int = 16
    line: int = 4096
    """Octets of a request, without its line break."""
    queue: int = 256 * 1024
    """Octets that wait for a client beyond what the kernel holds; one more and it is dropped."""
    kernel_queue: int = 64 * 1024
    idle_s: float = 30.0
    """A client that asks nothing for so long is closed, unless it stays."""
    rest_s: float = 0.02
    """After each request its client is left alone: a flood of them is no work."""


class Client:
    """A connected client. `too_long` is what it is told before a line without end closes it."""

    def __init__(
        self,
        connected: socket.socket,
        peer: Peer,
        *,
        limits: Limits,
        too_long: bytes,
        on_line: Callable[[Client, bytes], None],
        on_gone: Callable[[Client], None],
    ) -> None:
        self.peer = peer
        self.dropped = False
        """Whether it was closed because it didn't read."""
        self._socket = connected
        self._limits = limits
        self._too_long = too_long
        self._on_line = on_line
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._in = b""
        self._out = bytearray()
        self._stays = self._closing = self._closed = False
        self._rest: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.kernel_queue)
        self._loop.add_reader(connected, self._read)
        self._wait_for_a_request()

    @property
    def closed(self) -> bool:
        """Whether nothing reaches it any more."""
        return self._closed

    def stay(self) -> None:
        """It listens: asking nothing is no reason to close it any more."""
        self._stays = True
        self._wait_for_a_request()

    def send(self, line: bytes) -> None:
        """Queue one line, its line break included. A client that doesn't read is dropped."""
        if self._closed:
            return
        waited = bool(self._out)
        self._out += line
        if not waited:
            self._write()
        if len(self._out) > self._limits.queue:
            self.dropped = True
            self.close()

    def close(self) -> None:
        """Close now; what the kernel holds can still be read."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._rest, self._idle):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._on_gone(self)

    # Requests

    def _read(self) -> None:
        try:
            data = self._socket.recv(self._limits.line + 1 - len(self._in))
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self._in += data
        if not data:
            self._finish()
        else:
            self._serve()

    def _serve(self) -> None:
        """Take one request at most."""
        line, ended, rest = self._in.partition(b"\n")
        if ended:
            self._in = rest
            self._loop.remove_reader(self._socket)
            self._rest = self._loop.call_later(self._limits.rest_s, self._resume)
            self._wait_for_a_request()
            self._on_line(self, line)
        elif len(self._in) > self._limits.line:
            self.send(self._too_long)
            self._finish()

    def _resume(self) -> None:
        self._rest = None
        if self._out or self._closing:
            return
        if b"\n" in self._in:
            self._serve()
        else:
            self._loop.add_reader(self._socket, self._read)

    def _finish(self) -> None:
        """Close once everything is written; nothing is read any more."""
        if self._closed:
            return
        self._closing = True
        self._stays = False
        self._loop.remove_reader(self._socket)
        if self._out:
            self._wait_for_a_request()
        else:
            self.close()

    def _wait_for_a_request(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if not self._stays and not self._closed:
            self._idle = self._loop.call_later(self._limits.idle_s, self.close)

    # Answers

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._out[:sent]
        if self._out:
            self._loop.add_writer(self._socket, self._write)
            return
        self._loop.remove_writer(self._socket)
        if self._closing:
            self.close()
        elif self._rest is None:
            self._resume()
