"""The control socket's listening end: a Unix stream socket, lines both ways, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from pathlib import Path
from typing import Final, Protocol

from offhook.base.errors import LocalError
from offhook.shells.control.connection import Client, Limits
from offhook.shells.control.peer import Allowed, Peer, peer_of
from offhook.shells.control.place import Place

_LOG: Final = logging.getLogger(__name__)
_BATCH: Final = 8
"""Connections taken before the event loop gets its turn."""
_BREATH_S: Final = 1.0
"""How long nobody is let in after the system had no file descriptor left."""


class Handler(Protocol):
    """Who knows what the lines mean."""

    too_long: bytes
    """What a client is told that sends a line without end."""
    too_many: bytes
    """What a client is told for whom there is no place."""

    def asked(self, client: Client, line: bytes) -> None:
        """A client's line, without its line break; whatever octets it sent."""

    def gone(self, client: Client) -> None:
        """It is closed, by either side."""


class ControlServer:
    """Listens at `path`, on the running loop, from `open` to `close`.

    Whoever is not `allowed` is closed without an octet. Nothing that a client does raises here,
    waits, or takes more than `limits` allow.
    """

    def __init__(
        self,
        path: Path,
        handler: Handler,
        allowed: Allowed = Allowed(),  # noqa: B008  frozen
        limits: Limits = Limits(),  # noqa: B008  frozen
    ) -> None:
        self.path = path
        self.refused = 0
        """Connections of those who may not ask."""
        self.crowded = 0
        """Connections for which there was no place."""
        self.dropped = 0
        """Clients that didn't read what was sent to them."""
        self._handler = handler
        self._allowed = allowed
        self._limits = limits
        self._clients: set[Client] = set()
        self._place: Place | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._breath: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Listen. Raises LocalError, as `Place` says, with the remedy."""
        if self._place is not None:
            raise LocalError(f"{self.path} is open already")
        self._loop = asyncio.get_running_loop()
        self._place = Place(self.path, next(iter(self._allowed.gids), None))
        self._attend()

    def close(self) -> None:
        """Close every client and the socket, and remove its file. Harmless if it isn't open."""
        if self._place is None or self._loop is None:
            return
        if self._breath is not None:
            self._breath.cancel()
            self._breath = None
        self._loop.remove_reader(self._place.listening)
        for client in list(self._clients):
            client.close()
        self._place.release()
        self._place = None

    def _attend(self) -> None:
        self._breath = None
        if self._place is not None and self._loop is not None:
            self._loop.add_reader(self._place.listening, self._accept, self._place.listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_BATCH):
            try:
                connected, _ = listening.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._breathe(listening, error)
                return
            self._take(connected)

    def _breathe(self, listening: socket.socket, error: OSError) -> None:
        _LOG.warning("%s: %s", self.path, error)
        if self._loop is not None:
            # It would be readable again at once, for ever.
            self._loop.remove_reader(listening)
            self._breath = self._loop.call_later(_BREATH_S, self._attend)

    def _take(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        try:
            peer = peer_of(connected)
        except OSError:
            connected.close()
            return
        if not self._allowed.admits(peer):
            connected.close()
            self._refuse(peer)
        elif len(self._clients) >= self._limits.clients:
            self.crowded += 1
            with connected, contextlib.suppress(OSError):
                connected.send(self._handler.too_many)
        else:
            self._clients.add(
                Client(
                    connected,
                    peer,
                    limits=self._limits,
                    too_long=self._handler.too_long,
                    on_line=self._handler.asked,
                    on_gone=self._gone,
                )
            )

    def _refuse(self, peer: Peer) -> None:
        self.refused += 1
        if self.refused.bit_count() == 1:
            # Each power of two: who knocks for ever fills no log.
            _LOG.warning(
                "%s: process %d of user %d may not ask (%d refused so far)",
                self.path,
                peer.pid,
                peer.uid,
                self.refused,
            )

    def _gone(self, client: Client) -> None:
        self._clients.discard(client)
        if client.dropped:
            self.dropped += 1
            _LOG.warning("%s: process %d didn't read and was dropped", self.path, client.peer.pid)
        self._handler.gone(client)
