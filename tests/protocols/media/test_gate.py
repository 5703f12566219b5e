"""The media gate under attack: nothing unauthenticated is played, counted as heard or followed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import (
    ALICE,
    ALL_SUITES,
    BOB,
    FORMAT,
    MALLORY,
    PERIOD,
    START,
    Call,
    End,
    Link,
    agreed,
    key,
    mirrored,
    rekeyed,
    speech,
)

from offhook.base.randomness import SeededRandomness
from offhook.protocols.keying.srtp_keys import AES_CM_128_HMAC_SHA1_80, CryptoSuite
from offhook.protocols.media.messages import KeysConfirmed
from offhook.protocols.media.rtcp import (
    Goodbye,
    ReceiverReport,
    SourceDescription,
    serialise_compound,
)
from offhook.protocols.media.rtp import RtpPacket, is_rtcp, serialise_rtp
from offhook.protocols.media.srtp import Protector
from offhook.protocols.media.stream import MediaStream, PeerLeft

SAID = speech(2)
suites = pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)


def bob_alone(suite: CryptoSuite = AES_CM_128_HMAC_SHA1_80) -> End:
    return End(mirrored(agreed(suite)), "b")


def capture_of_a_call(suite: CryptoSuite, seconds: float = 2) -> list[bytes]:
    call = Call(agreed(suite), alice_says=SAID)
    call.run(seconds)
    return [data for data, _, _ in call.alice.sent]


def silent(end: End, now: float, count: int = 100) -> bool:
    return all(end.stream.playout(now + n * PERIOD) == bytes(FORMAT.octets) for n in range(count))


@suites
def test_a_hundred_thousand_forged_packets_play_nothing_and_the_call_lives(
    suite: CryptoSuite,
) -> None:
    call = Call(agreed(suite), alice_says=SAID)
    call.run(0.5)
    dice = random.Random(3)  # noqa: S311  repeatable
    genuine = call.alice.sent[-1][0]
    before = call.bob.stream.statistics()
    forged = bytearray(genuine)
    for _ in range(100_000 // 60):
        for _ in range(60):
            forged[2:4] = dice.randbytes(2)
            forged[4:8] = dice.randbytes(4)
            forged[-10:] = dice.randbytes(10)
            if dice.random() < 0.5:
                forged[8:12] = dice.randbytes(4)
            call.bob.stream.receive_datagram(bytes(forged), MALLORY, call.now)
    after = call.bob.stream.statistics()
    assert after.rejected - before.rejected == 100_000 // 60 * 60
    assert after.received == before.received
    call.run(1.9)
    assert call.bob.stream._rtp.address == ALICE
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


@suites
def test_a_capture_without_the_key_decodes_to_nothing_and_with_it_to_speech(
    suite: CryptoSuite,
) -> None:
    captured = capture_of_a_call(suite)
    for keys, expected in ((key("mallory", suite), False), (key("alice", suite), True)):
        parameters = rekeyed(mirrored(agreed(suite)), receive=keys)
        stream = MediaStream(parameters, SeededRandomness("c"), START)
        heard = b""
        for n, data in enumerate(captured):
            stream.receive_datagram(data, ALICE, START + n * PERIOD)
            heard += stream.playout(START + n * PERIOD)
        if expected:
            assert correlation(SAID, heard)[0] >= 0.999
        else:
            assert set(heard) == {0}
            assert stream.statistics().received == 0
            assert stream.statistics().rejected == len(captured)


@suites
def test_the_replay_of_a_whole_capture_is_rejected_and_counted(suite: CryptoSuite) -> None:
    call = Call(agreed(suite), alice_says=SAID)
    call.run(4)
    assert any(is_rtcp(data) for data, _, _ in call.alice.sent)
    before = call.bob.stream.statistics()
    for source in (ALICE, MALLORY):
        for data, _, _ in call.alice.sent:
            call.bob.stream.receive_datagram(data, source, call.now + 1)
    after = call.bob.stream.statistics()
    assert after.rejected - before.rejected == 2 * len(call.alice.sent)
    assert (after.received, after.lost) == (before.received, before.lost)
    assert call.bob.stream._rtp.address == ALICE


def test_the_replay_of_another_call_is_rejected() -> None:
    captured = capture_of_a_call(ALL_SUITES[0])
    parameters = rekeyed(mirrored(agreed()), receive=key("alice of the next call"))
    bob = End(parameters, "b")
    for data in captured:
        bob.stream.receive_datagram(data, ALICE, START)
    assert bob.stream.statistics().received == 0
    assert silent(bob, START)


def test_plain_rtp_under_agreed_keys_is_never_played() -> None:
    bob = bob_alone()
    for n in range(200):
        plain = serialise_rtp(RtpPacket(8, n, 160 * n, 7, b"\x12" * 160))
        bob.stream.receive_datagram(plain, ALICE, START)
    bob.collect()
    assert silent(bob, START)
    assert bob.stream.statistics().rejected == 200
    assert not bob.of(KeysConfirmed)


@suites
def test_a_thousand_goodbyes_in_clear_or_forged_end_nothing(suite: CryptoSuite) -> None:
    call = Call(agreed(suite), alice_says=SAID)
    call.run(0.5)
    alice = call.alice.stream._sender.ssrc
    goodbye = serialise_compound(
        ReceiverReport(alice), SourceDescription(alice, "x"), Goodbye((alice,))
    )
    stranger = Protector(key("mallory", suite))
    for n in range(1000):
        forged = stranger.protect_rtcp(goodbye) if n % 2 else goodbye
        call.bob.stream.receive_datagram(forged, ALICE, call.now, rtcp=bool(n % 3))
    call.run(1.5)
    assert not call.bob.of(PeerLeft)
    assert call.bob.stream.statistics().rejected == 1000
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


def test_an_authenticated_goodbye_is_told() -> None:
    bob = bob_alone()
    goodbye = serialise_compound(ReceiverReport(7), Goodbye((7,), "lunch"))
    bob.stream.receive_datagram(Protector(key("alice")).protect_rtcp(goodbye), ALICE, START)
    bob.collect()
    assert bob.of(PeerLeft) == [PeerLeft(1, "lunch")]


def test_an_address_is_followed_only_when_a_packet_from_it_is_authentic() -> None:
    bob = bob_alone()
    alice = Protector(key("alice"))
    packets = [
        alice.protect(serialise_rtp(RtpPacket(8, n, 160 * n, 7, bytes(160)))) for n in range(6)
    ]
    moved = ALICE._replace(port=4444)

    def goes_to() -> object:
        bob.stream.capture(bytes(FORMAT.octets), START)
        return bob.stream.datagrams_to_send()[-1][1]

    bob.stream.receive_datagram(packets[0][:-1] + b"x", MALLORY, START)
    assert goes_to() == ALICE
    bob.stream.receive_datagram(packets[0], moved, START)
    assert goes_to() == moved
    bob.stream.receive_datagram(packets[0], MALLORY, START + 9)
    assert goes_to() == moved
    # Caught on the way and sent on from elsewhere, while the true source is heard.
    bob.stream.receive_datagram(packets[2], moved, START + 0.1)
    bob.stream.receive_datagram(packets[3], MALLORY, START + 0.12)
    assert goes_to() == moved
    # An old one, held back until the true source is silent.
    bob.stream.receive_datagram(packets[1], MALLORY, START + 9)
    assert goes_to() == moved
    bob.stream.receive_datagram(packets[4], ALICE, START + 9)
    assert goes_to() == ALICE


def test_rtcp_without_mux_follows_its_own_address() -> None:
    bob = End(mirrored(agreed(mux=False)), "b")
    report = serialise_compound(ReceiverReport(7), SourceDescription(7, "x"))
    moved = ALICE._replace(port=4445)
    bob.stream.receive_datagram(report, MALLORY, START, rtcp=True)
    bob.stream.receive_datagram(
        Protector(key("alice")).protect_rtcp(report), moved, START, rtcp=True
    )
    bob.stream.tick(START + 10)
    ((_, destination, through_rtcp_port),) = bob.stream.datagrams_to_send()
    assert destination == moved
    assert through_rtcp_port


def test_a_new_source_takes_over_at_once_and_an_old_one_only_after_silence() -> None:
    bob = bob_alone()
    alice = Protector(key("alice"))
    codes = {7: b"\x11", 8: b"\x22"}
    heard: list[int] = []

    def say(ssrc: int, n: int) -> None:
        now = START + n * PERIOD
        data = alice.protect(
            serialise_rtp(RtpPacket(8, n, 160 * n + 999 * ssrc, ssrc, codes[ssrc] * 160))
        )
        bob.stream.receive_datagram(data, ALICE, now)
        heard.append(bob.stream._receiver.active.ssrc)  # type: ignore[union-attr]
        bob.stream.playout(now)

    for n in range(10):
        say(7, n)
    for n in range(10, 20):
        say(8, n)
    assert heard == [7] * 10 + [8] * 10
    say(7, 20)
    assert heard[-1] == 8
    for n in range(24, 30):
        say(7, n)
    assert heard[-1] == 7


def test_a_changed_source_is_played_without_a_stall() -> None:
    call = Call(alice_says=speech(4))
    call.run(1.5)
    call.alice.stream._sender.change_source()
    call.run(2.5)
    assert correlation(speech(4)[FORMAT.octets * 80 :], call.bob.heard)[0] >= 0.99
    assert call.bob.stream.statistics().lost == 0


def test_a_peer_with_our_own_source_makes_us_choose_another() -> None:
    bob = bob_alone()
    ours = bob.stream._sender.ssrc
    packet = serialise_rtp(RtpPacket(8, 1, 160, ours, bytes(160)))
    bob.stream.receive_datagram(Protector(key("alice")).protect(packet), ALICE, START)
    assert bob.stream._sender.ssrc != ours


def test_speech_goes_on_over_wraps_and_re_invites_with_equal_keys() -> None:
    call = Call()
    sender, bob = call.alice.stream, call.bob.stream
    period = bytes(FORMAT.octets)
    for n in range(70_000):
        now = START + n * PERIOD
        sender.capture(period, now)
        for data, _, _ in sender.datagrams_to_send():
            bob.receive_datagram(data, ALICE, now)
        if n in (10, 30_000, 66_000):
            sender.set_remote(agreed(), now)
            bob.set_remote(mirrored(agreed()), now)
    statistics = bob.statistics()
    assert (statistics.received, statistics.rejected, statistics.lost) == (70_000, 0, 0)


def test_a_key_changed_after_a_wrap_comes_with_a_new_source() -> None:
    call = Call()
    sender = call.alice.stream._sender
    first = sender.ssrc
    call.alice.stream.set_remote(rekeyed(agreed(), send=key("second")), START)
    assert sender.ssrc == first
    sender._sequence = 65_530
    call.run(0.2)
    assert sender.ssrc == first
    call.alice.stream.set_remote(rekeyed(agreed(), send=key("third")), call.now)
    assert sender.ssrc != first


def test_forged_jumps_of_the_sequence_do_not_move_the_roll_over_counter() -> None:
    call = Call(alice_says=SAID)
    call.run(0.5)
    forged = bytearray(call.alice.sent[-1][0])
    for sequence in range(0, 65536, 64):
        forged[2:4] = sequence.to_bytes(2, "big")
        call.bob.stream.receive_datagram(bytes(forged), ALICE, call.now)
    call.run(1.5)
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


@settings(max_examples=300)
@given(st.binary(max_size=200), st.booleans())
def test_no_octets_raise_or_are_heard(data: bytes, rtcp: bool) -> None:
    bob = bob_alone()
    bob.stream.receive_datagram(data, MALLORY, START, rtcp=rtcp)
    assert bob.stream.next_event() is None
    assert bob.stream.statistics().rejected == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=120), st.booleans()), max_size=8))
def test_no_octets_of_an_authenticated_peer_raise(contents: list[tuple[bytes, bool]]) -> None:
    bob = bob_alone()
    alice = Protector(key("alice"))
    for n, (content, control) in enumerate(contents):
        now = START + n * PERIOD
        if control:
            plain = b"\x81\xc8\0\6" + content.ljust(24, b"\0")
            bob.stream.receive_datagram(alice.protect_rtcp(plain), ALICE, now)
        else:
            plain = bytes((0x80, content[0] % 64, 0, n)) + content.ljust(40, b"\0")
            bob.stream.receive_datagram(alice.protect(plain), ALICE, now)
        bob.stream.playout(now)
        bob.stream.tick(now)
        bob.collect()


def test_loss_does_not_let_anything_else_through() -> None:
    call = Call(alice_says=SAID, there=Link(loss=0.3, double=0.2, jitter=0.03))
    call.run(2)
    statistics = call.bob.stream.statistics()
    assert statistics.received + statistics.lost <= statistics.sent + 5
    assert call.alice.stream._rtp.address == BOB
