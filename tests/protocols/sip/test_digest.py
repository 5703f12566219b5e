"""RFC 7616, RFC 8760: what the credentials look like, and when they are given again."""

from __future__ import annotations

import hashlib
import logging
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.account_kit import (
    PASSWORD,
    REALM,
    challenge,
    credential_count,
    credentials,
    make_client,
    make_request,
    make_verifier,
    refusal,
)

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.sip.digest import DigestClient, DigestRefused
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.serialise import serialise


def authorized(client: DigestClient, request: Request, response: Response) -> Request:
    again = client.authorize(request, response)
    assert isinstance(again, Request), again
    return again


def refused(client: DigestClient, request: Request, response: Response) -> DigestRefused:
    outcome = client.authorize(request, response)
    assert isinstance(outcome, DigestRefused)
    return outcome


class TestCredentials:
    def test_an_empty_body_counts_as_the_empty_string(self) -> None:
        empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        assert hashlib.sha256(b"").hexdigest() == empty, "RFC 8760 §2.6, bullet 7"
        client = make_client()
        again = authorized(client, make_request(), challenge(make_request(), qop="auth-int"))
        held = credentials(again)

        def sha(text: str) -> str:
            return hashlib.sha256(text.encode()).hexdigest()

        secret = sha(f"alice:{REALM}:{PASSWORD}")
        resource = sha(f"REGISTER:sip:example.com:{empty}")
        assert held["response"] == sha(
            f"{secret}:nonce-1:00000001:{held['cnonce']}:auth-int:{resource}"
        )

    def test_the_form_is_that_of_rfc_7616(self) -> None:
        request = make_request("REGISTER", cseq=7)
        again = authorized(make_client(), request, challenge(request))
        value = again.headers.get("Authorization")
        assert value is not None
        for quoted in ("username", "realm", "nonce", "uri", "response", "cnonce", "opaque"):
            assert f'{quoted}="' in value
        for bare in ("algorithm=SHA-256", "qop=auth", "nc=00000001"):
            assert bare in value
        assert credentials(again)["opaque"] == "opaque-1"
        assert again.cseq.number == 8
        assert "Via" not in again.headers, "the endpoint adds a Via with a new branch"
        assert (again.call_id, again.from_.tag) == (request.call_id, request.from_.tag)
        assert "Authorization" not in request.headers, "the original stays as it was"

    def test_a_proxy_gets_its_own_header_field(self) -> None:
        request = make_request()
        again = authorized(make_client(), request, challenge(request, 407))
        assert "Proxy-Authorization" in again.headers
        assert "Authorization" not in again.headers

    def test_the_next_cseq_of_a_dialog_is_taken_where_it_is_given(self) -> None:
        request = make_request(cseq=3)
        again = make_client().authorize(request, challenge(request), cseq=9)
        assert isinstance(again, Request)
        assert again.cseq.number == 9

    @pytest.mark.parametrize(
        ("offered", "allowed", "taken"),
        [
            (["MD5", "SHA-256", "SHA-512-256"], ("SHA-256", "SHA-512-256"), "SHA-512-256"),
            (["MD5", "SHA-256"], ("MD5", "SHA-256"), "SHA-256"),
            (["SHA-256-sess", "MD5"], ("SHA-256",), "SHA-256-sess"),
            (["sha-256"], ("SHA-256",), "sha-256"),
            (["TIGER", "MD5"], ("SHA-256", "MD5"), "MD5"),
        ],
    )
    def test_the_best_allowed_algorithm_is_taken(
        self, offered: list[str], allowed: tuple[str, ...], taken: str
    ) -> None:
        request = make_request()
        values = [f'Digest realm="{REALM}", nonce="n", qop="auth", algorithm={a}' for a in offered]
        again = authorized(make_client(algorithms=allowed), request, refusal(request, *values))
        assert credentials(again)["algorithm"] == taken

    def test_challenges_in_one_header_field_are_told_apart(self) -> None:
        request = make_request()
        value = (
            f'Digest realm="{REALM}", nonce="a", qop="auth", algorithm=MD5, '
            f'Digest realm="{REALM}", nonce="b", qop="auth", algorithm=SHA-256'
        )
        again = authorized(make_client(), request, refusal(request, value))
        assert credentials(again)["nonce"] == "b"

    def test_no_algorithm_means_md5_and_is_refused(self) -> None:
        request = make_request()
        response = challenge(request, drop=("algorithm",))
        assert refused(make_client(), request, response).rule == "algorithm"
        again = authorized(make_client(algorithms=("MD5",)), request, response)
        assert "algorithm" not in credentials(again), "only what was supplied is echoed"

    def test_the_refusal_of_md5_says_which_key_allows_it(self) -> None:
        request = make_request()
        outcome = refused(make_client(), request, challenge(request, algorithm="MD5"))
        assert outcome.rule == "algorithm"
        for part in ("MD5", "SHA-256", "trunk.digest", 'digest = ["SHA-256", "MD5"]', "cracked"):
            assert part in outcome.reason

    def test_an_unknown_algorithm_is_named_without_advice(self) -> None:
        request = make_request()
        outcome = refused(make_client(), request, challenge(request, algorithm="TIGER"))
        assert "TIGER" in outcome.reason
        assert "trunk.digest" not in outcome.reason

    @pytest.mark.parametrize("scheme", ["Basic", "NTLM", "Bearer", "AKAv1-MD5"])
    def test_other_schemes_are_passed_over(self, scheme: str) -> None:
        request = make_request()
        response = refusal(request, f'{scheme} realm="{REALM}", nonce="n", qop="auth"')
        assert refused(make_client(), request, response).rule == "malformed"

    @pytest.mark.parametrize(
        ("offered", "taken"),
        [
            ("auth", "auth"),
            ("auth-int", "auth-int"),
            ("auth-int,auth", "auth"),
            ("AUTH , token", "auth"),
        ],
    )
    def test_qop_auth_is_preferred(self, offered: str, taken: str) -> None:
        request = make_request()
        again = authorized(make_client(), request, challenge(request, qop=offered))
        assert credentials(again)["qop"] == taken

    def test_an_unknown_qop_is_refused(self) -> None:
        request = make_request()
        assert refused(make_client(), request, challenge(request, qop="auth-x")).rule == "qop"

    def test_no_qop_means_auth_with_sha_and_rfc_2069_with_md5(self) -> None:
        request = make_request()
        again = authorized(make_client(), request, challenge(request, drop=("qop",)))
        assert credentials(again)["qop"] == "auth"
        old = challenge(request, drop=("qop",), algorithm="MD5")
        again = authorized(make_client(algorithms=("MD5",)), request, old)
        assert not {"qop", "nc", "cnonce"} & credentials(again).keys()

    def test_userhash_is_not_done(self) -> None:
        request = make_request()
        again = authorized(make_client(), request, challenge(request, userhash="true"))
        assert credentials(again)["username"] == "alice"
        assert "userhash" not in credentials(again)

    @pytest.mark.parametrize(
        "realm", ['a"b', "back\\slash", "tail\\", "two words", "\u00e4 \u4e2d"]
    )
    def test_a_realm_is_unquoted_for_the_hash_and_quoted_in_the_field(self, realm: str) -> None:
        request = make_request()
        again = authorized(make_client(realm), request, challenge(request, realm=realm))
        arrived = parse_message(serialise(again))
        assert isinstance(arrived, Request)
        held = credentials(arrived)
        assert held["realm"] == realm

        def sha(text: str) -> str:
            return hashlib.sha256(text.encode()).hexdigest()

        assert held["response"] == sha(
            f"{sha(f'alice:{realm}:{PASSWORD}')}:nonce-1:00000001:{held['cnonce']}:auth:"
            f"{sha('REGISTER:sip:example.com')}"
        )

    @pytest.mark.parametrize("name", ["realm", "nonce", "opaque"])
    @pytest.mark.parametrize("value", ["\x00", "a\x07b", "x" * 1025, "\x7f"])
    def test_what_can_not_be_echoed_is_not_answered(self, name: str, value: str) -> None:
        request = make_request()
        response = challenge(request, more={name: value})
        client = make_client(None)
        assert refused(client, request, response).rule == "malformed"
        assert client.realm is None

    def test_a_malformed_challenge_does_not_hide_a_good_one(self) -> None:
        request = make_request()
        good = f'Digest realm="{REALM}", nonce="n", qop="auth", algorithm=SHA-256'
        again = authorized(make_client(), request, refusal(request, 'Digest realm="', good))
        assert credentials(again)["nonce"] == "n"

    def test_credentials_satisfy_an_independent_check(self) -> None:
        for algorithm in ("SHA-256", "SHA-512-256", "MD5", "SHA-256-sess", "MD5-sess"):
            verifier = make_verifier((algorithm,))
            client = make_client(algorithms=("MD5", "SHA-256", "SHA-512-256"))
            request = make_request(via=False)
            response = refusal(request, verifier.challenge(0.0))
            again = authorized(client, request, response)
            assert credentials(again)["algorithm"] == algorithm
            outcome = verifier.verify(again, 1.0)
            assert getattr(outcome, "username", None) == "alice", (algorithm, outcome)


