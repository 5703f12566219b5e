"""Two streams in a call, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import (
    ALL_SUITES,
    BOB,
    FORMAT,
    PERIOD,
    Call,
    Link,
    agreed,
    key,
    mirrored,
    rekeyed,
    speech,
)

from offhook.base.errors import LocalError, PeerError
from offhook.base.secret import Secret
from offhook.base.vocabulary import AudioCodec, PathAddress
from offhook.protocols.keying.srtp_keys import AEAD_AES_256_GCM, CryptoLine, CryptoSuite, SrtpKeys
from offhook.protocols.media.messages import (
    DtmfReceived,
    FirstPacketSent,
    KeysConfirmed,
    MediaBack,
    MediaLost,
)
from offhook.protocols.media.opus import OpusTerms
from offhook.protocols.media.rtp import is_rtcp
from offhook.protocols.media.srtp_gate import OVERLAP_S
from offhook.protocols.media.stream import PeerLeft

SAID = speech(4)
OTHER = speech(4, seed=2)


@pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("encoding", ["PCMA", "PCMU"])
def test_speech_arrives_both_ways_as_it_was_said(suite: CryptoSuite, encoding: str) -> None:
    call = Call(agreed(suite, encoding=encoding), alice_says=SAID, bob_says=OTHER)
    call.run(4.4)
    assert correlation(SAID, call.bob.heard)[0] >= 0.999
    assert correlation(OTHER, call.alice.heard)[0] >= 0.999
    assert correlation(OTHER, call.bob.heard)[0] < 0.2
    statistics = call.bob.stream.statistics()
    assert (statistics.lost, statistics.late, statistics.rejected) == (0, 0, 0)
    assert statistics.underruns == 0


def test_the_delay_is_the_playout_delay_and_the_way() -> None:
    call = Call(alice_says=SAID, there=Link(delay=0.01))
    call.run(4.4)
    delay_ms = correlation(SAID, call.bob.heard)[1] / 8
    assert 40 <= delay_ms <= 60


def test_keys_are_confirmed_and_the_first_packet_told_once_each() -> None:
    call = Call()
    call.run(1)
    (sent,) = call.alice.of(FirstPacketSent)
    (confirmed,) = call.alice.of(KeysConfirmed)
    assert isinstance(confirmed, KeysConfirmed)
    assert sent == FirstPacketSent(1, 0.0)
    assert confirmed == KeysConfirmed(1, confirmed.after_ms)
    assert confirmed.after_ms == pytest.approx(10.0)


@pytest.mark.parametrize("mux", [True, False])
def test_reports_go_both_ways_and_give_the_round_trip(mux: bool) -> None:
    call = Call(agreed(mux=mux), there=Link(delay=0.03), back=Link(delay=0.05))
    call.run(20)
    reports = [item for item in call.alice.sent if is_rtcp(item[0])]
    assert 2 <= len(reports) <= 10
    assert {through_rtcp_port for _, _, through_rtcp_port in reports} == {not mux}
    assert call.alice.stream.statistics().round_trip_ms == pytest.approx(80, abs=1)
    assert call.bob.stream.statistics().round_trip_ms == pytest.approx(80, abs=1)
    assert call.alice.stream.statistics().rejected == 0


def test_goodbye_is_told_and_ends_nothing() -> None:
    call = Call(alice_says=SAID)
    call.run(1)
    call.alice.stream.end(call.now)
    call.run(1)
    assert call.bob.of(PeerLeft)
    received = call.bob.stream.statistics().received
    call.run(1)
    assert call.bob.stream.statistics().received > received + 40


def test_loss_is_counted_and_covered() -> None:
    link = Link(loss=0.05)
    call = Call(alice_says=SAID, there=link)
    call.run(4.4)
    statistics = call.bob.stream.statistics()
    assert link.lost > 5
    assert link.lost - 3 <= statistics.lost <= link.lost
    assert correlation(SAID, call.bob.heard)[0] >= 0.9


def test_reordering_within_the_playout_delay_costs_nothing() -> None:
    call = Call(alice_says=SAID, there=Link(jitter=0.035))
    call.run(4.4)
    assert correlation(SAID, call.bob.heard)[0] >= 0.99
    assert call.bob.stream.statistics().lost == 0
    assert call.bob.stream.statistics().jitter_ms > 5


def test_more_jitter_than_the_playout_delay_raises_the_delay() -> None:
    call = Call(alice_says=speech(10), there=Link(jitter=0.12))
    call.run(10)
    statistics = call.bob.stream.statistics()
    assert statistics.late < 60
    late_before = statistics.late
    call.run(5)
    assert call.bob.stream.statistics().late - late_before < 15


def test_doubled_packets_are_rejected_as_replays_and_not_heard_twice() -> None:
    link = Link(double=0.3)
    call = Call(alice_says=SAID, there=link)
    call.run(4.4)
    assert call.bob.stream.statistics().rejected == link.doubled > 20
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


def test_after_a_network_stall_the_delay_comes_back_down() -> None:
    call = Call(alice_says=speech(30))
    call.run(1)
    link = call.links[id(call.alice)]
    link.delay = 0.25
    call.run(0.24)
    link.delay = 0.01
    call.run(28)
    last = slice(25 * 16000, 28 * 16000)
    measured, delay = correlation(speech(30)[last], call.bob.heard[25 * 16000 :])
    assert measured >= 0.99
    assert delay < 8 * 100


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_any_packet_time_of_the_peer_is_played(ptime_ms: int) -> None:
    call = Call(agreed(ptime_ms=ptime_ms), alice_says=SAID)
    call.run(4.4)
    assert correlation(SAID, call.bob.heard)[0] >= 0.999


def test_the_timestamp_advances_through_lost_captures() -> None:
    call = Call(alice_says=SAID)
    call.run(1)
    for _ in range(10):
        call.alice.stream.capture(b"", call.now)
        call.bob.played.append(call.bob.stream.playout(call.now))
        call.number += 1
        call.now += PERIOD
    call.run(3)
    correct, _ = correlation(SAID[: FORMAT.octets * 50], call.bob.heard[: FORMAT.octets * 54])
    assert correct >= 0.999
    rest = SAID[FORMAT.octets * 60 :]
    measured, delay = correlation(rest, call.bob.heard[FORMAT.octets * 60 :])
    assert measured >= 0.99
    assert delay < 8 * 80


def test_the_timestamp_catches_up_with_a_sound_that_stood_still() -> None:
    call = Call(alice_says=SAID)
    call.run(1)
    call.frozen.add(call.alice)
    call.run(1)
    call.frozen.clear()
    call.run(2.2)
    rest = SAID[FORMAT.octets * 100 :]
    measured, delay = correlation(rest, call.bob.heard[FORMAT.octets * 100 :])
    assert measured >= 0.99
    assert delay < 8 * 100


def test_digits_are_heard_once_with_their_duration() -> None:
    call = Call(alice_says=SAID)
    call.run(0.5)
    call.alice.stream.send_dtmf("159*#D", 100, 80)
    call.run(2)
    heard = call.bob.of(DtmfReceived)
    assert [event.digit for event in heard if isinstance(event, DtmfReceived)] == list("159*#D")
    assert {event.duration_ms for event in heard if isinstance(event, DtmfReceived)} == {100.0}


def test_digits_survive_loss() -> None:
    call = Call(there=Link(loss=0.2))
    call.run(0.5)
    call.alice.stream.send_dtmf("0123456789", 120, 80)
    call.run(3)
    heard = [event.digit for event in call.bob.of(DtmfReceived) if isinstance(event, DtmfReceived)]
    assert heard == list("0123456789")


def test_each_side_sends_under_the_payload_types_of_the_other() -> None:
    parameters = replace(
        agreed(dtmf=110),
        codec=AudioCodec("PCMA", 96, 8000),
        receive_codecs=(AudioCodec("PCMU", 0, 8000), AudioCodec("PCMA", 8, 8000)),
        receive_dtmf_payload_type=101,
    )
    call = Call(parameters, alice_says=SAID, bob_says=SAID)
    call.run(3)
    for end in (call.alice, call.bob):
        measured, _ = correlation(SAID[: 2 * 16000], end.heard)
        assert measured >= 0.99
    call.alice.stream.send_dtmf("1", 100, 80)
    call.bob.stream.send_dtmf("2", 100, 80)
    call.run(1)
    for end, digit in ((call.bob, "1"), (call.alice, "2")):
        (heard,) = end.of(DtmfReceived)
        assert isinstance(heard, DtmfReceived)
        assert heard.digit == digit


def test_digits_without_an_agreed_event_type_are_refused() -> None:
    call = Call(agreed(dtmf=None))
    with pytest.raises(LocalError, match="telephone-events"):
        call.alice.stream.send_dtmf("1", 100, 80)


def test_silence_after_speech_is_told_once_per_spell() -> None:
    call = Call()
    call.run(1)
    call.links[id(call.alice)].loss = 1.0
    call.run(12)
    (lost,) = call.bob.of(MediaLost)
    assert isinstance(lost, MediaLost)
    assert 5000 <= lost.silent_ms <= 5100
    call.links[id(call.alice)].loss = 0.0
    call.run(1)
    call.links[id(call.alice)].loss = 1.0
    call.run(6)
    assert len(call.bob.of(MediaLost)) == 2


def test_media_that_comes_back_is_told_with_how_long_it_was_away() -> None:
    call = Call()
    call.run(1)
    call.links[id(call.alice)].loss = 1.0
    call.run(4)
    call.links[id(call.alice)].loss = 0.0
    call.run(1)
    assert not call.bob.of(MediaBack), "silence that was never told of has no end to tell"
    call.links[id(call.alice)].loss = 1.0
    call.run(7)
    assert not call.bob.of(MediaBack)
    call.links[id(call.alice)].loss = 0.0
    call.run(1)
    (back,) = call.bob.of(MediaBack)
    assert isinstance(back, MediaBack)
    assert back.session == 1
    assert 7000 <= back.silent_ms <= 7100


def test_a_packet_that_is_not_authenticated_brings_no_media_back() -> None:
    call = Call()
    call.run(1)
    call.links[id(call.alice)].loss = 1.0
    call.run(6)
    call.links[id(call.alice)].loss = 0.0
    call.alice.stream.set_remote(rekeyed(agreed(), send=key("mallory")), call.now)
    call.run(2)
    assert call.bob.stream.statistics().rejected > 50
    assert not call.bob.of(MediaBack)


def test_media_that_was_lost_before_a_hold_is_back_only_when_it_is_heard() -> None:
    call = Call()
    call.run(1)
    call.links[id(call.alice)].loss = 1.0
    call.run(6)
    there = mirrored(agreed())
    call.bob.stream.set_remote(replace(there, receiving=False), call.now)
    call.run(2)
    call.bob.stream.set_remote(there, call.now)
    call.run(6)
    assert len(call.bob.of(MediaLost)) == 2
    assert not call.bob.of(MediaBack)
    call.links[id(call.alice)].loss = 0.0
    call.run(1)
    (back,) = call.bob.of(MediaBack)
    assert isinstance(back, MediaBack)
    assert 14_000 <= back.silent_ms <= 14_100


def test_no_packet_at_all_is_media_lost_without_keys_confirmed() -> None:
    call = Call(there=Link(loss=1.0))
    call.run(12)
    assert call.bob.events[-1:] == call.bob.of(MediaLost)
    assert not call.bob.of(KeysConfirmed)


def test_a_wrong_key_is_media_lost_without_keys_confirmed() -> None:
    call = Call(alice_says=SAID)
    wrong = rekeyed(agreed(), receive=key("mallory"))
    call.alice.stream.set_remote(wrong, call.now)
    call.run(OVERLAP_S + 6)
    assert len(call.alice.of(MediaLost)) == 1
    assert not call.alice.of(KeysConfirmed)
    assert call.alice.stream.statistics().rejected > 250


def test_held_media_is_not_missed_and_not_played() -> None:
    call = Call(alice_says=speech(10), bob_says=speech(10, seed=2))
    call.run(1)
    held = replace(agreed(), receiving=False, sending=False)
    call.alice.stream.set_remote(held, call.now)
    sent = call.alice.stream.statistics().sent
    before = len(call.alice.played)
    call.run(7)
    assert call.alice.stream.statistics().sent == sent
    assert not call.alice.of(MediaLost)
    assert set(call.alice.played[before:]) == {bytes(FORMAT.octets)}
    call.alice.stream.set_remote(agreed(), call.now)
    call.run(1)
    assert call.alice.stream.statistics().sent == sent + 50
    assert set(call.alice.played[-20:]) != {bytes(FORMAT.octets)}
    call.run(1)
    resumed = speech(10)[FORMAT.octets * 405 : FORMAT.octets * 445]
    assert correlation(resumed, call.bob.heard[FORMAT.octets * 400 :])[0] >= 0.99


def test_equal_keys_keep_the_roll_over_counter_and_the_replay_state() -> None:
    call = Call()
    call.run(0.2)
    captured = [data for data, _, _ in call.alice.sent]
    call.bob.stream.set_remote(
        replace(
            agreed(),
            remote=PathAddress("192.0.2.1", 4000),
            keys=SrtpKeys(key("bob"), key("alice")),
        ),
        call.now,
    )
    before = call.bob.stream.statistics()
    for data in captured:
        call.bob.stream.receive_datagram(data, BOB, call.now)
    after = call.bob.stream.statistics()
    assert after.rejected - before.rejected == len(captured)
    assert after.received == before.received


def test_a_changed_key_takes_over_and_is_confirmed_anew() -> None:
    call = Call(alice_says=speech(6))
    call.run(2)
    fresh = rekeyed(agreed(), send=key("alice 2"))
    call.alice.stream.set_remote(fresh, call.now)
    call.bob.stream.set_remote(
        replace(
            agreed(),
            remote=PathAddress("192.0.2.1", 4000),
            keys=SrtpKeys(key("bob"), key("alice 2")),
        ),
        call.now,
    )
    rejected = call.bob.stream.statistics().rejected
    call.run(2)
    assert len(call.bob.of(KeysConfirmed)) == 2
    assert call.bob.stream.statistics().rejected - rejected <= 1
    assert (
        correlation(speech(6)[-FORMAT.octets * 180 : -FORMAT.octets * 120], call.bob.heard)[0] > 0.9
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"keys": SrtpKeys(CryptoLine(1, ALL_SUITES[0], Secret(bytes(45))), key("bob"))},
            "octets, not 45",
        ),
        (
            {"keys": SrtpKeys(key("alice"), CryptoLine(1, ALL_SUITES[1], Secret(bytes(29))))},
            "octets, not 29",
        ),
        (
            {
                "keys": SrtpKeys(
                    key("alice"),
                    CryptoLine(1, CryptoSuite("F8_128_HMAC_SHA1_80", 16, 14), Secret(bytes(30))),
                )
            },
            "not supported",
        ),
        (
            {
                "keys": SrtpKeys(
                    key("alice"),
                    CryptoLine(1, CryptoSuite("AEAD_AES_256_GCM", 16, 14), Secret(bytes(30))),
                )
            },
            "44 octets, not 30",
        ),
        ({"codec": AudioCodec("opus", 111, 48000, 1)}, "not a codec"),
        ({"codec": AudioCodec("GSM", 3, 8000)}, "not a codec"),
        ({"codec": AudioCodec("G722", 9, 16000)}, "not a codec"),
        ({"dtmf_clock_rate": 44100}, "44100 Hz are not made"),
        ({"receive_events": ((8, 8000),)}, "same payload type"),
        ({"receive_events": ((102, 7),)}, "7 Hz are not made"),
        ({"codec": AudioCodec("PCMA", 8, 16000)}, "not a codec"),
        ({"codec": AudioCodec("PCMA", 128, 8000)}, "no RTP payload type"),
        ({"codec": AudioCodec("PCMA", 72, 8000)}, "no RTP payload type"),
        ({"dtmf_payload_type": 8}, "same payload type"),
        ({"ptime_ms": 0}, "not made"),
        ({"ptime_ms": 25}, "not made"),
        ({"ptime_ms": 10_000}, "not made"),
        ({"opus": OpusTerms(bit_rate=5999)}, "Opus can do"),
        ({"opus": OpusTerms(bit_rate=510_001)}, "Opus can do"),
        ({"opus": OpusTerms(complexity=11)}, "Opus can do"),
        ({"remote": PathAddress("phone.example", 4000)}, "no IP address"),
        ({"remote": PathAddress("192.0.2.2", 0)}, "no media is sent"),
        ({"remote": PathAddress("239.1.2.3", 4000)}, "no media is sent"),
        ({"remote_rtcp": PathAddress("fe80::1%lo", 4001)}, "no media is sent"),
    ],
)
def test_parameters_of_which_no_stream_can_be_made_are_refused(
    change: dict[str, Any], text: str
) -> None:
    call = Call()
    with pytest.raises(LocalError, match=text):
        call.alice.stream.set_remote(replace(agreed(), **change), call.now)
    with pytest.raises(LocalError, match=text):
        Call(replace(agreed(), **change))


def test_our_own_key_sent_back_to_us_is_refused() -> None:
    with pytest.raises(PeerError, match="own key"):
        Call(rekeyed(agreed(AEAD_AES_256_GCM), receive=key("alice", AEAD_AES_256_GCM)))


def test_an_unspecified_address_is_sent_nothing() -> None:
    call = Call()
    call.run(0.1)
    nowhere = PathAddress(str(IPv4Address(0)), 9)
    call.alice.stream.set_remote(replace(agreed(), remote=nowhere), call.now)
    call.alice.sent.clear()
    call.alice.stream.capture(bytes(FORMAT.octets), call.now)
    assert call.alice.stream.datagrams_to_send() == []
