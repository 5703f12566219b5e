"""Challenges and credentials as header values (RFC 3261 §20.7, §20.44; RFC 7616 §3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.strategies import one_line, tokens

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.auth_values import (
    Challenge,
    Credentials,
    parse_auth_info,
    parse_challenges,
    parse_credentials,
)


def test_a_challenge_is_taken_apart_whatever_its_case_and_spaces() -> None:
    assert parse_challenges(
        'Digest  Realm="a \\"b\\", c" ,NONCE="n",algorithm=SHA-256 , '
        'qop="auth,auth-int",stale=FALSE'
    ) == [
        Challenge(
            "Digest",
            {
                "realm": 'a "b", c',
                "nonce": "n",
                "algorithm": "SHA-256",
                "qop": "auth,auth-int",
                "stale": "FALSE",
            },
        )
    ]


def test_several_challenges_in_one_field_are_kept_apart() -> None:
    found = parse_challenges(
        'Digest realm="a", nonce="1", Digest realm="b",nonce="2",Basic realm="c"'
    )
    assert [challenge.scheme for challenge in found] == ["Digest", "Digest", "Basic"]
    assert [challenge.parameters["realm"] for challenge in found] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        'realm="a"',
        "Digest realm",
        "Digest realm=",
        'Digest realm="a',
        'Digest realm="a\\"',
        'Digest realm="a" nonce="b"',
        'Digest realm="a", realm="b"',
        'Digest realm="a", REALM="b"',
        'Digest realm="a",, nonce="b"',
        'Digest realm="a"; nonce="b"',
        "Digest ,",
        "Digest é=1",
    ],
)
def test_what_is_no_challenge_is_refused_with_400(text: str) -> None:
    with pytest.raises(PeerError) as caught:
        parse_challenges(text)
    assert caught.value.status == 400


def test_credentials_are_one_set() -> None:
    credentials = parse_credentials('Digest username="u", realm="r", nc=00000001, qop=auth')
    assert credentials.parameters == {
        "username": "u",
        "realm": "r",
        "nc": "00000001",
        "qop": "auth",
    }
    with pytest.raises(PeerError, match="more than one set"):
        parse_credentials('Digest realm="a", Digest realm="b"')


def test_what_rfc_7616_wants_quoted_is_quoted_and_the_rest_is_not() -> None:
    credentials = Credentials(
        "Digest", {"username": 'a"b', "realm": "r", "qop": "auth", "nc": "00000001", "cnonce": "c"}
    )
    assert str(credentials) == (
        'Digest username="a\\"b", realm="r", qop=auth, nc=00000001, cnonce="c"'
    )
    assert str(Challenge("Digest", {"realm": "r", "qop": "auth", "stale": "true"})) == (
        'Digest realm="r", qop="auth", stale=true'
    )


def test_credentials_do_not_show_in_repr() -> None:
    assert "0123" not in repr(Credentials("Digest", {"response": "0123"}))


def test_a_hostile_value_can_not_add_a_parameter() -> None:
    text = str(Credentials("Digest", {"algorithm": 'MD5, username="root"'}))
    assert parse_credentials(text).parameters == {"algorithm": 'MD5, username="root"'}
    with pytest.raises(LocalError):
        str(Credentials("Digest", {"opaque": "a\r\nEvil: 1"}))


def test_authentication_info_is_parameters_without_a_scheme() -> None:
    assert parse_auth_info('nextnonce="n", qop=auth, rspauth="00"') == {
        "nextnonce": "n",
        "qop": "auth",
        "rspauth": "00",
    }
    with pytest.raises(PeerError):
        parse_auth_info("")


@settings(deadline=None)
@given(tokens, st.dictionaries(tokens.map(str.lower), one_line, min_size=1, max_size=5))
def test_credentials_that_are_written_are_read_as_the_same(
    scheme: str, parameters: dict[str, str]
) -> None:
    credentials = Credentials(scheme, parameters)
    assert parse_credentials(str(credentials)) == credentials


@settings(deadline=None)
@given(st.text('Digest realm="a,\\\t é', max_size=40))
def test_any_text_is_challenges_or_a_peer_error(text: str) -> None:
    try:
        found = parse_challenges(text)
    except PeerError:
        return
    assert found


@pytest.mark.parametrize("unit", [" ", ",", '"', '\\"', "a=b,", 'a="', "a ", "a=b ", "a\t=\t"])
def test_long_malformed_challenges_are_refused_at_once(unit: str) -> None:
    with pytest.raises(PeerError):
        parse_challenges("Digest " + unit * 8000 + "\x00")