class TestNonces:
    def test_the_count_goes_up_with_each_use_of_a_nonce(self) -> None:
        client = make_client()
        request = make_request()
        first = authorized(client, request, challenge(request))
        counts = [credentials(first)["nc"]]
        cnonces = {credentials(first)["cnonce"]}
        for number in range(3, 20):
            next_request = client.preempt(make_request(cseq=number))
            counts.append(credentials(next_request)["nc"])
            cnonces.add(credentials(next_request)["cnonce"])
        assert counts == [f"{count:08x}" for count in range(1, 19)]
        assert len(cnonces) == 18

    def test_a_session_variant_keeps_its_cnonce(self) -> None:
        client = make_client()
        request = make_request()
        first = authorized(client, request, challenge(request, algorithm="SHA-256-sess"))
        second = client.preempt(make_request(cseq=3))
        assert credentials(first)["cnonce"] == credentials(second)["cnonce"]
        assert credentials(second)["nc"] == "00000002"

    def test_nextnonce_is_used_next_with_its_own_count(self) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        again.headers.prepend("Via", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKtwo")
        accepted = response_to(
            again, 200, headers=[("Authentication-Info", 'nextnonce="second", qop=auth')]
        )
        client.answered(again, accepted)
        held = credentials(client.preempt(make_request(cseq=3)))
        assert (held["nonce"], held["nc"]) == ("second", "00000001")

    @pytest.mark.parametrize(
        ("info", "nonce"),
        [
            ('nextnonce="', "nonce-1"),
            ("nextnonce", "nonce-1"),
            ("", "nonce-1"),
            ('nextnonce=""', "nonce-1"),
            ('rspauth="x"', "nonce-1"),
            ('nextnonce="nonce-1"', "nonce-1"),
            ('nextnonce="a\\\x07"', None),
            (f'nextnonce="{"x" * 1025}"', None),
        ],
    )
    def test_a_strange_authentication_info_does_no_harm(self, info: str, nonce: str | None) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        client.answered(again, response_to(again, 200, headers=[("Authentication-Info", info)]))
        refresh = client.preempt(make_request(cseq=3))
        if nonce is None:
            assert credential_count(refresh) == 0
        else:
            assert (credentials(refresh)["nonce"], credentials(refresh)["nc"]) == (
                nonce,
                "00000002",
            )

    def test_nextnonce_ends_a_session_of_the_session_variant(self) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request, algorithm="SHA-256-sess"))
        info = [("Authentication-Info", 'nextnonce="second"')]
        client.answered(again, response_to(again, 200, headers=info))
        assert credential_count(client.preempt(make_request(cseq=3))) == 0

    @pytest.mark.parametrize(
        ("status", "call_id"), [(100, "call-1"), (403, "call-1"), (200, "call-2")]
    )
    def test_nextnonce_is_taken_from_our_own_successes_alone(
        self, status: int, call_id: str
    ) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        answer = response_to(again, status, headers=[("Authentication-Info", 'nextnonce="second"')])
        answer.headers.set("Call-ID", call_id)
        client.answered(again, answer)
        assert credentials(client.preempt(make_request(cseq=3)))["nonce"] == "nonce-1"

    def test_nothing_but_a_register_is_preempted_once_the_binding_is_gone(self) -> None:
        client = make_client()
        client.flow_registered()
        for method in ("INVITE", "REGISTER"):
            request = make_request(method, call_id=method)
            authorized(client, request, challenge(request))
        assert credential_count(client.preempt(make_request("INVITE", call_id="c"))) == 1, "control"
        client.flow_registered(registered=False)
        assert credential_count(client.preempt(make_request("INVITE", call_id="d"))) == 0
        assert credential_count(client.preempt(make_request("REGISTER", cseq=9))) == 1

    def test_nothing_is_preempted_on_a_new_flow(self) -> None:
        client = make_client()
        request = make_request()
        authorized(client, request, challenge(request))
        assert credential_count(client.preempt(make_request(cseq=3))) == 1, "control"
        client.flow_lost()
        assert credential_count(client.preempt(make_request(cseq=4))) == 0
        client.flow_opened()
        assert credential_count(client.preempt(make_request(cseq=5))) == 0

    def test_only_a_method_that_was_challenged_is_preempted(self) -> None:
        client = make_client()
        client.flow_registered()
        invite = make_request("INVITE", call_id="call-2")
        authorized(client, invite, challenge(invite, 407))
        assert credential_count(client.preempt(make_request("INVITE", call_id="call-3"))) == 1
        assert credential_count(client.preempt(make_request("OPTIONS", call_id="call-4"))) == 0
        in_dialog = make_request("INVITE", call_id="call-2", cseq=5, to_tag="theirs")
        assert credential_count(client.preempt(in_dialog)) == 0


