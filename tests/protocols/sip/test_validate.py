"""What a UA must find in a message before it acts on it (RFC 3261 §8.1.1, §8.1.3.3, §8.2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.protocols.sip.strategies import messages

from offhook.base.errors import PeerError
from offhook.protocols.sip.header_names import NAMES_OF_ONCE
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.uri import OtherUri, SipUri, TelUri, Uri
from offhook.protocols.sip.validate import validate

COMMON = [
    ("Via", "SIP/2.0/TLS p.example.com;branch=z9hG4bK1"),
    ("From", "<sip:alice@example.com>;tag=a1"),
    ("To", "<sip:phone@example.com>"),
    ("Call-ID", "c1"),
]
PHONE = SipUri("sip", "phone", "192.0.2.10")


def request(method: str = "INVITE", uri: Uri = PHONE, **changes: str | None) -> Request:
    fields = [*COMMON, ("CSeq", f"1 {method}"), ("Contact", "<sip:alice@192.0.2.77>")]
    headers = Headers(fields)
    for name, value in changes.items():
        headers.remove(name.replace("_", "-"))
        if value is not None:
            headers.set(name.replace("_", "-"), value)
    return Request(method, uri, headers)


def refusal(message: Message) -> tuple[int | None, str]:
    with pytest.raises(PeerError) as caught:
        validate(message)
    return caught.value.status, caught.value.reason


@pytest.mark.parametrize(
    "uri", [PHONE, SipUri("sips", "a", "h"), SipUri("sip", None, "h"), TelUri("+4930")]
)
def test_a_request_to_what_a_telephone_may_have_is_accepted(uri: Uri) -> None:
    validate(request(uri=uri))


def test_a_request_to_another_scheme_is_416() -> None:
    assert refusal(request(uri=OtherUri("http", "//h"))) == (
        416,
        "Request-URI: the scheme http is unknown",
    )


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_mandatory_field_is_demanded(name: str) -> None:
    message = request()
    message.headers.remove(name)
    assert refusal(message) == (400, f"{name}: the field is missing")
    response = Response(200, "OK", message.headers)
    assert refusal(response) == (None, f"{name}: the field is missing")


def test_a_request_of_old_without_max_forwards_and_tag_is_accepted() -> None:
    validate(request(Max_Forwards=None, From="sip:alice@example.com"))


@pytest.mark.parametrize("name", sorted(NAMES_OF_ONCE))
def test_a_field_that_may_come_once_is_refused_twice(name: str) -> None:
    message = request()
    value = message.headers.get(name) or "1"
    message.headers.remove(name)
    message.headers.add(name, value)
    message.headers.add(name, value)
    assert refusal(message) == (400, f"{name}: the field comes twice")


def test_a_field_that_is_a_list_may_come_twice() -> None:
    message = request()
    message.headers.add("Supported", "a")
    message.headers.add("Supported", "b")
    validate(message)


def test_the_cseq_of_an_unknown_method_is_answered_501() -> None:
    assert refusal(request("NEW", CSeq="1 INVITE"))[0] == 501
    assert refusal(request("BYE", CSeq="1 INVITE"))[0] == 400


@pytest.mark.parametrize(
    ("value", "fine"), [("0", True), ("255", True), ("256", False), ("x", False)]
)
def test_max_forwards_is_0_to_255(value: str, *, fine: bool) -> None:
    message = request(Max_Forwards=value)
    if fine:
        validate(message)
    else:
        assert refusal(message)[0] == 400


def test_a_contact_star_unregisters_and_does_nothing_else() -> None:
    validate(request("REGISTER", Contact="*", Expires="0"))
    assert refusal(request("REGISTER", Contact="*"))[0] == 400
    assert refusal(request("REGISTER", Contact="*", Expires="60"))[0] == 400
    assert refusal(request("OPTIONS", Contact="*", Expires="0"))[0] == 400


def test_only_an_invite_needs_a_contact() -> None:
    validate(request("OPTIONS", Contact=None))
    assert refusal(request("INVITE", Contact=None))[0] == 400
    assert refusal(request("INVITE", Contact="<sip:a@h>, <sip:b@h>"))[0] == 400


def test_header_fields_in_the_request_uri_are_refused() -> None:
    uri = SipUri("sip", "a", "h", headers=(("Route", "<sip:evil>"),))
    assert refusal(request(uri=uri))[0] == 400


def test_a_response_has_one_via() -> None:
    message = Response(200, "OK", request().headers)
    validate(message)
    message.headers.add("Via", "SIP/2.0/TLS 192.0.2.99;branch=z9hG4bK2")
    assert refusal(message) == (None, "Via: a response has only one")


@settings(deadline=None)
@given(messages)
def test_any_message_is_accepted_or_a_peer_error(message: Message) -> None:
    try:
        validate(message)
    except PeerError as error:
        assert isinstance(message, Request) == (error.status is not None)  # noqa: PT017 — either
