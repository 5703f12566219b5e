"""One end of the channel between signalling and engine: whole datagrams, and never a wait."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from offhook.app.engine import channel

BATCH: Final = 16
"""Datagrams read before others have their turn."""


class Pipe:
    """A connected SOCK_SEQPACKET socket on the running loop.

    `on_datagram` gets each datagram, `on_end` is called once where the other side has closed.
    What can't be sent at once waits; beyond `most_unsent` the oldest is dropped.
    """

    def __init__(
        self,
        opened: socket.socket,
        on_datagram: Callable[[bytes], None],
        on_end: Callable[[], None],
        most_unsent: int,
    ) -> None:
        self._socket: socket.socket | None = opened
        self._loop = asyncio.get_running_loop()
        self._on_datagram = on_datagram
        self._on_end = on_end
        self._unsent: deque[bytes] = deque(maxlen=most_unsent)
        self._writing = False
        opened.setblocking(False)
        self._loop.add_reader(opened.fileno(), self.read)

    @property
    def unsent(self) -> int:
        """Datagrams that wait for the other side to read."""
        return len(self._unsent)

    def post(self, datagram: bytes) -> None:
        """Send, now or later."""
        self._unsent.append(datagram)
        self._write()

    def read(self) -> None:
        """Hand over what has come."""
        for _ in range(BATCH):
            if self._socket is None:
                return
            try:
                datagram = self._socket.recv(channel.MAX_MESSAGE + 1)
            except BlockingIOError:
                return
            except OSError:
                datagram = b""
            if not datagram:
                self._loop.remove_reader(self._socket.fileno())
                self._on_end()
                return
            self._on_datagram(datagram)

    def end(self) -> None:
        """Tell the other side that nothing more comes; what it still sends is read."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Give the socket back."""
        opened, self._socket = self._socket, None
        self._unsent.clear()
        if opened is not None:
            self._loop.remove_reader(opened.fileno())
            self._loop.remove_writer(opened.fileno())
            opened.close()

    def _write(self) -> None:
        if self._socket is None:
            return
        while self._unsent:
            try:
                self._socket.send(self._unsent[0])
            except BlockingIOError:
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._socket.fileno(), self._write)
                return
            except OSError:
                # The other side has ended: that is seen by reading.
                self._unsent.clear()
                break
            self._unsent.popleft()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())
