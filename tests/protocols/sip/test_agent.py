from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.protocols.sip.link import (
    ANSWER,
    OFFER,
    Link,
    Side,
    Solo,
    established,
    identity,
    methods,
    two_phones,
)
from tests.protocols.sip.raw import CONTACT, raw_request, raw_response
from tests.protocols.sip.registrar import PASSWORD, Trunk, registered_phone

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.sip.agent import UserAgent
from offhook.protocols.sip.agent_events import (
    FlowFailed,
    Registered,
    RegistrationFailed,
    Unregistered,
)
from offhook.protocols.sip.digest import DigestClient, FlowStanding
from offhook.protocols.sip.invite_events import Answered, Ended, Established, Refused
from offhook.protocols.sip.keepalive import KeepAlive
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.registration import RegistrationPolicy
from offhook.protocols.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.protocols.sip.invite_client import OutgoingInvite

TRUNK = SipUri("sip", "trunk", "example.net")


def with_credentials(messages: list[Message]) -> list[str]:
    return [m.method for m in messages if isinstance(m, Request) and "Authorization" in m.headers]


# --- Registering


def test_a_phone_registers_with_digest_on_the_flow_that_opens() -> None:
    link, trunk = registered_phone()
    link.open()
    link.run(1.0)
    (registered,) = link.a.of(Registered)
    assert registered.expires_s == 600.0
    assert [str(binding) for binding in trunk.bindings] == [
        "<sip:alice-device@192.0.2.1:40001;transport=tls>"
    ]
    assert link.b.statuses("REGISTER") == [401, 200]
    assert with_credentials(link.a.sent) == ["REGISTER"]


def test_a_wrong_password_is_refused_after_one_attempt() -> None:
    link, _ = registered_phone("wrong")
    link.open()
    link.run(60.0)
    (failed,) = link.a.of(RegistrationFailed)
    assert failed.status == 401
    assert with_credentials(link.a.sent) == ["REGISTER"]


def test_a_binding_is_refreshed_for_a_day() -> None:
    link, _ = registered_phone()
    link.open()
    link.run(86400.0)
    events = link.a.of(Registered)
    assert 144 <= len(events) <= 400
    assert all(event.refreshed for event in events[1:])
    assert link.a.of(RegistrationFailed) == []


def test_a_binding_is_removed_on_demand_and_made_again() -> None:
    link, _ = registered_phone()
    link.open()
    link.run(1.0)
    link.a.agent.unregister(link.now)
    link.run(1.0)
    assert len(link.a.of(Unregistered)) == 1
    assert link.a.requests("REGISTER")[-1].expires == 0
    link.a.agent.register(link.now)
    link.run(1.0)
    assert len(link.a.of(Registered)) == 2


def test_a_new_flow_is_registered_with_its_own_contact() -> None:
    link, trunk = registered_phone()
    link.open()
    link.run(1.0)
    link.close()
    link.a.address = link.a.address._replace(port=40002)
    link.run(60.0)
    link.open()
    link.run(1.0)
    assert ":40002" in str(trunk.bindings[0].uri)


def test_a_call_waits_for_the_registrars_answer() -> None:
    link, _ = registered_phone()
    link.open()
    link.a.agent.invite(TRUNK, OFFER, link.now)
    link.run(1.0)
    sent = [m.method for m in link.a.sent if isinstance(m, Request)]
    assert sent == ["REGISTER", "REGISTER", "INVITE", "ACK", "INVITE", "ACK"]
    assert len(link.a.of(Answered)) == 1


def test_calls_go_out_where_the_registrar_refuses_us() -> None:
    link, trunk = registered_phone("wrong")
    trunk.challenges = True
    link.open()
    call = link.a.agent.invite(TRUNK, OFFER, link.now)
    link.run(1.0)
    (refused,) = link.a.call_events(call)
    assert isinstance(refused, Refused)
    assert refused.status == 401


def test_a_call_is_possible_after_unregistering_and_a_new_flow() -> None:
    link, trunk = registered_phone()
    trunk.challenges = False
    link.open()
    link.run(1.0)
    link.a.agent.unregister(link.now)
    link.run(1.0)
    link.close()
    link.open()
    link.a.agent.invite(TRUNK, OFFER, link.now)
    link.run(1.0)
    assert len(link.a.of(Answered)) == 1


# --- Credentials


def call_the_trunk() -> tuple[Link, OutgoingInvite]:
    link, _ = registered_phone()
    link.open()
    link.run(1.0)
    call = link.a.agent.invite(TRUNK, OFFER, link.now)
    link.run(1.0)
    return link, call


