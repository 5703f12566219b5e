"""A hostile peer, and hostile strangers, on a path found by ICE."""

from __future__ import annotations

import asyncio
import hmac
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from aioice.stun import Class, Message, Method, parse_message
from tests.shells.net.ice_peer import IcePeer
from tests.shells.net.ice_phone import NOWHERE, Phone, joined, phone_on, play, until
from tests.shells.net.namespaces import Wire

from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net import ice_agent
from offhook.shells.net.candidates import MAX_CANDIDATES
from offhook.shells.net.ice_agent import CHECK_INTERVAL_S, MAX_EARLY, MAX_LEARNED
from offhook.shells.net.path import IceSettings, PathState

NO_ADDRESS = PathAddress("0.0.0.0", 9)  # noqa: S104 -- as SDP has it (RFC 8840 §4.1.1)
UFRAG, PWD = "evil", "e" * 22


@contextmanager
def stranger(lab: Wire, count: int = 1) -> Iterator[list[socket.socket]]:
    """Sockets in the peer's namespace."""
    with lab.peer:
        made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for each in made:
            each.setblocking(False)
            each.bind((lab.peer_host, 0))
        yield made
    finally:
        for each in made:
            each.close()


def described(sockets: list[socket.socket]) -> IceDescription:
    """A hostile peer's description: its sockets, first the best."""
    addresses = [PathAddress(*each.getsockname()) for each in sockets]
    return IceDescription(
        UFRAG,
        Secret(PWD),
        tuple(
            f"{n} 1 udp {10_000 - n} {each.host} {each.port} typ host"
            for n, each in enumerate(addresses)
        ),
        addresses[0],
    )


def check(ours: IceDescription, *, pwd: bytes | None = None, **attributes: object) -> bytes:
    message = Message(Method.BINDING, Class.REQUEST)
    message.attributes = {
        "USERNAME": f"{ours.ufrag}:{UFRAG}",
        "PRIORITY": 7,
        "ICE-CONTROLLED": 1,
        **attributes,
    }
    message.add_message_integrity(ours.pwd.reveal() if pwd is None else pwd)
    return bytes(message)


def arrived(one: socket.socket) -> list[bytes]:
    got = []
    while True:
        try:
            got.append(one.recv(2048))
        except BlockingIOError:
            return got


async def passed_on(phone: Phone, one: socket.socket) -> None:
    """Wait until all that `one` sent before has been read."""
    one.sendto(b"\x80 mark", phone.path.local)
    while (await phone.datagram())[0] != b"\x80 mark":
        pass


