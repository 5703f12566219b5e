"""A real TLS server on loopback that counts what reaches it, and a client's hand to dial it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Final, Self

import pytest
from tests.certificates import forge
from tests.certificates.forge import Issued

from offhook.base.vocabulary import PathAddress, PeerVerdict
from offhook.protocols.trust.peer_identity import PeerPolicy, make_judge, policy_id
from offhook.shells.net.records import RecordSplitter
from offhook.shells.net.tls import SessionCache, TlsConnection, TlsRefused, TlsSettings, open_tls

WEAKEST: Final = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
MESSAGE: Final = b"OPTIONS sip:voice.example.com SIP/2.0\r\n\r\n"
PATIENCE_S: Final = 5.0
BEST_GROUP: Final = "X25519MLKEM768" if ssl.OPENSSL_VERSION_INFO >= (3, 5) else "x25519"
"""What two sides of this OpenSSL agree on in TLS 1.3 when nobody says otherwise."""


def server_context(
    certificate: Issued,
    sent_pem: bytes | None = None,
    *,
    version: ssl.TLSVersion | None = None,
    ciphers: str = WEAKEST,
) -> ssl.SSLContext:
    """A server without scruples: it shows any certificate, and speaks `version` only if given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
            context.maximum_version = version
    with tempfile.NamedTemporaryFile() as file:
        file.write((sent_pem or certificate.sent_pem) + certificate.key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


class Served(asyncio.Protocol):
    """One connection as the server sees it."""

    def __init__(self, context: ssl.SSLContext, *, echo: bool) -> None:
        self.application = bytearray()
        """SIP octets that arrived; on a refusal there may be none."""
        self.handshaken = False
        self.error: ssl.SSLError | None = None
        self.close_notify = False
        self.gone = asyncio.Event()
        self.received_segments: list[int] = []
        self.received_types: list[int] = []
        """Content types of the records that arrived."""
        self._splitter = RecordSplitter()
        self._echo = echo
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received_segments.append(len(data))
        self.received_types += [each.content_type for each in self._splitter.receive(data)]
        self._incoming.write(data)
        if self.error is not None:
            return
        try:
            if not self.handshaken:
                self.tls.do_handshake()
                self.handshaken = True
            while True:
                received = self.tls.read(2**14)
                if not received:
                    self.close_notify = True
                    break
                self.application += received
                if self._echo:
                    self.tls.write(received)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.close_notify = True
        except ssl.SSLError as error:
            self.error = error
        self.flush()

    def flush(self) -> None:
        data = self._outgoing.read()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def send(self, data: bytes) -> None:
        self.tls.write(data)
        self.flush()

    def close(self) -> None:
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self.flush()
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.gone.set()


class TlsPeer:
    """Listens on loopback within `async with`; `connections` are in order of arrival."""

    def __init__(
        self, context: ssl.SSLContext, *, echo: bool = True, host: str = "127.0.0.1"
    ) -> None:
        self.context = context
        self.connections: list[Served] = []
        self._echo = echo
        self._host = host

    async def __aenter__(self) -> Self:
        def accept() -> Served:
            self.connections.append(Served(self.context, echo=self._echo))
            return self.connections[-1]

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(accept, self._host, 0)
        self.address = PathAddress(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await asyncio.sleep(0)
        for connection in self.connections:
            connection.transport.abort()
            await connection.gone.wait()


class Dialled:
    """A verified flow with what came in on it."""

    def __init__(self) -> None:
        self.connection: TlsConnection
        self.received = bytearray()
        self.closed: list[str] = []
        self._changed = asyncio.Event()

    def on_data(self, data: bytes) -> None:
        self.received += data
        self._changed.set()

    def on_closed(self, reason: str) -> None:
        self.closed.append(reason)
        self._changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                await self._changed.wait()
                self._changed.clear()

    async def echoed(self, message: bytes = MESSAGE) -> None:
        """Send `message` and wait until it has come back."""
        wanted = len(self.received) + len(message)
        self.connection.write(message)
        await self.until(lambda: len(self.received) >= wanted)
        assert self.received[-len(message) :] == message

    async def ended(self) -> str:
        """Wait for the end and give its reason."""
        await self.until(lambda: bool(self.closed))
        return self.closed[0]

    async def close(self) -> None:
        self.connection.close()
        await self.ended()


def tcp_of(flow: Dialled) -> socket.socket:
    transport = flow.connection._stream._transport
    assert transport is not None
    tcp = transport.get_extra_info("socket")
    assert isinstance(tcp.fileno(), int)
    return tcp  # type: ignore[no-any-return]


async def turns(count: int = 20) -> None:
    """Let the loop turn until what was sent on loopback must have arrived."""
    for _ in range(count):
        await asyncio.sleep(0.001)


async def dial(
    address: PathAddress, settings: TlsSettings, sessions: SessionCache | None = None
) -> Dialled:
    """Open a flow to `address`; raises what `open_tls` raises."""
    dialled = Dialled()
    dialled.connection = await open_tls(
        address,
        settings,
        SessionCache() if sessions is None else sessions,
        dialled.on_data,
        dialled.on_closed,
    )
    return dialled


@contextlib.asynccontextmanager
async def dialled(
    address: PathAddress, settings: TlsSettings, sessions: SessionCache | None = None
) -> AsyncIterator[Dialled]:
    """A flow for the length of the block."""
    flow = await dial(address, settings, sessions)
    try:
        yield flow
    finally:
        await flow.close()


def settings_for(
    policy: PeerPolicy | None = None,
    *,
    anchors: tuple[bytes, ...] | None = None,
    service: str = forge.SERVICE,
    clock: float = forge.TODAY,
    **more: object,
) -> TlsSettings:
    """The settings of an account whose clock stands at `clock`."""
    policy = policy or PeerPolicy()
    anchors = (forge.root().pem,) if anchors is None else anchors
    fields: dict[str, object] = {
        "service_name": service,
        "anchors": anchors,
        "judge": make_judge(policy),
        "policy_id": policy_id(policy, anchors),
        "wall_time": lambda: clock,
    }
    return TlsSettings(**(fields | more))  # type: ignore[arg-type]


def refused_unconnected(settings: TlsSettings) -> TlsRefused:
    """The refusal of `settings` themselves, and proof that it came before any connection."""

    async def scenario() -> TlsRefused:
        async with TlsPeer(server_context(forge.leaf())) as peer:
            with pytest.raises(TlsRefused) as refused:
                await dial(peer.address, settings)
            assert peer.connections == []
            return refused.value

    return asyncio.run(scenario())


def credulous(chain: tuple[bytes, ...], service_name: str, wall_time: float) -> PeerVerdict:
    """A judge that accepts everything, to leave a session behind that nobody should resume."""
    del chain, wall_time
    return PeerVerdict(accepted=True, rule="credulous", name=service_name, detail="for a test")