def test_an_invite_is_sent_again_with_credentials_and_the_next_number() -> None:
    link, call = call_the_trunk()
    first, second = link.a.requests("INVITE")
    assert "Authorization" not in first.headers
    assert "Authorization" in second.headers
    assert (first.cseq.number, second.cseq.number) == (1, 2)
    assert first.call_id == second.call_id
    assert first.vias[0].branch != second.vias[0].branch
    (ack,) = [m for m in link.a.requests("ACK") if "Authorization" in m.headers]
    assert ack.cseq.number == 2
    assert link.a.call_events(call) == [Answered(ANSWER)]


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("realm", ["example.net", "evil.example"])
def test_a_caller_that_challenges_our_bye_gets_no_digest(status: int, realm: str) -> None:
    """The digest leak: an incoming call, hung up by the phone, its BYE challenged."""
    link, _ = registered_phone()
    link.open()
    link.run(1.0)
    link.b.agent.invite(SipUri("sip", "alice", "example.net"), OFFER, link.now)
    link.run(0.1)
    incoming = link.a.incoming()
    incoming.accept(ANSWER, link.now)
    link.run(0.1)
    link.lose = lambda side, message: side is link.a and methods([message]) == ["BYE"]
    incoming.hang_up(link.now)
    link.run(0.1)
    bye = link.a.requests("BYE")[0]
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    challenge = (name, f'Digest realm="{realm}", nonce="evil", algorithm=SHA-256, qop="auth"')
    assert link.inject(link.a, raw_response(bye, status, headers=[challenge])) == []
    link.run(60.0)
    assert with_credentials(link.a.sent) == ["REGISTER"]
    assert link.a.agent.calls == ()


def test_a_challenge_without_an_authorizer_is_a_refusal() -> None:
    solo = Solo()
    call, invite = solo.call()
    challenge = ("WWW-Authenticate", 'Digest realm="x", nonce="y", algorithm=SHA-256')
    assert methods(solo.feed(raw_response(invite, 401, headers=[challenge]))) == ["ACK"]
    (refused,) = solo.call_events(call)
    assert isinstance(refused, Refused)


def test_a_call_given_up_during_the_challenge_is_not_sent_again() -> None:
    link, _ = registered_phone()
    link.open()
    link.run(1.0)
    call = link.a.agent.invite(TRUNK, OFFER, link.now)
    call.hang_up(link.now)
    link.run(60.0)
    assert len(link.a.requests("INVITE")) == 1
    assert link.a.call_events(call) == [Ended("local", "hung up")]


def test_a_call_given_up_after_the_challenge_is_cancelled_on_its_new_transaction() -> None:
    link, trunk = registered_phone()
    trunk.answers = False
    link.open()
    link.run(1.0)
    call = link.a.agent.invite(TRUNK, OFFER, link.now)
    link.run(0.02)
    link.run(0.001)
    call.hang_up(link.now)
    link.run(1.0)
    invites = link.a.requests("INVITE")
    (cancel,) = link.a.requests("CANCEL")
    assert len(invites) == 2
    assert cancel.vias[0].branch == invites[1].vias[0].branch
    assert link.b.statuses("CANCEL") == [200]
    link.run(60.0)
    assert link.a.agent.calls == link.b.agent.calls == ()


# --- Calls between two of us


@pytest.mark.parametrize("caller_hangs_up", [True, False])
def test_a_whole_call_from_ring_to_bye(*, caller_hangs_up: bool) -> None:
    link = two_phones()
    out = link.a.agent.invite(SipUri("sip", "bob", "example.net"), OFFER, link.now)
    link.run(0.1)
    incoming = link.b.incoming()
    assert incoming.offer == OFFER
    incoming.ring(link.now)
    link.run(3.0)
    incoming.accept(ANSWER, link.now)
    link.run(10.0)
    (out if caller_hangs_up else incoming).hang_up(link.now)
    link.run(0.1)
    assert link.a.agent.calls == link.b.agent.calls == ()
    ends = [("local", "hung up"), ("peer", "BYE")]
    assert [(e.by, e.reason) for e in link.a.of(Ended) + link.b.of(Ended)] == (
        ends if caller_hangs_up else ends[::-1]
    )
    assert methods(link.a.sent)[:2] == ["INVITE", "ACK"]
    assert methods(link.b.sent)[:2] == [180, 200]
    link.run(100.0)
    assert link.a.agent.deadline() is None
    assert link.b.agent.deadline() is None


def test_a_lost_ack_is_sent_again_for_the_repeated_2xx() -> None:
    link = two_phones()
    lost: list[Message] = []

    def lose_two_acks(_side: Side, message: Message) -> bool:
        if methods([message]) == ["ACK"] and len(lost) < 2:
            lost.append(message)
            return True
        return False

    link.lose = lose_two_acks
    established(link)
    assert link.b.of(Established) == []
    link.run(2.0)
    assert link.b.of(Established) == [Established(b"")]
    assert link.a.of(Answered) == [Answered(ANSWER)]
    assert link.b.statuses("INVITE") == [200, 200, 200]


def test_acks_that_are_all_lost_end_the_call_on_both_sides() -> None:
    link = two_phones()
    link.lose = lambda _side, message: methods([message]) == ["ACK"]
    established(link)
    link.run(40.0)
    assert [event.by for event in link.b.of(Ended)] == ["local"]
    assert [event.by for event in link.a.of(Ended)] == ["peer"]
    link.run(100.0)
    assert link.a.agent.calls == link.b.agent.calls == ()


