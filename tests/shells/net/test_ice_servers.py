"""Server-reflexive and relayed addresses, with a real coturn: STUN by UDP, TURN by TLS only."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aioice.stun import Class, Message, Method, parse_message
from tests.certificates import forge
from tests.certificates.forge import Issued
from tests.shells.net import coturn
from tests.shells.net.ice_peer import IcePeer
from tests.shells.net.ice_phone import NOWHERE, joined, phone_on, play, until
from tests.shells.net.namespaces import Street
from tests.shells.net.tls_peer import settings_for

from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.shells.net import ice, ice_agent
from offhook.shells.net.path import IceSettings, PathState, TurnServer
from offhook.shells.net.tls import TlsRefused
from offhook.shells.net.turn import Relay


@pytest.fixture(autouse=True)
def _coturn_is_installed() -> None:
    coturn.demand()


@pytest.fixture
def good(houses: Street, tmp_path: Path) -> Iterator[PathAddress]:
    """A coturn in the middle that is who it has to be; it relays on the peer's side."""
    with relaying(houses, forge.leaf(), tmp_path) as address:
        yield address


def relaying(houses: Street, certificate: Issued, folder: Path) -> coturn.Running:
    return coturn.coturn(
        houses.middle, houses.inner_host, certificate, folder, relay_host=houses.outer_host
    )


def server_at(address: PathAddress, password: str = coturn.PASSWORD) -> TurnServer:
    return TurnServer(address, settings_for(), coturn.USER, Secret(password))


def test_behind_a_nat_the_address_outside_is_offered_and_used(
    translated: Street, tmp_path: Path
) -> None:
    houses = translated

    async def scene() -> None:
        settings = IceSettings(stun_server=PathAddress(houses.peer_host, coturn.UDP_PORT))
        phone, peer = phone_on(houses, settings=settings), IcePeer(houses.peer)
        ours, theirs = await joined(phone, peer)
        outside = [line.split() for line in ours.candidates if "srflx" in line]
        assert [line[4] for line in outside] == [houses.outer_host]
        assert outside[0][8:] == ["raddr", houses.phone_host, "rport", str(ours.default.port)]
        assert ours.default == phone.path.local
        assert (await phone.report()).state is PathState.CONNECTED
        assert phone.path.send(b"\x80 out", NOWHERE)
        assert await peer.receive() == b"\x80 out"
        await peer.connection.send(b"\x80 in")
        assert await phone.datagram() == (b"\x80 in", theirs.default, False)
        phone.path.close()
        await peer.connection.close()

    with coturn.coturn(houses.peer, houses.peer_host, forge.leaf(), tmp_path):
        play(scene())


def test_without_a_direct_way_media_goes_by_the_relay(
    houses: Street, good: PathAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice, "FREE_S", 0.1)

    async def scene() -> None:
        phone = phone_on(houses, settings=IceSettings(turn_server=server_at(good)))
        peer = IcePeer(houses.peer)
        with houses.phone:
            ours, theirs = await joined(phone, peer)
        relayed = [line.split() for line in ours.candidates if "relay" in line]
        assert [line[4] for line in relayed] == [houses.outer_host]
        report = await phone.report()
        assert report.state is PathState.CONNECTED
        assert "(relay)" in report.detail
        for n in range(20):
            assert phone.path.send(b"\x80 out %d" % n, NOWHERE)
        assert [await peer.receive() for _ in range(20)] == [b"\x80 out %d" % n for n in range(20)]
        await peer.connection.send(b"\x80 in")
        assert await phone.datagram() == (b"\x80 in", theirs.default, False)
        await asyncio.sleep(0.3)
        assert phone.path.send(b"\x80 later", NOWHERE)
        assert await peer.receive() == b"\x80 later"
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_a_relay_that_goes_away_ends_the_path_at_once(houses: Street, tmp_path: Path) -> None:
    async def scene() -> None:
        with relaying(houses, forge.leaf(), tmp_path) as address:
            phone = phone_on(houses, settings=IceSettings(turn_server=server_at(address)))
            peer = IcePeer(houses.peer)
            with houses.phone:
                await joined(phone, peer)
            assert (await phone.report()).state is PathState.CONNECTED
        lost = await phone.report()
        assert lost.state is PathState.LOST
        assert "the relay is gone" in lost.detail
        assert not phone.path.send(b"\x80", NOWHERE)
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_closing_the_path_gives_the_address_back(
    houses: Street, good: PathAddress, tmp_path: Path
) -> None:
    async def scene() -> None:
        phone = phone_on(houses, settings=IceSettings(turn_server=server_at(good)))
        with houses.phone:
            ours = await phone.path.gather()
        assert any("relay" in line for line in ours.candidates)
        before = log_of(tmp_path)
        assert "ALLOCATE" in before
        assert coturn.USER in before
        assert "closed by client" not in before
        phone.path.close()
        await until(lambda: "closed by client" in log_of(tmp_path))

    play(scene())


def log_of(folder: Path) -> str:
    return (folder / "coturn.log").read_text(errors="replace")


WRONG = {
    "another name": (forge.leaf(*forge.dns("other.example")), "name-mismatch"),
    "expired": (forge.leaf(end=datetime(2025, 1, 1, tzinfo=UTC)), "expired"),
    "another CA": (forge.leaf(issuer=forge.issue(forge.ca_wish("Stranger"))), "unknown-ca"),
}


