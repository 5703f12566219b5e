"""A server that asks for renegotiation gets none (RFC 9325 §3.5)."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL
from tests.certificates import forge
from tests.shells.net.tls_peer import dialled, settings_for

from offhook.base.vocabulary import PathAddress
from offhook.shells.net.records import RecordSplitter
from offhook.shells.net.sessions import SessionCache

GOOD = forge.leaf()
ALERT = 21
HANDSHAKE = 22


class RenegotiatingServer(asyncio.Protocol):
    """A TLS 1.2 server that sends a HelloRequest after the first application data."""

    def __init__(self, context: SSL.Context) -> None:
        self.tls = SSL.Connection(context, None)
        self.tls.set_accept_state()
        self.asked = False
        self.after_request: list[int] = []
        """Content types of the records that came after our HelloRequest."""
        self._splitter = RecordSplitter()
        self.declined = asyncio.Event()
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.asked:
            self.after_request += [kind for kind, _, _ in self._splitter.receive(data)]
        self.tls.bio_write(data)
        try:
            received = self.tls.recv(4096)
        except SSL.WantReadError:
            received = b""
        except SSL.Error:
            self.declined.set()
            received = b""
        if received and not self.asked:
            self.asked = True
            self.tls.renegotiate()
            self.tls.do_handshake()
        if received:
            self.tls.send(received)
        try:
            self.transport.write(self.tls.bio_read(2**16))
        except SSL.WantReadError:
            return

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.gone.set()


def server_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_session_id(b"renegotiating")
    context.use_certificate(GOOD.certificate)
    context.add_extra_chain_cert(GOOD.above[0])
    key = serialization.load_pem_private_key(GOOD.key_pem, None)
    context.use_privatekey(key)  # type: ignore[arg-type]
    return context


def test_a_renegotiation_asked_for_is_declined_on_each_kind_of_connection() -> None:
    servers: list[RenegotiatingServer] = []
    context = server_context()

    def accept() -> RenegotiatingServer:
        servers.append(RenegotiatingServer(context))
        return servers[-1]

    async def connect(address: PathAddress, sessions: SessionCache, *, resumed: bool) -> None:
        async with dialled(address, settings_for(), sessions) as flow:
            assert flow.connection.report.resumed is resumed
            flow.connection.write(b"one")
            async with asyncio.timeout(5):
                await servers[-1].declined.wait()
        assert servers[-1].after_request[0] == ALERT
        assert HANDSHAKE not in servers[-1].after_request

    async def scenario() -> None:
        server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
        address = PathAddress(*server.sockets[0].getsockname())
        sessions = SessionCache()
        await connect(address, SessionCache(), resumed=False)
        await connect(address, sessions, resumed=False)
        await connect(address, sessions, resumed=True)
        server.close()
        for each in servers:
            await each.gone.wait()

    asyncio.run(scenario())
