"""The trunk's TLS acceptor: a listener, which the phone itself does not have (RFC 3261 §26.3)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from offhook.base.vocabulary import PathAddress

READ_OCTETS: Final = 65536
GOODBYE_S: Final = 1.0
"""How long a peer may take to answer a close: one that is gone never does."""


class Peer(Protocol):
    """What the acceptor needs of a connection's machine and what drives it."""

    def received(self, data: bytes) -> None:
        """Octets came."""

    def lost(self) -> None:
        """The connection is gone."""


Accept = Callable[[PathAddress, PathAddress, Callable[[bytes], None], Callable[[], None]], Peer]
"""Makes a peer out of local and remote address, a way to write, and one to close."""


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """TLS 1.3 and 1.2 with ECDHE and AEAD; with `client_ca`, a client certificate is required."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2")
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


class Acceptor:
    """Listens on one address; each connection is handed to `accept`."""

    def __init__(self, context: ssl.SSLContext, accept: Accept) -> None:
        self._context = context
        self._accept = accept
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self, host: str, port: int) -> PathAddress:
        """Listen; port 0 takes a free one. Returns the address listened on."""
        self._server = await asyncio.start_server(
            self._serve,
            host,
            port,
            ssl=self._context,
            ssl_handshake_timeout=5,
            ssl_shutdown_timeout=GOODBYE_S,
        )
        return PathAddress(*self._server.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Close the listener and what is still connected; done within GOODBYE_S."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._serving.values():
            if not writer.is_closing():
                writer.close()
        if self._serving:
            await asyncio.wait(self._serving)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in one
        self._serving[task] = writer
        task.add_done_callback(self._serving.pop)
        local = PathAddress(*writer.get_extra_info("sockname")[:2])
        remote = PathAddress(*writer.get_extra_info("peername")[:2])
        peer = self._accept(local, remote, writer.write, writer.close)
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_OCTETS):
                peer.received(data)
        peer.lost()
        writer.close()
