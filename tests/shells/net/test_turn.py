"""A relayed address, with a real coturn where one can be, and a hostile one by hand."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.certificates import forge
from tests.shells.net import coturn
from tests.shells.net.ice_phone import play, until
from tests.shells.net.namespaces import Street
from tests.shells.net.tls_peer import settings_for

from offhook.base.errors import PeerError
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.shells.net.path import TurnServer
from offhook.shells.net.turn import MAX_WAITING, Relay
from offhook.shells.net.udp import open_pair

CHANNEL = 0x4000
PEER = PathAddress("192.0.2.9", 9)


@pytest.fixture
def good(houses: Street, tmp_path: Path) -> Iterator[PathAddress]:
    coturn.demand()
    with coturn.coturn(
        houses.middle, houses.inner_host, forge.leaf(), tmp_path, relay_host=houses.outer_host
    ) as address:
        yield address


def server_at(address: PathAddress, password: str = coturn.PASSWORD) -> TurnServer:
    return TurnServer(address, settings_for(), coturn.USER, Secret(password))


def test_a_destination_that_the_relay_forbids_holds_up_no_other(
    houses: Street, good: PathAddress
) -> None:
    async def scene() -> None:
        got: asyncio.Queue[tuple[bytes, PathAddress]] = asyncio.Queue()
        relay = Relay(server_at(good), lambda *each: got.put_nowait(each), lambda _: None)
        with houses.phone:
            await relay.open()
        for _ in range(2):
            assert relay.send(b"forbidden", PathAddress("127.0.0.1", 9))
            assert relay.send(b"forbidden", PathAddress("127.0.0.1", 9))
            await until(lambda: not relay._sending)
        with houses.peer:
            rtp, rtcp = open_pair(houses.peer_host, 0)
        arrived: asyncio.Queue[tuple[bytes, PathAddress]] = asyncio.Queue()
        rtp.start(asyncio.get_running_loop(), lambda *each: arrived.put_nowait(each))
        assert relay.send(b"allowed", rtp.local)
        assert await arrived.get() == (b"allowed", relay.address)
        assert rtp.send(b"back", relay.address)
        assert await got.get() == (b"back", rtp.local)
        relay.close()
        assert not relay.send(b"late", rtp.local)
        rtp.close()
        rtcp.close()

    play(scene())


def test_a_relay_that_refuses_the_password_gives_no_address(
    houses: Street, good: PathAddress
) -> None:
    async def scene() -> None:
        relay = Relay(server_at(good, "wrong"), lambda *_: None, lambda _: None)
        with houses.phone, pytest.raises(PeerError, match=r"gives no address.*401"):
            await relay.open()
        relay.close()

    play(scene())


class Wire(asyncio.Transport):
    """Stands in for the TLS flow: here a server is what the test says."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 5349)})
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))


class HostileServer:
    """A relay that is open, and whose server may say anything."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, PathAddress]] = []
        self.lost: list[str] = []
        self.relay = Relay(
            server_at(PathAddress("192.0.2.1", 5349)),
            lambda *each: self.got.append(each),
            self.lost.append,
        )
        self.wire = Wire()
        self.relay._client.connection_made(self.wire)
        self.relay.hear()
        self.relay._client.channel_to_peer[CHANNEL] = PEER

    def says(self, data: bytes) -> None:
        self.relay._on_data(data)


def framed(payload: bytes, channel: int = CHANNEL) -> bytes:
    return struct.pack("!HH", channel, len(payload)) + payload + bytes(-len(payload) % 4)


def test_what_is_relayed_comes_up_however_it_is_cut() -> None:
    async def scene() -> None:
        server = HostileServer()
        for octet in framed(b"\x80 one") + framed(b"\x80 two!"):
            server.says(bytes([octet]))
        server.says(framed(b"unknown", CHANNEL + 1) + framed(b"\x80 three"))
        assert server.got == [(each, PEER) for each in (b"\x80 one", b"\x80 two!", b"\x80 three")]

    play(scene())


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_no_octets_of_a_relay_raise(noise: list[bytes]) -> None:
    async def scene() -> None:
        server = HostileServer()
        for each in noise:
            server.says(each)
        assert len(server.lost) <= 1

    asyncio.run(scene())


def test_octets_that_are_no_turn_end_it() -> None:
    async def scene() -> None:
        server = HostileServer()
        # A SUCCESS whose LIFETIME is a single octet.
        server.says(
            bytes.fromhex("0103000821 12a442".replace(" ", ""))
            + bytes(12)
            + bytes.fromhex("000d000105000000")
        )
        assert len(server.lost) == 1
        assert "no TURN" in server.lost[0]
        assert not server.relay.send(b"x", PEER)

    play(scene())


def test_what_waits_for_a_silent_relay_is_bounded() -> None:
    async def scene() -> None:
        server = HostileServer()
        taken = [server.relay.send(b"x", PathAddress("192.0.2.7", 7)) for _ in range(200)]
        assert taken.count(True) == MAX_WAITING
        server.relay.close()
        await until(lambda: not server.relay._sending)

    play(scene())
