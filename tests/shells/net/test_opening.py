"""Opening a flow: the server name, the address, the order of what comes, and giving up."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl

import pytest
from tests.certificates import forge
from tests.shells.net.raw_peer import RawPeer
from tests.shells.net.tls_peer import (
    Served,
    TlsPeer,
    dial,
    dialled,
    server_context,
    settings_for,
    tcp_of,
    turns,
)

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PathAddress
from offhook.shells.net.tls import ConnectionFailed, SessionCache, TlsRefused, open_tls

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["tls-1.2", "tls-1.3"])
GOOD = forge.leaf()


def test_another_dscp_is_settable() -> None:
    settings = dataclasses.replace(settings_for(), dscp=40)

    async def scenario() -> None:
        async with (
            TlsPeer(server_context(GOOD)) as peer,
            dialled(peer.address, settings) as flow,
        ):
            assert tcp_of(flow).getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 40 << 2

    asyncio.run(scenario())


@VERSIONS
@pytest.mark.parametrize(("service", "sni"), [(forge.SERVICE, forge.SERVICE), ("127.0.0.1", None)])
def test_the_service_name_is_the_server_name(
    version: ssl.TLSVersion, service: str, sni: str | None
) -> None:
    seen: list[str | None] = []

    async def scenario() -> None:
        certificate = forge.leaf(*forge.uri(f"sip:{service}"))
        context = server_context(certificate, version=version)
        context.sni_callback = lambda _tls, name, _context: seen.append(name)
        async with TlsPeer(context) as peer, dialled(peer.address, settings_for(service=service)):
            assert seen == [sni]

    asyncio.run(scenario())


@pytest.mark.parametrize("service", ["", ".example.com", "a" * 64 + ".example.com", "ex\0ample"])
def test_a_service_name_that_sni_can_not_carry_is_refused(service: str) -> None:
    async def scenario() -> None:
        async with TlsPeer(server_context(GOOD)) as peer:
            with pytest.raises(TlsRefused) as refused:
                await dial(peer.address, settings_for(service=service))
            assert refused.value.rule == "service-name"

    asyncio.run(scenario())


def test_an_address_that_is_none_is_our_own_fault() -> None:
    with pytest.raises(LocalError, match="no IP address"):
        asyncio.run(dial(PathAddress("voice.example.com", 5061), settings_for()))


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_port_that_is_none_is_our_own_fault(port: int) -> None:
    with pytest.raises(LocalError, match="no port"):
        asyncio.run(dial(PathAddress("127.0.0.1", port), settings_for()))


def test_what_the_server_says_at_once_comes_after_the_connection() -> None:
    order: list[str] = []

    async def scenario() -> None:
        async with TlsPeer(server_context(GOOD, version=TLS13)) as peer:
            data_received = Served.data_received

            def greeting(served: Served, data: bytes) -> None:
                greeted = served.handshaken
                data_received(served, data)
                if served.handshaken and not greeted:
                    served.send(b"hello")

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Served, "data_received", greeting)
                connection = await open_tls(
                    peer.address,
                    settings_for(),
                    SessionCache(),
                    lambda data: order.append(data.decode()),
                    order.append,
                )
                order.append("open")
                await turns()
                connection.close()
                await turns()

    asyncio.run(scenario())
    assert order == ["open", "hello", "closed by the phone"]


def test_a_cancelled_opening_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        async with RawPeer() as peer:
            opening = asyncio.create_task(dial(peer.address, settings_for()))
            await turns()
            assert peer.connections
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await peer.connections[-1].gone.wait()

    asyncio.run(scenario())


def test_a_server_that_does_not_answer_tcp_is_given_up() -> None:
    settings = dataclasses.replace(settings_for(), connect_timeout_s=0.1)

    async def scenario() -> None:
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        try:
            for _ in range(4):
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(full.getsockname())
            with pytest.raises(ConnectionFailed, match=r"within 0\.1 s"):
                await dial(PathAddress(*full.getsockname()), settings)
        finally:
            for each in (*waiting, full):
                each.close()

    asyncio.run(scenario())