def test_two_that_hang_up_at_once_both_end() -> None:
    link = two_phones()
    out, incoming = established(link)
    out.hang_up(link.now)
    incoming.hang_up(link.now)
    link.run(1.0)
    assert link.a.of(Ended) == link.b.of(Ended) == [Ended("local", "hung up")]
    assert link.a.agent.calls == link.b.agent.calls == ()


def test_a_call_outlives_its_flow_and_ends_on_the_next_one() -> None:
    link = two_phones()
    out, _ = established(link)
    link.close()
    link.run(20.0)
    assert link.a.of(Ended) == link.b.of(Ended) == []
    link.a.address = link.a.address._replace(port=41000)
    link.open()
    link.run(1.0)
    out.hang_up(link.now)
    link.run(1.0)
    assert link.b.of(Ended) == [Ended("peer", "BYE")]
    (bye,) = link.a.requests("BYE")
    assert bye.vias[0].port == 41000
    updates = link.a.requests("UPDATE")
    assert [":41000" in (update.headers.get("Contact") or "") for update in updates] == [True]


# --- Flows


def test_a_second_flow_takes_the_place_of_the_first() -> None:
    solo = Solo()
    _, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    assert methods(solo.open()) == ["CANCEL"]
    (refused,) = solo.of(Refused)
    assert refused.reason == "another flow took its place"


def test_an_account_that_never_registers_answers_challenges_on_its_own_flow() -> None:
    digest = DigestClient(
        "alice",
        Secret(PASSWORD),
        "example.net",
        randomness=SeededRandomness("digest"),
        registers=False,
    )
    phone = UserAgent(identity("alice"), digest, SeededRandomness("phone"))
    far = UserAgent(identity("trunk"), None, SeededRandomness("far"))
    link = Link(phone, far)
    Trunk(link)
    link.open()
    phone.invite(TRUNK, OFFER, link.now)
    link.run(1.0)
    assert len(link.a.of(Answered)) == 1
    standings = []
    for change in (link.close, link.open):
        change()
        standings.append(digest.standing)
    assert standings == [FlowStanding.NONE, FlowStanding.REGISTERED]


def test_a_re_invite_and_a_bye_are_sent_again_with_credentials() -> None:
    link, call = call_the_trunk()
    challenge = 'Digest realm="example.net", nonce="n", algorithm=SHA-256, qop="auth"'
    link.lose = lambda side, _message: side is link.a
    numbers = []
    for method in ("INVITE", "BYE"):
        if method == "INVITE":
            call.reoffer(lambda: OFFER, link.now)
        else:
            call.hang_up(link.now)
        link.run(0.001)
        first = link.a.requests(method)[-1]
        headers = [("Proxy-Authenticate", challenge)]
        link.inject(link.a, raw_response(first, 407, None, headers=headers))
        second = link.a.requests(method)[-1]
        assert "Proxy-Authorization" in second.headers
        numbers += [first.cseq.number, second.cseq.number]
        if method == "INVITE":
            link.inject(link.a, raw_response(second, 488, None))
    assert numbers == [3, 4, 5, 6]


def test_pings_follow_the_flow_timer_of_the_registrar() -> None:
    solo = Solo(
        UserAgent(
            identity("alice"),
            None,
            SeededRandomness(1),
            registration=RegistrationPolicy(),
            keepalive=KeepAlive(SeededRandomness(2), upper_s=120.0),
        )
    )
    (register,) = [m for m in solo.sent if isinstance(m, Request)]
    contact = ("Contact", f"{register.headers.get('Contact')};expires=3600")
    solo.feed(raw_response(register, 200, headers=[contact, ("Flow-Timer", "30")]))
    assert len(solo.of(Registered)) == 1
    due = solo.agent.deadline()
    assert due is not None
    assert 24.0 <= due <= 30.0


def test_a_missing_pong_is_told_and_the_calls_stay() -> None:
    phone = UserAgent(
        identity("alice"),
        None,
        SeededRandomness(1),
        keepalive=KeepAlive(SeededRandomness(2), upper_s=60.0),
    )
    solo = Solo(phone)
    _, invite = solo.call()
    solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    solo.at(75.0)
    assert len(solo.of(FlowFailed)) == 1
    solo.close()
    assert len(phone.calls) == 1
    assert solo.open() == []
    phone.calls[0].hang_up(solo.now)
    assert methods(solo.drain()) == ["BYE"]


def test_a_flood_on_the_flow_leaves_the_call_untouched() -> None:
    solo = Solo()
    _, invite = solo.call()
    solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    for number in range(500):
        method = ("INVITE", "BYE", "CANCEL", "OPTIONS", "REFER")[number % 5]
        solo.feed(raw_request(method))
    assert len(solo.agent.calls) <= 3
    assert solo.of(Ended) == []
    solo.agent.calls[0].hang_up(solo.now)
    (bye,) = [m for m in solo.drain() if isinstance(m, Request)]
    assert bye.method == "BYE"


def test_a_response_of_ours_names_no_header_that_the_peer_wrote_but_those_that_it_must() -> None:
    (response,) = Solo().feed(raw_request("OPTIONS", extra=["X-Canary: leak"]))
    assert isinstance(response, Response)
    assert "X-Canary" not in response.headers
