"""Messages into bytes: what goes on the wire, and that nothing can be smuggled into it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.strategies import tokens, unicode_text

from offhook.base.errors import LocalError
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.uri import OtherUri, SipUri, TelUri

PHONE = SipUri("sip", "phone", "192.0.2.10")


def request(name: str, value: str) -> Request:
    return Request("OPTIONS", PHONE, Headers([(name, value)]))


def test_a_request_goes_on_the_wire_with_its_length_computed_and_last() -> None:
    headers = Headers([("l", "999"), ("v", "SIP/2.0/TLS h"), ("Subject", "ä")])
    assert serialise(Request("INVITE", PHONE, headers, b"v=0\r\n")) == (
        b"INVITE sip:phone@192.0.2.10 SIP/2.0\r\n"
        b"Via: SIP/2.0/TLS h\r\n"
        b"Subject: \xc3\xa4\r\n"
        b"Content-Length: 5\r\n"
        b"\r\n"
        b"v=0\r\n"
    )


def test_a_response_goes_on_the_wire() -> None:
    assert serialise(Response(200, "OK")) == b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert serialise(Response(100, "")) == b"SIP/2.0 100 \r\nContent-Length: 0\r\n\r\n"


SMUGGLED = ["\r\nEvil: 1", "\r", "\n", "\r\n", "\r\n\r\nINVITE sip:evil SIP/2.0", "\r\n folded"]
SMUGGLED += ["\x00", "\x0b", "\x7f", '"\\\r\n"', '"\x00"', "\\\x00", '"\\\x00', "\ud800"]


@pytest.mark.parametrize("smuggled", SMUGGLED)
def test_nothing_can_be_smuggled_into_any_part_of_the_head(smuggled: str) -> None:
    messages: list[Message] = [
        request("Subject", "a" + smuggled),
        request("Subject" + smuggled, "a"),
        Request("OPTIONS" + smuggled, PHONE),
        Request("OPTIONS", OtherUri("urn", "a" + smuggled)),
        Request("OPTIONS", TelUri("1" + smuggled)),
        Request("OPTIONS", SipUri("sip", "a", "h" + smuggled)),
        Response(200, "OK" + smuggled),
    ]
    for message in messages:
        with pytest.raises(LocalError):
            serialise(message)


@pytest.mark.parametrize("user", ["a\r\nEvil: 1", "\x00", "a b", "<>", 'a"b'])
def test_a_user_of_any_characters_is_escaped_and_not_refused(user: str) -> None:
    message = parse_message(serialise(Request("OPTIONS", SipUri("sip", user, "h"))))
    assert isinstance(message, Request)
    assert message.uri == SipUri("sip", user, "h")


def test_a_control_character_may_stand_as_a_quoted_pair() -> None:
    message = request("To", '"BEL:\\\x07 NUL:\\\x00" <sip:a@h>')
    again = parse_message(serialise(message))
    assert again.to.display_name == "BEL:\x07 NUL:\x00"


def test_a_control_character_may_not_stand_in_a_reason_phrase_even_as_a_quoted_pair() -> None:
    with pytest.raises(LocalError):
        serialise(Response(200, '"\\\x07"'))


@pytest.mark.parametrize("status", [-1, 0, 99, 700, 1000])
def test_a_status_out_of_range_is_refused(status: int) -> None:
    with pytest.raises(LocalError, match="out of range"):
        serialise(Response(status, "x"))


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\t"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(LocalError, match="no token"):
        serialise(request(name, "x"))


@settings(deadline=None)
@given(tokens | unicode_text, unicode_text, unicode_text, st.binary(max_size=20))
def test_any_text_is_written_as_one_field_or_refused(
    name: str, value: str, reason: str, body: bytes
) -> None:
    message = Response(200, reason, Headers([(name, value)]), body)
    try:
        data = serialise(message)
    except LocalError:
        return
    again = parse_message(data)
    assert isinstance(again, Response)
    assert (again.reason, again.body) == (reason, body)
    expected = [] if message.headers.get("Content-Length") == value else [value.strip(" \t")]
    assert [v for n, v in again.headers if n != "Content-Length"] == expected
