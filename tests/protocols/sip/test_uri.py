"""URIs: grammar, escapes, equality (RFC 3261 §19.1, RFC 3966)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.strategies import uris

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.uri import OtherUri, SipUri, TelUri, Uri, parse_uri, same_uri

REFUSED = {
    "a URI is malformed": [
        "",
        ":x",
        " sip:a@h",
        "1x:y",
        "urn:",
        "urn:a b",
        "urn:<a>",
        'urn:"',
        "urn:\x00",
        "http://é",
    ],
    "a SIP URI is malformed": [
        "sip",
        "sip:",
        "sip:a@",
        "sip:@h",
        "sip:a@@h",
        "sip:a b@h",
        "sip: a@h",
        "sip:a@h ",
        "sip:a@h\n",
        "sip:a@h:",
        "sip:a@h:x",
        "sip:a@[::1",
        "sip:a@::1",
        "sip:a@[]",
        "sip:a@[::g]",
        "sip:a@[fe80::1%25e]",
        "sip:h;",
        "sip:h;;a",
        "sip:h;=b",
        "sip:h;a=",
        "sip:h?",
        "sip:h?a",
        "sip:h?=b",
        "sip:é@h",
        "sip:<a>@h",
        "sip://h",
    ],
    "a port is out of range": [
        "sip:a@h:99999",
        "sip:a@h:0",
    ],
    "a host is malformed": [
        "sip:a@-h",
        "sip:a@h-",
        "sip:a@h..x",
        "sip:a@.h",
        "sip:a@1",
        "sip:a@1.2.3",
        "sip:a@1.2.3.4.5",
        "sip:a@1.2.3.300",
    ],
    "an IPv6 address is malformed": [
        "sip:a@[1]",
    ],
    "a URI parameter comes twice": [
        "sip:h;a;A=1",
        "tel:+1;a;a",
    ],
    "an escape in a URI is malformed": [
        "sip:%4@h",
        "sip:%@h",
        "sip:%gg@h",
        "urn:%zz",
    ],
    "the escapes of a URI are not UTF-8": [
        "sip:%80@h",
    ],
    "a tel URI is malformed": [
        "tel:",
        "tel:+",
        "tel:abcg",
        "tel:1 2",
    ],
}


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:example.com", SipUri("sip", None, "example.com")),
        ("SIPS:a@b.example", SipUri("sips", "a", "b.example")),
        ("sip:a@192.0.2.1:5061", SipUri("sip", "a", "192.0.2.1", 5061)),
        ("sip:a@[2001:db8::1]:5061", SipUri("sip", "a", "2001:db8::1", 5061)),
        ("sip:[::ffff:192.0.2.1]", SipUri("sip", None, "::ffff:192.0.2.1")),
        ("sip:a@host_1.local", SipUri("sip", "a", "host_1.local")),
        ("sip:a@example.com.", SipUri("sip", "a", "example.com.")),
        ("sip:a;b=c?d/e@h", SipUri("sip", "a;b=c?d/e", "h")),
        ("sip:j%40s%0D%0A@h", SipUri("sip", "j@s\r\n", "h")),
        ("sip:%C3%A4@h", SipUri("sip", "ä", "h")),
        ("sip:h;lr", SipUri("sip", None, "h", None, (("lr", None),))),
        (
            "sip:h:5060;transport=TLS;x=%41%3b",
            SipUri("sip", None, "h", 5060, (("transport", "TLS"), ("x", "A;"))),
        ),
        ("sip:h?a=b&c=", SipUri("sip", None, "h", None, (), (("a", "b"), ("c", "")))),
        (
            "sip:h;p?Replaces=x%3Bto-tag%3Dy",
            SipUri("sip", None, "h", None, (("p", None),), (("Replaces", "x;to-tag=y"),)),
        ),
        ("tel:+49-30-123", TelUri("+49-30-123")),
        ("TEL:110;phone-context=+49", TelUri("110", (("phone-context", "+49"),))),
        ("urn:service:sos", OtherUri("urn", "service:sos")),
        ("http://example.com/a?b#c", OtherUri("http", "//example.com/a?b#c")),
    ],
)
def test_a_uri_is_taken_apart(text: str, uri: Uri) -> None:
    assert parse_uri(text) == uri


@pytest.mark.parametrize(
    ("reason", "text"), [(reason, text) for reason, texts in REFUSED.items() for text in texts]
)
def test_what_is_no_uri_is_refused_with_400_and_the_reason(reason: str, text: str) -> None:
    with pytest.raises(PeerError) as caught:
        parse_uri(text)
    assert (caught.value.status, caught.value.reason) == (400, reason)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"),
        ("tel:+49-30-123", "tel:+4930123"),
        ("urn:service:sos", "URN:service:sos"),
    ],
)
def test_the_equivalent_uris_of_the_rfc_are_the_same(a: str, b: str) -> None:
    assert same_uri(parse_uri(a), parse_uri(b))
    assert same_uri(parse_uri(b), parse_uri(a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@h;user=phone", "sip:a@h"),
        ("sip:a@h;ttl=1", "sip:a@h"),
        ("sip:a@h;maddr=1.2.3.4", "sip:a@h"),
        ("sip:a@h;security=on", "sip:a@h;security=off"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:h"),
        ("sip:4930@h", "tel:4930"),
        ("tel:+4930", "tel:4930"),
        ("tel:110;phone-context=+49", "tel:110;phone-context=+43"),
        ("urn:service:sos", "urn:service:fire"),
    ],
)
def test_the_different_uris_of_the_rfc_are_not_the_same(a: str, b: str) -> None:
    assert not same_uri(parse_uri(a), parse_uri(b))
    assert not same_uri(parse_uri(b), parse_uri(a))


def test_security_off_and_on_are_each_equivalent_to_none_but_not_to_each_other() -> None:
    plain, on = parse_uri("sip:c@h"), parse_uri("sip:c@h;security=on")
    off = parse_uri("sip:c@h;security=off")
    assert same_uri(plain, on)
    assert same_uri(plain, off)
    assert not same_uri(on, off)


@settings(deadline=None)
@given(uris)
def test_a_uri_that_is_written_is_read_as_the_same(uri: Uri) -> None:
    assert parse_uri(str(uri)) == uri
    assert same_uri(parse_uri(str(uri)), uri)


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("sip:[]@%4;?&=.a1 ", max_size=40).map("sip:".__add__))
def test_any_text_is_a_uri_or_a_peer_error(text: str) -> None:
    try:
        uri = parse_uri(text)
    except PeerError:
        return
    assert parse_uri(str(uri)) == uri


def test_a_parsed_uri_is_written_as_it_came() -> None:
    signed = "sip:%61;x@P.example.com;ftag=%41%2Bz;lr=on;did=8.2"
    assert str(parse_uri(signed)) == signed


def test_a_password_is_neither_kept_nor_written() -> None:
    uri = sip("sip:alice:hunter2@example.com;transport=tls")
    assert uri.user == "alice"
    assert str(uri) == "sip:alice@example.com;transport=tls"
    assert "hunter2" not in repr(uri)


def test_what_can_not_stand_in_a_user_is_escaped() -> None:
    assert str(SipUri("sip", "a@b %\r\nü", "h")) == "sip:a%40b%20%25%0D%0A%C3%BC@h"


def test_an_empty_user_or_value_is_written_as_none() -> None:
    uri = SipUri("sip", "", "h", None, (("lr", ""), ("ob", None)))
    assert str(uri) == "sip:h;lr;ob"


def test_an_ipv6_host_is_written_in_brackets() -> None:
    uri = SipUri("sip", "a", "2001:db8::1", 5061)
    assert str(uri) == "sip:a@[2001:db8::1]:5061"
    assert uri.host_port == "[2001:db8::1]:5061"


def test_parameters_are_found_in_any_case_and_changed_in_a_copy() -> None:
    uri = sip("sip:a@h;Transport=tls;lr")
    assert (uri.parameter("transport"), uri.parameter("LR"), uri.parameter("ob")) == (
        "tls",
        "",
        None,
    )
    changed = uri.with_parameters(transport=None, lr=None, ob="", reg_id="1")
    assert str(changed) == "sip:a@h;ob;reg-id=1"
    assert str(uri) == "sip:a@h;Transport=tls;lr"


def test_a_changed_copy_forgets_how_the_original_was_written() -> None:
    assert str(sip("sip:%61@h").with_parameters(x="y")) == "sip:a@h;x=y"


@pytest.mark.parametrize(
    "uri",
    [
        SipUri("sip", "a", "h>;evil"),
        SipUri("sip", "a", "h\r\nEvil: 1"),
        SipUri("sip", "a", ""),
        SipUri("sip", "a", "h;x=y"),
        SipUri("sip", "a", "fe80::1%eth0"),
        SipUri("sip", "\ud800", "h"),
        SipUri("sip", "a", "h", None, (("x", "\ud800"),)),
        TelUri("+49\r\nEvil: 1"),
        OtherUri("urn", "a> b"),
        OtherUri("urn\r\n", "a"),
    ],
)
def test_a_uri_of_our_own_that_would_inject_something_is_not_written(uri: Uri) -> None:
    with pytest.raises(LocalError):
        str(uri)


@pytest.mark.parametrize("unit", ["a", "a.", "a-", "1.", "[", "a;", "%41", ":", "[1"])
def test_a_long_malformed_uri_is_refused_at_once(unit: str) -> None:
    with pytest.raises(PeerError):
        parse_uri(f"sip:{unit * 100_000}<")
