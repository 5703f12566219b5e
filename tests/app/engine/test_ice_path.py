"""Two engines that find each other by ICE over a wire between two namespaces, with every keying."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aioice import Candidate
from tests.app.engine.scene import play
from tests.app.engine.test_keyings import (
    DTLS,
    SDES,
    ZRTP,
    KeyedSide,
    across,
    last_keyed,
    name_of,
    towards,
)
from tests.certificates import forge
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import speech
from tests.shells.net import coturn
from tests.shells.net.namespaces import Namespace, Street, Wire, street, wire

from offhook.base.secret import Secret
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.media.keying_messages import Keyed, KeyingFailed, ZrtpOwn
from offhook.protocols.media.messages import (
    KeysConfirmed,
    LocalReady,
    Prepare,
    SetRemote,
    Start,
    Stop,
    Stopped,
)
from offhook.protocols.media.path_messages import (
    GatherAgain,
    IceAgreed,
    IceTerms,
    PathFound,
    PathLost,
    TurnTerms,
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Wire]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(wire())
        except PermissionError as error:
            pytest.skip(f"no network namespaces: {error}")
        yield made


async def ready(
    side: KeyedSide,
    inside: Namespace,
    host: str,
    keyings: set[Keying],
    *,
    ice: bool = True,
    turn: TurnTerms | None = None,
    local_names: bool = False,
) -> LocalReady:
    with inside:
        side.engine.handle(
            Prepare(
                1,
                host,
                ("AES_CM_128_HMAC_SHA1_80",) if Keying.SDES in keyings else (),
                dtls=Keying.DTLS in keyings,
                zrtp=ZrtpOwn(host.encode().ljust(12)) if Keying.ZRTP in keyings else None,
                ice=IceTerms(turn_server=turn, local_names=local_names) if ice else None,
            )
        )
    return await side.wait(LocalReady)


def by_ice(mine: LocalReady, other: LocalReady, keyings: set[Keying], role: Role) -> SetRemote:
    assert other.ice is not None
    agreed = towards(mine, other, keyings, role)
    return replace(agreed, ice=IceAgreed(other.ice, controlling=role is Role.PASSIVE))


async def speak(alice: KeyedSide, bob: KeyedSide) -> float:
    said = speech(0.6)
    return correlation(said, await across(alice, bob, said))[0]


@pytest.mark.parametrize("keyings", [SDES, DTLS, ZRTP, DTLS | ZRTP], ids=name_of)
def test_speech_crosses_the_path_that_ice_found(lab: Wire, keyings: set[Keying]) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, keyings)
        theirs = await ready(bob, lab.peer, lab.peer_host, keyings)
        assert mine.ice is not None
        assert mine.ice.default == mine.rtp
        bob.engine.handle(by_ice(theirs, mine, keyings, Role.ACTIVE))
        bob.engine.handle(Start(1))
        assert bob.sound.opened == 0
        alice.engine.handle(by_ice(mine, theirs, keyings, Role.PASSIVE))
        alice.engine.handle(Start(1))
        for side in (alice, bob):
            found = await side.wait(PathFound)
            assert found.detail.startswith("media goes from 10.45.0.")
            await last_keyed(side, keyings)
        assert await speak(alice, bob) >= 0.99
        assert not any(side.of(KeyingFailed) or side.of(PathLost) for side in (alice, bob))
        for side in (alice, bob):
            side.engine.handle(Stop(1))
            await side.wait(Stopped)

    play(scene())


def test_an_ice_restart_finds_a_path_anew_while_speech_goes_on(lab: Wire) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, DTLS)
        theirs = await ready(bob, lab.peer, lab.peer_host, DTLS)
        for _ in range(2):
            bob.engine.handle(by_ice(theirs, mine, DTLS, Role.ACTIVE))
            alice.engine.handle(by_ice(mine, theirs, DTLS, Role.PASSIVE))
            if not alice.of(Keyed):
                alice.engine.handle(Start(1))
                bob.engine.handle(Start(1))
            times = len(alice.of(LocalReady))
            for side in (alice, bob):
                await side.wait(PathFound, times)
                await last_keyed(side, DTLS)
            assert await speak(alice, bob) >= 0.99
            if times == 1:
                for side in (alice, bob):
                    side.engine.handle(GatherAgain(1))
                # The tls-id is that of the association which stands (RFC 8842 §4).
                again = await alice.wait(LocalReady, 2), await bob.wait(LocalReady, 2)
                mine = replace(again[0], tls_id=mine.tls_id)
                theirs = replace(again[1], tls_id=theirs.tls_id)
                assert mine.ice != alice.of(LocalReady)[0].ice
        for side in (alice, bob):
            # A restart of ICE is no new association (RFC 8842 §3.1).
            assert len(side.of(Keyed)) == 1
            assert side.sound.opened == 1
            side.engine.close()

    play(scene())


def test_a_later_agreement_with_the_same_credentials_begins_nothing_anew(lab: Wire) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, SDES)
        theirs = await ready(bob, lab.peer, lab.peer_host, SDES)
        for side, agreed in (
            (bob, by_ice(theirs, mine, SDES, Role.ACTIVE)),
            (alice, by_ice(mine, theirs, SDES, Role.PASSIVE)),
        ):
            side.engine.handle(agreed)
            side.engine.handle(Start(1))
        for side in (alice, bob):
            await side.wait(PathFound)
        alice.engine.handle(by_ice(mine, theirs, SDES, Role.PASSIVE))
        assert await speak(alice, bob) >= 0.99
        assert len(alice.of(PathFound)) == 1
        for side in (alice, bob):
            side.engine.close()

    play(scene())


def test_a_peer_without_ice_is_reached_as_signalled(lab: Wire) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, DTLS)
        theirs = await ready(bob, lab.peer, lab.peer_host, DTLS, ice=False)
        assert theirs.ice is None
        bob.engine.handle(towards(theirs, mine, DTLS, Role.ACTIVE))
        alice.engine.handle(towards(mine, theirs, DTLS, Role.PASSIVE))
        for side in (alice, bob):
            side.engine.handle(Start(1))
        for side in (alice, bob):
            await last_keyed(side, DTLS)
        assert await speak(alice, bob) >= 0.99
        assert not alice.of(PathFound)
        for side in (alice, bob):
            side.engine.close()

    play(scene())


def test_where_the_address_was_rewritten_on_the_way_media_goes_there_and_that_is_told(
    lab: Wire,
) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, SDES)
        theirs = await ready(bob, lab.peer, lab.peer_host, SDES, ice=False)
        assert mine.ice is not None
        rewritten = replace(
            mine.ice,
            pwd=Secret(b"p" * 22),
            default=PathAddress("10.45.0.2", 4000),
            candidates=("1 1 udp 2130706431 10.45.0.77 4000 typ host",),
        )
        agreed = towards(mine, theirs, SDES, Role.PASSIVE)
        alice.engine.handle(replace(agreed, ice=IceAgreed(rewritten, controlling=True)))
        bob.engine.handle(towards(theirs, mine, SDES, Role.ACTIVE))
        for side in (alice, bob):
            side.engine.handle(Start(1))
        assert "as signalled" in (await alice.wait(PathFound)).detail
        assert await speak(alice, bob) >= 0.99
        for side in (alice, bob):
            side.engine.close()

    play(scene())


def test_what_is_stopped_while_a_path_is_looked_for_ends_without_a_word_more(lab: Wire) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, DTLS)
        theirs = await ready(bob, lab.peer, lab.peer_host, DTLS)
        alice.engine.handle(by_ice(mine, theirs, DTLS, Role.PASSIVE))
        alice.engine.handle(Start(1))
        await asyncio.sleep(0.1)
        alice.engine.handle(Stop(1))
        bob.engine.close()
        await asyncio.sleep(0.1)
        assert not alice.of(Keyed)
        assert not alice.of(KeysConfirmed)
        assert isinstance(alice.reports[-1], Stopped)
        assert alice.sound.opened == 0

    play(scene())


def test_a_later_agreement_without_ice_goes_where_it_says(lab: Wire) -> None:
    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, SDES)
        theirs = await ready(bob, lab.peer, lab.peer_host, SDES)
        bob.engine.handle(by_ice(theirs, mine, SDES, Role.ACTIVE))
        alice.engine.handle(by_ice(mine, theirs, SDES, Role.PASSIVE))
        for side in (alice, bob):
            side.engine.handle(Start(1))
            await side.wait(PathFound)
        carol = KeyedSide("c")
        hers = await ready(carol, lab.peer, lab.peer_host, SDES, ice=False)
        alice.engine.handle(towards(mine, hers, SDES, Role.PASSIVE))
        carol.engine.handle(towards(hers, mine, SDES, Role.ACTIVE))
        carol.engine.handle(Start(1))
        assert await speak(alice, carol) >= 0.99
        for side in (alice, bob, carol):
            side.engine.close()

    play(scene())


def test_who_turns_to_a_peer_without_ice_hears_nothing_of_the_search_that_was_given_up(
    lab: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slowly(told: list[Candidate], _host: str) -> list[Candidate]:
        asked.set()
        await answered.wait()
        return told

    monkeypatch.setattr("offhook.shells.net.ice.resolved", slowly)

    async def scene() -> None:
        alice, bob = KeyedSide("a"), KeyedSide("b")
        mine = await ready(alice, lab.phone, lab.phone_host, SDES, local_names=True)
        theirs = await ready(bob, lab.peer, lab.peer_host, SDES)
        alice.engine.handle(by_ice(mine, theirs, SDES, Role.PASSIVE))
        await asked.wait()
        for side, agreed in (
            (alice, towards(mine, theirs, SDES, Role.PASSIVE)),
            (bob, towards(theirs, mine, SDES, Role.ACTIVE)),
        ):
            side.engine.handle(agreed)
            side.engine.handle(Start(1))
        answered.set()
        assert await speak(alice, bob) >= 0.99
        assert not alice.of(PathLost)
        for side in (alice, bob):
            side.engine.close()

    play(scene())


def test_a_relay_reached_by_tls_passes_media_on(tmp_path: Path) -> None:
    coturn.demand()

    async def scene(houses: Street, relay: PathAddress) -> None:
        alice, bob = KeyedSide("a", wall_time=lambda: forge.TODAY), KeyedSide("b")
        turn = TurnTerms(
            relay, forge.SERVICE, (forge.root().pem,), coturn.USER, Secret(coturn.PASSWORD.encode())
        )
        with houses.phone:
            mine = await ready(alice, houses.phone, houses.phone_host, DTLS, turn=turn)
        theirs = await ready(bob, houses.peer, houses.peer_host, DTLS)
        assert mine.ice is not None
        assert any("typ relay" in line for line in mine.ice.candidates)
        bob.engine.handle(by_ice(theirs, mine, DTLS, Role.ACTIVE))
        alice.engine.handle(by_ice(mine, theirs, DTLS, Role.PASSIVE))
        for side in (alice, bob):
            side.engine.handle(Start(1))
        assert "(relay)" in (await alice.wait(PathFound)).detail
        for side in (alice, bob):
            await last_keyed(side, DTLS)
        assert await speak(alice, bob) >= 0.99
        for side in (alice, bob):
            side.engine.close()

    with ExitStack() as stack:
        try:
            houses = stack.enter_context(street())
        except PermissionError as error:
            pytest.skip(f"no network namespaces: {error}")
        relay = stack.enter_context(
            coturn.coturn(
                houses.middle,
                houses.inner_host,
                forge.leaf(),
                tmp_path,
                relay_host=houses.outer_host,
            )
        )
        play(scene(houses, relay))
