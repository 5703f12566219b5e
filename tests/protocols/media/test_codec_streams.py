"""Streams of every codec: packet times, loss, digits, changes of codec, clocks that drift apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from tests.protocols.media.likeness import correlation
from tests.protocols.media.link import (
    ALICE,
    BOB,
    CODECS,
    PERIOD,
    START,
    Call,
    Link,
    agreed,
    key,
    mirrored,
    periods,
    vowels,
)

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import AudioCodec, PathAddress
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.media import jitter
from offhook.protocols.media.codecs import make_codec
from offhook.protocols.media.jitter import Frame, JitterBuffer
from offhook.protocols.media.messages import DtmfReceived, SetRemote
from offhook.protocols.media.receiver import Receiver
from offhook.protocols.media.rtp import RtpPacket, parse_rtp, serialise_rtp
from offhook.protocols.media.srtp import Protector, Unprotector
from offhook.protocols.media.stream import MediaStream

RATES = {"PCMA": 8000, "G722": 16000, "opus": 48000}
LIKE = {"PCMA": 0.99, "G722": 0.99, "opus": 0.8}
SAID = {name: vowels(3, rate) for name, rate in RATES.items()}
every = pytest.mark.parametrize("name", list(RATES))


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delay stays as it begins: the whole that is heard is compared."""
    monkeypatch.setattr(jitter, "WINDOW_MS", 3_600_000)


def sent_by(call: Call) -> list[RtpPacket]:
    gate = Unprotector(key("alice"))
    return [parse_rtp(gate.unprotect(data)) for data, _, rtcp in call.alice.sent if not rtcp]


@pytest.mark.usefixtures("steady")
@every
@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_speech_arrives_in_packets_of_any_length(name: str, ptime_ms: int) -> None:
    call = Call(agreed(encoding=name, ptime_ms=ptime_ms), alice_says=SAID[name])
    call.run(3.3)
    assert correlation(SAID[name], call.bob.heard)[0] >= LIKE[name]
    statistics = call.bob.stream.statistics()
    assert (statistics.late, statistics.underruns, statistics.concealed_ms) == (0, 0, 0)


@every
def test_the_timestamp_counts_in_the_clock_of_the_codec(name: str) -> None:
    call = Call(agreed(encoding=name), alice_says=SAID[name])
    call.run(0.5)
    times = [packet.timestamp for packet in sent_by(call)]
    steps = {(late - early) % (1 << 32) for early, late in pairwise(times)}
    assert steps == {960 if name == "opus" else 160}


@every
def test_the_peers_packet_time_may_change_at_any_moment(name: str) -> None:
    call = Call(agreed(encoding=name, ptime_ms=60), alice_says=SAID[name])
    for ptime_ms in (60, 10, 40, 20, 60, 10):
        call.alice.stream.set_remote(agreed(encoding=name, ptime_ms=ptime_ms), call.now)
        call.run(0.48)
    call.run(0.4)
    assert correlation(SAID[name], call.bob.heard)[0] >= LIKE[name]
    assert call.bob.stream.statistics().late == 0


@every
def test_loss_in_any_packet_time_is_covered_and_counted(name: str) -> None:
    for ptime_ms in (10, 20, 60):
        link = Link(loss=0.08, seed=11)
        call = Call(agreed(encoding=name, ptime_ms=ptime_ms), alice_says=SAID[name], there=link)
        call.run(3.3)
        assert link.lost > 2
        assert correlation(SAID[name], call.bob.heard)[0] >= LIKE[name] - 0.15
        statistics = call.bob.stream.statistics()
        assert statistics.lost >= link.lost - 3
        if name == "opus":
            assert statistics.recovered > 0
        else:
            assert statistics.recovered == 0
            assert statistics.concealed_ms > 0


@pytest.mark.usefixtures("steady")
def test_without_fec_agreed_opus_conceals_what_with_it_it_recovers() -> None:
    # One packet in seven is lost, never two in a row.
    results = []
    for parameters in ("", "useinbandfec=1"):
        terms = replace(agreed(encoding="opus"), codec_parameters=parameters)
        call = Call(terms, alice_says=SAID["opus"])
        for n in range(155):
            call.links[id(call.alice)].loss = float(n % 7 == 3)
            call.run(PERIOD)
        statistics = call.bob.stream.statistics()
        results.append((statistics.recovered, statistics.concealed_ms))
    (none, made_up), (recovered, rest) = results
    assert none == 0
    assert recovered >= 10
    assert rest < made_up