def test_a_flood_without_proof_gets_no_octet_back_and_changes_nothing(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        ours, theirs = await joined(phone, peer)
        assert (await phone.report()).state is PathState.CONNECTED
        agent = phone.path._connected
        assert agent is not None
        pair, known = agent.selected, len(agent.remote_candidates)
        with stranger(lab) as (one,):
            remote = theirs.ufrag
            right = check(ours, USERNAME=f"{ours.ufrag}:{remote}", **{"USE-CANDIDATE": None})
            wrong = check(ours, pwd=b"w" * 24, USERNAME=f"{ours.ufrag}:{remote}")
            bare = bytes(Message(Method.BINDING, Class.REQUEST))
            unsigned = right[: -8 - 24]
            unsigned = unsigned[:2] + struct.pack("!H", len(unsigned) - 20) + unsigned[4:]
            named = check(replace(ours, ufrag="else"), pwd=ours.pwd.reveal())
            for noise in (
                wrong,
                bare,
                unsigned,
                named,
                b"\0",
                wrong[:-1],
                b"\0" * 200,
                b"\1\1" + bare[2:],
            ):
                for _ in range(100):
                    one.sendto(noise, phone.path.local)
                await passed_on(phone, one)
            assert arrived(one) == []
            assert agent.selected is pair
            assert len(agent.remote_candidates) == known
            one.sendto(right, phone.path.local)  # the control
            await until(lambda: len(agent.remote_candidates) > known)
            assert arrived(one)
        assert phone.path.send(b"\x80 on", theirs.default)
        assert await peer.receive() == b"\x80 on"
        assert phone.datagrams.empty()
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_a_strangers_media_is_handed_up_with_its_source_and_turns_nothing(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        await joined(phone, peer)
        with stranger(lab) as (one,):
            one.sendto(b"\x80 strange", phone.path.local)
            source = PathAddress(*one.getsockname())
            assert await phone.datagram() == (b"\x80 strange", source, False)
            assert phone.path.send(b"\x80 media", source)
            assert await peer.receive() == b"\x80 media"
            assert arrived(one) == []
        phone.path.close()
        await peer.connection.close()

    play(scene())


def test_many_candidates_cost_few_checks_and_those_are_paced(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab, settings=IceSettings(connect_s=1.0))
        await phone.path.gather()
        with stranger(lab, 60) as sockets:
            loop = asyncio.get_running_loop()
            started, seen = loop.time(), list[float]()

            def count(one: socket.socket) -> None:
                one.recv(2048)
                seen.append(loop.time() - started)

            for each in sockets:
                loop.add_reader(each, count, each)
            await phone.path.connect(described(sockets), controlling=True)
            for each in sockets:
                loop.remove_reader(each)
        assert (await phone.report()).state is PathState.FAILED
        assert MAX_CANDIDATES <= len(seen) <= 2 * MAX_CANDIDATES
        begun = sum(at < 0.45 for at in seen)
        assert begun <= 0.45 / CHECK_INTERVAL_S + 1
        phone.path.close()

    play(scene())


def test_addresses_learned_from_a_peers_checks_are_bounded(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab, settings=IceSettings(connect_s=1.0))
        ours = await phone.path.gather()
        with stranger(lab, 40) as sockets:
            connecting = asyncio.create_task(
                phone.path.connect(described(sockets[:1]), controlling=True)
            )
            await asyncio.sleep(0)
            (agent,) = phone.path._bases
            for each in sockets:
                each.sendto(check(ours), phone.path.local)
                await passed_on(phone, each)
            await until(lambda: len(agent.remote_candidates) == 1 + MAX_LEARNED)
            assert len(agent._check_list) == 1 + MAX_LEARNED
            await connecting
            checked = Counter(bool(arrived(each)) for each in sockets)
            assert checked[True] == 1 + MAX_LEARNED
        phone.path.close()

    play(scene())


def test_checks_before_the_answer_are_bounded_and_answered_with_it(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab, settings=IceSettings(connect_s=0.5))
        ours = await phone.path.gather()
        with stranger(lab, 40) as sockets:
            for each in sockets:
                for _ in range(3):
                    each.sendto(check(ours), phone.path.local)
                await passed_on(phone, each)
            agent = phone.path._gathered
            assert agent is not None
            await until(lambda: len(agent._early) == MAX_EARLY)
            assert all(arrived(each) == [] for each in sockets)
            unknown = replace(described(sockets), candidates=(), default=NO_ADDRESS)
            await phone.path.connect(unknown, controlling=True)
            assert sum(bool(arrived(each)) for each in sockets) == MAX_LEARNED
        phone.path.close()

    play(scene())


def test_a_peer_that_calls_every_check_a_role_conflict_is_not_followed_for_ever(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab, settings=IceSettings(connect_s=1.0))
        await phone.path.gather()
        with stranger(lab) as (one,):
            answered = 0

            def conflict() -> None:
                nonlocal answered
                data, source = one.recvfrom(2048)
                answered += 1
                asked = parse_message(data)
                answer = Message(Method.BINDING, Class.ERROR, asked.transaction_id)
                answer.attributes["ERROR-CODE"] = (487, "Role Conflict")
                answer.add_message_integrity(PWD.encode())
                one.sendto(bytes(answer), source)

            asyncio.get_running_loop().add_reader(one, conflict)
            await phone.path.connect(described([one]), controlling=True)
            asyncio.get_running_loop().remove_reader(one)
        assert (await phone.report()).state is PathState.FAILED
        assert answered < 10
        phone.path.close()

    play(scene())


@pytest.mark.parametrize("pwd", [PWD, "f" * 22])
def test_only_proven_answers_make_a_path_and_keep_consent(
    lab: Wire, pwd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the right key the same answers do: the first case is the second one's control."""
    monkeypatch.setattr(ice_agent, "CONSENT_INTERVAL_S", 0.1)
    monkeypatch.setattr(ice_agent, "CONSENT_EXPIRES_S", 1.0)

    async def scene() -> None:
        phone = phone_on(lab, settings=IceSettings(connect_s=5.0 if pwd == PWD else 0.6))
        await phone.path.gather()
        with stranger(lab) as (one,):
            key = [pwd]

            def answer() -> None:
                data, source = one.recvfrom(2048)
                if data[0] >= 4:
                    return
                told = Message(Method.BINDING, Class.RESPONSE, parse_message(data).transaction_id)
                told.attributes["XOR-MAPPED-ADDRESS"] = source
                told.add_message_integrity(key[0].encode())
                one.sendto(bytes(told), source)

            asyncio.get_running_loop().add_reader(one, answer)
            await phone.path.connect(described([one]), controlling=True)
            first = await phone.report()
            if pwd != PWD:
                assert first.state is PathState.FAILED
            else:
                assert first.state is PathState.CONNECTED
                await asyncio.sleep(1.5)
                assert phone.path.send(b"\x80", NOWHERE)
                key[0] = "f" * 22
                assert (await phone.report()).state is PathState.LOST
            asyncio.get_running_loop().remove_reader(one)
        phone.path.close()

    play(scene())


def test_candidates_that_are_nobodys_are_never_sent_a_check(lab: Wire) -> None:
    async def scene() -> None:
        phone = phone_on(lab, settings=IceSettings(connect_s=0.3))
        await phone.path.gather()
        with stranger(lab) as (one,):
            lines = tuple(
                f"1 1 udp 9 {host} {port} typ host"
                for host, port in (
                    ("224.0.0.1", 5000),
                    ("127.0.0.1", 5000),
                    ("0.0.0.0", 5000),  # noqa: S104 -- as hostile SDP has it
                    ("255.255.255.255", 5000),
                    (lab.peer_host, 0),
                    ("peer.local", 5000),
                    ("peer.example", 5000),
                )
            )
            await phone.path.connect(
                replace(described([one]), candidates=lines, default=NO_ADDRESS), controlling=True
            )
            assert arrived(one) == []
        failed = await phone.report()
        assert failed.state is PathState.FAILED
        assert "(0 of its addresses tried)" in failed.detail
        phone.path.close()

    play(scene())


@pytest.mark.parametrize("attribute", ["8022000180000000", "802b000200000000", "c057000400000000"])
def test_a_proven_check_with_a_part_that_is_nonsense_harms_nothing(
    lab: Wire, attribute: str
) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), IcePeer(lab.peer)
        ours, _ = await joined(phone, peer)
        unsigned = check(ours)[: -8 - 24] + bytes.fromhex(attribute)
        covered = unsigned[:2] + struct.pack("!H", len(unsigned) - 20 + 24) + unsigned[4:]
        proof = hmac.digest(ours.pwd.reveal(), covered, "sha1")
        with stranger(lab) as (one,):
            one.sendto(covered + bytes.fromhex("00080014") + proof, phone.path.local)
            await passed_on(phone, one)
        assert phone.path.send(b"\x80 on", NOWHERE)
        assert await peer.receive() == b"\x80 on"
        phone.path.close()
        await peer.connection.close()

    play(scene())
