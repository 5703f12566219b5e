"""RFC 7616, RFC 8760: what a registrar accepts as credentials."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.account_kit import (
    REALM,
    credentials,
    make_client,
    make_request,
    make_verifier,
    refusal,
)

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.sip.auth_values import Credentials, parse_challenges
from offhook.protocols.sip.digest import DigestClient
from offhook.protocols.sip.digest_server import DigestVerifier, NotVerified, Verified
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.uri import parse_uri


def answered(verifier: DigestVerifier, now: float = 0.0) -> Request:
    request = make_request(via=False)
    outcome = make_client().authorize(request, refusal(request, verifier.challenge(now)))
    assert isinstance(outcome, Request)
    return outcome


def with_changes(request: Request, *drop: str, **changes: str) -> Request:
    held = credentials(request) | changes
    for name in drop:
        del held[name]
    request.headers.set("Authorization", str(Credentials("Digest", held)))
    return request


def fault(verifier: DigestVerifier, request: Request, now: float = 1.0) -> NotVerified:
    outcome = verifier.verify(request, now)
    assert isinstance(outcome, NotVerified)
    return outcome


def test_a_good_answer_is_verified_once() -> None:
    verifier = make_verifier()
    request = answered(verifier)
    assert verifier.verify(request, 1.0) == Verified("alice")
    replayed = fault(verifier, request)
    assert replayed.stale
    assert "before" in replayed.reason


def test_a_proxy_reads_its_own_field() -> None:
    verifier = make_verifier()
    request = make_request(via=False)
    response = refusal(request, verifier.challenge(0.0), status=407)
    again = make_client().authorize(request, response)
    assert isinstance(again, Request)
    assert isinstance(verifier.verify(again, 1.0), NotVerified)
    assert isinstance(verifier.verify(again, 1.0, proxy=True), Verified)


def test_the_challenge_has_the_form_of_rfc_8760() -> None:
    verifier = make_verifier(("SHA-512-256", "SHA-256", "MD5"))
    values = verifier.challenges(0.0, stale=True)
    assert [parse_challenges(v)[0].parameters["algorithm"] for v in values] == [
        "SHA-512-256",
        "SHA-256",
        "MD5",
    ]
    for value in values:
        assert 'qop="auth"' in value
        assert "stale=true" in value
        assert f'realm="{REALM}"' in value
    assert len({parse_challenges(v)[0].parameters["nonce"] for v in values}) == 1
    assert "stale" not in verifier.challenge(0.0)


def test_an_old_nonce_is_stale_and_a_new_one_heals_it() -> None:
    verifier = make_verifier(nonce_lifetime_s=60.0)
    assert isinstance(verifier.verify(answered(verifier), 59.0), Verified), "control"
    assert fault(verifier, answered(verifier), 61.0).stale


def test_a_forgotten_nonce_is_stale() -> None:
    verifier = make_verifier(most_nonces=4)
    request = answered(verifier)
    for _ in range(4):
        verifier.challenge(0.0)
    assert fault(verifier, request).stale


def test_memory_is_bounded() -> None:
    verifier = make_verifier(most_nonces=16)
    for _ in range(1000):
        verifier.challenge(0.0)
    assert len(verifier._nonces) == 16


def test_counts_may_have_gaps_but_never_go_back() -> None:
    verifier = make_verifier()
    client = make_client()
    request = make_request(via=False)
    first = client.authorize(request, refusal(request, verifier.challenge(0.0)))
    assert isinstance(first, Request)
    requests = [first] + [client.preempt(make_request(cseq=n, via=False)) for n in range(3, 6)]
    assert isinstance(verifier.verify(requests[0], 1.0), Verified)
    assert isinstance(verifier.verify(requests[3], 1.0), Verified)
    assert isinstance(verifier.verify(requests[2], 1.0), NotVerified)


def test_a_wrong_password_is_not_stale_even_with_an_old_nonce() -> None:
    verifier = DigestVerifier(REALM, lambda _: Secret("other"), SeededRandomness(1))
    assert not fault(verifier, answered(verifier), 9999.0).stale


def test_an_unknown_user_and_a_wrong_password_look_alike() -> None:
    nobody = DigestVerifier(REALM, lambda _: None, SeededRandomness(1))
    wrong = DigestVerifier(REALM, lambda _: Secret("other"), SeededRandomness(1))
    assert fault(nobody, answered(nobody)) == fault(wrong, answered(wrong))


def test_the_stand_in_for_a_missing_password_opens_nothing() -> None:
    verifier = DigestVerifier(REALM, lambda _: None, SeededRandomness(1))
    client = DigestClient("bob", verifier._nobody, REALM, randomness=SeededRandomness(2))
    client.flow_opened()
    request = make_request(via=False)
    again = client.authorize(request, refusal(request, verifier.challenge(0.0)))
    assert isinstance(again, Request)
    fault(verifier, again)


def test_good_credentials_for_another_resource_are_refused() -> None:
    verifier = make_verifier()
    request = answered(verifier)
    request.uri = parse_uri("sip:expensive@example.com")
    assert "Request-URI" in fault(verifier, request).reason
    request.uri = parse_uri("sip:EXAMPLE.com")
    assert isinstance(verifier.verify(request, 1.0), Verified), "control"


def test_cve_2025_57767_a_realm_never_issued_is_refused() -> None:
    verifier = make_verifier()
    request = with_changes(answered(verifier), realm="never.issued")
    assert "realm" in fault(verifier, request).reason


def test_credentials_for_another_realm_beside_ours_are_passed_over() -> None:
    verifier = make_verifier()
    request = answered(verifier)
    request.headers.prepend("Authorization", 'Digest realm="other.example"')
    assert isinstance(verifier.verify(request, 1.0), Verified)


@pytest.mark.parametrize(
    "name", ["username", "realm", "nonce", "uri", "response", "qop", "cnonce", "nc", "opaque"]
)
def test_each_parameter_is_needed(name: str) -> None:
    verifier = make_verifier()
    fault(verifier, with_changes(answered(verifier), name))


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "mallory"},
        {"nonce": "mine"},
        {"uri": "sip:other.example"},
        {"uri": "\x00"},
        {"response": "0" * 64},
        {"response": ""},
        {"response": "\u00e4"},
        {"qop": "auth-int"},
        {"qop": "none"},
        {"cnonce": "other"},
        {"nc": "00000002"},
        {"nc": "1"},
        {"nc": "0000000g"},
        {"nc": "\u0660" * 8},
        {"opaque": "other"},
        {"algorithm": "MD5"},
        {"algorithm": "SHA-256-sess"},
    ],
    ids=str,
)
def test_each_changed_parameter_is_noticed(changes: dict[str, str]) -> None:
    verifier = make_verifier()
    fault(verifier, with_changes(answered(verifier), **changes))


def test_without_credentials_there_is_a_reason() -> None:
    assert "no credentials" in fault(make_verifier(), make_request()).reason


@pytest.mark.parametrize(
    "value", ["", "Digest", 'Digest realm="', "Basic QQ==", "Digest ,,,", "\x00"]
)
def test_broken_credentials_are_refused(value: str) -> None:
    request = make_request()
    request.headers.add("Authorization", value)
    fault(make_verifier(), request)


def test_the_body_counts_with_auth_int_alone() -> None:
    for qop, counts in (("auth-int", True), ("auth", False)):
        verifier = DigestVerifier(
            REALM, lambda _: Secret("Circle of Life"), SeededRandomness(1), qops=(qop,)
        )
        request = make_request(via=False, body=b"v=0\r\n")
        again = make_client().authorize(request, refusal(request, verifier.challenge(0.0)))
        assert isinstance(again, Request)
        again.body = b"v=1\r\n"
        assert isinstance(verifier.verify(again, 1.0), NotVerified) is counts


def test_the_algorithms_must_be_known() -> None:
    for algorithms in ((), ("SHA-1",)):
        with pytest.raises(LocalError):
            make_verifier(algorithms)


@settings(max_examples=300, deadline=None)
@given(
    value=st.text(max_size=100)
    | st.builds(
        "Digest {}".format,
        st.lists(
            st.builds(
                '{}="{}"'.format,
                st.sampled_from(
                    ["username", "realm", "nonce", "uri", "response", "qop", "cnonce", "nc"]
                ),
                st.text(max_size=20) | st.just(REALM),
            ),
            max_size=9,
        ).map(", ".join),
    )
)
def test_no_authorization_does_more_than_fail(value: str) -> None:
    request = make_request()
    request.headers.add("Authorization", value)
    fault(make_verifier(), request)
