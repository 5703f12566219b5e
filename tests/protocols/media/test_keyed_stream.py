"""A session's media under each keying, and one inside another: what flows, and from when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.protocols.media.keyed_link import DTLS, SDES, SUITE, ZRTP, KeyedCall, Party, rekeyed
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import START, Link, speech

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.keying.demultiplex import Traffic
from offhook.protocols.keying.methods import Keying
from offhook.protocols.media.keyed_stream import KeyedStream
from offhook.protocols.media.keying_messages import (
    Keyed,
    KeyingFailed,
    SasCompared,
    SasStanding,
    ZrtpOwn,
    ZrtpRetain,
)
from offhook.protocols.media.messages import FirstPacketSent, KeysConfirmed, Prepare

SAID = speech(4)
LOST_TO_ZRTP = 2
"""Packets under the weaker key that are on their way when it is given up: a round trip's."""
EVERY = [SDES, DTLS, ZRTP, SDES | ZRTP, DTLS | ZRTP]


def name_of(keyings: set[Keying]) -> str:
    return "+".join(sorted(each.value for each in keyings))


def connected(keyings: set[Keying], *, hashes: bool = True, loss: float = 0.0) -> KeyedCall:
    call = KeyedCall(
        keyings,
        alice_says=SAID,
        bob_says=speech(4, 2),
        there=Link(loss=loss),
        back=Link(loss=loss, seed=8),
    )
    call.agree(keyings, hashes=hashes)
    call.start()
    return call


def underneath(keyings: set[Keying]) -> list[Keying]:
    """Whose keys come into use, one after the other."""
    order = [Keying.SDES, Keying.DTLS, Keying.ZRTP]
    return [each for each in order if each in keyings]


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
@pytest.mark.parametrize("hashes", [True, False], ids=["announced", "unannounced"])
def test_speech_crosses_under_every_keying(keyings: set[Keying], hashes: bool) -> None:
    call = connected(keyings, hashes=hashes)
    call.run(4)
    for side, said in ((call.bob, SAID), (call.alice, speech(4, 2))):
        assert side.keyings[-1] is underneath(keyings)[-1]
        assert set(side.keyings) <= keyings
        assert correlation(said[32000:56000], side.heard)[0] >= 0.98
        assert side.clear() == []
        assert not side.of(KeyingFailed)
        assert side.keyed.statistics().lost <= LOST_TO_ZRTP * (len(keyings) - 1)
        assert len(side.of(FirstPacketSent)) == 1


@pytest.mark.parametrize("keyings", [SDES | ZRTP, DTLS | ZRTP], ids=name_of)
def test_zrtp_takes_the_place_of_the_keys_underneath_without_a_gap(keyings: set[Keying]) -> None:
    call = connected(keyings)
    call.run(4)
    for side in (call.alice, call.bob):
        assert side.keyings == underneath(keyings)
        assert side.keyed.keying is Keying.ZRTP
        assert len(side.of(KeysConfirmed)) == 2
        assert side.keyed.statistics().rejected <= LOST_TO_ZRTP


def test_the_word_that_keys_are_there_comes_before_the_word_that_the_peer_uses_them() -> None:
    call = connected(SDES | ZRTP)
    call.run(2)
    for side in (call.alice, call.bob):
        told = [type(each) for each in side.reports if isinstance(each, Keyed | KeysConfirmed)]
        assert told == [Keyed, KeysConfirmed, Keyed, KeysConfirmed]


@pytest.mark.parametrize("keyings", [DTLS, ZRTP, DTLS | ZRTP], ids=name_of)
def test_before_there_are_keys_nothing_leaves_but_the_keying_itself(keyings: set[Keying]) -> None:
    call = connected(keyings)
    while not call.alice.keyings:
        assert call.alice.keyed.stream is None
        assert call.alice.kinds() <= {Traffic.DTLS, Traffic.ZRTP}
        call.run(0.02)
    assert call.now < START + 2


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_without_start_there_is_no_stream_and_it_comes_with_start(keyings: set[Keying]) -> None:
    call = KeyedCall(keyings)
    call.agree(keyings)
    call.run(2)
    for side in (call.alice, call.bob):
        assert side.keyed.stream is None
        assert side.keyings == []
        assert side.kinds() <= {Traffic.DTLS, Traffic.ZRTP}
    call.start()
    call.run(0.5)
    for side in (call.alice, call.bob):
        assert side.of(Keyed)[0].after_ms == 0
        assert len(side.of(KeysConfirmed)) == 1


