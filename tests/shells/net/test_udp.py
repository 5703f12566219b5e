"""UDP ports for media."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PathAddress
from offhook.shells.net.udp import BATCH, UdpPort, open_pair


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 10))


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


HOSTS = ["127.0.0.1", "127.0.0.7", *(["::1"] if has_ipv6() else [])]


@pytest.mark.parametrize("host", HOSTS)
def test_rtp_has_an_even_port_and_rtcp_the_next(host: str) -> None:
    for _ in range(20):
        rtp, rtcp = open_pair(host, 46)
        assert rtp.local.host == rtcp.local.host == host
        assert rtp.local.port % 2 == 0
        assert rtcp.local.port == rtp.local.port + 1
        rtp.close()
        rtcp.close()


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("dscp", [0, 46, 63])
def test_both_ports_are_marked(host: str, dscp: int) -> None:
    for port in open_pair(host, dscp):
        if ":" in host:
            mark = port._socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        else:
            mark = port._socket.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)
        assert mark == dscp << 2
        port.close()


def test_the_mark_arrives_with_the_datagram() -> None:
    rtp, rtcp = open_pair("127.0.0.1", 46)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as seeing:
        seeing.bind(("127.0.0.1", 0))
        seeing.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        for port in (rtp, rtcp):
            port.send(b"x", PathAddress(*seeing.getsockname()))
            _, ((_, kind, mark),), _, _ = seeing.recvmsg(10, 100)
            assert (kind, mark[0] >> 2) == (socket.IP_TOS, 46)
            port.close()


def test_a_range_of_ports_is_kept_to_and_comes_to_its_end() -> None:
    spare = open_pair("127.0.0.1", 0)
    first = spare[0].local.port
    for port in spare:
        port.close()
    ports = range(first, first + 2)
    rtp, rtcp = open_pair("127.0.0.1", 0, ports)
    assert (rtp.local.port, rtcp.local.port) == (first, first + 1)
    with pytest.raises(LocalError, match="no free pair"):
        open_pair("127.0.0.1", 0, ports)
    rtp.close()
    rtcp.close()


@pytest.mark.parametrize(
    ("host", "dscp", "text"),
    [
        ("phone.example", 46, "no IP address"),
        (".".join("0000"), 46, "not bound"),
        ("::", 46, "not bound"),
        ("239.0.0.1", 46, "not bound"),
        ("192.0.2.77", 46, r"192\.0\.2\.77"),
        ("127.0.0.1", 64, "no DSCP"),
        ("127.0.0.1", -1, "no DSCP"),
    ],
)
def test_what_cannot_be_bound_is_refused(host: str, dscp: int, text: str) -> None:
    with pytest.raises(LocalError, match=text):
        open_pair(host, dscp)


def test_datagrams_come_with_their_source() -> None:
    async def scene() -> None:
        here, other = open_pair("127.0.0.1", 46)
        got: asyncio.Queue[tuple[bytes, PathAddress]] = asyncio.Queue()
        here.start(asyncio.get_running_loop(), lambda data, source: got.put_nowait((data, source)))
        assert other.send(b"one", here.local)
        assert other.send(b"", here.local)
        assert await got.get() == (b"one", other.local)
        assert await got.get() == (b"", other.local)
        here.close()
        other.close()

    play(scene())


def test_a_port_that_nobody_listens_on_kills_nothing() -> None:
    async def scene() -> None:
        here, other = open_pair("127.0.0.1", 46)
        gone = open_pair("127.0.0.1", 46)
        for port in gone:
            port.close()
        got: asyncio.Queue[bytes] = asyncio.Queue()
        here.start(asyncio.get_running_loop(), lambda data, _: got.put_nowait(data))
        for _ in range(5):
            here.send(b"into the void", gone[0].local)
            await asyncio.sleep(0.01)
        other.send(b"alive", here.local)
        assert await got.get() == b"alive"
        here.close()
        other.close()

    play(scene())


def test_what_the_system_does_not_send_is_counted() -> None:
    here, other = open_pair("127.0.0.1", 46)
    assert not here.send(b"x", PathAddress("255.255.255.255", 9))
    assert not here.send(bytes(70_000), other.local)
    assert here.send_errors == 2
    here.close()
    other.close()


def test_a_flood_leaves_the_loop_its_turn() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        here, other = open_pair("127.0.0.1", 46)
        got: list[bytes] = []
        here.start(loop, lambda data, _: got.append(data))
        turns: list[int] = []
        for _ in range(3 * BATCH):
            other.send(b"flood", here.local)
        for _ in range(10):
            await asyncio.sleep(0)
            turns.append(len(got))
        assert len(got) == 3 * BATCH
        assert max(later - before for before, later in pairwise(turns)) <= BATCH
        here.close()
        other.close()

    play(scene())


def test_a_port_closed_by_what_it_received_reads_no_further() -> None:
    async def scene() -> None:
        here, other = open_pair("127.0.0.1", 46)
        got: list[bytes] = []

        def take(data: bytes, _: PathAddress) -> None:
            got.append(data)
            here.close()

        here.start(asyncio.get_running_loop(), take)
        other.send(b"one", here.local)
        other.send(b"two", here.local)
        await asyncio.sleep(0.05)
        assert got == [b"one"]
        here.close()
        other.close()

    play(scene())


def test_the_receive_buffer_holds_a_burst() -> None:
    port: UdpPort
    for port in open_pair("127.0.0.1", 0):
        assert port._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 200_000
        port.close()