@every
def test_digits_cross_under_the_clock_of_the_codec(name: str) -> None:
    number = 110 if name == "opus" else 101
    call = Call(agreed(encoding=name, dtmf=number), alice_says=SAID[name])
    call.run(0.5)
    call.alice.stream.send_dtmf("159*", 100, 80)
    call.run(1.5)
    heard = [event for event in call.bob.of(DtmfReceived) if isinstance(event, DtmfReceived)]
    assert [event.digit for event in heard] == list("159*")
    assert {event.duration_ms for event in heard} == {100.0}
    assert call.bob.stream.statistics().recovered == 0


def test_digits_cross_beside_opus_also_with_a_clock_of_8000() -> None:
    terms = replace(agreed(encoding="opus"), dtmf_clock_rate=8000)
    call = Call(terms, alice_says=SAID["opus"])
    call.run(0.5)
    call.alice.stream.send_dtmf("42", 120, 80)
    call.run(1)
    heard = [event for event in call.bob.of(DtmfReceived) if isinstance(event, DtmfReceived)]
    assert [(event.digit, event.duration_ms) for event in heard] == [("4", 120.0), ("2", 120.0)]
    events = [packet for packet in sent_by(call) if packet.payload_type == 101]
    assert int.from_bytes(events[0].payload[2:4], "big") == 160


def test_digits_come_in_under_each_event_type_that_was_agreed() -> None:
    terms = replace(agreed(encoding="opus", dtmf=110), receive_events=((101, 8000),))
    call = Call(terms)
    call.bob.stream.set_remote(replace(mirrored(agreed(dtmf=101))), call.now)
    call.bob.stream.send_dtmf("7", 100, 80)
    call.run(1)
    (heard,) = call.alice.of(DtmfReceived)
    assert heard == DtmfReceived(1, "7", 100.0)


def test_a_codec_that_changes_in_a_call_leaves_the_pcm_as_it_is() -> None:
    said = vowels(9, 48000)
    call = Call(agreed(encoding="opus"), alice_says=said)
    sources = set()
    for name, seconds in (("opus", 1), ("PCMA", 2), ("G722", 2), ("opus", 2)):
        terms = agreed(encoding=name)
        call.alice.stream.set_remote(terms, call.now)
        call.bob.stream.set_remote(mirrored(terms), call.now)
        begun = call.number
        call.run(seconds)
        sources.add(call.alice.stream._sender.ssrc)
        octets = call.bob.stream.format.octets
        assert octets == 1920
        piece = said[(begun + 20) * octets : (call.number - 20) * octets]
        heard = call.bob.heard[begun * octets :]
        assert correlation(piece, heard)[0] >= 0.8
    # Each change of the clock takes a new source, that from PCMA to G722 is none.
    assert len(sources) == 3


def test_a_peer_may_change_among_the_agreed_codecs_without_a_word() -> None:
    both = (CODECS["opus"], CODECS["PCMA"])
    call = Call(replace(agreed(encoding="opus"), receive_codecs=both))
    bob = mirrored(agreed(encoding="PCMA"))
    call.alice.stream.set_remote(replace(agreed(encoding="opus"), receive_codecs=both), call.now)
    call.run(0.5)
    call.bob.stream.set_remote(bob, call.now)
    call.bob.speaks = periods(vowels(3, 48000), 1920)
    call.number = 0
    begun = len(call.alice.played)
    for n in range(100):
        call.bob.stream.capture(call.bob.speaks[n], call.now)
        for data, _, _ in call.bob.stream.datagrams_to_send():
            call.alice.stream.receive_datagram(data, BOB, call.now)
        call.alice.played.append(call.alice.stream.playout(call.now))
        call.now += PERIOD
    heard = b"".join(call.alice.played[begun:])
    assert correlation(vowels(1.9, 48000), heard)[0] >= 0.95
    assert call.alice.stream.statistics().rejected == 0


