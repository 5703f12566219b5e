"""Two engines with somebody between them who sees and changes every datagram."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.app.engine.scene import play
from tests.app.engine.test_keyings import (
    DTLS,
    EVERY,
    SDES,
    ZRTP,
    KeyedSide,
    last_keyed,
    name_of,
    towards,
)
from tests.protocols.media.link import FORMAT, periods, speech

from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.demultiplex import Traffic, demultiplex
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.media.g711 import G711
from offhook.protocols.media.keying_messages import Keyed, KeyingFailed
from offhook.protocols.media.messages import KeysConfirmed, Start, Stop, Stopped
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.shells.net.udp import open_pair

Meddler = Callable[[bytes], list[bytes]]
SAID = periods(speech(1))
HANDSHAKE = {Traffic.DTLS, Traffic.ZRTP}


class Middle:
    """Two ports, each of which is the other side to one of the engines."""

    def __init__(self, meddle: Meddler) -> None:
        self._meddle = meddle
        self.for_alice, self._one = open_pair("127.0.0.1", 0)
        self.for_bob, self._other = open_pair("127.0.0.1", 0)
        self.alice = self.bob = PathAddress("127.0.0.1", 9)
        self.seen: list[bytes] = []
        loop = asyncio.get_running_loop()
        self.for_alice.start(loop, lambda data, _: self._carry(data, self.bob))
        self.for_bob.start(loop, lambda data, _: self._carry(data, self.alice))

    def _carry(self, data: bytes, destination: PathAddress) -> None:
        self.seen.append(data)
        port = self.for_bob if destination is self.bob else self.for_alice
        for each in self._meddle(data):
            port.send(each, destination)

    def clear(self) -> list[bytes]:
        """The datagrams in which something of what was said can be read."""
        coder = G711("PCMA")
        said = [coder.encode(each)[40:80] for each in SAID]
        return [data for data in self.seen if any(each in data for each in said)]

    def kinds(self) -> set[Traffic]:
        return {demultiplex(data) for data in self.seen}

    def close(self) -> None:
        for port in (self.for_alice, self._one, self.for_bob, self._other):
            port.close()


class Meddled:
    """Alice, Bob and the one between; Bob is the active one unless `roles` says otherwise."""

    def __init__(
        self,
        keyings: set[Keying],
        meddle: Meddler,
        *,
        roles: tuple[Role, Role] = (Role.PASSIVE, Role.ACTIVE),
        forged: Fingerprint | None = None,
    ) -> None:
        self.alice, self.bob = KeyedSide("a"), KeyedSide("b")
        self.middle = Middle(meddle)
        mine, theirs = self.alice.ready(keyings), self.bob.ready(keyings)
        self.middle.alice, self.middle.bob = mine.rtp, theirs.rtp
        shown = replace(theirs, rtp=self.middle.for_alice.local, fingerprint=forged)
        if forged is None:
            shown = replace(shown, fingerprint=theirs.fingerprint)
        self.bob.engine.handle(
            towards(theirs, replace(mine, rtp=self.middle.for_bob.local), keyings, roles[1])
        )
        self.alice.engine.handle(towards(mine, shown, keyings, roles[0]))
        for side in (self.bob, self.alice):
            side.engine.handle(Start(1))

    async def speak(self, times: int = 1) -> bytes:
        """Both speak where they have a sound; what Bob heard."""
        heard = b""
        for _ in range(times):
            for said in SAID:
                for side in (self.alice, self.bob):
                    if side.sound.on_period is not None:
                        played = side.sound.period(said)
                        heard += played if side is self.bob else b""
                await asyncio.sleep(0.004)
        return heard

    async def end(self) -> None:
        for side in (self.alice, self.bob):
            side.engine.handle(Stop(1))
            await side.wait(Stopped)
        self.middle.close()


def check_dumb(call: Meddled) -> None:
    """Nothing but handshakes was ever sent, and no sound was ever opened."""
    assert call.middle.seen
    assert call.middle.kinds() <= HANDSHAKE
    for side in (call.alice, call.bob):
        assert side.sound.opened == 0
        assert not side.of(Keyed)


def straight(data: bytes) -> list[bytes]:
    return [data]


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_who_only_listens_reads_nothing(keyings: set[Keying]) -> None:
    async def scene() -> None:
        call = Meddled(keyings, straight)
        for side in (call.alice, call.bob):
            await last_keyed(side, keyings)
        await call.speak()
        assert Traffic.RTP in call.middle.kinds()
        assert call.middle.clear() == []
        for side in (call.alice, call.bob):
            await side.wait(KeysConfirmed)
        await call.end()

    play(scene())


def test_the_reader_of_what_passes_would_find_speech_in_clear() -> None:
    """The test's own eye: it must be able to see what it looks for."""

    async def scene() -> None:
        middle = Middle(straight)
        payload = G711("PCMA").encode(SAID[3])
        middle.seen.append(serialise_rtp(RtpPacket(8, 1, 160, 7, payload)))
        assert len(middle.clear()) == 1
        middle.close()

    play(scene())


