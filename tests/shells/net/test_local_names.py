"""A peer that tells a name under `.local` in place of its address, with aioice's own responder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from socket import AF_INET, SOCK_DGRAM, inet_aton, socket
from typing import Any

import dns.rdatatype
import dns.rrset
import pytest
from aioice import mdns
from dns.message import QueryMessage
from dns.rdata import GenericRdata
from tests.shells.net.ice_peer import IcePeer
from tests.shells.net.ice_phone import phone_on, play, until
from tests.shells.net.namespaces import Wire

from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net import candidates, local_names
from offhook.shells.net.path import IceSettings, PathState

NAME = "0f3a4d5c-1b2c-4d5e-8f90-123456789abc.local"


@asynccontextmanager
async def responder(lab: Wire, host: str) -> AsyncIterator[mdns.MDnsProtocol]:
    with lab.peer:
        made = await mdns.create_mdns_protocol()
    await made.publish(NAME, host)
    try:
        yield made
    finally:
        await made.close()


def hidden(theirs: IceDescription) -> IceDescription:
    lines = tuple(each.replace(theirs.default.host, NAME) for each in theirs.candidates)
    return replace(theirs, candidates=lines, default=PathAddress("0.0.0.0", 9))  # noqa: S104 -- as browsers have it


@pytest.mark.parametrize("allowed", [True, False])
def test_a_name_is_asked_for_only_where_that_is_allowed(lab: Wire, allowed: bool) -> None:
    async def scene() -> None:
        settings = IceSettings(connect_s=5.0 if allowed else 0.5, local_names=allowed)
        phone, peer = phone_on(lab, settings=settings), IcePeer(lab.peer)
        async with responder(lab, lab.peer_host) as asked:
            questions: list[bytes] = []
            answering = asked.datagram_received

            def count(data: bytes | str, addr: tuple[Any, ...]) -> None:
                questions.append(data.encode() if isinstance(data, str) else data)
                answering(data, addr)

            asked.datagram_received = count  # type: ignore[method-assign]
            ours, theirs = await phone.path.gather(), await peer.gather()
            if allowed:
                await peer.learn(ours)
            with lab.phone:
                connecting = asyncio.create_task(
                    phone.path.connect(hidden(theirs), controlling=True)
                )
                await until(lambda: phone.path._checking or connecting.done())
            if allowed:
                await peer.connect()
            await connecting
            report = await phone.report()
            assert bool(questions) == allowed
        if allowed:
            assert report.state is PathState.CONNECTED
            assert report.remote.split()[4] == lab.peer_host
        else:
            assert report.state is PathState.FAILED
            assert "(0 of its addresses tried)" in report.detail
        phone.path.close()
        await peer.connection.close()

    play(scene())


@pytest.mark.parametrize("host", ["127.0.0.1", "224.0.0.1", "10.45.0.255"])
def test_an_answer_is_judged_like_any_candidate(lab: Wire, host: str) -> None:
    async def scene() -> None:
        line = candidates.read(f"1 1 udp 1 {NAME} 9000 typ host")
        assert line is not None
        async with responder(lab, host):
            with lab.phone:
                (found,) = await local_names.resolved([line], lab.phone_host)
        assert found.host == host
        wanted = [] if host != "10.45.0.255" else [found]
        assert candidates.usable([found], [lab.phone_host]) == wanted

    play(scene())


def test_what_does_not_come_from_a_responders_port_is_no_answer(lab: Wire) -> None:
    async def scene() -> None:
        line = candidates.read(f"1 1 udp 1 {NAME} 9000 typ host")
        assert line is not None
        answer = QueryMessage(id=0)
        answer.flags = 0x8400
        address = GenericRdata(  # type: ignore[no-untyped-call]
            mdns.MDNS_RDCLASS, dns.rdatatype.A, inet_aton(lab.peer_host)
        )
        answer.answer.append(dns.rrset.from_rdata(NAME + ".", 120, address))
        found = []
        for port in (5354, mdns.MDNS_PORT):
            with lab.peer:
                sending = socket(AF_INET, SOCK_DGRAM)
            with sending:
                sending.bind((lab.peer_host, port))
                with lab.phone:
                    asking = asyncio.create_task(local_names.resolved([line], lab.phone_host))
                    await asyncio.sleep(0.1)
                sending.sendto(answer.to_wire(), (mdns.MDNS_ADDRESS, mdns.MDNS_PORT))
                found += await asking
        assert [each.host for each in found] == [NAME, lab.peer_host]  # the second is the control

    play(scene())


def test_nobody_answering_and_noise_leave_the_name(lab: Wire) -> None:
    async def scene() -> None:
        line = candidates.read(f"1 1 udp 1 {NAME} 9000 typ host")
        assert line is not None
        with lab.peer:
            noise = await mdns.create_mdns_protocol()
        with lab.phone:
            asking = asyncio.create_task(local_names.resolved([line], lab.phone_host))
            await asyncio.sleep(0.1)
        for octets in (b"", b"\0", bytes(12), b"\0\0\x84\0\0\0\xff\xff\0\0\0\0" + b"\xc0\x0c" * 20):
            noise.tx_transport.sendto(octets, (mdns.MDNS_ADDRESS, mdns.MDNS_PORT))
        assert await asking == [line]
        await noise.close()

    play(scene())


def test_without_a_way_to_ask_the_name_stays() -> None:
    async def scene() -> None:
        line = candidates.read(f"1 1 udp 1 {NAME} 9000 typ host")
        assert line is not None
        assert await local_names.resolved([line], "192.0.2.1") == [line]
        assert await local_names.resolved([line], "fd00::1") == [line]

    play(scene())