def test_a_payload_that_is_no_opus_packet_is_made_up_for() -> None:
    terms = mirrored(agreed(encoding="opus"))
    stream = MediaStream(terms, SeededRandomness("b"), START)
    alice = Protector(key("alice"))
    encoder = make_codec(CODECS["opus"])
    for n, pcm in enumerate(periods(SAID["opus"], 1920)):
        payload = encoder.encode(pcm)
        if n % 5 == 4:
            payload = payload[:1] + bytes(3)
        if n % 7 == 6:
            payload = b"\xff"
        packet = RtpPacket(111, n, 960 * n, 7, payload)
        now = START + n * PERIOD
        stream.receive_datagram(alice.protect(serialise_rtp(packet)), ALICE, now)
        assert len(stream.playout(now)) == stream.format.octets
    assert stream.statistics().received == 150


@pytest.mark.parametrize("ppm", [100, -100])
def test_an_hour_of_two_sound_cards_that_drift_apart(ppm: int) -> None:
    # Syllables of half a second with pauses of half a second between them.
    buffer = JitterBuffer(8000)
    sent, numbers, held, unplayed = 0.0, 0, [], 0
    for turn in range(50 * 3600):
        sent += 1 + ppm / 1e6
        while numbers < int(sent):
            numbers += 1
            packet = RtpPacket(8, numbers % 65536, 160 * numbers % (1 << 32), 1, b"")
            buffer.push(packet, 160)
        item = buffer.pull()
        while isinstance(item, Frame) and buffer.spare(quiet=turn // 25 % 2 == 0):
            item = buffer.pull()
        unplayed += not isinstance(item, Frame)
        held.append(buffer.held_ticks)
    drifted = 3600 * 8000 * 100 // 1_000_000
    assert max(held[500:]) <= 8 * 120
    assert min(held[500:]) >= 0
    if ppm > 0:
        assert drifted // 160 - 4 <= buffer.shortened <= drifted // 160 + 1
        assert unplayed <= 3
    else:
        assert buffer.shortened == 1, "what it begins with is more than is needed here"
        assert unplayed <= drifted // 160 + 6
    assert buffer.late <= drifted // 160


def test_control_without_shortening_the_delay_of_an_hour_grows() -> None:
    buffer = JitterBuffer(8000)
    sent, numbers = 0.0, 0
    for _ in range(50 * 3600):
        sent += 1 + 100 / 1e6
        while numbers < int(sent):
            numbers += 1
            packet = RtpPacket(8, numbers % 65536, 160 * numbers % (1 << 32), 1, b"")
            buffer.push(packet, 160)
        buffer.pull()
    assert buffer.held_ticks > 8 * 350


def drifting(receiver: Receiver, ppm: int, seconds: int) -> None:
    """Alice's card runs `ppm` fast against the receiver's."""
    alice = Protector(key("alice"))
    spoken = [bytes(160), b"\x55" * 160]
    sent, n = 0.0, 0
    for turn in range(50 * seconds):
        now = START + turn * PERIOD
        sent += 1 + ppm / 1e6
        while n < int(sent):
            n += 1
            packet = RtpPacket(8, n % 65536, 160 * n % (1 << 32), 7, spoken[turn // 25 % 2])
            receiver.receive(alice.protect(serialise_rtp(packet)), now)
        assert len(receiver.playout(320, now)) == 320


@pytest.mark.parametrize("ppm", [1000, -1000])
def test_the_drift_of_an_hour_in_six_minutes_through_the_whole_receiver(ppm: int) -> None:
    receiver = Receiver(mirrored(agreed()), 8000)
    drifting(receiver, ppm, 360)
    assert receiver.lost == 0
    assert receiver.late <= 20
    assert receiver.underruns <= (4 if ppm > 0 else 40)


def test_no_codec_is_made_of_terms_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from offhook.base.errors import LocalError  # noqa: PLC0415  # beside what it is about
    from offhook.protocols.media import g722  # noqa: PLC0415  # as above

    monkeypatch.setattr(g722, "G722", None)
    terms = SetRemote(
        1,
        PathAddress("192.0.2.2", 5000),
        None,
        AudioCodec("G722", 9, 8000),
        101,
        SrtpKeys(key("alice"), key("bob")),
    )
    with pytest.raises(LocalError, match="pip install g722"):
        MediaStream(terms, SeededRandomness("a"), START)