class TestChain:
    def test_refused_credentials_are_not_sent_again(self) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        assert refused(client, again, challenge(again, nonce="nonce-2")).rule == "rejected"

    def test_a_stale_nonce_is_replaced_once(self) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        third = authorized(client, again, challenge(again, nonce="nonce-2", stale="TRUE"))
        assert credentials(third)["nonce"] == "nonce-2"
        assert credential_count(third) == 1
        assert refused(client, third, challenge(third, nonce="n3", stale="true")).rule == "loop"

    def test_preempted_credentials_may_meet_a_new_nonce(self) -> None:
        client = make_client()
        request = make_request()
        authorized(client, request, challenge(request))
        refresh = client.preempt(make_request(cseq=3))
        again = authorized(client, refresh, challenge(refresh, nonce="nonce-2"))
        assert credentials(again)["nc"] == "00000001"
        assert refused(client, again, challenge(again, nonce="nonce-3")).rule == "rejected"

    def test_preempted_credentials_refused_for_the_same_nonce_are_wrong(self) -> None:
        client = make_client()
        request = make_request()
        authorized(client, request, challenge(request))
        refresh = client.preempt(make_request(cseq=3))
        assert refused(client, refresh, challenge(refresh)).rule == "rejected"

    def test_cve_2020_28242_a_new_nonce_each_time_ends_after_two(self) -> None:
        for stale in ({}, {"stale": "true"}):
            client = make_client()
            client.flow_registered()
            request: Request | DigestRefused = make_request("INVITE")
            sent = 0
            for number in range(1000):
                assert isinstance(request, Request)
                response = challenge(request, 407, nonce=f"nonce-{number}", more=stale)
                request = client.authorize(request, response)
                if isinstance(request, DigestRefused):
                    break
                sent += 1
            assert isinstance(request, DigestRefused)
            assert sent == (2 if stale else 1)

    def test_forgotten_credentials_do_not_start_a_chain_anew(self) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        for number in range(200):
            other = make_request(call_id=f"other-{number}")
            authorized(client, other, challenge(other))
        assert refused(client, again, challenge(again, nonce="n2", stale="true")).rule == "loop"

    def test_the_two_kinds_do_not_add_up_to_more_chances(self) -> None:
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request, 407))
        assert refused(client, again, challenge(again, 401, nonce="n2")).rule == "rejected"