def test_a_handshake_that_begins_before_the_answer_is_answered_where_it_came_from() -> None:
    call = KeyedCall(DTLS)
    call.bob.keyed.set_remote(call.agreed(call.bob, DTLS), call.now)
    call.bob.keyed.start(call.now)
    call.run(1)
    assert call.alice.kinds() == {Traffic.DTLS}
    # Bob has his keys and speaks; Alice knows of no fingerprint and has none.
    assert call.bob.keyings == [Keying.DTLS]
    call.alice.keyed.set_remote(call.agreed(call.alice, DTLS), call.now)
    call.alice.keyed.start(call.now)
    assert [each.after_ms for each in call.alice.of(Keyed)] == []
    call.run(0.1)
    assert call.alice.of(Keyed)[0].after_ms == 0
    # What Bob had said in the moment before has confirmed the keys at once.
    assert call.alice.of(KeysConfirmed)[0].after_ms < 20


@pytest.mark.parametrize("keyings", [ZRTP, SDES | ZRTP], ids=name_of)
@pytest.mark.parametrize("seed", range(4))
def test_zrtp_comes_through_a_path_that_loses_a_fifth(keyings: set[Keying], seed: int) -> None:
    call = KeyedCall(keyings, there=Link(loss=0.2, seed=seed), back=Link(loss=0.2, seed=seed + 50))
    call.agree(keyings)
    call.start()
    call.run(8)
    for side in (call.alice, call.bob):
        assert side.keyed.keying is Keying.ZRTP
        assert side.of(KeysConfirmed)


def test_dtls_comes_through_a_path_that_loses_a_fifth() -> None:
    call = KeyedCall(DTLS, there=Link(loss=0.2, seed=3), back=Link(loss=0.2, seed=4))
    call.paced = True
    call.agree(DTLS)
    call.start()
    while call.now < START + 14 and not (call.alice.keyings and call.bob.keyings):
        call.run(0.1)
    call.run(0.5)
    for side in (call.alice, call.bob):
        assert side.keyings == [Keying.DTLS]
        assert side.of(KeysConfirmed)


@pytest.mark.parametrize("keyings", [SDES, DTLS], ids=name_of)
def test_zrtp_that_nobody_announced_begins_late_and_takes_over(keyings: set[Keying]) -> None:
    call = KeyedCall(keyings | ZRTP)
    call.agree(keyings)
    call.start()
    call.run(3)
    assert call.alice.keyings == call.bob.keyings == list(keyings)
    call.bob.keyed.set_remote(call.agreed(call.bob, keyings | ZRTP, hashes=False), call.now)
    call.run(3)
    for side in (call.alice, call.bob):
        assert side.keyings == [*keyings, Keying.ZRTP]


def test_both_sides_show_the_same_string_and_keep_the_same_secret_for_the_next_call() -> None:
    first = connected(SDES | ZRTP)
    first.run(2)
    one, other = first.alice.of(SasStanding)[-1], first.bob.of(SasStanding)[-1]
    assert one.sas == other.sas
    assert len(one.sas) == 4
    assert one.trust.announced
    first.alice.keyed.handle(SasCompared(1, same=True), first.now)
    first.run(0.1)
    assert first.alice.of(SasStanding)[-1].trust.verified
    assert first.alice.of(ZrtpRetain)[-1].verified
    second = KeyedCall(ZRTP)
    second.alice.memory, second.bob.memory = first.alice.memory, first.bob.memory
    second.agree(ZRTP)
    second.start()
    second.run(2)
    assert second.alice.of(SasStanding)[0].trust.verified
    assert second.alice.of(SasStanding)[0].sas != one.sas


def test_keys_of_sdes_never_take_the_place_of_those_of_zrtp() -> None:
    call = connected(SDES | ZRTP)
    call.run(2)
    before = call.alice.keyed.stream
    for keyings in (SDES | ZRTP, SDES):
        mine = rekeyed(call.agreed(call.alice, keyings), "again", send=True)
        theirs = rekeyed(call.agreed(call.bob, keyings), "again", send=False)
        call.bob.keyed.set_remote(theirs, call.now)
        call.alice.keyed.set_remote(mine, call.now)
        call.run(2)
    for side in (call.alice, call.bob):
        assert side.keyings == [Keying.SDES, Keying.ZRTP]
        assert side.keyed.keying is Keying.ZRTP
        assert side.keyed.statistics().lost <= LOST_TO_ZRTP
    assert call.alice.keyed.stream is before
    assert not call.alice.clear()


