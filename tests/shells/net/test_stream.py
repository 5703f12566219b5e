"""The life of one verified flow: how it is written to, how it ends, and what it puts up with."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

import pytest
from tests.certificates import forge
from tests.shells.net.tls_peer import (
    BEST_GROUP,
    MESSAGE,
    Dialled,
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
from offhook.shells.net import tls_stream
from offhook.shells.net.tls import SessionCache

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3
VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["tls-1.2", "tls-1.3"])
GOOD = forge.leaf()

Scenario = Callable[[Dialled, Served], Awaitable[None]]


def on_a_flow(
    scenario: Scenario,
    version: ssl.TLSVersion = TLS13,
    *,
    sessions: SessionCache | None = None,
    echo: bool = True,
    host: str = "127.0.0.1",
) -> None:
    async def run() -> None:
        async with TlsPeer(server_context(GOOD, version=version), echo=echo, host=host) as peer:
            flow = await dial(peer.address, settings_for(), sessions)
            try:
                await scenario(flow, peer.connections[-1])
            finally:
                flow.connection.close()
                await flow.ended()

    asyncio.run(run())


@VERSIONS
def test_octets_go_there_and_back(version: ssl.TLSVersion) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        for size in (1, 1500, 16_384, 16_385, 65_536):
            await flow.echoed(bytes(size))
        assert len(served.application) == 1 + 1500 + 16_384 + 16_385 + 65_536

    on_a_flow(scenario, version)


@VERSIONS
def test_one_message_is_one_write_to_tcp_without_delay(
    version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        assert tcp_of(flow).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        written: list[int] = []
        transport = flow.connection._stream._transport
        assert transport is not None
        write = transport.write

        def counted(data: bytes) -> None:
            written.append(len(data))
            write(data)

        monkeypatch.setattr(transport, "write", counted)
        segments = len(served.received_segments)
        await flow.echoed(bytes(1400))
        assert len(written) == 1
        assert len(served.received_segments) == segments + 1
        await flow.echoed(bytes(40_000))
        assert len(written) == 2

    on_a_flow(scenario, version)


def test_the_flow_is_marked_cs3_on_ipv4() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        del served
        assert tcp_of(flow).getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 24 << 2

    on_a_flow(scenario)


def test_the_flow_is_marked_cs3_on_ipv6() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        del served
        assert tcp_of(flow).getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == 24 << 2
        assert flow.connection.report.peer.host == "::1"
        await flow.echoed()

    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine's loopback")
    on_a_flow(scenario, host="::1")


def test_the_report_says_what_was_negotiated() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        report = flow.connection.report
        assert (report.version, report.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        assert report.group == BEST_GROUP
        assert report.verdict.name == forge.SERVICE
        assert report.local == served.transport.get_extra_info("peername")
        assert 0 < report.connect_ms < 5000
        assert 0 < report.handshake_ms < 5000

    on_a_flow(scenario)


def test_a_message_beyond_all_bounds_is_our_own_fault() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        with pytest.raises(LocalError, match="too long"):
            flow.connection.write(bytes(tls_stream.MAX_UNSENT_OCTETS + 1))
        await flow.echoed()
        assert bytes(served.application) == MESSAGE

    on_a_flow(scenario)


@VERSIONS
def test_closing_says_close_notify_and_ends_once(version: ssl.TLSVersion) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        flow.connection.close()
        flow.connection.close()
        flow.connection.write(MESSAGE)
        assert await flow.ended() == "closed by the phone"
        await served.gone.wait()
        assert served.close_notify
        assert bytes(served.application) == MESSAGE
        assert flow.closed == ["closed by the phone"]

    on_a_flow(scenario, version)


@VERSIONS
def test_the_server_closes(version: ssl.TLSVersion) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        served.close()
        assert await flow.ended() == "the server closed the connection"
        await served.gone.wait()

    on_a_flow(scenario, version)


@VERSIONS
def test_the_server_vanishes_without_close_notify(version: ssl.TLSVersion) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        served.transport.close()
        assert await flow.ended() == "the server closed the TCP connection without close_notify"

    on_a_flow(scenario, version)


@VERSIONS
def test_a_half_closed_connection_is_closed(version: ssl.TLSVersion) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        served.transport.write_eof()
        assert await flow.ended() == "the server closed the TCP connection without close_notify"
        await served.gone.wait()

    on_a_flow(scenario, version)


@VERSIONS
def test_the_connection_is_reset(version: ssl.TLSVersion) -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        tcp = served.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        served.transport.abort()
        assert await flow.ended() == "the TCP connection broke: Connection reset by peer"

    on_a_flow(scenario, version)


@VERSIONS
def test_a_changed_record_ends_the_flow_and_its_session(version: ssl.TLSVersion) -> None:
    sessions = SessionCache()

    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        served.transport.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert "bad-record" in await flow.ended()

    on_a_flow(scenario, version, sessions=sessions)
    assert len(sessions) == 0


def test_a_record_beyond_the_bound_ends_the_flow() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        served.transport.write(b"\x17\x03\x03\xff\xff" + bytes(20_000))
        assert "too-long" in await flow.ended()

    on_a_flow(scenario)


def test_a_record_that_never_ends_does_no_harm() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        await flow.echoed()
        served.transport.write(b"\x17\x03\x03\x40\x00" + bytes(100))
        await turns()
        flow.connection.write(MESSAGE)
        assert flow.closed == []

    on_a_flow(scenario)


def test_the_server_trickles_octet_by_octet() -> None:
    async def scenario() -> None:
        async with TlsPeer(server_context(GOOD)) as peer:

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there = await asyncio.open_connection(*peer.address)
                tcp = writer.get_extra_info("socket")
                tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

                async def back() -> None:
                    while data := await there[0].read(4096):
                        for octet in data:
                            writer.write(bytes((octet,)))
                            await asyncio.sleep(0)

                trickle = asyncio.create_task(back())
                while data := await reader.read(4096):
                    there[1].write(data)
                there[1].close()
                await trickle
                writer.close()

            server = await asyncio.start_server(relay, "127.0.0.1", 0)
            address = PathAddress(*server.sockets[0].getsockname())
            async with dialled(address, settings_for()) as flow:
                assert flow.connection.report.group == BEST_GROUP
                await flow.echoed()
            await peer.connections[-1].gone.wait()
            server.close()
            await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_a_server_that_stops_reading_is_cut_off() -> None:
    async def scenario(flow: Dialled, served: Served) -> None:
        served.transport.pause_reading()
        for _ in range(10_000):
            flow.connection.write(bytes(16_000))
            if flow.connection._stream._state is tls_stream.State.CLOSED:
                break
            await asyncio.sleep(0)
        assert await flow.ended() == "the server stopped reading"
        served.transport.resume_reading()

    on_a_flow(scenario, echo=False)
