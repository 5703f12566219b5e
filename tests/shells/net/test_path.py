"""The plain media path: what both kinds of path promise, where there is no ICE."""

from __future__ import annotations

import asyncio

import pytest
from tests.shells.net.tls_peer import settings_for

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net.path import IceSettings, MediaPath, PlainPath, TurnServer, open_path


def opened() -> MediaPath:
    return open_path("127.0.0.1", 46, None, None, SeededRandomness("path"))


def test_datagrams_go_from_the_described_ports_and_come_with_their_source() -> None:
    async def scene() -> None:
        here, there = opened(), opened()
        assert isinstance(here, PlainPath)
        got: asyncio.Queue[tuple[bytes, PathAddress, bool]] = asyncio.Queue()
        here.start(asyncio.get_running_loop(), lambda *each: got.put_nowait(each), lambda _: None)
        assert await here.gather() is None
        assert there.send(b"rtp", here.local)
        assert await got.get() == (b"rtp", there.local, False)
        assert there.send(b"rtcp", here.local_rtcp, rtcp=True)
        assert await got.get() == (b"rtcp", there.local_rtcp, True)
        assert there.send(b"\0 like STUN", here.local)
        assert await got.get() == (b"\0 like STUN", there.local, False)
        here.close()
        here.close()
        there.close()

    asyncio.run(asyncio.wait_for(scene(), 10))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8"])
def test_a_loopback_address_is_never_told_as_a_candidate(host: str) -> None:
    path = open_path(host, 46, None, IceSettings(), SeededRandomness("path"))
    assert isinstance(path, PlainPath)
    path.close()


def test_servers_are_named_by_their_addresses() -> None:
    for at in (
        PathAddress("relay.example", 5349),
        PathAddress("", 5349),
        PathAddress("192.0.2.1", 0),
        PathAddress("192.0.2.1", 65536),
    ):
        with pytest.raises(LocalError, match="STUN or TURN server"):
            IceSettings(stun_server=at)
        with pytest.raises(LocalError, match="STUN or TURN server"):
            IceSettings(turn_server=TurnServer(at, settings_for(), "user", Secret("password")))


def test_what_has_come_by_now_is_handed_over_on_demand() -> None:
    async def scene() -> None:
        here, there = opened(), opened()
        got: list[bytes] = []
        here.start(asyncio.get_running_loop(), lambda data, _, __: got.append(data), lambda _: None)
        assert there.send(b"early", here.local)
        here.poll()
        assert got == [b"early"]
        here.close()
        there.close()

    asyncio.run(asyncio.wait_for(scene(), 10))


def test_a_plain_path_does_not_pretend_to_have_ice() -> None:
    async def scene() -> None:
        here = opened()
        remote = IceDescription("abcd", Secret("p" * 22), (), PathAddress("192.0.2.1", 9))
        with pytest.raises(LocalError, match="no ICE"):
            await here.connect(remote, controlling=True)
        here.go_plain()
        assert here.send(b"x", here.local)
        here.close()

    asyncio.run(asyncio.wait_for(scene(), 10))
