"""The digest leak: a challenge from anybody but our own trunk gets nothing to crack.

CVE-2021-41158. Twelve methods, five origins of a challenge, and for each method the one origin to
which credentials are due, so that the matrix can fail.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.protocols.sip.account_kit import (
    REALM,
    challenge,
    credential_count,
    credentials,
    make_client,
    make_request,
    make_verifier,
    refusal,
)

from offhook.protocols.sip.digest import DigestClient, DigestRefused
from offhook.protocols.sip.message import Request, Response
from offhook.protocols.sip.serialise import serialise

METHODS = (
    "REGISTER",
    "INVITE",
    "BYE",
    "OPTIONS",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "INFO",
    "REFER",
    "MESSAGE",
    "UPDATE",
    "PRACK",
)
Case = tuple[DigestClient, Request, Response, str]


def registered() -> DigestClient:
    client = make_client()
    client.flow_registered()
    return client


def another_realm(method: str, status: int) -> Case:
    request = make_request(method)
    return registered(), request, challenge(request, status, realm="evil.example"), "realm"


def the_callers_dialog(method: str, status: int) -> Case:
    """An unregistered caller began the dialog and knows our realm: it is no secret."""
    request = make_request(method, to_tag="caller", from_tag="callee")
    return registered(), request, challenge(request, status), "dialog"


def a_flow_that_is_not_registered(method: str, status: int) -> Case:
    client = make_client()
    if method == "REGISTER":
        client.flow_lost()
    request = make_request(method)
    return client, request, challenge(request, status), "flow"


def a_flow_that_is_lost(method: str, status: int) -> Case:
    client = registered()
    client.flow_lost()
    request = make_request(method)
    return client, request, challenge(request, status), "flow"


def no_request_of_ours(method: str, status: int) -> Case:
    request = make_request(method)
    stranger = make_request(method, call_id="stranger")
    return registered(), request, challenge(stranger, status), "not-ours"


ORIGINS = (
    another_realm,
    the_callers_dialog,
    a_flow_that_is_not_registered,
    a_flow_that_is_lost,
    no_request_of_ours,
)


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_challenge_gets_no_credentials(
    method: str, origin: Callable[[str, int], Case], status: int
) -> None:
    client, request, response, rule = origin(method, status)
    outcome = client.authorize(request, response)
    assert isinstance(outcome, DigestRefused)
    assert outcome.rule == rule
    later = client.preempt(make_request(method, cseq=2))
    assert b"uthorization" not in serialise(request) + serialise(later)


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("method", METHODS)
def test_control_our_own_trunk_gets_credentials(method: str, status: int) -> None:
    client = registered()
    verifier = make_verifier()
    request = make_request(method)
    response = refusal(request, verifier.challenge(0.0), status=status)
    outcome = client.authorize(request, response)
    assert isinstance(outcome, Request)
    assert credential_count(outcome) == 1
    assert getattr(verifier.verify(outcome, 1.0, proxy=status == 407), "username", "") == "alice"


@pytest.mark.parametrize("method", ["INVITE", "BYE", "INFO", "REFER", "UPDATE", "PRACK"])
def test_control_a_dialog_begun_with_our_credentials_gets_them_again(method: str) -> None:
    client = registered()
    invite = make_request("INVITE", call_id="call-9")
    assert isinstance(client.authorize(invite, challenge(invite, 407)), Request)
    request = make_request(method, call_id="call-9", to_tag="callee", cseq=3)
    outcome = client.authorize(request, challenge(request, 407, nonce="nonce-2"))
    assert isinstance(outcome, Request)
    assert credential_count(outcome) == 1


def test_a_caller_who_reuses_our_call_id_gets_none_either() -> None:
    client = registered()
    invite = make_request("INVITE", call_id="call-9")
    assert isinstance(client.authorize(invite, challenge(invite, 407)), Request)
    bye = make_request("BYE", call_id="call-9", from_tag="callee", to_tag="caller")
    outcome = client.authorize(bye, challenge(bye, 407))
    assert isinstance(outcome, DigestRefused)
    assert outcome.rule == "dialog"


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
@pytest.mark.parametrize("status", [401, 407])
def test_what_can_not_be_challenged_is_not_answered(method: str, status: int) -> None:
    request = make_request(method)
    outcome = registered().authorize(request, challenge(request, status))
    assert isinstance(outcome, DigestRefused)
    assert outcome.rule == "method"


@pytest.mark.parametrize("status", [200, 300, 400, 402, 403, 408, 494, 503, 600])
def test_only_401_and_407_are_challenges(status: int) -> None:
    request = make_request()
    response = challenge(request)
    response.status = status
    outcome = registered().authorize(request, response)
    assert isinstance(outcome, DigestRefused)
    assert outcome.rule == "status"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Call-ID", "call-2"),
        ("CSeq", "2 INVITE"),
        ("CSeq", "1 BYE"),
        ("From", "<sip:alice@example.com>;tag=other"),
        ("From", "<sip:alice@example.com>"),
        ("Via", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKother"),
        ("CSeq", "one INVITE"),
        ("From", "<<"),
        ("Via", "?"),
    ],
)
def test_a_response_must_match_in_each_part(field: str, value: str) -> None:
    request = make_request("INVITE")
    response = challenge(request, 407)
    assert isinstance(registered().authorize(request, response), Request), "control"
    response.headers.set(field, value)
    outcome = registered().authorize(request, response)
    assert isinstance(outcome, DigestRefused)
    assert outcome.rule in {"not-ours", "malformed"}


def test_a_header_of_the_other_kind_is_not_looked_at() -> None:
    request = make_request()
    response = challenge(request, 407)
    response.status = 401
    outcome = registered().authorize(request, response)
    assert isinstance(outcome, DigestRefused)


class TestRealm:
    def test_it_is_pinned_by_the_first_challenge_to_a_register(self) -> None:
        client = make_client(None)
        request = make_request()
        assert isinstance(client.authorize(request, challenge(request)), Request)
        assert client.realm == REALM
        assert client.challenged_by_register
        client.flow_registered()
        invite = make_request("INVITE", call_id="call-2")
        outcome = client.authorize(invite, challenge(invite, 407, realm="evil.example"))
        assert isinstance(outcome, DigestRefused)
        assert "evil.example" in outcome.reason
        assert REALM in outcome.reason

    def test_it_stays_pinned_on_the_next_flow(self) -> None:
        client = make_client(None)
        request = make_request()
        client.authorize(request, challenge(request))
        client.flow_lost()
        client.flow_opened()
        again = make_request(cseq=5)
        outcome = client.authorize(again, challenge(again, realm="evil.example"))
        assert isinstance(outcome, DigestRefused)
        assert isinstance(client.authorize(again, challenge(again)), Request), "control"

    def test_a_call_never_pins_it(self) -> None:
        client = make_client(None)
        client.flow_registered()
        invite = make_request("INVITE")
        outcome = client.authorize(invite, challenge(invite, 407))
        assert isinstance(outcome, DigestRefused)
        assert outcome.rule == "realm"
        assert client.realm is None

    def test_a_refused_challenge_does_not_pin_it(self) -> None:
        client = make_client(None)
        request = make_request()
        client.authorize(request, challenge(request, algorithm="MD5", realm="evil.example"))
        assert client.realm is None

    @pytest.mark.parametrize("realm", ["Example.com", "example.com ", "example.com.", ""])
    def test_it_is_compared_octet_by_octet(self, realm: str) -> None:
        request = make_request()
        outcome = make_client().authorize(request, challenge(request, realm=realm))
        assert isinstance(outcome, DigestRefused)
        assert outcome.rule == "realm"

    def test_of_several_realms_only_ours_is_answered(self) -> None:
        request = make_request()
        response = refusal(
            request,
            'Digest realm="evil.example", nonce="e", qop="auth", algorithm=SHA-512-256',
            f'Digest realm="{REALM}", nonce="o", qop="auth", algorithm=SHA-256',
        )
        outcome = make_client(algorithms=("SHA-512-256", "SHA-256")).authorize(request, response)
        assert isinstance(outcome, Request)
        assert credentials(outcome)["nonce"] == "o"


class TestAccountsThatDoNotRegister:
    def test_a_verified_flow_is_enough_with_a_realm(self) -> None:
        client = make_client(registers=False)
        invite = make_request("INVITE")
        assert isinstance(client.authorize(invite, challenge(invite, 407)), Request)

    def test_without_a_realm_nothing_is_given(self) -> None:
        client = make_client(None, registers=False)
        invite = make_request("INVITE")
        outcome = client.authorize(invite, challenge(invite, 407))
        assert isinstance(outcome, DigestRefused)
        assert outcome.rule == "realm"


def test_a_binding_that_ran_out_ends_the_right_to_credentials() -> None:
    client = registered()
    client.flow_registered(registered=False)
    invite = make_request("INVITE")
    outcome = client.authorize(invite, challenge(invite, 407))
    assert isinstance(outcome, DigestRefused)
    assert outcome.rule == "flow"


def test_without_a_flow_nothing_can_count_as_registered() -> None:
    client = registered()
    client.flow_lost()
    client.flow_registered()
    invite = make_request("INVITE")
    assert isinstance(client.authorize(invite, challenge(invite, 407)), DigestRefused)
    assert client.standing.name == "NONE"
