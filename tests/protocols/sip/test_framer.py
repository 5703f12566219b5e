"""Messages and keep-alives out of a stream (RFC 3261 §18.3, RFC 5626 §4.4.1)."""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.strategies import messages

from offhook.protocols.sip.framer import Framed, FramingLost, Ping, Pong, StreamFramer
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.parse import BadMessage, Limits, parse_message
from offhook.protocols.sip.serialise import serialise

DATA = Path(__file__).parents[2] / "data" / "sip"
REQUEST = (DATA / "sound-request.sip").read_bytes()
RESPONSE = (DATA / "sound-response.sip").read_bytes()
BAD = (DATA / "uri-port-0.sip").read_bytes()
PING, PONG = b"\r\n\r\n", b"\r\n"


def frame(*pieces: bytes, limits: Limits | None = None) -> list[Framed]:
    framer = StreamFramer(limits or Limits())
    return [item for piece in pieces for item in framer.receive(piece)]


def kinds(items: list[Framed]) -> list[str]:
    return [type(item).__name__ for item in items]


def lost(*pieces: bytes) -> FramingLost:
    *_, last = frame(*pieces)
    assert isinstance(last, FramingLost)
    return last


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def test_messages_one_after_the_other_are_cut_apart() -> None:
    items = frame(REQUEST + RESPONSE + REQUEST)
    assert items == [parse_message(REQUEST), parse_message(RESPONSE), parse_message(REQUEST)]


def test_a_message_is_reported_with_its_last_octet_and_not_before() -> None:
    framer = StreamFramer()
    assert framer.receive(REQUEST[:-1]) == []
    assert framer.incomplete
    assert kinds(framer.receive(REQUEST[-1:])) == ["Request"]
    assert not framer.incomplete


def test_a_bad_message_does_not_harm_the_next() -> None:
    bad, good = frame(BAD + REQUEST)
    assert isinstance(bad, BadMessage)
    assert (bad.status, bad.reason) == (400, "Request-URI: a port is out of range")
    assert good == parse_message(REQUEST)


def test_a_double_crlf_is_a_ping_and_a_lone_one_a_pong() -> None:
    assert frame(PING) == [Ping()]
    assert frame(PONG) == [Pong()]
    assert frame(PING + PING) == [Ping(), Ping()]
    assert frame(PING + PONG) == [Ping(), Pong()]
    assert frame(PONG, PONG) == [Pong(), Pong()]


def test_a_ping_in_pieces_of_a_line_end_is_still_one() -> None:
    assert frame(b"\r", b"\n\r\n") == [Ping()]
    assert frame(b"\r\n\r", b"\n") == [Ping()]
    assert frame(b"\r", b"\n") == [Pong()]


def test_a_pong_left_in_the_buffer_does_not_corrupt_the_message_that_follows() -> None:
    assert frame(PONG + RESPONSE) == [Pong(), parse_message(RESPONSE)]
    assert frame(PONG, RESPONSE) == [Pong(), parse_message(RESPONSE)]
    assert frame(b"\r", b"\n" + RESPONSE[:9], RESPONSE[9:]) == [Pong(), parse_message(RESPONSE)]
    assert kinds(frame(REQUEST + PONG + RESPONSE + PING + BAD + PONG + REQUEST)) == [
        "Request",
        "Pong",
        "Response",
        "Ping",
        "BadMessage",
        "Pong",
        "Request",
    ]


def test_a_body_of_line_ends_is_no_keep_alive() -> None:
    data = serialise(Response(200, "OK", body=PING + PONG))
    assert frame(data + PONG) == [parse_message(data), Pong()]


def test_without_content_length_the_stream_is_lost_and_the_request_answered_400() -> None:
    found = lost(REQUEST.replace(b"Content-Length: 4\r\n", b""))
    assert (found.reason, found.status) == ("Content-Length: the field is missing", 400)
    assert found.response_basis is not None


def test_a_response_without_content_length_is_answered_with_nothing() -> None:
    found = lost(RESPONSE.replace(b"Content-Length: 0\r\n", b""))
    assert (found.status, found.response_basis) == (None, None)


def test_contradicting_content_lengths_lose_the_stream() -> None:
    twice = REQUEST.replace(b"Content-Length: 4", b"Content-Length: 4\r\nl: 0")
    assert lost(twice).reason == "Content-Length: there are two"


def test_a_content_length_of_one_gib_is_refused_at_its_head_without_buffering() -> None:
    head = REQUEST.partition(b"\r\n\r\n")[0].replace(b"Length: 4", b"Length: 1073741824")
    framer = StreamFramer()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    (found,) = framer.receive(head + b"\r\n\r\n")
    assert isinstance(found, FramingLost)
    assert (found.status, found.reason) == (513, "the message is too large")
    for _ in range(256):
        assert framer.receive(b"b" * 65536) == []
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 65536
    assert not framer.incomplete


