"""Advisories against other stacks that concern parsing: each a named regression test."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.base.errors import PeerError
from offhook.protocols.sip.framer import StreamFramer
from offhook.protocols.sip.message import Request, response_to
from offhook.protocols.sip.parse import BadMessage, parse_message
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.sip.validate import validate
from offhook.protocols.sip.values import NameAddr

SOUND = (Path(__file__).parents[2] / "data" / "sip" / "sound-request.sip").read_bytes()
FROM = b'"Alice" <sip:alice@example.com>;tag=a1'
TO = b"<sip:phone@example.com>"
CONTACT = b"<sip:alice@192.0.2.77:5061;transport=tls>"


def refused(data: bytes) -> PeerError:
    """The error for `data`, which must not keep the next message from being read."""
    *_, following = StreamFramer().receive(data + SOUND)
    assert following == parse_message(SOUND)
    with pytest.raises(PeerError) as caught:
        validate(parse_message(data))
    return caught.value


def accepted(data: bytes) -> Request:
    message = parse_message(data)
    validate(message)
    assert isinstance(message, Request)
    return message


def test_the_sound_message_is_accepted() -> None:
    accepted(SOUND)


@pytest.mark.parametrize("field", [FROM, TO])
@pytest.mark.parametrize("value", [b"/", b"//", b"</>", b'"/"', b"/;tag=a", b"sip:/", b"<sip:/>"])
def test_cve_2021_33056_a_slash_as_from_or_to_is_a_bad_request(field: bytes, value: bytes) -> None:
    assert refused(SOUND.replace(field, value)).status == 400


def test_cve_2021_33056_a_slash_as_diversion_is_only_text() -> None:
    message = accepted(SOUND.replace(b"CSeq", b"Diversion: /\r\nCSeq"))
    assert message.headers.get("Diversion") == "/"
    with pytest.raises(PeerError):
        NameAddr.parse("/")


@pytest.mark.parametrize("name", [b'"\\"', b'"a\\"', b'"\\\\\\"', b'"', b'"\\', b"\\", b"a\\"])
def test_cve_2021_43611_a_display_name_that_ends_in_a_backslash(name: bytes) -> None:
    assert refused(SOUND.replace(b'"Alice"', name)).status == 400


def test_cve_2021_43611_a_quoted_backslash_at_the_end_is_fine() -> None:
    message = accepted(SOUND.replace(b'"Alice"', b'"Alice\\\\"'))
    assert message.from_.display_name == "Alice\\"


def test_cve_2025_47779_a_semicolon_in_the_user_of_from_does_not_cut_it_short() -> None:
    message = accepted(SOUND.replace(b"sip:alice@example.com", b"sip:root;x=y@evil.example"))
    uri = message.from_.uri
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host, uri.parameters) == ("root;x=y", "evil.example", ())


@pytest.mark.parametrize("user", [b"root;x=y", b"root;tag=y", b"root;x", b"root,x", b"root?x=y"])
def test_cve_2025_47779_without_brackets_such_a_user_is_refused(user: bytes) -> None:
    assert refused(SOUND.replace(FROM, b"sip:%s@evil.example;tag=a1" % user)).status == 400


def test_cve_2025_47779_a_nul_in_from_is_refused_and_an_escaped_one_kept() -> None:
    assert "control character" in refused(SOUND.replace(b"alice@", b"alice\x00@")).reason
    uri = accepted(SOUND.replace(b"alice@example", b"root%00@example")).from_.uri
    assert isinstance(uri, SipUri)
    assert uri.user == "root\x00"
    assert uri != SipUri("sip", "root", "example.com")


@pytest.mark.parametrize("host", [b".1", b".", b"..", b".1.2.3", b"1.", b".example.com", b"-1"])
def test_cve_2024_42491_a_contact_or_record_route_whose_host_is_dot_one(host: bytes) -> None:
    assert "a host is malformed" in refused(SOUND.replace(CONTACT, b"<sip:%s>" % host)).reason
    route = b"Record-Route: <sip:%s;lr>\r\nCSeq" % host
    assert "a host is malformed" in refused(SOUND.replace(b"CSeq", route)).reason


HEAD = SOUND.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length : 4\r\nContent-Length: 400",
        b"Content-Length: 4\r\nContent-Length: 0",
        b"Content-Length: 4\r\nl: 400",
        b"Content-Length:\r\n 4\r\nL\t: 0",
        b"Content-Length: 4;x",
        b"Content-Length: 4 4",
        b"Content-Length: -4",
    ],
)
def test_a_second_message_can_not_be_smuggled_by_its_length(smuggled: bytes) -> None:
    data = SOUND.replace(b"Content-Length: 4", smuggled)
    with pytest.raises(BadMessage, match="Content-Length"):
        parse_message(data)
    (lost,) = StreamFramer().receive(data + SOUND)
    assert "Content-Length" in getattr(lost, "reason", "")


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\n\n", b"\r\r\n", b"\n\r"])
def test_a_second_field_can_not_be_smuggled_by_an_odd_line_end(line_end: bytes) -> None:
    data = SOUND.replace(b"CSeq", b"Subject: a" + line_end + b"From: <sip:root@evil>\r\nCSeq")
    assert refused(data).reason == "a line ends without CRLF"


def test_what_is_answered_to_hostile_bytes_holds_no_line_of_theirs() -> None:
    hostile = SOUND.replace(b'"Alice"', b'"Al\\\x00ice"').replace(b"CSeq: 1", b"CSeq: x")
    message = parse_message(hostile)
    answer = serialise(response_to(message, 400, to_tag="t1"))  # type: ignore[arg-type]  # a request
    lines = answer.split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines[1:6]] == [
        b"Via",
        b"From",
        b"To",
        b"Call-ID",
        b"CSeq",
    ]
