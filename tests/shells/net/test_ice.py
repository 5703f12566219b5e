"""A path found by ICE, with aioice itself as the peer, over a wire between two namespaces."""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import replace

import pytest
from tests.shells.net.ice_peer import IcePeer
from tests.shells.net.ice_phone import NOWHERE, PORTS, joined, phone_on, play, until
from tests.shells.net.namespaces import Wire

from offhook.base.errors import LocalError, PeerError
from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.shells.net import ice_agent
from offhook.shells.net.path import IceSettings, PathState
from offhook.shells.net.udp import open_pair


@pytest.mark.parametrize("phone_controls", [True, False])
def test_media_goes_both_ways_over_the_pair_that_was_found(lab: Wire, phone_controls: bool) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer, controlling=not phone_controls)
        ours, theirs = await joined(phone, peer, phone_controls=phone_controls)
        report = await phone.report()
        assert report.state is PathState.CONNECTED
        assert report.local == ours.candidates[0]
        assert report.remote.split()[4:6] == [theirs.default.host, str(theirs.default.port)]
        assert f"{theirs.default.host}:{theirs.default.port} (host)" in report.detail
        assert phone.path.send(b"\x80 from the phone", NOWHERE)
        assert await peer.receive() == b"\x80 from the phone"
        assert phone.path.send(b"\x81 report", NOWHERE, rtcp=True)
        assert await peer.receive() == b"\x81 report"
        await peer.connection.send(b"\x80 from the peer")
        assert await phone.datagram() == (b"\x80 from the peer", theirs.default, False)
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_the_path_is_found_over_ipv6(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab, host=lab.phone_host6), IcePeer(lab.peer, ipv6=True)
        await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        assert phone.path.send(b"\x80 six", NOWHERE)
        assert await peer.receive() == b"\x80 six"
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_what_is_described_is_in_the_range_and_marked(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab)
        described = await phone.path.gather()
        assert described.default == phone.path.local
        assert described.default.port in PORTS
        # aioice 0.10.1, which Debian 13 has, takes no capital letters of its user's.
        assert re.fullmatch("[a-z0-9+/]{4,256}", described.ufrag)
        assert re.fullmatch(b"[a-z0-9+/]{22,256}", described.pwd.reveal())
        assert phone.path.local_rtcp.port == described.default.port + 1
        (candidate,) = described.candidates
        assert candidate.split()[1:3] == ["1", "udp"]
        assert candidate.split()[4:] == [lab.phone_host, str(described.default.port), "typ", "host"]
        mark = phone.path._rtp._socket.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)
        assert mark == 46 << 2
        phone.path.close()

    play(scene())


def test_a_peer_without_ice_is_reached_from_the_described_socket(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab)
        described = await phone.path.gather()
        with lab.peer:
            rtp, rtcp = open_pair(lab.peer_host, 0)
        got: asyncio.Queue[tuple[bytes, PathAddress]] = asyncio.Queue()
        for port in (rtp, rtcp):
            port.start(asyncio.get_running_loop(), lambda *datagram: got.put_nowait(datagram))
        assert phone.path.send(b"\x80 plain", rtp.local)
        assert await got.get() == (b"\x80 plain", described.default)
        assert phone.path.send(b"\x80 report", rtcp.local, rtcp=True)
        assert await got.get() == (b"\x80 report", phone.path.local_rtcp)
        rtp.send(b"\x80 answer", described.default)
        assert await phone.datagram() == (b"\x80 answer", rtp.local, False)
        rtcp.send(b"\x80 its report", phone.path.local_rtcp)
        assert await phone.datagram() == (b"\x80 its report", rtcp.local, True)
        phone.path.close()
        rtp.close()
        rtcp.close()

    play(scene())