@pytest.mark.parametrize("octet", [b"a", b"\n", b"\x00", b"a: b\r\n", b" "])
def test_a_head_without_end_is_refused_beyond_64_kib(octet: bytes) -> None:
    framer = StreamFramer()
    held = 0
    for _ in range(70_000):
        found = framer.receive(octet)
        if found:
            assert found == [FramingLost("the head is too large")]
            break
        held += len(octet)
    assert 65_536 <= held < 65_560


def test_the_largest_message_is_taken_and_one_octet_more_is_not() -> None:
    room = 65536 - len(serialise(Response(200, "OK", body=b"b" * 65000))) + 65000
    assert kinds(frame(serialise(Response(200, "OK", body=b"b" * room)))) == ["Response"]
    assert kinds(frame(serialise(Response(200, "OK", body=b"b" * (room + 1))))) == ["FramingLost"]


def test_after_the_stream_is_lost_everything_is_ignored() -> None:
    framer = StreamFramer()
    assert kinds(framer.receive(b"\rX" + REQUEST)) == ["FramingLost"]
    assert framer.receive(REQUEST) == []
    assert not framer.incomplete


def test_64_kib_in_pieces_of_one_octet_take_linear_time() -> None:
    def seconds(size: int) -> float:
        data = serialise(Response(200, "OK", body=b"b" * size))
        framer = StreamFramer()
        begun = time.process_time()
        found = [item for octet in data for item in framer.receive(bytes([octet]))]
        assert len(found) == 1
        return time.process_time() - begun

    small = min(seconds(8000) for _ in range(3))
    large = min(seconds(64000) for _ in range(3))
    assert large < 8 * 3 * small


def test_a_long_head_in_pieces_of_one_octet_takes_linear_time() -> None:
    def seconds(fields: int) -> float:
        data = RESPONSE.replace(b"\r\n\r\n", b"\r\n" + b"Subject: aaaaaaaa\r\n" * fields + b"\r\n")
        framer = StreamFramer()
        begun = time.process_time()
        found = [item for octet in data for item in framer.receive(bytes([octet]))]
        assert len(found) == 1
        return time.process_time() - begun

    small = min(seconds(400) for _ in range(3))
    large = min(seconds(3200) for _ in range(3))
    assert large < 8 * 3 * small


@settings(deadline=None, max_examples=60)
@given(st.lists(messages, min_size=1, max_size=4), st.lists(st.integers(0, 5000), max_size=12))
def test_messages_do_not_depend_on_how_the_stream_is_cut(
    sent: list[Message], cuts: list[int]
) -> None:
    data = b"".join(map(serialise, sent))
    whole = frame(data)
    assert [type(item) for item in whole] == [type(message) for message in sent]
    assert frame(*cut_up(data, cuts)) == whole
    assert frame(*(bytes([octet]) for octet in data)) == whole


def line_ends(items: list[Framed]) -> int:
    return 2 * items.count(Ping()) + items.count(Pong())


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from([REQUEST, RESPONSE, BAD, PING, PONG]), max_size=8),
    st.lists(st.integers(0, 5000), max_size=12),
)
def test_keep_alives_never_change_the_messages_and_none_is_lost(
    parts: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(parts)
    expected = [
        "BadMessage" if part == BAD else type(parse_message(part)).__name__
        for part in parts
        if part not in {PING, PONG}
    ]
    items = frame(*cut_up(data, cuts))
    assert kinds([i for i in items if not isinstance(i, Ping | Pong)]) == expected
    assert line_ends(items) == sum({PING: 2, PONG: 1}.get(part, 0) for part in parts)


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=400) | st.text("\r\n :1lL", max_size=60).map(str.encode),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_any_octets_in_any_pieces_give_items_and_no_error(data: bytes, cuts: list[int]) -> None:
    def others(items: list[Framed]) -> list[str]:
        return [getattr(item, "reason", "") for item in items if not isinstance(item, Ping | Pong)]

    assert others(frame(*cut_up(data, cuts))) == others(frame(data))


def test_a_control_the_law_of_cutting_would_notice_a_lost_octet() -> None:
    assert frame(REQUEST[:-3], REQUEST[-2:]) != frame(REQUEST)


def test_what_is_framed_is_a_request_or_response() -> None:
    first, second = frame(REQUEST + RESPONSE)
    assert isinstance(first, Request)
    assert isinstance(second, Response)