@pytest.mark.parametrize("certificate", WRONG.values(), ids=WRONG.keys())
def test_a_relay_with_a_wrong_certificate_learns_nothing_and_is_not_used(
    houses: Street,
    tmp_path: Path,
    certificate: tuple[Issued, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong, rule = certificate

    async def scene() -> None:
        with relaying(houses, wrong, tmp_path) as address:
            server = server_at(address)
            relay = Relay(server, lambda *_: None, lambda _: None)
            with houses.phone, pytest.raises(TlsRefused) as refused:
                await relay.open()
            relay.close()
            assert refused.value.rule == rule
            phone = phone_on(houses, settings=IceSettings(turn_server=server))
            with houses.phone, caplog.at_level(logging.WARNING):
                ours = await phone.path.gather()
            assert [line.split()[7] for line in ours.candidates] == ["host"]
            assert rule in caplog.text
            assert coturn.USER not in log_of(tmp_path)
            assert "ALLOCATE" not in log_of(tmp_path)
            phone.path.close()

    play(scene())


def test_an_address_that_proved_unneeded_is_given_back(
    houses: Street, good: PathAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice, "FREE_S", 0.1)

    async def scene() -> None:
        phone = phone_on(houses, settings=IceSettings(turn_server=server_at(good)))
        near = IcePeer(houses.middle)
        with houses.phone:
            ours, _ = await joined(phone, near)
        assert any("relay" in line for line in ours.candidates)
        report = await phone.report()
        assert "(relay)" not in report.detail
        await until(lambda: "closed by client" in log_of(tmp_path))
        assert phone.path.send(b"\x80 direct", NOWHERE)
        assert await near.receive() == b"\x80 direct"
        phone.path.close()
        await near.connection.close()

    play(scene())


def test_the_port_outside_is_kept_open_until_a_path_is_found(
    translated: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice_agent, "KEEP_OPEN_S", 0.1)

    async def scene() -> None:
        with stun_server(translated) as (server, asked):
            phone = phone_on(translated, settings=IceSettings(stun_server=server))
            peer = IcePeer(translated.peer)
            await phone.path.gather()
            await until(lambda: len(asked) >= 4)
            await joined(phone, peer)
            await asyncio.sleep(0.2)
            before = len(asked)
            await asyncio.sleep(0.3)
            assert len(asked) == before
            phone.path.close()
            await peer.connection.close()

    play(scene())


@pytest.mark.parametrize(
    "told",
    [
        ("224.0.0.1", 5000),
        ("0.0.0.0", 5000),  # noqa: S104 -- as a hostile server has it
        ("127.0.0.1", 5000),
        ("10.45.0.9", 0),
        ("2001:db8::1", 5000),
        None,
    ],
)
def test_a_stun_server_that_tells_nonsense_is_not_believed(
    translated: Street, told: tuple[str, int] | None
) -> None:
    async def scene() -> None:
        with stun_server(translated, lambda _: told) as (server, asked):
            phone = phone_on(translated, settings=IceSettings(stun_server=server, gather_s=0.3))
            ours = await phone.path.gather()
            assert asked
            assert len(ours.candidates) == 1
            phone.path.close()

    play(scene())


def test_an_answer_that_comes_from_elsewhere_is_not_the_servers(translated: Street) -> None:
    async def scene() -> None:
        with stun_server(translated, elsewhere=True) as (server, asked):
            phone = phone_on(translated, settings=IceSettings(stun_server=server, gather_s=0.3))
            translated.open_port(phone.path.local.port)
            ours = await phone.path.gather()
            assert asked
            assert len(ours.candidates) == 1
            phone.path.close()

    play(scene())


@contextmanager
def stun_server(
    houses: Street,
    told: Callable[[Any], tuple[str, int] | None] = lambda source: source,
    *,
    elsewhere: bool = False,
) -> Iterator[tuple[PathAddress, list[bytes]]]:
    """A STUN server of the test's own: it tells what the test says."""
    loop = asyncio.get_running_loop()
    with houses.peer:
        serving, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    serving.bind((houses.peer_host, 0))
    asked: list[bytes] = []

    def serve() -> None:
        data, source = serving.recvfrom(2048)
        asked.append(data)
        answer = Message(Method.BINDING, Class.RESPONSE, parse_message(data).transaction_id)
        if (address := told(source)) is not None:
            answer.attributes["XOR-MAPPED-ADDRESS"] = address
        (other if elsewhere else serving).sendto(bytes(answer), source)

    loop.add_reader(serving, serve)
    try:
        yield PathAddress(*serving.getsockname()), asked
    finally:
        loop.remove_reader(serving)
        serving.close()
        other.close()


def test_servers_that_are_not_there_delay_no_more_than_allowed(houses: Street) -> None:
    async def scene() -> None:
        settings = IceSettings(
            stun_server=PathAddress(houses.inner_host, 9),
            turn_server=server_at(PathAddress(houses.inner_host, 9)),
            gather_s=0.3,
        )
        phone = phone_on(houses, settings=settings)
        loop = asyncio.get_running_loop()
        started = loop.time()
        with houses.phone:
            ours = await phone.path.gather()
        assert loop.time() - started < 2
        assert len(ours.candidates) == 1
        phone.path.close()

    play(scene())
