"""An address at a TURN server, reached by TLS and by nothing else (RFC 8656 §3.1, RFC 7350 §4.6).

The TURN client is aioice's, the TLS below it ours: aioice's own trusts the system's anchors.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import Any, Final

from aioice.stun import TransactionError
from aioice.turn import (
    DEFAULT_ALLOCATION_LIFETIME,
    DEFAULT_CHANNEL_REFRESH_TIME,
    TurnClientTcpProtocol,
)

from offhook.base.errors import PeerError
from offhook.base.vocabulary import PathAddress
from offhook.shells.net.path import TurnServer
from offhook.shells.net.tls import SessionCache, TlsConnection, open_tls

MAX_WAITING: Final = 64
"""Datagrams that may wait for the relay's consent to their destination; more are dropped."""
UNREADABLE: Final = (ValueError, KeyError, IndexError, struct.error)
"""What aioice raises on octets that are no TURN."""

log = logging.getLogger(__name__)


class Relay:
    """A relayed address: `send` goes out from `address`, and what comes to it comes up.

    `on_lost` is called once, with the reason, where the server goes away before close().
    """

    def __init__(
        self,
        server: TurnServer,
        on_datagram: Callable[[bytes, PathAddress], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._client = TurnClientTcpProtocol(
            server.address,
            username=server.user,
            password=server.password.reveal().decode(),
            lifetime=DEFAULT_ALLOCATION_LIFETIME,
            channel_refresh_time=DEFAULT_CHANNEL_REFRESH_TIME,
        )
        self._server = server
        self._received: list[tuple[bytes, PathAddress]] = []
        self._on_datagram, self._on_lost = on_datagram, on_lost
        self._tls: TlsConnection | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._closed = False
        self.address = self.local = PathAddress("", 0)

    async def open(self) -> None:
        """Connect, verify the server, ask for an address (RFC 8656 §7). Raises PeerError."""
        tls = await open_tls(
            self._server.address, self._server.tls, SessionCache(), self._on_data, self._end
        )
        if self._closed:
            tls.close()
            raise PeerError("closed while the relay was asked")
        self._tls, self.local = tls, tls.report.local
        self._client.connection_made(_Wire(tls))
        try:
            host, port = await self._client.connect()
        except (TransactionError, *UNREADABLE) as error:
            raise PeerError(f"the relay gives no address: {error}") from error
        self.address = PathAddress(host, port)
        self.hear()
        if self._client.refresh_task is not None:
            self._client.refresh_task.add_done_callback(self._refresh_ended)

    def hear(self) -> None:
        """From now on hand up what is relayed."""
        self._client.receiver = _Receiver(self._received)

    def send(self, data: bytes, destination: PathAddress) -> bool:
        """Send now or never; False where too much waits already, or the relay is gone."""
        if self._closed or len(self._sending) >= MAX_WAITING:
            return False
        task = asyncio.get_running_loop().create_task(self._send(data, destination))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return True

    def close(self) -> None:
        """Give the address back, which ends with the connection (RFC 8656 §7.2)."""
        self._closed = True
        for task in (self._client.refresh_task, *self._sending):
            if task is not None:
                task.cancel()
        if self._tls is not None:
            self._tls.close()

    async def _send(self, data: bytes, destination: PathAddress) -> None:
        try:
            await self._client.send_data(data, destination)
        except TransactionError as error:
            log.info("the relay won't send to %s: %s", destination, error)
            for waiter in self._client.peer_connect_waiters.pop(destination, ()):
                waiter.cancel()

    def _on_data(self, data: bytes) -> None:
        try:
            self._client.data_received(data)
        except UNREADABLE as error:
            self._end(f"it sent what is no TURN: {error!r}")
            return
        received = self._received[:]
        self._received.clear()
        for payload, source in received:
            if not self._closed:
                self._on_datagram(payload, source)

    def _refresh_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._end(f"it did not keep the address: {error}")

    def _end(self, reason: str) -> None:
        if not self._closed:
            self.close()
            self._on_lost(reason)


class _Wire(asyncio.Transport):
    """A verified TLS flow as aioice's client wants it."""

    def __init__(self, tls: TlsConnection) -> None:
        super().__init__({"peername": tls.report.peer, "sockname": tls.report.local})
        self._tls = tls

    def write(self, data: Any) -> None:
        self._tls.write(bytes(data))


class _Receiver(asyncio.DatagramProtocol):
    """Keeps what was relayed until the octets around it are read."""

    def __init__(self, received: list[tuple[bytes, PathAddress]]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received.append((data, PathAddress(*addr)))
