"""Values of header fields: addresses, Via, CSeq, media types and others (RFC 3261 §20)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.protocols.sip.strategies import addresses, cseqs, vias

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.uri import OtherUri, SipUri, TelUri
from offhook.protocols.sip.values import (
    CSeq,
    MediaType,
    NameAddr,
    Reason,
    RetryAfter,
    Via,
    WarningValue,
)

ALICE = SipUri("sip", "alice", "h")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:alice@h", NameAddr("", ALICE)),
        ("<sip:alice@h>", NameAddr("", ALICE)),
        (" \t<sip:alice@h> \t", NameAddr("", ALICE)),
        ("sip:alice@h;tag=a", NameAddr("", ALICE, (("tag", "a"),))),
        ("sip:alice@h ; tag = a", NameAddr("", ALICE, (("tag", "a"),))),
        (
            "<sip:alice@h;lr>;tag=a",
            NameAddr("", SipUri("sip", "alice", "h", None, (("lr", None),)), (("tag", "a"),)),
        ),
        ("Alice <sip:alice@h>", NameAddr("Alice", ALICE)),
        ("Alice<sip:alice@h>", NameAddr("Alice", ALICE)),
        ("Alice B. Example  <sip:alice@h>", NameAddr("Alice B. Example", ALICE)),
        ("Jürgen Größe <sip:alice@h>", NameAddr("Jürgen Größe", ALICE)),
        ('"Alice"<sip:alice@h>', NameAddr("Alice", ALICE)),
        ('"" <sip:alice@h>', NameAddr("", ALICE)),
        ('"a \\"b\\" \\\\ <c>, d;e" <sip:alice@h>', NameAddr('a "b" \\ <c>, d;e', ALICE)),
        ("<tel:+49301>;tag=x", NameAddr("", TelUri("+49301"), (("tag", "x"),))),
        ("<urn:service:sos>", NameAddr("", OtherUri("urn", "service:sos"))),
        (
            '<sip:alice@h>;+sip.instance="<urn:uuid:0>";reg-id=1;q=0.5;ob',
            NameAddr(
                "",
                ALICE,
                (("+sip.instance", "<urn:uuid:0>"), ("reg-id", "1"), ("q", "0.5"), ("ob", None)),
            ),
        ),
        ("<sip:alice@h>;tag=YWJj==", NameAddr("", ALICE, (("tag", "YWJj=="),))),
    ],
)
def test_an_address_is_taken_apart(text: str, address: NameAddr) -> None:
    assert NameAddr.parse(text) == address


def test_a_header_parameter_after_a_bare_uri_is_not_the_uris() -> None:
    address = NameAddr.parse("sip:alice@h;transport=tls")
    assert address.uri == ALICE
    assert address.parameter("Transport") == "tls"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "*",
        "alice",
        "<>",
        "<sip:alice@h",
        "sip:alice@h>",
        "<sip:alice@h>>",
        "< sip:alice@h>",
        "<sip:alice@h >",
        '"Alice <sip:alice@h>',
        '"Alice\\" <sip:alice@h>',
        '"Alice" sip:alice@h',
        '"Alice" Example <sip:alice@h>',
        "Alice, Example <sip:alice@h>",
        "Alice@work <sip:alice@h>",
        "sip:alice@h, sip:bob@h",
        "sip:alice@h?Subject=x",
        "<sip:alice@h>;",
        "<sip:alice@h>;;tag=a",
        "<sip:alice@h>;=a",
        "<sip:alice@h>;tag=",
        "<sip:alice@h>;tag=a;TAG=b",
        '<sip:alice@h>;tag="a',
        "<sip:alice@h>;tag=a b",
        "<sip:alice@h> tag=a",
        "<sip:alice@h>;tag=ä",
    ],
)
def test_what_is_no_address_is_refused_with_400(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        NameAddr.parse(text)
    assert caught.value.status == 400


@settings(deadline=None)
@given(addresses)
def test_an_address_that_is_written_is_read_as_the_same(address: NameAddr) -> None:
    assert NameAddr.parse(str(address)) == address


def test_a_tag_is_added_and_replaced() -> None:
    address = NameAddr("A", ALICE, (("Tag", "old"), ("x", None)))
    assert address.tag == "old"
    assert str(address.with_tag("new")) == '"A" <sip:alice@h>;x;tag=new'
    assert NameAddr("", ALICE).tag is None


def test_an_address_of_our_own_can_not_inject() -> None:
    with pytest.raises(LocalError):
        str(NameAddr("A\r\nEvil: 1", ALICE))
    with pytest.raises(LocalError):
        str(NameAddr("", ALICE, (("x;y", "1"),)))
    with pytest.raises(LocalError):
        str(NameAddr("", ALICE, (("x", "1\r\n"),)))
    assert str(NameAddr("", ALICE, (("x", '1", <sip:b@h>'),))) == (
        '<sip:alice@h>;x="1\\", <sip:b@h>"'
    )


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("SIP/2.0/TLS h", Via("TLS", "h")),
        ("sip/2.0/tls h:5061", Via("TLS", "h", 5061)),
        (
            "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa",
            Via(
                "UDP",
                "first.example.com",
                4000,
                (("ttl", "16"), ("maddr", "224.2.0.1"), ("branch", "z9hG4bKa")),
            ),
        ),
        ("SIP/2.0/TLS [2001:db8::1]:5061", Via("TLS", "2001:db8::1", 5061)),
        (
            "SIP/2.0/TLS h;received=2001:db8::1;rport",
            Via("TLS", "h", None, (("received", "2001:db8::1"), ("rport", None))),
        ),
        (
            "SIP/2.0/TLS h;received=[2001:db8::1]",
            Via("TLS", "h", None, (("received", "[2001:db8::1]"),)),
        ),
    ],
)
def test_a_via_is_taken_apart(text: str, via: Via) -> None:
    assert Via.parse(text) == via


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TLS h",
        "SIP/2.0 h",
        "SIP/2.0/TLS",
        "SIP/2.0/TLSh",
        "SIP/2.1/TLS h",
        "SIP/2.0/TLS h:",
        "SIP/2.0/TLS h:0",
        "SIP/2.0/TLS h:65536",
        "SIP/2.0/TLS .1",
        "SIP/2.0/TLS ::1",
        "SIP/2.0/TLS h x",
        "SIP/2.0/TLS h;",
        "SIP/2.0/TLS h;branch=a;branch=b",
    ],
)
def test_what_is_no_via_is_refused_with_400(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        Via.parse(text)
    assert caught.value.status == 400


@settings(deadline=None)
@given(vias)
def test_a_via_that_is_written_is_read_as_the_same(via: Via) -> None:
    assert Via.parse(str(via)) == via


@settings(deadline=None)
@given(cseqs)
def test_a_cseq_that_is_written_is_read_as_the_same(cseq: CSeq) -> None:
    assert CSeq.parse(str(cseq)) == cseq


@pytest.mark.parametrize("text", ["", "1", "INVITE", "1INVITE", "1 A B", "+1 A", "1 (", "² A"])
def test_what_is_no_cseq_is_refused_with_400(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        CSeq.parse(text)
    assert caught.value.status == 400


def test_a_media_type_is_taken_apart_in_any_case() -> None:
    media = MediaType.parse('Multipart / Mixed ; Boundary="a b";x')
    assert media.name == "multipart/mixed"
    assert media.parameter("boundary") == "a b"
    assert media.parameter("x") == ""
    assert media.parameter("y") is None
    assert str(media) == 'multipart/mixed;Boundary="a b";x'


@pytest.mark.parametrize("text", ["", "text", "text/", "/plain", "text/plain x", "text plain"])
def test_what_is_no_media_type_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        MediaType.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'SIP ;cause=200 ;text="Call completed elsewhere"',
            Reason("SIP", 200, "Call completed elsewhere"),
        ),
        ("Q.850;cause=16", Reason("Q.850", 16)),
        ("SIP", Reason("SIP")),
    ],
)
def test_a_reason_is_taken_apart_and_written(text: str, reason: Reason) -> None:
    assert Reason.parse(text) == reason
    assert Reason.parse(str(reason)) == reason


@pytest.mark.parametrize("text", ["", ";cause=1", "S P;cause=1", "SIP;cause=x", "SIP;cause=-1"])
def test_what_is_no_reason_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        Reason.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("120", RetryAfter(120)),
        ("18000;duration=3600", RetryAfter(18000, "", 3600)),
        ("120 (I'm in a (short) \\) meeting)", RetryAfter(120, "I'm in a (short) ) meeting")),
        ("5 (a) ;duration=1;x=y", RetryAfter(5, "a", 1)),
    ],
)
def test_a_retry_after_is_taken_apart(text: str, value: RetryAfter) -> None:
    assert RetryAfter.parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "5 (a", "5 (a\\)", "5 a", "4294967296", "5;duration="]
)
def test_what_is_no_retry_after_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        RetryAfter.parse(text)


def test_a_warning_is_taken_apart_and_written() -> None:
    warning = WarningValue.parse('307 isi.edu:5060 "Session parameter \\"foo\\" not understood"')
    assert warning == WarningValue(307, "isi.edu:5060", 'Session parameter "foo" not understood')
    assert WarningValue.parse(str(warning)) == warning
    with pytest.raises(PeerError):
        WarningValue.parse('1812 overture "In Progress"')


@pytest.mark.parametrize(
    "unit", [" ", ";", '"', '\\"', ";a=", ';a="', ';a="\\', ";a=b ", "<", "(", "a ", "é", "\t;"]
)
@pytest.mark.parametrize("before", ["", '"', "<sip:a@h>", "<sip:a@h>;x=", "a "])
@pytest.mark.parametrize("parse", [NameAddr.parse, Via.parse, MediaType.parse, RetryAfter.parse])
def test_long_malformed_values_are_refused_at_once(
    parse: type[NameAddr], before: str, unit: str
) -> None:
    with pytest.raises(PeerError):
        parse(before + unit * 8000 + ";\x00")  # type: ignore[call-arg]  # each takes one text
