"""What a session waits for, and for how long: silence in ZRTP, broken suites and broken paths."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.protocols.media.keyed_link import DTLS, SDES, ZRTP, KeyedCall, Party, rekeyed
from tests.protocols.media.link import BOB, START, Link, key

from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.demultiplex import Traffic
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import AEAD_AES_256_GCM
from offhook.protocols.media.keying_messages import Keyed, KeyingFailed, PeerReady, SuiteBroken
from offhook.protocols.media.messages import MediaLost
from offhook.protocols.media.suite_watch import MOST_REJECTED, WATCHED_S, SuiteWatch

NOWHERE = PathAddress("192.0.2.99", 9)


def alone(keyings: set[Keying], *, hashes: bool = True) -> KeyedCall:
    """Alice has started and Bob knows nothing of it."""
    call = KeyedCall(keyings)
    call.alice.keyed.set_remote(call.agreed(call.alice, keyings, hashes=hashes), call.now)
    call.alice.keyed.start(call.now)
    return call


@pytest.mark.parametrize("hashes", [True, False])
def test_zrtp_alone_fails_after_five_seconds_without_a_hello_and_says_so_once(
    hashes: bool,
) -> None:
    call = alone(ZRTP, hashes=hashes)
    call.run(4.9)
    assert not call.alice.of(KeyingFailed)
    call.run(0.2)
    (failed,) = call.alice.of(KeyingFailed)
    assert (failed.keying, failed.attack) == (Keying.ZRTP, False)
    assert failed.reason == "nobody answered in ZRTP"
    call.run(15)
    call.alice.keyed.set_remote(call.agreed(call.alice, ZRTP, hashes=hashes), call.now)
    call.run(15)
    assert len(call.alice.of(KeyingFailed)) == 1
    assert call.alice.keyed.stream is None


def test_the_five_seconds_count_from_start() -> None:
    call = KeyedCall(ZRTP)
    call.alice.keyed.set_remote(call.agreed(call.alice, ZRTP, hashes=False), call.now)
    call.run(8)
    assert not call.alice.of(KeyingFailed)
    call.alice.keyed.start(call.now)
    call.run(4.9)
    assert not call.alice.of(KeyingFailed)
    call.run(0.2)
    assert len(call.alice.of(KeyingFailed)) == 1


@pytest.mark.parametrize("keyings", [ZRTP, SDES | ZRTP])
def test_a_hello_that_comes_after_all_is_still_heard(keyings: set[Keying]) -> None:
    call = alone(keyings, hashes=False)
    call.run(7)
    assert [each.keying for each in call.alice.of(KeyingFailed)] == [Keying.ZRTP]
    call.bob.keyed.set_remote(call.agreed(call.bob, keyings), call.now)
    call.bob.keyed.start(call.now)
    call.run(3)
    for side in (call.alice, call.bob):
        assert side.keyed.keying is Keying.ZRTP


def test_zrtp_that_is_not_answered_costs_a_call_with_other_keys_nothing() -> None:
    call = KeyedCall(SDES | ZRTP, SDES)
    for side, keyings in ((call.alice, SDES | ZRTP), (call.bob, SDES)):
        side.keyed.set_remote(call.agreed(side, keyings), call.now)
    call.start()
    call.run(14)
    assert [each.keying for each in call.alice.of(KeyingFailed)] == [Keying.ZRTP]
    assert call.alice.keyings == call.bob.keyings == [Keying.SDES]
    assert call.bob.keyed.statistics().lost == 0


def test_zrtp_that_was_neither_agreed_nor_answered_is_not_told() -> None:
    call = KeyedCall(SDES | ZRTP)
    call.alice.keyed.set_remote(call.agreed(call.alice, SDES), call.now)
    call.alice.keyed.start(call.now)
    other = KeyedCall(ZRTP)
    other.bob.keyed.set_remote(other.agreed(other.bob, ZRTP), START)
    hello = other.bob.keyed.datagrams_to_send()[0][0]
    call.alice.attentive = False
    call.alice.keyed.receive_datagram(hello[:-1] + b"?", BOB, call.now)
    call.run(14)
    assert not call.alice.of(KeyingFailed)


def test_dtls_that_is_not_answered_is_told() -> None:
    call = KeyedCall(DTLS)
    call.bob.keyed.set_remote(call.agreed(call.bob, DTLS), call.now)
    call.bob.keyed.start(call.now)
    call.links["bob"] = Link(loss=1)
    call.run(16)
    (failed,) = call.bob.of(KeyingFailed)
    assert failed.keying is Keying.DTLS


def test_when_the_peer_is_ready_the_handshake_is_begun_again_at_once() -> None:
    call = KeyedCall(DTLS)
    call.bob.keyed.set_remote(call.agreed(call.bob, DTLS), call.now)
    before = len(call.bob.keyed.datagrams_to_send())
    assert before == 1
    call.bob.keyed.handle(PeerReady(1), call.now)
    assert len(call.bob.keyed.datagrams_to_send()) == 1


def test_when_the_peer_is_ready_a_hello_that_it_has_not_acknowledged_is_said_at_once() -> None:
    call = KeyedCall(ZRTP)
    call.bob.keyed.set_remote(call.agreed(call.bob, ZRTP), call.now)
    (hello,) = call.bob.keyed.datagrams_to_send()
    call.bob.keyed.handle(PeerReady(1), call.now + 0.01)
    (again,) = call.bob.keyed.datagrams_to_send()
    assert hello[0][12:-4] == again[0][12:-4]
    call.agree(ZRTP)
    call.start()
    call.run(1)
    assert call.bob.keyings == [Keying.ZRTP]
    call.bob.sent.clear()
    call.bob.keyed.handle(PeerReady(1), call.now)
    call.carry()
    assert Traffic.ZRTP not in call.bob.kinds()


def test_with_the_answer_a_handshake_that_was_not_heard_is_said_again_at_once() -> None:
    call = KeyedCall(DTLS)
    call.bob.keyed.set_remote(call.agreed(call.bob, DTLS), call.now)
    ((hello, _, _),) = call.bob.keyed.datagrams_to_send()
    call.alice.keyed.receive_datagram(hello, BOB, call.now)
    lost = call.alice.keyed.datagrams_to_send()
    assert {destination for _, destination, _ in lost} == {BOB}
    call.alice.keyed.set_remote(call.agreed(call.alice, DTLS), call.now + 0.2)
    assert len(call.alice.keyed.datagrams_to_send()) == len(lost)


def test_a_session_on_hold_by_an_address_of_zeros_sends_nothing() -> None:
    call = KeyedCall(SDES | DTLS | ZRTP)
    for keyings in (SDES, DTLS, ZRTP):
        held = replace(call.agreed(call.bob, keyings), remote=PathAddress("0.0.0.0", 9))  # noqa: S104  hold
        call.bob.keyed.set_remote(held, call.now)
        call.bob.keyed.start(call.now)
        call.run(0.5)
        assert call.bob.sent == []


def broken(call: KeyedCall) -> Party:
    """Alice takes another key than Bob sends with: what a broken suite looks like."""
    alice = call.alice
    alice.keyed.set_remote(rekeyed(call.agreed(alice, SDES), "not his", send=False), call.now)
    call.bob.keyed.set_remote(call.agreed(call.bob, SDES), call.now)
    call.start()
    return alice


def test_a_broken_suite_is_told_once() -> None:
    call = KeyedCall(SDES)
    alice = broken(call)
    call.run(20)
    (told,) = alice.of(SuiteBroken)
    assert told.suite == "AES_CM_128_HMAC_SHA1_80"
    assert told.rejected == MOST_REJECTED
    call.alice.keyed.set_remote(rekeyed(call.agreed(alice, SDES), "not his", send=False), call.now)
    call.run(3)
    assert len(alice.of(SuiteBroken)) == 1


def test_another_key_is_judged_anew() -> None:
    call = KeyedCall(SDES)
    alice = broken(call)
    call.run(3)
    alice.keyed.set_remote(rekeyed(call.agreed(alice, SDES), "nor this", send=False), call.now)
    call.run(3)
    assert len(alice.of(SuiteBroken)) == 2


def test_packets_that_do_not_arrive_say_nothing_of_the_suite() -> None:
    call = KeyedCall(SDES, back=Link(loss=1.0))
    call.agree(SDES)
    call.start()
    call.run(12)
    assert not call.alice.of(SuiteBroken)
    assert call.alice.of(MediaLost)


@pytest.mark.parametrize("keyings", [DTLS, ZRTP])
def test_no_suite_is_broken_before_there_are_keys(keyings: set[Keying]) -> None:
    call = alone(keyings)
    for _ in range(200):
        call.alice.keyed.receive_datagram(b"\x80\x08" + bytes(60), BOB, call.now)
        call.run(0.02)
    assert not call.alice.of(SuiteBroken)
    assert not call.alice.of(Keyed)


def test_a_peer_that_is_not_to_send_breaks_no_suite() -> None:
    call = KeyedCall(SDES)
    parameters = rekeyed(call.agreed(call.alice, SDES), "not his", send=False)
    call.alice.keyed.set_remote(replace(parameters, receiving=False), call.now)
    call.bob.keyed.set_remote(call.agreed(call.bob, SDES), call.now)
    call.start()
    call.run(4)
    assert not call.alice.of(SuiteBroken)


@pytest.mark.parametrize("octets", [b"", bytes(1), bytes(32), b"\x00" * 4 + bytes(8), b"\xff" * 20])
@pytest.mark.parametrize("rtcp", [False, True])
def test_what_keeps_a_port_open_is_no_media_and_counts_as_none(octets: bytes, rtcp: bool) -> None:
    call = KeyedCall(SDES)
    call.agree(SDES)
    call.start()
    call.run(0.1)
    for _ in range(2 * MOST_REJECTED):
        call.alice.keyed.receive_datagram(octets, BOB, call.now, rtcp=rtcp)
    call.run(0.1)
    assert call.alice.keyed.statistics().rejected == 0
    assert not call.alice.of(SuiteBroken)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("second", [8, 200])
def test_what_is_no_speech_on_its_port_says_nothing_of_the_suite(held: bool, second: int) -> None:
    call = KeyedCall(SDES, back=Link(loss=1.0))
    if not held:
        call.agree(SDES)
        call.start()
        call.run(0.04)
    forged = bytes((0x80, second)) + bytes(60)
    for _ in range(MOST_REJECTED + 10):
        call.alice.keyed.receive_datagram(forged, BOB, call.now, rtcp=True)
    if held:
        call.agree(SDES)
        call.start()
    call.run(0.04)
    assert call.alice.keyed.statistics().rejected == MOST_REJECTED + 10
    assert not call.alice.of(SuiteBroken)


def test_one_good_packet_clears_the_suite() -> None:
    watch = SuiteWatch()
    watch.watch(key("a"), 0.0)
    for _ in range(MOST_REJECTED - 1):
        assert watch.note(0.5, authentic=False) is None
    assert watch.note(0.5, authentic=True) is None
    for _ in range(MOST_REJECTED):
        assert watch.note(0.6, authentic=False) is None


def test_what_comes_later_than_two_seconds_says_nothing() -> None:
    watch = SuiteWatch()
    watch.watch(key("a", AEAD_AES_256_GCM), 10.0)
    for number in range(MOST_REJECTED):
        at = 10.0 + (number + 1) * WATCHED_S / MOST_REJECTED
        assert watch.note(at, authentic=False) is None
    watch.watch(key("b"), 20.0)
    told = [watch.note(21.0, authentic=False) for _ in range(2 * MOST_REJECTED)]
    assert [each for each in told if each is not None] == [MOST_REJECTED]


@pytest.mark.parametrize("opening_takes_long", [False, True])
def test_what_was_held_counts_unless_later_packets_were_dropped_while_the_sound_opened(
    opening_takes_long: bool,
) -> None:
    call = KeyedCall(SDES)
    call.bob.keyed.set_remote(call.agreed(call.bob, SDES), call.now)
    call.bob.keyed.start(call.now)
    call.run(0.15)
    call.alice.keyed.set_remote(call.agreed(call.alice, SDES), call.now)
    call.alice.keyed.start(call.now)
    if opening_takes_long:
        call.bob.period(call.number, call.now)
        call.bob.period(call.number, call.now)
        for data, _, rtcp in call.bob.keyed.datagrams_to_send():
            call.alice.keyed.receive_datagram(data, BOB, call.now, rtcp=rtcp)
    call.run(1)
    counted = call.alice.keyed.statistics()
    assert counted.lost == 0
    assert (counted.received > 52) is not opening_takes_long
