"""A server that answers a ClientHello with any octets, and the octets to answer with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from offhook.base.vocabulary import PathAddress
from offhook.shells.net.key_exchange import HELLO_RETRY_RANDOM
from offhook.shells.net.records import Record, RecordSplitter

HANDSHAKE: Final = 22
ALERT: Final = 21
APPLICATION: Final = 23
SERVER_HELLO: Final = 2
Answer = bytes | Callable[[bytes], bytes]
"""Octets, or what makes them of the octets that came in."""

RANDOM: Final = bytes(range(32))
DOWNGRADE_TO_12: Final = RANDOM[:24] + b"DOWNGRD\x01"
RENEGOTIATION_INFO: Final = bytes.fromhex("ff01 0001 00")
ECDHE_ECDSA_AES128_GCM: Final = 0xC02B
TLS_AES_128_GCM: Final = 0x1301


def record(content_type: int, fragment: bytes, version: int = 0x0303) -> bytes:
    """One TLS record."""
    header = bytes((content_type,)) + version.to_bytes(2, "big")
    return header + len(fragment).to_bytes(2, "big") + fragment


def handshake(kind: int, body: bytes) -> bytes:
    """One handshake message in a record of its own."""
    return record(HANDSHAKE, bytes((kind,)) + len(body).to_bytes(3, "big") + body)


def server_hello(
    *,
    version: int = 0x0303,
    cipher: int = ECDHE_ECDSA_AES128_GCM,
    random: bytes = RANDOM,
    compression: int = 0,
    extensions: bytes = RENEGOTIATION_INFO,
    session: bytes = b"",
) -> bytes:
    """A ServerHello that chooses what it likes."""
    body = version.to_bytes(2, "big") + random + bytes((len(session),)) + session
    body += cipher.to_bytes(2, "big") + bytes((compression,))
    return handshake(SERVER_HELLO, body + len(extensions).to_bytes(2, "big") + extensions)


def extension(kind: int, value: bytes) -> bytes:
    """One hello extension."""
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def hello_13(group: int, share: bytes | None, session: bytes, *, version: int = 0x0304) -> bytes:
    """A TLS 1.3 ServerHello with a key share, or with `share` None a HelloRetryRequest."""
    value = group.to_bytes(2, "big")
    if share is not None:
        value += len(share).to_bytes(2, "big") + share
    return server_hello(
        cipher=TLS_AES_128_GCM,
        random=HELLO_RETRY_RANDOM if share is None else RANDOM,
        extensions=extension(43, version.to_bytes(2, "big")) + extension(51, value),
        session=session,
    )


def session_of(client_hello: bytes) -> bytes:
    """The legacy session identifier that a TLS 1.3 server echoes (RFC 8446 §4.1.3)."""
    start = 5 + 4 + 2 + 32
    return client_hello[start + 1 : start + 1 + client_hello[start]]


class RawConnection(asyncio.Protocol):
    """Sends its answers one by one, each at the next octets that come in."""

    def __init__(self, peer: RawPeer) -> None:
        self._peer = peer
        self._turn = 0
        self._splitter = RecordSplitter()
        self.records: list[Record] = []
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.records += self._splitter.receive(data)
        if self._turn < len(self._peer.answers):
            answer = self._peer.answers[self._turn]
            self._turn += 1
            self.transport.write(answer(data) if callable(answer) else answer)
        if self._turn == len(self._peer.answers) and self._peer.closes:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.gone.set()

    @property
    def application(self) -> list[bytes]:
        """Records of application data that arrived."""
        return [fragment for kind, fragment, _ in self.records if kind == APPLICATION]

    @property
    def alerts(self) -> list[int]:
        """Descriptions of the alerts that arrived in the clear."""
        return [fragment[1] for kind, fragment, _ in self.records if kind == ALERT]


class RawPeer:
    """Listens on loopback within `async with`."""

    def __init__(self, *answers: Answer, closes: bool = False) -> None:
        self.answers = answers
        self.closes = closes
        self.connections: list[RawConnection] = []

    async def __aenter__(self) -> Self:
        def accept() -> RawConnection:
            self.connections.append(RawConnection(self))
            return self.connections[-1]

        self._server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
        self.address = PathAddress(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for connection in self.connections:
            connection.transport.abort()
            await connection.gone.wait()
