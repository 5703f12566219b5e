"""Messages: header fields as values, and the responses made of requests (RFC 3261 §7, §8.2.6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from offhook.base.errors import PeerError
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import REASONS, Message, Request, Response, response_to
from offhook.protocols.sip.uri import SipUri
from offhook.protocols.sip.values import STAR, CSeq, MediaType, NameAddr, Via

PHONE = SipUri("sip", "phone", "192.0.2.10")
FIELDS = [
    ("Via", "SIP/2.0/TLS p.example.com;branch=z9hG4bK1, SIP/2.0/TLS q.example.com;branch=z9hG4bK2"),
    ("v", "SIP/2.0/TLS 192.0.2.77;branch=z9hG4bK3"),
    ("Record-Route", "<sip:p.example.com;lr>, <sip:q.example.com;lr>"),
    ("f", '"Alice" <sip:alice@example.com>;tag=a1'),
    ("t", "<sip:phone@example.com>"),
    ("i", "c1@example.com"),
    ("CSeq", "7 INVITE"),
    ("m", "<sip:alice@192.0.2.77>"),
    ("Timestamp", "54.3"),
    ("Expires", "120"),
    ("c", "application/sdp"),
    ("Supported", "timer,  path"),
    ("k", "outbound"),
    ("Require", "100rel"),
    ("Allow", "INVITE,ACK"),
]


def request(*changes: tuple[str, str]) -> Request:
    headers = Headers(FIELDS)
    for name, value in changes:
        headers.set(name, value)
    return Request("INVITE", PHONE, headers, b"v=0\r\n")


def test_header_fields_are_read_as_values() -> None:
    message = request()
    assert message.call_id == "c1@example.com"
    assert message.cseq == CSeq(7, "INVITE")
    assert message.from_.tag == "a1"
    assert message.to == NameAddr("", SipUri("sip", "phone", "example.com"))
    assert [via.branch for via in message.vias] == ["z9hG4bK1", "z9hG4bK2", "z9hG4bK3"]
    assert message.contacts == [NameAddr("", SipUri("sip", "alice", "192.0.2.77"))]
    assert [str(route) for route in message.record_routes] == [
        "<sip:p.example.com;lr>",
        "<sip:q.example.com;lr>",
    ]
    assert message.routes == []
    assert message.expires == 120
    assert message.content_type == MediaType("application", "sdp")
    assert message.supported == ["timer", "path", "outbound"]
    assert message.require == ["100rel"]
    assert message.allow == ["INVITE", "ACK"]


@pytest.mark.parametrize("make", [partial(Request, "INVITE", PHONE), partial(Response, 200, "OK")])
def test_repr_shows_no_key_and_no_credentials(make: Callable[[Headers, bytes], Message]) -> None:
    headers = Headers([("Authorization", 'Digest response="0123"')])
    shown = repr(make(headers, b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0"))
    assert "inline" not in shown
    assert "0123" not in shown
    assert "Authorization" in shown


def test_what_may_be_absent_is_none_or_empty() -> None:
    message = Response(200, "OK")
    assert message.expires is None
    assert message.content_type is None
    assert message.contacts == []
    assert message.vias == []
    assert message.supported == []


@pytest.mark.parametrize("attribute", ["call_id", "cseq", "from_", "to"])
def test_what_must_not_be_absent_is_a_peer_error_with_400(attribute: str) -> None:
    with pytest.raises(PeerError, match="the field is missing") as caught:
        getattr(Response(200, "OK"), attribute)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("name", "value", "attribute", "reason"),
    [
        ("From", "/", "from_", "From: a URI is malformed"),
        ("To", '"x', "to", "To: an address is malformed"),
        ("Via", "x", "vias", "Via: a Via is malformed"),
        ("CSeq", "x", "cseq", "CSeq: a sequence number and a method are missing"),
        ("Call-ID", "a b", "call_id", "Call-ID: the value is malformed"),
        ("Contact", "<", "contacts", "Contact: an address is malformed"),
        ("Contact", "*, *", "contacts", "Contact: a URI is malformed"),
        ("Route", "<sip:a>, <b", "routes", "Route: a quote or bracket is not closed"),
        ("Expires", "-1", "expires", "Expires: the value is not a number"),
        ("Expires", "4294967296", "expires", "Expires: the value is greater than 4294967295"),
        ("Content-Type", "x", "content_type", "Content-Type: a media type is malformed"),
        ("Supported", "a b", "supported", "Supported: an element is no token"),
        ("Require", "a,,b", "require", "Require: an element is no token"),
    ],
)
def test_a_malformed_field_is_named(name: str, value: str, attribute: str, reason: str) -> None:
    with pytest.raises(PeerError) as caught:
        getattr(request((name, value)), attribute)
    assert (caught.value.reason, caught.value.status) == (reason, 400)


def test_the_contact_star_stands_alone() -> None:
    assert request(("Contact", "*")).contacts is STAR
    doubled = request(("Contact", "*"))
    doubled.headers.add("Contact", "<sip:a@h>")
    with pytest.raises(PeerError):
        _ = doubled.contacts


def test_a_response_copies_what_the_rfc_asks_and_nothing_else() -> None:
    response = response_to(request(), 486, to_tag="p1", headers=[("Retry-After", "5")])
    assert (response.status, response.reason, response.body) == (486, "Busy Here", b"")
    assert list(response.headers) == [
        ("Via", FIELDS[0][1]),
        ("Via", FIELDS[1][1]),
        ("From", '"Alice" <sip:alice@example.com>;tag=a1'),
        ("To", "<sip:phone@example.com>;tag=p1"),
        ("Call-ID", "c1@example.com"),
        ("CSeq", "7 INVITE"),
        ("Retry-After", "5"),
    ]


@pytest.mark.parametrize(
    ("status", "copied"), [(100, False), (180, True), (200, True), (302, False)]
)
def test_record_route_goes_into_what_makes_a_dialog(status: int, *, copied: bool) -> None:
    response = response_to(request(), status, to_tag="p1")
    assert ("Record-Route" in response.headers) == copied


def test_record_route_is_not_copied_for_a_method_that_makes_no_dialog() -> None:
    asked = Request("OPTIONS", PHONE, Headers(FIELDS))
    assert "Record-Route" not in response_to(asked, 200, to_tag="p1").headers


def test_a_100_has_the_timestamp_and_no_tag() -> None:
    response = response_to(request(), 100, to_tag="p1")
    assert response.headers.get("Timestamp") == "54.3"
    assert response.to.tag is None
    assert "Timestamp" not in response_to(request(), 180).headers


@pytest.mark.parametrize("to", ["<sip:phone@h>;tag=old", "sip:phone@h;tag=old", "<malformed"])
def test_a_to_that_has_a_tag_or_can_not_be_read_is_copied_as_it_stands(to: str) -> None:
    assert response_to(request(("To", to)), 200, to_tag="new").headers.get("To") == to


def test_a_tag_is_the_headers_parameter_even_where_the_uri_stands_bare() -> None:
    response = response_to(request(("To", "sip:phone@h")), 200, to_tag="p1")
    assert response.to == NameAddr("", SipUri("sip", "phone", "h"), (("tag", "p1"),))


def test_a_response_can_be_made_of_bare_header_fields() -> None:
    basis = Headers([("Via", "SIP/2.0/TLS h;branch=z9hG4bK1"), ("From", "<sip:a@h>;tag=a")])
    response = response_to(basis, 400, "Bad Request: no To")
    assert response.reason == "Bad Request: no To"
    assert list(response.headers) == list(basis)


def test_a_response_can_be_changed_without_touching_the_request() -> None:
    asked = request()
    response_to(asked, 200).headers.set("From", "changed")
    assert list(asked.headers) == list(Headers(FIELDS))


def test_an_unknown_status_has_an_empty_phrase() -> None:
    assert 299 not in REASONS
    assert response_to(request(), 299).reason == ""
    assert Via.parse(response_to(request(), 299).headers.values("Via")[0]).host == "p.example.com"