class TestSecrecy:
    def test_the_password_shows_nowhere(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        client = make_client()
        request = make_request()
        again = authorized(client, request, challenge(request))
        shown = [repr(client), repr(vars(client)), repr(again), serialise(again).decode()]
        shown += [str(client.authorize(again, challenge(again))), caplog.text]
        shown.append(repr(client.preempt(make_request(cseq=9))))
        assert not any(PASSWORD in text for text in shown)
        with pytest.raises((LocalError, TypeError)):
            pickle.dumps(client)

    def test_a_client_knows_its_algorithms(self) -> None:
        for algorithms in ((), ("SHA-1",), ("SHA-256", "sha-256")):
            with pytest.raises(LocalError):
                make_client(algorithms=algorithms)


@settings(max_examples=300, deadline=None)
@given(
    value=st.text(
        st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=80
    )
    | st.from_regex(
        r"Digest (realm|nonce|qop|algorithm|stale|opaque)=[\"a-zA-Z0-9,= \\-]{0,30}",
        fullmatch=True,
    ),
    status=st.sampled_from([401, 407]),
)
def test_no_challenge_makes_anything_but_a_request_or_a_refusal(value: str, status: int) -> None:
    client = DigestClient("u", Secret("p"), None, randomness=SeededRandomness(1))
    client.flow_opened()
    request = make_request()
    outcome = client.authorize(request, refusal(request, value, status=status))
    if isinstance(outcome, Request):
        serialise(outcome)
    else:
        assert outcome.reason