def test_a_re_key_of_sdes_is_told_and_confirmed() -> None:
    call = connected(SDES)
    call.run(1)
    call.bob.keyed.set_remote(rekeyed(call.agreed(call.bob, SDES), "again", send=False), call.now)
    call.alice.keyed.set_remote(
        rekeyed(call.agreed(call.alice, SDES), "again", send=True), call.now
    )
    call.run(1)
    assert len(call.bob.of(Keyed)) == len(call.bob.of(KeysConfirmed)) == 2
    assert len(call.alice.of(Keyed)) == 2


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_hold_and_back_changes_no_key(keyings: set[Keying]) -> None:
    call = connected(keyings)
    call.run(2)
    told = len(call.alice.of(Keyed))
    held = replace(call.agreed(call.alice, keyings), sending=False)
    call.alice.keyed.set_remote(held, call.now)
    call.bob.keyed.set_remote(replace(call.agreed(call.bob, keyings), receiving=False), call.now)
    call.run(0.5)
    call.agree(keyings)
    call.run(0.5)
    for side in (call.alice, call.bob):
        assert len(side.of(Keyed)) == told
        assert side.keyed.statistics().rejected <= LOST_TO_ZRTP
        assert not side.of(KeyingFailed)


def test_the_source_of_zrtp_is_that_of_the_media() -> None:
    call = connected(SDES | ZRTP)
    call.run(1)
    sources = {
        data[8:12]
        for data, _, _ in call.alice.sent
        if data[0] >> 4 == 1 or (data[0] >> 6 == 2 and not 192 <= data[1] < 224)
    }
    assert len(sources) == 1


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_goodbye_is_said_under_the_keys(keyings: set[Keying]) -> None:
    call = connected(keyings)
    call.run(2)
    call.alice.keyed.end(call.now)
    last = [data for data, _, _ in call.alice.keyed.datagrams_to_send()]
    assert call.alice.keyed.stream is None
    before = call.bob.keyed.statistics()
    for data in last:
        call.bob.keyed.receive_datagram(data, call.alice.at, call.now)
    assert call.bob.keyed.statistics().rejected == before.rejected
    assert call.alice.keyed.statistics().sent > 50


def test_what_was_not_prepared_for_is_refused() -> None:
    call = KeyedCall(SDES)
    agreed = KeyedCall(DTLS | ZRTP)
    for keyings in (DTLS, ZRTP):
        with pytest.raises(LocalError, match="not prepared"):
            call.alice.keyed.set_remote(agreed.agreed(agreed.alice, keyings), START)
    with pytest.raises(LocalError, match="no keys"):
        call.alice.keyed.set_remote(call.agreed(call.alice, set()), START)


@pytest.mark.parametrize("suites", [(), (SUITE, SUITE), ("NULL",)])
def test_suites_that_make_no_sense_are_refused(suites: tuple[str, ...]) -> None:
    with pytest.raises(LocalError, match="suites"):
        KeyedStream(Prepare(1, "192.0.2.1", suites), SeededRandomness(1), START)


def test_a_zid_of_a_wrong_length_is_refused() -> None:
    with pytest.raises(LocalError, match="ZID"):
        KeyedStream(Prepare(1, "192.0.2.1", (), zrtp=ZrtpOwn(b"short")), SeededRandomness(1), START)


def test_media_that_came_before_its_key_is_let_through_when_the_key_comes() -> None:
    call = KeyedCall(SDES, alice_says=SAID)
    call.alice.keyed.set_remote(call.agreed(call.alice, SDES), call.now)
    call.alice.keyed.start(call.now)
    call.run(1)
    bob: Party = call.bob
    bob.keyed.set_remote(call.agreed(bob, SDES), call.now)
    bob.keyed.start(call.now)
    call.run(0.02)
    received = bob.keyed.statistics().received
    assert 8 <= received <= 12
    call.run(1)
    # What is older than the playout delay confirms the key, and is not played late.
    assert correlation(SAID[16000:], bob.heard)[1] / 8 <= 100
