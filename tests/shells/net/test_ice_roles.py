"""Who controls, and how a pair is nominated (RFC 8445 §6.1.1, §8.1.1), seen by a peer of ours."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest
from aioice.stun import Class, Message, Method, parse_message
from tests.shells.net.ice_phone import phone_on, play
from tests.shells.net.namespaces import Wire

from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.shells.net.path import IceSettings, PathState

PWD = "p" * 22


class AnsweringPeer:
    """Answers every check as it should be, and keeps what they said."""

    def __init__(self, lab: Wire) -> None:
        with lab.peer:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((lab.peer_host, 0))
        self.asked: list[set[str]] = []
        asyncio.get_running_loop().add_reader(self._socket, self._answer)

    @property
    def described(self) -> IceDescription:
        at = PathAddress(*self._socket.getsockname())
        return IceDescription("hand", Secret(PWD), (f"1 1 udp 9 {at.host} {at.port} typ host",), at)

    def _answer(self) -> None:
        data, source = self._socket.recvfrom(2048)
        asked = parse_message(data, integrity_key=PWD.encode())
        self.asked.append(set(asked.attributes))
        answer = Message(Method.BINDING, Class.RESPONSE, asked.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = source
        answer.add_message_integrity(PWD.encode())
        self._socket.sendto(bytes(answer), source)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


def test_a_pair_is_nominated_once_it_is_known_to_work(lab: Wire) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab), AnsweringPeer(lab)
        await phone.path.gather()
        await phone.path.connect(peer.described, controlling=True)
        assert (await phone.report()).state is PathState.CONNECTED
        assert ["USE-CANDIDATE" in each for each in peer.asked] == [False, True]
        assert all("ICE-CONTROLLING" in each for each in peer.asked)
        phone.path.close()
        peer.close()

    play(scene())


@pytest.mark.parametrize(("lite", "role"), [(True, "ICE-CONTROLLING"), (False, "ICE-CONTROLLED")])
def test_a_lite_peer_is_controlled_even_by_who_answers(lab: Wire, lite: bool, role: str) -> None:
    async def scene() -> None:
        phone, peer = phone_on(lab, settings=IceSettings(connect_s=0.5)), AnsweringPeer(lab)
        await phone.path.gather()
        await phone.path.connect(replace(peer.described, lite=lite), controlling=False)
        report = await phone.report()
        # Who is controlled waits to be nominated, and this peer nominates nothing.
        assert report.state is (PathState.CONNECTED if lite else PathState.FAILED)
        assert all(role in each for each in peer.asked)
        phone.path.close()
        peer.close()

    play(scene())
