"""Bytes into messages (RFC 3261 §7, §18.3): grammar, limits, and nothing but PeerError."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.strategies import messages

from offhook.base.errors import PeerError
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.parse import BadMessage, Limits, parse_message
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.validate import validate

DATA = Path(__file__).parents[2] / "data"
HEAD = (
    b"OPTIONS sip:phone@192.0.2.10 SIP/2.0\r\n"
    b"Via: SIP/2.0/TLS p.example.com;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@example.com>;tag=a1\r\n"
    b"To: <sip:phone@example.com>\r\n"
    b"Call-ID: c1\r\n"
    b"CSeq: 1 OPTIONS\r\n"
)


def parse_field(field: bytes) -> str | None:
    return parse_message(HEAD + field + b"\r\n\r\n").headers.get("Subject")


def refused(data: bytes, limits: Limits | None = None) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        parse_message(data, limits or Limits())
    return caught.value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"Subject:a", "a"),
        (b"Subject: a", "a"),
        (b"Subject \t:\t a \t", "a"),
        (b"s:a", "a"),
        (b"S : a", "a"),
        (b"SUBJECT: a", "a"),
        (b"Subject:", ""),
        (b"Subject: a\r\n b", "a b"),
        (b"Subject: a\r\n \t  b\r\n\tc", "a b c"),
        (b"Subject:\r\n a", "a"),
        (b"Subject: a:b: c", "a:b: c"),
        (b"Subject: \xc3\xa4\xe2\x82\xac", "ä€"),
        (b"Subject: \xe4 \xff", "ä ÿ"),
        (b"Subject: a\tb", "a\tb"),
        (b"Subject: \xc2\xa0a\xc2\x85", "\xa0a\x85"),
    ],
)
def test_a_field_is_read_in_every_spelling(field: bytes, value: str) -> None:
    assert parse_field(field) == value


def test_a_line_of_latin_1_does_not_change_the_utf_8_of_another() -> None:
    message = parse_message(
        HEAD + "Subject: ä".encode("latin-1") + "\r\nServer: ä\r\n\r\n".encode()
    )
    assert message.headers.get("Subject") == "ä"
    assert message.headers.get("Server") == "ä"


def test_a_request_is_taken_apart() -> None:
    message = parse_message(HEAD + b"l: 3\r\n\r\nabcdef")
    assert isinstance(message, Request)
    assert (message.method, str(message.uri), message.body) == (
        "OPTIONS",
        "sip:phone@192.0.2.10",
        b"abc",
    )


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"SIP/2.0 200 OK", 200, "OK"),
        (b"sip/2.0 200 OK", 200, "OK"),
        (b"SIP/2.0 603 Not today, thanks", 603, "Not today, thanks"),
        (b"SIP/2.0 100 ", 100, ""),
        (b"SIP/2.0 100", 100, ""),
        (b"SIP/2.0 200  two  spaces ", 200, " two  spaces "),
    ],
)
def test_a_response_is_taken_apart(line: bytes, status: int, reason: str) -> None:
    message = parse_message(line + b"\r\nl: 0\r\n\r\n")
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (status, reason)


def test_without_content_length_a_datagram_is_the_body_to_its_end() -> None:
    assert parse_message(HEAD + b"\r\nabc").body == b"abc"


def test_what_is_needed_to_answer_a_bad_request_is_kept_as_it_came() -> None:
    bad = refused(HEAD + b"v: SIP/2.0/TLS q.example.com;;;\r\nbad line\r\n\r\n")
    assert bad.status == 400
    assert bad.response_basis is not None
    assert list(bad.response_basis) == [
        ("Via", "SIP/2.0/TLS p.example.com;branch=z9hG4bK1"),
        ("Via", "SIP/2.0/TLS q.example.com;;;"),
        ("From", "<sip:alice@example.com>;tag=a1"),
        ("To", "<sip:phone@example.com>"),
        ("Call-ID", "c1"),
        ("CSeq", "1 OPTIONS"),
    ]


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_without_a_field_that_an_answer_needs_nothing_is_answered(name: bytes) -> None:
    lines = [line for line in HEAD.split(b"\r\n") if not line.startswith(name + b":")]
    bad = refused(b"\r\n".join(lines) + b"bad line\r\n\r\n")
    assert (bad.status, bad.response_basis) == (None, None)


@pytest.mark.parametrize("start", [b"ACK sip:phone@h SIP/2.0", b"SIP/2.0 200 OK", b"sip/2.0 900 x"])
def test_a_bad_ack_or_response_is_not_answered(start: bytes) -> None:
    fields = HEAD.partition(b"\r\n")[2]
    bad = refused(start + b"\r\n" + fields + b"bad line\r\n\r\n")
    assert (bad.status, bad.response_basis) == (None, None)


def test_lines_fields_and_messages_are_taken_up_to_the_limits_and_not_beyond() -> None:
    limits = Limits(line=50, message=400, headers=8)
    assert parse_message(HEAD + b"Subject: " + b"s" * 41 + b"\r\n\r\n", limits).headers.get("s")
    assert refused(HEAD + b"Subject: " + b"s" * 42 + b"\r\n\r\n", limits).status == 400
    umlauts = "ä".encode() * 21
    assert refused(HEAD + b"Subject: " + umlauts + b"\r\n\r\n", limits).status == 400
    assert refused(HEAD.replace(b"phone@1", b"p" * 60 + b"@1") + b"\r\n", limits).status == 414
    parse_message(HEAD + b"a: 1\r\nb: 1\r\nx: 1\r\n\r\n", limits)
    assert refused(HEAD + b"a: 1\r\nb: 1\r\nx: 1\r\ny: 1\r\n\r\n", limits).status == 400
    room = 400 - len(HEAD) - len(b"l: 100\r\n\r\n")
    parse_message(HEAD + b"l: %d\r\n\r\n" % room + b"b" * room, limits)
    assert refused(HEAD + b"l: %d\r\n\r\n" % (room + 1) + b"b" * 500, limits).status == 513
    assert refused(HEAD + b"\r\n" + b"b" * 400, limits).status == 513
    assert refused(b"a" * 401, limits).reason == "the head is too large"


def test_the_limits_are_8_kib_64_kib_and_100_fields() -> None:
    assert Limits() == (8192, 65536, 100)


UNITS = [
    b" ",
    b"\r",
    b"\n",
    b"\r\n ",
    b"\r\n a",
    b"\r\n\t\x07",
    b"a:\r\n",
    b"l:1\r\n",
    b":",
    b"\xff",
]
UNITS += [b'"', b'\\"', b'"\\\x07', b"\x00"]


@pytest.mark.parametrize("unit", UNITS)
def test_64_kib_of_anything_are_refused_at_once(unit: bytes) -> None:
    filler = (unit * 65536)[: 65000 - len(HEAD)]
    with pytest.raises(PeerError):
        validate(parse_message(HEAD + b"Subject: " + filler + b"\x00\r\n\r\n"))


@settings(deadline=None, max_examples=200)
@given(messages)
def test_a_message_that_is_written_is_read_as_the_same(message: Message) -> None:
    data = serialise(message)
    again = parse_message(data)
    again.headers.remove("Content-Length")
    assert again == message


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_bad_message(data: bytes) -> None:
    try:
        parse_message(data)
    except BadMessage:
        return


SOUND = [path.read_bytes() for path in sorted((DATA / "rfc4475").glob("*.dat"))]
SOUND.append((DATA / "sip" / "sound-request.sip").read_bytes())
BYTES = [b"", b"\x00", b"\r\n", b" ", b";", b'"', b"<", b"\xc3", b"%", b",", b"\\", b":", b"="]


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from(BYTES)), max_size=5),
)
def test_a_mutated_message_is_accepted_or_a_peer_error_and_can_be_written(
    data: bytes, changes: list[tuple[int, bytes]]
) -> None:
    for position, inserted in changes:
        cut = position % (len(data) + 1)
        data = data[:cut] + inserted + data[cut + (position % 3) :]
    try:
        message = parse_message(data)
    except BadMessage:
        return
    assert parse_message(serialise(message)).body == message.body
    try:
        validate(message)
    except PeerError:
        return
