"""Telephone-events, sent and heard."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.dtmf import (
    DIGITS,
    MAX_QUEUED,
    SILENCE_S,
    DtmfReceiver,
    DtmfSender,
    HeardDigit,
    Outgoing,
    TelephoneEvent,
    parse_event,
    serialise_event,
)


def frames(sender: DtmfSender, count: int, samples: int = 160) -> list[Outgoing | None]:
    return [sender.next_packet(1000 + samples * n, samples) for n in range(count)]


def test_a_digit_is_marked_grows_and_ends_three_times() -> None:
    sender = DtmfSender(8000)
    sender.queue("5", 100, 80)
    sent = [packet for packet in frames(sender, 20) if packet]
    events = [parse_event(packet.payload) for packet in sent]
    assert [packet.marker for packet in sent] == [True] + 6 * [False]
    assert {packet.timestamp for packet in sent} == {1000}
    assert [event.duration for event in events] == [160, 320, 480, 640, 800, 800, 800]
    assert [event.end for event in events] == 4 * [False] + 3 * [True]
    assert {(event.event, event.volume) for event in events} == {(5, 10)}


def test_digits_keep_their_gap_and_audio_fills_it() -> None:
    sender = DtmfSender(8000)
    sender.queue("12", 100, 80)
    starts = [
        n for n, packet in enumerate(frames(sender, 30)) if packet is not None and packet.marker
    ]
    assert starts == [0, 9]
    sender.queue("12", 100, 80)
    assert [packet is None for packet in frames(sender, 9)] == 7 * [False] + 2 * [True]


def test_no_gap_at_all_is_possible() -> None:
    sender = DtmfSender(8000)
    sender.queue("12", 60, 0)
    assert [packet is None for packet in frames(sender, 11)] == 10 * [False] + [True]


def test_a_duration_that_is_no_multiple_of_the_frame_is_kept() -> None:
    sender = DtmfSender(8000)
    sender.queue("1", 70, 80)
    sent = [parse_event(packet.payload) for packet in frames(sender, 10) if packet]
    assert [event.duration for event in sent] == [160, 320, 480, 560, 560, 560]


@pytest.mark.parametrize(
    ("digits", "duration", "gap"),
    [
        ("", 100, 80), ("1x", 100, 80), ("٣", 100, 80), ("1", 39, 80), ("1", 5001, 80),
        ("1", 100, -1), ("1", 100, 5001), ("1" * (MAX_QUEUED + 1), 100, 80),
    ],
)  # fmt: skip
def test_digits_that_cannot_be_sent_are_refused(digits: str, duration: int, gap: int) -> None:
    sender = DtmfSender(8000)
    with pytest.raises(LocalError):
        sender.queue(digits, duration, gap)
    assert not sender.busy


def test_all_sixteen_digits_have_their_codes() -> None:
    sender = DtmfSender(8000)
    sender.queue(DIGITS.lower(), 40, 0)
    sent = [packet for packet in frames(sender, 100) if packet and packet.marker]
    assert [parse_event(packet.payload).event for packet in sent] == list(range(16))
    assert not sender.busy


@given(
    st.builds(
        TelephoneEvent,
        st.integers(0, 255),
        st.booleans(),
        st.integers(0, 63),
        st.integers(0, 65535),
    )
)
def test_what_is_written_is_read(event: TelephoneEvent) -> None:
    assert parse_event(serialise_event(event)) == event


def hear(
    receiver: DtmfReceiver, event: int, end: bool, duration: int, timestamp: int
) -> list[HeardDigit]:
    return hear_at(0.0, receiver, TelephoneEvent(event, end, 10, duration), timestamp)


def hear_at(
    now: float, receiver: DtmfReceiver, event: TelephoneEvent, timestamp: int
) -> list[HeardDigit]:
    return receiver.receive(serialise_event(event), timestamp, now)


def test_a_digit_is_heard_once_however_often_its_end_comes() -> None:
    receiver = DtmfReceiver()
    assert hear(receiver, 5, False, 160, 1000) == []
    assert hear(receiver, 5, False, 320, 1000) == []
    assert hear(receiver, 5, True, 800, 1000) == [HeardDigit("5", 800)]
    assert hear(receiver, 5, True, 800, 1000) == []
    assert hear(receiver, 5, False, 480, 1000) == []


def test_only_the_end_having_come_the_digit_is_heard() -> None:
    assert hear(DtmfReceiver(), 11, True, 800, 1000) == [HeardDigit("#", 800)]


def test_its_end_having_been_lost_a_digit_ends_by_silence() -> None:
    receiver = DtmfReceiver()
    hear_at(1.0, receiver, TelephoneEvent(5, False, 10, 640), 1000)
    assert receiver.deadline() == 1.0 + SILENCE_S
    assert receiver.tick(1.1) == []
    assert receiver.tick(1.0 + SILENCE_S) == [HeardDigit("5", 640)]
    assert receiver.deadline() is None
    assert hear_at(2.0, receiver, TelephoneEvent(5, True, 10, 800), 1000) == []


def test_its_end_having_been_lost_a_digit_ends_by_the_next() -> None:
    receiver = DtmfReceiver()
    hear(receiver, 5, False, 640, 1000)
    assert hear(receiver, 5, False, 160, 2440) == [HeardDigit("5", 640)]
    assert hear(receiver, 5, True, 800, 2440) == [HeardDigit("5", 800)]


def test_a_late_packet_of_a_digit_before_is_not_heard() -> None:
    receiver = DtmfReceiver()
    hear(receiver, 5, True, 800, 1000)
    hear(receiver, 6, False, 160, 2440)
    assert hear(receiver, 5, True, 800, 1000) == []
    assert hear(receiver, 4, True, 800, 500) == []
    assert hear(receiver, 6, True, 800, 2440) == [HeardDigit("6", 800)]


def test_a_duration_that_shrinks_keeps_the_longest() -> None:
    receiver = DtmfReceiver()
    hear(receiver, 5, False, 60000, 1000)
    assert hear(receiver, 5, True, 0, 1000) == [HeardDigit("5", 60000)]


def test_segments_of_a_long_digit_are_one_digit() -> None:
    receiver = DtmfReceiver()
    hear(receiver, 5, False, 0xFFFF, 1000)
    assert hear(receiver, 5, False, 160, 1000 + 0xFFFF) == []
    assert hear(receiver, 5, True, 800, 1000 + 0xFFFF) == [HeardDigit("5", 0xFFFF + 800)]


def test_events_that_are_no_digits_are_not_heard() -> None:
    receiver = DtmfReceiver()
    for event in (16, 32, 255):
        assert hear(receiver, event, True, 800, 1000 + event) == []


def test_a_payload_cut_off_is_the_peers_error() -> None:
    with pytest.raises(PeerError):
        DtmfReceiver().receive(b"\x05\x0a\x00", 1000, 0.0)


@given(st.lists(st.tuples(st.binary(max_size=8), st.integers(0, 5000), st.floats(0, 10))))
def test_no_packets_do_worse_than_a_peer_error(packets: list[tuple[bytes, int, float]]) -> None:
    receiver = DtmfReceiver()
    for payload, timestamp, now in packets:
        with contextlib.suppress(PeerError):
            receiver.receive(payload, timestamp, now)
        receiver.tick(now)


def test_a_digit_longer_than_its_field_goes_on_in_segments() -> None:
    sender, receiver = DtmfSender(48000), DtmfReceiver()
    sender.queue("5", 3000, 80)
    sent = [packet for packet in frames(sender, 200, 960) if packet]
    starts = list(dict.fromkeys(packet.timestamp for packet in sent))
    assert starts == [1000, 1000 + 0xFFFF, 1000 + 2 * 0xFFFF]
    assert [packet.marker for packet in sent].count(True) == 1
    assert [parse_event(packet.payload).end for packet in sent].count(True) == 3
    last = {packet.timestamp: parse_event(packet.payload).duration for packet in sent}
    assert sum(last.values()) == 48 * 3000
    heard = [
        digit
        for n, packet in enumerate(sent)
        for digit in receiver.receive(packet.payload, packet.timestamp, n / 50)
    ]
    assert heard == [HeardDigit("5", 48 * 3000)]


def test_a_segment_wraps_with_the_timestamp() -> None:
    sender = DtmfSender(48000)
    sender.queue("5", 2000, 0)
    start = (1 << 32) - 960
    stamps = {
        packet.timestamp
        for packet in (sender.next_packet(start + 960 * n, 960) for n in range(120))
        if packet
    }
    assert stamps == {start, (start + 0xFFFF) % (1 << 32)}