def test_checks_that_come_before_the_answer_are_answered_with_it(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        ours, theirs = await phone.path.gather(), await peer.gather()
        await peer.learn(ours)
        connecting = asyncio.create_task(peer.connect())
        agent = phone.path._gathered
        assert agent is not None
        await until(lambda: agent._early)
        unanswerable = replace(theirs, candidates=(), default=PathAddress("0.0.0.0", 9))  # noqa: S104 -- as SDP has it
        await phone.path.connect(unanswerable, controlling=True)
        await connecting
        assert (await phone.report()).remote.split()[7] == "prflx"
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_two_that_both_want_to_control_agree_all_the_same(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer, controlling=True)
        await joined(phone, peer, phone_controls=True)
        assert (await phone.report()).state is PathState.CONNECTED
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_lost_consent_ends_the_sending_and_is_told(
    lab: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice_agent, "CONSENT_INTERVAL_S", 0.1)
    monkeypatch.setattr(ice_agent, "CONSENT_EXPIRES_S", 1.0)

    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(phone.reports.get(), 1.5)
        assert phone.path.send(b"\x80", NOWHERE)
        await peer.connection.close()
        lost = await phone.report()
        assert lost.state is PathState.LOST
        assert "has not agreed to receive" in lost.detail
        assert not phone.path.send(b"\x80", NOWHERE)
        phone.path.close()

    play(scene())


def test_no_way_is_told_and_nothing_is_sent_by_another(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab, settings=IceSettings(connect_s=0.5)), IcePeer(lab.peer)
        await phone.path.gather()
        theirs = await peer.gather()
        await phone.path.connect(replace(theirs, pwd=Secret("x" * 22)), controlling=True)
        failed = await phone.report()
        assert failed.state is PathState.FAILED
        assert "1 of its addresses tried" in failed.detail
        assert not phone.path.send(b"\x80", theirs.default)
        assert phone.path._bases == {}
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_a_restart_keeps_the_old_path_until_the_new_one_is_found(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer, later = phone_on(lab), IcePeer(lab.peer), IcePeer(lab.peer)
        before, _ = await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        again, theirs = await phone.path.gather(), await later.gather()
        assert again.ufrag != before.ufrag
        assert again.pwd != before.pwd
        assert again.default == before.default
        await later.learn(again)
        assert phone.path.send(b"\x80 between", NOWHERE)
        assert await peer.receive() == b"\x80 between"
        await asyncio.gather(phone.path.connect(theirs, controlling=True), later.connect())
        assert (await phone.report()).remote.split()[5] == str(theirs.default.port)
        assert phone.path.send(b"\x80 after", NOWHERE)
        assert await later.receive() == b"\x80 after"
        assert len(phone.path._bases) == 1
        phone.path.close()
        await peer.connection.close()
        await later.connection.close()

    play(scene())


def test_a_restart_that_fails_leaves_the_old_path(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab, settings=IceSettings(connect_s=0.5)), IcePeer(lab.peer)
        _, theirs = await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        await phone.path.gather()
        await phone.path.connect(replace(theirs, ufrag="other"), controlling=True)
        assert (await phone.report()).state is PathState.FAILED
        assert phone.path.send(b"\x80 still", NOWHERE)
        assert await peer.receive() == b"\x80 still"
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_a_path_closed_while_it_looks_says_nothing_more(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await phone.path.gather()
        theirs = replace(await peer.gather(), pwd=Secret("x" * 22))
        before = asyncio.all_tasks()
        connecting = asyncio.create_task(phone.path.connect(theirs, controlling=True))
        await asyncio.sleep(0.1)
        phone.path.close()
        phone.path.close()
        async with asyncio.timeout(1):
            await connecting
        assert phone.reports.empty()
        assert phone.path._bases == {}
        await until(lambda: asyncio.all_tasks() == before)
        await peer.connection.close()

    play(scene())


@pytest.mark.parametrize(
    ("ufrag", "pwd"),
    [
        ("abc", "p" * 22),
        ("a" * 257, "p" * 22),
        ("ab:d", "p" * 22),
        ("abcd\n", "p" * 22),
        ("abcd", "p" * 21),
        ("abcd", "p" * 257),
        ("abcd", "p" * 21 + "\u00e9"),
        ("abcd", "p" * 22 + "\n"),
    ],
)
def test_malformed_credentials_are_refused_and_the_path_stays_plain(
    lab: Wire, ufrag: str, pwd: str
) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await phone.path.gather()
        theirs = await peer.gather()
        with pytest.raises(PeerError, match="malformed"):
            await phone.path.connect(
                replace(theirs, ufrag=ufrag, pwd=Secret(pwd)), controlling=True
            )
        assert phone.path.send(b"\x80", theirs.default)
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_an_address_that_was_rewritten_on_the_way_is_told_from_an_ice_peer(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await phone.path.gather()
        theirs = await peer.gather()
        rewritten = replace(theirs, default=PathAddress(lab.peer_host, theirs.default.port - 1))
        with pytest.raises(PeerError, match="rewritten"):
            await phone.path.connect(rewritten, controlling=True)
        assert phone.path.send(b"\x80", rewritten.default)
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_steps_out_of_order_are_refused(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        theirs = await peer.gather()
        with pytest.raises(LocalError, match="nothing gathered"):
            await phone.path.connect(theirs, controlling=True)
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_another_that_answers_the_same_offer_is_looked_for_and_replaces_the_first(
    lab: Wire,
) -> None:
    async def scene() -> None:
        phone, first, second = phone_on(lab), IcePeer(lab.peer), IcePeer(lab.peer)
        ours, _ = await joined(phone, first)
        assert (await phone.report()).state is PathState.CONNECTED
        theirs = await second.gather()
        await second.learn(ours)
        await asyncio.gather(phone.path.connect(theirs, controlling=True), second.connect())
        assert (await phone.report()).remote.split()[5] == str(theirs.default.port)
        assert phone.path.send(b"\x80 to the second", NOWHERE)
        assert await second.receive() == b"\x80 to the second"
        assert len(phone.path._bases) == 1
        phone.path.close()
        await first.connection.close()
        await second.connection.close()

    play(scene())


def test_the_same_description_again_changes_nothing(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        _, theirs = await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        agent = phone.path._connected
        async with asyncio.timeout(1):
            await phone.path.connect(theirs, controlling=True)
        with pytest.raises(PeerError):
            await phone.path.connect(replace(theirs, ufrag="no"), controlling=True)
        await phone.path.connect(theirs, controlling=True)
        assert phone.path._connected is agent
        assert phone.reports.empty()
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_a_peer_that_has_no_ice_any_more_is_sent_to_plainly(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        with lab.peer:
            rtp, rtcp = open_pair(lab.peer_host, 0)
        got: asyncio.Queue[tuple[bytes, PathAddress]] = asyncio.Queue()
        rtp.start(asyncio.get_running_loop(), lambda *datagram: got.put_nowait(datagram))
        phone.path.go_plain()
        assert phone.path.send(b"\x80 plain", rtp.local)
        assert await got.get() == (b"\x80 plain", phone.path.local)
        again = await phone.path.gather()
        assert again.default == phone.path.local
        phone.path.close()
        rtp.close()
        rtcp.close()
        await peer.connection.close()

    play(scene())


def test_a_search_that_is_cancelled_leaves_nothing(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await phone.path.gather()
        theirs = replace(await peer.gather(), pwd=Secret("x" * 22))
        connecting = asyncio.create_task(phone.path.connect(theirs, controlling=True))
        await asyncio.sleep(0.1)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert phone.path._bases == {}
        assert not phone.path.send(b"\x80", theirs.default)
        phone.path.close()
        await peer.connection.close()

    play(scene())
