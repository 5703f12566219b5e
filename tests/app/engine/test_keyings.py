"""Two engines in this process, over real ports, with each keying: sound, and how soon."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.app.engine.scene import CODEC, SUITE, Side, play
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import CODECS, FORMAT, speech

import offhook
from offhook.base.errors import LocalError
from offhook.protocols.keying.dtls.agreed import Agreed
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.keying.zrtp.hello_hash import parse_hello_hash
from offhook.protocols.media import g722
from offhook.protocols.media.keying_messages import (
    Keyed,
    KeyingFailed,
    PeerReady,
    SasStanding,
    ZrtpAgreed,
    ZrtpOwn,
    ZrtpRecall,
    ZrtpSecretsWanted,
)
from offhook.protocols.media.messages import (
    KeysConfirmed,
    LocalReady,
    Prepare,
    Report,
    SessionFailed,
    SetRemote,
    Start,
    Stop,
    Stopped,
)

SDES, DTLS, ZRTP = {Keying.SDES}, {Keying.DTLS}, {Keying.ZRTP}
EVERY = [SDES, DTLS, ZRTP, SDES | ZRTP, DTLS | ZRTP]


def name_of(keyings: set[Keying]) -> str:
    return "+".join(sorted(each.value for each in keyings))


class KeyedSide(Side):
    """An engine that is told what it asks for."""

    def _report(self, report: Report) -> None:
        super()._report(report)
        if isinstance(report, ZrtpSecretsWanted):
            self.engine.handle(ZrtpRecall(report.session, report.zid))

    def ready(self, keyings: set[Keying], session: int = 1) -> LocalReady:
        self.engine.handle(
            Prepare(
                session,
                "127.0.0.1",
                (SUITE,) if Keying.SDES in keyings else (),
                dtls=Keying.DTLS in keyings,
                zrtp=ZrtpOwn(bytes([id(self) % 251]) * 12) if Keying.ZRTP in keyings else None,
            )
        )
        ready = self.reports[-1]
        assert isinstance(ready, LocalReady)
        return ready


def towards(mine: LocalReady, other: LocalReady, keyings: set[Keying], role: Role) -> SetRemote:
    named = parse_hello_hash(other.zrtp_hash)
    fingerprint = other.fingerprint
    return SetRemote(
        mine.session,
        other.rtp,
        None,
        CODEC,
        101,
        SrtpKeys(mine.crypto[0], other.crypto[0]) if Keying.SDES in keyings else None,
        dtls=Agreed(role, (fingerprint,), other.tls_id)
        if Keying.DTLS in keyings and fingerprint is not None
        else None,
        zrtp=ZrtpAgreed((named,)) if Keying.ZRTP in keyings and named is not None else None,
    )


def agreed(alice: KeyedSide, bob: KeyedSide, keyings: set[Keying]) -> None:
    mine, theirs = alice.ready(keyings), bob.ready(keyings)
    bob.engine.handle(towards(theirs, mine, keyings, Role.ACTIVE))
    alice.engine.handle(towards(mine, theirs, keyings, Role.PASSIVE))
    bob.engine.handle(Start(1))
    alice.engine.handle(Start(1))


def carried(side: Side) -> tuple[int, int]:
    """Packets that a side has sent and received in its session."""
    keyed = side.engine._sessions[1]._keyed
    assert keyed is not None
    counted = keyed.statistics()
    return counted.sent, counted.received


async def across(speaker: Side, hearer: Side, said: bytes) -> bytes:
    """What one hears of what the other says, and of 60 ms of silence after it.

    Each packet has arrived before the next period passes, however busy the machine is.
    """
    heard, silence = b"", bytes(FORMAT.octets)
    on_its_way = None
    for at in range(0, len(said) + 6 * FORMAT.octets, FORMAT.octets):
        speaker.sound.period(said[at : at + FORMAT.octets] or silence)
        heard += hearer.sound.period(silence)
        for _ in range(400):
            await asyncio.sleep(0.001)
            still = carried(speaker)[0] - carried(hearer)[1]
            if on_its_way is None or still <= on_its_way:
                break
        on_its_way = still if on_its_way is None else min(still, on_its_way)
    return heard


async def last_keyed(side: Side, keyings: set[Keying]) -> None:
    wanted = Keying.ZRTP if Keying.ZRTP in keyings else next(iter(keyings))
    while not side.of(Keyed) or side.of(Keyed)[-1].keying is not wanted:
        side.changed.clear()
        await side.changed.wait()


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_speech_crosses_two_engines_under_every_keying(keyings: set[Keying]) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        agreed(alice, bob, keyings)
        for side in (alice, bob):
            await last_keyed(side, keyings)
        said = speech(1)
        heard = await across(alice, bob, said)
        assert correlation(said, heard)[0] >= 0.999
        for side in (alice, bob):
            await side.wait(KeysConfirmed)
            assert not side.of(KeyingFailed)
            assert side.sound.opened == 1
            side.engine.handle(Stop(1))
            await side.wait(Stopped)
            assert side.sound.closed == 1
        if Keying.ZRTP in keyings:
            assert alice.of(SasStanding)[-1].sas == bob.of(SasStanding)[-1].sas

    play(scene())


@pytest.mark.parametrize("keyings", [DTLS, ZRTP], ids=name_of)
def test_no_sound_is_opened_before_there_are_keys(keyings: set[Keying]) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine, theirs = alice.ready(keyings), bob.ready(keyings)
        alice.engine.handle(towards(mine, theirs, keyings, Role.PASSIVE))
        alice.engine.handle(Start(1))
        await asyncio.sleep(0.05)
        assert alice.sound.opened == 0
        assert not alice.of(Keyed)
        bob.engine.handle(towards(theirs, mine, keyings, Role.ACTIVE))
        bob.engine.handle(Start(1))
        await alice.wait(Keyed)
        assert alice.sound.opened == 1
        alice.engine.close()
        bob.engine.close()

    play(scene())


def test_the_sound_ends_with_the_association_that_brought_the_keys() -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        agreed(alice, bob, DTLS)
        for side in (alice, bob):
            await last_keyed(side, DTLS)
        bob.engine.handle(Stop(1))
        failed = await alice.wait(KeyingFailed)
        assert failed.keying is Keying.DTLS
        assert not failed.attack
        assert alice.sound.closed == 1
        assert not alice.of(Stopped)
        alice.engine.close()

    play(scene())


def test_a_sound_that_does_not_open_when_the_keys_come_ends_the_session() -> None:
    async def scene() -> None:
        def broken(_: int) -> object:
            raise LocalError("there is no sound")

        alice, bob = KeyedSide("a", broken), KeyedSide("b")
        agreed(alice, bob, DTLS)
        failed = await alice.wait(SessionFailed)
        assert failed.reason == "there is no sound"
        assert alice.of(Stopped)
        bob.engine.close()

    play(scene())


def test_one_certificate_serves_all_sessions_and_each_has_a_tls_id_of_its_own() -> None:
    async def scene() -> None:
        side = KeyedSide("a")
        one, other = side.ready(DTLS, 1), side.ready(DTLS, 2)
        assert one.fingerprint == other.fingerprint is not None
        assert one.tls_id != other.tls_id
        assert one.crypto == ()
        side.engine.close()

    play(scene())


def test_an_answer_that_comes_late_is_followed_by_keys_at_once() -> None:
    """Alice is the active one and her ClientHello goes nowhere until Bob knows of her."""

    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine, theirs = alice.ready(DTLS), bob.ready(DTLS)
        alice.engine.handle(towards(mine, theirs, DTLS, Role.ACTIVE))
        alice.engine.handle(Start(1))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        bob.engine.handle(towards(theirs, mine, DTLS, Role.PASSIVE))
        bob.engine.handle(Start(1))
        alice.engine.handle(PeerReady(1))
        for side in (alice, bob):
            await side.wait(Keyed)
        # OpenSSL alone would send again after a second.
        assert time.monotonic() - began < 0.5
        alice.engine.close()
        bob.engine.close()

    play(scene())


def test_neither_openssl_nor_ice_is_loaded_before_it_is_asked_for() -> None:
    """What a phone that keys by SDES alone doesn't need costs it no memory."""
    script = """
import asyncio, sys
from offhook.app.engine import process
from offhook.app.engine.engine import Engine
from offhook.base.randomness import SeededRandomness
from offhook.protocols.media.messages import Prepare

async def loaded(**more):
    engine = Engine(lambda _: None, SeededRandomness(1), lambda _: None)
    engine.handle(Prepare(1, "127.0.0.1", ("AES_CM_128_HMAC_SHA1_80",), **more))
    engine.close()
    print(int("OpenSSL" in sys.modules), int("aioice" in sys.modules))

asyncio.run(loaded())
asyncio.run(loaded(dtls=True))
"""
    paths = [str(Path(offhook.__file__).parents[1])]
    done = subprocess.run(
        (sys.executable, "-c", script),
        env={"PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split("\n")[:2] == ["0 0", "1 0"]


def test_keys_of_which_no_stream_can_be_made_end_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine, theirs = alice.ready(DTLS), bob.ready(DTLS)
        wide = replace(towards(mine, theirs, DTLS, Role.PASSIVE), codec=CODECS["G722"])
        alice.engine.handle(wide)
        alice.engine.handle(Start(1))
        monkeypatch.setattr(g722, "G722", None)
        bob.engine.handle(towards(theirs, mine, DTLS, Role.ACTIVE))
        assert "g722" in (await alice.wait(SessionFailed)).reason
        assert (await alice.wait(Stopped)).statistics.sent == 0
        bob.engine.close()

    play(scene())
