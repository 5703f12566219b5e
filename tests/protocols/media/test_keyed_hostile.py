"""Hostile peers and paths against a keyed stream: nothing leaves in clear, nothing is decoded."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.protocols.keying.dtls.pair import STRANGER
from tests.protocols.media.keyed_link import DTLS, SDES, ZRTP, KeyedCall, Meddler, Party
from tests.protocols.media.link import ALICE, BOB, FORMAT, MALLORY, START, speech

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.keying.demultiplex import Traffic, demultiplex
from offhook.protocols.keying.dtls.agreed import Agreed
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.keying.zrtp.hello_hash import HelloHash
from offhook.protocols.keying.zrtp.packet import ZrtpPacket, parse_packet, serialise_packet
from offhook.protocols.media.g711 import G711
from offhook.protocols.media.keying_messages import (
    KeyingFailed,
    SasCompared,
    SasStanding,
    ZrtpAgreed,
    ZrtpRecall,
    ZrtpSecretsWanted,
)
from offhook.protocols.media.messages import KeysConfirmed
from offhook.protocols.media.pcm import loudness
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import Protector

SAID = speech(2)
EVERY = [SDES, DTLS, ZRTP, SDES | ZRTP, DTLS | ZRTP]
HANDSHAKE = {Traffic.DTLS, Traffic.ZRTP}


def name_of(keyings: set[Keying]) -> str:
    return "+".join(sorted(each.value for each in keyings))


def begun(keyings: set[Keying], meddlers: dict[str, Meddler] | None = None) -> KeyedCall:
    call = KeyedCall(keyings, alice_says=SAID, bob_says=SAID)
    call.meddlers = meddlers or {}
    call.agree(keyings)
    call.start()
    return call


def check_dumb(sides: Iterable[Party]) -> None:
    """Nothing but handshakes has left, and nothing was ever played."""
    for side in sides:
        assert side.kinds() <= HANDSHAKE
        assert side.clear() == []
        assert side.keyed.stream is None
        assert side.played == []


def quiet(side: Party) -> bool:
    """Whether nothing but the silence of the other side was played: ±8 in G.711."""
    return all(loudness(each) <= 8 for each in side.played)


def zrtp_type(data: bytes) -> str:
    """What a ZRTP datagram is; empty for any other."""
    if demultiplex(data) is not Traffic.ZRTP:
        return ""
    return parse_packet(data).message[4:12].decode().strip()


def dropping(*types: str) -> Meddler:
    return lambda data: [] if zrtp_type(data) in types else [data]


def plain(number: int) -> bytes:
    """One packet of speech as a peer sends it that does not encrypt."""
    payload = G711("PCMA").encode(SAID[: FORMAT.octets])
    return serialise_rtp(RtpPacket(8, number, 160 * number, 0xBADBAD, payload))


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_plain_media_under_a_keyed_answer_is_never_decoded(keyings: set[Keying]) -> None:
    call = KeyedCall(keyings)
    call.agree(keyings)
    call.start()
    for number in range(100):
        for side, source in ((call.alice, BOB), (call.bob, ALICE)):
            side.keyed.receive_datagram(plain(number), source, call.now)
        call.run(0.02)
    for side in (call.alice, call.bob):
        assert side.played
        assert quiet(side)
        assert side.clear() == []


@pytest.mark.parametrize("keyings", [DTLS, ZRTP, DTLS | ZRTP], ids=name_of)
def test_media_before_there_are_keys_is_neither_read_nor_answered(keyings: set[Keying]) -> None:
    call = KeyedCall(keyings)
    call.alice.keyed.set_remote(call.agreed(call.alice, keyings), call.now)
    call.alice.keyed.start(call.now)
    protector = Protector(call.bob.keyed.crypto[0])
    for number in range(100):
        for packet in (plain(number), protector.protect(plain(number))):
            call.alice.keyed.receive_datagram(packet, BOB, call.now)
            call.alice.keyed.receive_datagram(packet, MALLORY, call.now, rtcp=True)
        call.run(0.02)
    check_dumb([call.alice])
    assert not call.alice.of(KeysConfirmed)
    assert call.alice.keyed._early.dropped > 100


def test_a_certificate_other_than_the_one_announced_brings_no_keys() -> None:
    call = KeyedCall(DTLS, alice_says=SAID, bob_says=SAID)
    call.alice.keyed.set_remote(
        replace(
            call.agreed(call.alice, DTLS), dtls=Agreed(Role.PASSIVE, (STRANGER.fingerprint(),))
        ),
        START,
    )
    call.bob.keyed.set_remote(call.agreed(call.bob, DTLS), START)
    call.start()
    call.run(2)
    check_dumb([call.alice, call.bob])
    (failed,) = call.alice.of(KeyingFailed)
    assert failed.attack
    assert "not the one that it announced" in failed.reason
    assert call.bob.of(KeyingFailed)


@pytest.mark.parametrize("role", list(Role))
def test_two_sides_of_the_same_role_get_no_keys_and_say_so(role: Role) -> None:
    call = KeyedCall(DTLS, alice_says=SAID, bob_says=SAID)
    for side in (call.alice, call.bob):
        agreed = call.agreed(side, DTLS)
        assert agreed.dtls is not None
        side.keyed.set_remote(replace(agreed, dtls=replace(agreed.dtls, role=role)), START)
    call.start()
    call.run(16)
    check_dumb([call.alice, call.bob])
    for side in (call.alice, call.bob):
        assert [each.keying for each in side.of(KeyingFailed)] == [Keying.DTLS]


def test_records_that_are_cut_off_bring_no_keys() -> None:
    dice = random.Random(1)  # noqa: S311  repeatable

    def cut(data: bytes) -> list[bytes]:
        return [data[: dice.randrange(len(data))]]

    call = begun(DTLS, {"alice": cut, "bob": cut})
    call.run(16)
    check_dumb([call.alice, call.bob])
    assert call.alice.of(KeyingFailed)
    assert call.bob.of(KeyingFailed)


@pytest.mark.parametrize("way", ["replayed", "reversed"])
def test_records_that_are_replayed_or_out_of_order_do_no_harm(way: str) -> None:
    seen: list[bytes] = []

    def replay(data: bytes) -> list[bytes]:
        if demultiplex(data) is not Traffic.DTLS:
            return [data]
        seen.append(data)
        return [data, *seen]

    def reverse(data: bytes) -> list[bytes]:
        if demultiplex(data) is not Traffic.DTLS:
            return [data]
        seen.append(data)
        if len(seen) < 2:
            return [data]
        return [seen.pop(), *(seen.pop() for _ in range(len(seen)))]

    meddler = replay if way == "replayed" else reverse
    call = begun(DTLS, {"bob": meddler})
    call.run(2)
    for side in (call.alice, call.bob):
        assert side.keyings == [Keying.DTLS]
        assert side.of(KeysConfirmed)
        assert side.clear() == []


def test_the_end_of_the_association_ends_the_media() -> None:
    call = begun(DTLS)
    call.run(1)
    sent = len(call.alice.sent)
    session = call.bob.keyed._dtls
    assert session is not None
    session.close(call.now)
    call.run(1)
    assert [each.keying for each in call.alice.of(KeyingFailed)] == [Keying.DTLS]
    assert call.alice.keyed.stream is None
    assert len(call.alice.sent) - sent <= 3
    assert call.alice.keyed.statistics().received > 0


def test_the_end_of_the_association_does_not_end_keys_of_zrtp() -> None:
    call = begun(DTLS | ZRTP)
    call.run(2)
    session = call.bob.keyed._dtls
    assert session is not None
    session.close(call.now)
    call.run(1)
    assert call.alice.of(KeyingFailed)
    assert call.alice.keyed.keying is Keying.ZRTP
    assert call.alice.keyed.stream is not None


@pytest.mark.parametrize("keyings", [SDES | ZRTP, DTLS | ZRTP], ids=name_of)
@pytest.mark.parametrize("dropped", ["DHPart1", "DHPart2", "Confirm1", "Confirm2"])
def test_where_zrtp_fails_the_call_goes_on_under_the_keys_underneath(
    keyings: set[Keying], dropped: str
) -> None:
    call = begun(keyings, {"alice": dropping(dropped), "bob": dropping(dropped)})
    call.run(20)
    (under,) = keyings - ZRTP
    for side in (call.alice, call.bob):
        assert side.keyings == [under]
        assert [each.keying for each in side.of(KeyingFailed)] == [Keying.ZRTP]
    before = [side.keyed.statistics() for side in (call.alice, call.bob)]
    call.run(1)
    for side, earlier in zip((call.alice, call.bob), before, strict=True):
        now = side.keyed.statistics()
        assert now.received - earlier.received >= 48
        assert now.rejected == earlier.rejected


@pytest.mark.parametrize("dropped", ["DHPart1", "DHPart2", "Confirm1", "Confirm2"])
def test_where_zrtp_alone_fails_nothing_ever_flows(dropped: str) -> None:
    call = begun(ZRTP, {"alice": dropping(dropped), "bob": dropping(dropped)})
    call.run(20)
    check_dumb([call.alice, call.bob])
    for side in (call.alice, call.bob):
        assert len(side.of(KeyingFailed)) == 1


def test_media_stands_in_for_the_acknowledgement_that_is_lost() -> None:
    call = begun(SDES | ZRTP, {"alice": dropping("Conf2ACK"), "bob": dropping("Conf2ACK")})
    call.run(2)
    for side in (call.alice, call.bob):
        assert side.keyings == [Keying.SDES, Keying.ZRTP]
        assert side.keyed.statistics().rejected <= 2


def test_while_the_last_word_of_the_exchange_is_lost_both_sides_go_on_being_heard() -> None:
    until = START + 3.5

    def lose_for_a_while(data: bytes) -> list[bytes]:
        return [] if zrtp_type(data) == "Confirm2" and call.now < until else [data]

    call = KeyedCall(SDES | ZRTP)
    call.meddlers = {"alice": lose_for_a_while, "bob": lose_for_a_while}
    call.agree(SDES | ZRTP)
    call.start()
    call.run(3.4)
    for side in (call.alice, call.bob):
        assert side.keyings == [Keying.SDES]
        assert side.keyed.statistics().rejected == 0
    call.run(3)
    for side in (call.alice, call.bob):
        assert side.keyed.keying is Keying.ZRTP
        assert side.keyed.statistics().rejected <= 2


def test_a_forged_part_of_the_agreement_is_told_as_an_attack_and_costs_no_secrecy() -> None:
    def forge(data: bytes) -> list[bytes]:
        if zrtp_type(data) != "DHPart2":
            return [data]
        packet = parse_packet(data)
        octets = bytearray(packet.message)
        octets[100] ^= 1
        return [serialise_packet(ZrtpPacket(packet.sequence, packet.source, bytes(octets)))]

    call = begun(ZRTP, {"alice": forge, "bob": forge})
    call.run(20)
    check_dumb([call.alice, call.bob])
    assert any(each.attack for side in (call.alice, call.bob) for each in side.of(KeyingFailed))


@pytest.mark.parametrize("keyings", [ZRTP, SDES | ZRTP], ids=name_of)
def test_once_keys_of_zrtp_are_given_up_nothing_passes_any_more(keyings: set[Keying]) -> None:
    call = begun(keyings)
    call.run(2)
    other = ZrtpAgreed((HelloHash("1.10", bytes(32)),))
    alice = call.alice
    alice.keyed.set_remote(replace(call.agreed(alice, keyings), zrtp=other), call.now)
    call.run(0.5)
    (failed,) = alice.of(KeyingFailed)
    assert failed.keying is Keying.ZRTP
    assert failed.attack
    for again in (keyings, SDES):
        sent, played = len(alice.sent), len(alice.played)
        alice.keyed.set_remote(
            replace(call.agreed(alice, SDES), zrtp=other if Keying.ZRTP in again else None),
            call.now,
        )
        alice.keyed.start(call.now)
        call.run(1)
        assert alice.keyed.stream is None
        assert len(alice.played) == played
        assert {demultiplex(data) for data, _, _ in alice.sent[sent:]} <= {Traffic.ZRTP}


def test_under_keys_of_zrtp_nothing_of_the_weaker_key_passes() -> None:
    call = KeyedCall(SDES | ZRTP)
    call.agree(SDES | ZRTP)
    call.start()
    while call.alice.keyed.keying is not Keying.ZRTP:
        call.run(0.02)
    hop = Protector(call.bob.keyed.crypto[0])
    call.links["bob"].loss = 1.0
    before = call.alice.keyed.statistics()
    for number in range(50):
        call.alice.keyed.receive_datagram(hop.protect(plain(number)), BOB, call.now)
        call.run(0.02)
    after = call.alice.keyed.statistics()
    assert after.rejected - before.rejected == 50
    assert quiet(call.alice)


def test_a_flood_of_zrtp_neither_stops_the_exchange_nor_is_answered() -> None:
    call = begun(SDES | ZRTP)
    dice = SeededRandomness("flood")
    hello = call.bob.keyed._zrtp
    assert hello is not None
    for _ in range(50):
        for _ in range(40):
            octets = dice.octets(84)
            packet = serialise_packet(ZrtpPacket(1, 0xBAD, b"\x50\x5a" + octets[2:]))
            call.alice.keyed.receive_datagram(packet, MALLORY, call.now)
        call.run(0.02)
    assert call.alice.keyed.keying is Keying.ZRTP
    assert len([data for data, _, _ in call.alice.sent if zrtp_type(data)]) < 30
    keying = call.alice.keyed._zrtp
    assert keying is not None
    # What a bucket holds, of two thousand.
    assert keying._stream.refused < 200


def test_an_answer_to_a_question_that_was_not_asked_is_nothing() -> None:
    call = KeyedCall(SDES | ZRTP)
    call.alice.attentive = False
    call.agree(SDES | ZRTP)
    call.start()
    call.run(1)
    (wanted,) = call.alice.of(ZrtpSecretsWanted)
    call.alice.keyed.handle(ZrtpRecall(1, bytes(12)), call.now)
    call.alice.keyed.handle(SasCompared(1, same=True), call.now)
    call.run(1)
    assert call.alice.keyings == [Keying.SDES]
    for _ in range(2):
        call.alice.keyed.handle(ZrtpRecall(1, wanted.zid), call.now)
    call.run(2)
    assert call.alice.of(SasStanding)


@pytest.mark.parametrize("length", [0, 15, 29, 31, 64])
def test_keys_of_a_wrong_length_are_refused(length: int) -> None:
    call = KeyedCall(SDES)
    agreed = call.agreed(call.alice, SDES)
    bad = replace(call.bob.keyed.crypto[0], master=Secret(bytes(length)))
    with pytest.raises(LocalError, match="octets"):
        call.alice.keyed.set_remote(
            replace(agreed, keys=SrtpKeys(call.alice.keyed.crypto[0], bad)), START
        )


def test_a_peer_that_answers_with_our_own_key_is_refused() -> None:
    call = KeyedCall(SDES)
    own = call.alice.keyed.crypto[0]
    with pytest.raises(PeerError, match="own key"):
        call.alice.keyed.set_remote(
            replace(call.agreed(call.alice, SDES), keys=SrtpKeys(own, own)), START
        )


@pytest.mark.parametrize("keyings", EVERY, ids=name_of)
def test_octets_of_any_kind_do_no_harm(keyings: set[Keying]) -> None:
    call = KeyedCall(keyings)
    dice = random.Random(5)  # noqa: S311  repeatable
    call.agree(keyings)
    call.start()
    for _ in range(60):
        for _ in range(10):
            junk = dice.randbytes(dice.randrange(0, 200))
            source = dice.choice([BOB, MALLORY])
            call.alice.keyed.receive_datagram(junk, source, call.now, rtcp=dice.random() < 0.3)
        call.run(0.02)
    call.run(1)
    assert call.alice.of(KeysConfirmed)
    assert quiet(call.alice)
