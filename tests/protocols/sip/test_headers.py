"""Header fields: names in any case and compact form, order, lists (RFC 3261 §7.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.errors import PeerError
from offhook.protocols.sip.grammar import split_list
from offhook.protocols.sip.header_names import NAMES_OF_LISTS, NAMES_OF_ONCE, canonical_name
from offhook.protocols.sip.headers import Headers


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("v", "Via"),
        ("V", "Via"),
        ("vIA", "Via"),
        ("f", "From"),
        ("t", "To"),
        ("i", "Call-ID"),
        ("call-id", "Call-ID"),
        ("m", "Contact"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("e", "Content-Encoding"),
        ("k", "Supported"),
        ("s", "Subject"),
        ("r", "Refer-To"),
        ("b", "Referred-By"),
        ("o", "Event"),
        ("u", "Allow-Events"),
        ("x", "Session-Expires"),
        ("y", "Identity"),
        ("CSEQ", "CSeq"),
        ("www-authenticate", "WWW-Authenticate"),
        ("sip-etag", "SIP-ETag"),
        ("x-fOO-bar", "X-Foo-Bar"),
        ("z", "Z"),
    ],
)
def test_a_name_has_one_canonical_form(written: str, canonical: str) -> None:
    assert canonical_name(written) == canonical
    assert canonical_name(canonical) == canonical


def test_a_name_that_is_a_list_may_come_more_than_once() -> None:
    assert not NAMES_OF_LISTS & NAMES_OF_ONCE


def test_fields_keep_their_order_and_are_found_by_any_spelling() -> None:
    headers = Headers([("v", "1"), ("f", "a"), ("Via", "2"), ("VIA", "3")])
    assert list(headers) == [("Via", "1"), ("From", "a"), ("Via", "2"), ("Via", "3")]
    assert headers.get("via") == "1"
    assert headers.get("to") is None
    assert headers.all("V") == ["1", "2", "3"]
    assert "from" in headers
    assert "to" not in headers
    assert 7 not in headers
    assert len(headers) == 4


def test_fields_are_added_at_the_end_and_put_before_all() -> None:
    headers = Headers([("From", "a")])
    headers.add("t", "b")
    headers.prepend("v", "c")
    assert list(headers) == [("Via", "c"), ("From", "a"), ("To", "b")]


def test_set_replaces_all_fields_of_the_name_at_the_place_of_the_first() -> None:
    headers = Headers([("m", "1"), ("From", "a"), ("Contact", "2"), ("To", "b")])
    headers.set("contact", "3")
    assert list(headers) == [("Contact", "3"), ("From", "a"), ("To", "b")]
    headers.set("Expires", "60")
    assert list(headers)[-1] == ("Expires", "60")


def test_fields_are_removed_all_or_the_first() -> None:
    headers = Headers([("v", "1"), ("v", "2"), ("v", "3"), ("To", "b")])
    headers.remove_first("Via")
    assert headers.all("Via") == ["2", "3"]
    headers.remove("Via")
    headers.remove("Via")
    headers.remove_first("Via")
    assert list(headers) == [("To", "b")]


def test_a_copy_is_changed_on_its_own() -> None:
    headers = Headers([("To", "b")])
    copy = headers.copy()
    assert copy == headers
    copy.add("From", "a")
    assert list(headers) == [("To", "b")]
    assert copy != headers
    assert copy != 7


def test_repr_shows_names_and_no_values() -> None:
    assert (
        repr(Headers([("Authorization", "Digest response=secret")])) == "Headers(['Authorization'])"
    )


def test_commas_split_lists_and_nothing_else() -> None:
    headers = Headers(
        [
            ("Allow", "INVITE, ACK"),
            ("Allow", "BYE"),
            ("Subject", "a, b"),
            ("Date", "Sat, 15 Oct 2005 04:44:56 GMT"),
            ("WWW-Authenticate", 'Digest realm="a", nonce="b"'),
        ]
    )
    assert headers.values("Allow") == ["INVITE", "ACK", "BYE"]
    assert headers.values("Subject") == ["a, b"]
    assert headers.values("Date") == ["Sat, 15 Oct 2005 04:44:56 GMT"]
    assert headers.values("WWW-Authenticate") == ['Digest realm="a", nonce="b"']
    assert headers.values("Route") == []


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("", []),
        (" \t", []),
        ("a", ["a"]),
        (" a ,\tb ", ["a", "b"]),
        ("a,,b,", ["a", "", "b", ""]),
        ('"a,b" <sip:c,d@h>;e="f,\\"g,", h', ['"a,b" <sip:c,d@h>;e="f,\\"g,"', "h"]),
        ("<sip:a@h>, <sip:b@h>", ["<sip:a@h>", "<sip:b@h>"]),
    ],
)
def test_a_list_is_split_at_commas_outside_quotes_and_brackets(
    text: str, elements: list[str]
) -> None:
    assert split_list(text) == elements


@pytest.mark.parametrize("text", ['"a, b', "<sip:a, b", 'a, "b\\"', "a, <<b>"])
def test_a_list_with_an_open_quote_or_bracket_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        split_list(text)


@settings(deadline=None)
@given(st.lists(st.text("ab;=@ ", min_size=1).map(str.strip).filter(bool), min_size=1))
def test_what_is_joined_by_commas_is_split_into_the_same(elements: list[str]) -> None:
    assert split_list(", ".join(elements)) == elements


@settings(deadline=None)
@given(st.text('a,"<>\\\\ ', max_size=50))
def test_splitting_loses_nothing_but_commas_and_space(text: str) -> None:
    try:
        elements = split_list(text)
    except PeerError:
        return
    assert elements == [element.strip(" \t") for element in elements]
    assert "".join(elements).replace(" ", "").replace(",", "") == text.replace(" ", "").replace(
        ",", ""
    )