@pytest.mark.parametrize("role", list(Role))
def test_two_of_the_same_role_send_no_media(role: Role) -> None:
    async def scene() -> None:
        call = Meddled(DTLS, straight, roles=(role, role))
        await call.speak()
        if role is Role.ACTIVE:
            check_dumb(call)
        assert call.middle.clear() == []
        assert call.alice.sound.opened == call.bob.sound.opened == 0
        await call.end()

    play(scene())


def test_a_certificate_that_was_not_announced_ends_it() -> None:
    async def scene() -> None:
        call = Meddled(DTLS, straight, forged=Fingerprint("sha-256", bytes(32)))
        assert (await call.alice.wait(KeyingFailed)).attack
        await call.speak()
        check_dumb(call)
        await call.end()

    play(scene())


def test_records_that_are_cut_off_bring_no_keys_and_no_crash() -> None:
    dice = random.Random(2)  # noqa: S311  repeatable

    async def scene() -> None:
        call = Meddled(
            DTLS | ZRTP,
            lambda data: [data[: dice.randrange(len(data))] for _ in range(3)],
        )
        await call.speak()
        check_dumb(call)
        await call.end()

    play(scene())


@pytest.mark.parametrize("way", ["replayed", "reversed"])
def test_handshakes_that_are_replayed_or_reversed_are_survived(way: str) -> None:
    seen: list[bytes] = []

    def replay(data: bytes) -> list[bytes]:
        if demultiplex(data) is Traffic.RTP:
            return [data, data]
        seen.append(data)
        return [data, *seen[-8:]]

    def turn(data: bytes) -> list[bytes]:
        if demultiplex(data) not in HANDSHAKE:
            return [data]
        seen.append(data)
        return [seen.pop(), seen.pop()] if len(seen) > 1 else []

    async def scene() -> None:
        call = Meddled(DTLS | ZRTP, replay if way == "replayed" else turn)
        for side in (call.alice, call.bob):
            await last_keyed(side, DTLS | ZRTP)
        await call.speak()
        assert call.middle.clear() == []
        assert await call.alice.wait(KeysConfirmed)
        await call.end()
        counted = call.alice.of(Stopped)[0].statistics
        assert counted.received > 0
        if way == "replayed":
            assert counted.rejected >= counted.received - 5

    play(scene())


@pytest.mark.parametrize("keyings", [SDES, DTLS, ZRTP], ids=name_of)
def test_plain_media_that_is_slipped_in_is_not_heard(keyings: set[Keying]) -> None:
    payload = G711("PCMA").encode(SAID[3])
    number = 0

    def slipped() -> list[bytes]:
        nonlocal number
        number += 1
        return [serialise_rtp(RtpPacket(8, number, 160 * number, 7, payload))]

    def replace_media(data: bytes) -> list[bytes]:
        return slipped() if demultiplex(data) is Traffic.RTP else [data]

    async def scene() -> None:
        call = Meddled(keyings, replace_media)
        for side in (call.alice, call.bob):
            await last_keyed(side, keyings)
        heard = await call.speak()
        assert heard
        assert not any(heard)
        assert not call.bob.of(KeysConfirmed)
        assert FORMAT.octets * len(SAID) >= len(heard)
        await call.end()
        assert call.bob.of(Stopped)[0].statistics.rejected >= 45

    play(scene())
