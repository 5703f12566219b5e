from __future__ import annotations

from itertools import product

import pytest
from tests.protocols.sip.link import ANSWER, OFFER, Solo, methods
from tests.protocols.sip.raw import CONTACT, from_callee, raw_response

from offhook.protocols.sip.invite_client_states import (
    OUTGOING,
    OutgoingAction,
    OutgoingEvent,
    OutgoingState,
)
from offhook.protocols.sip.invite_events import Answered, Ended, Progress, Refused
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.uri import SipUri, parse_uri


@pytest.fixture
def solo() -> Solo:
    return Solo()


def answered(solo: Solo, tag: str = "peer") -> Request:
    _, invite = solo.call()
    solo.feed(raw_response(invite, 180, tag, headers=[CONTACT]))
    solo.feed(raw_response(invite, 200, tag, headers=[CONTACT], body=ANSWER))
    return invite


def last_events(solo: Solo) -> list[type]:
    return [type(event) for event in solo.call_events(solo.agent.calls[0])]


# --- The table


def test_every_call_ends_with_exactly_one_last_event_on_every_way_through_the_table() -> None:
    last = {OutgoingAction.TELL_REFUSED, OutgoingAction.TELL_ENDED}
    told_before = {OutgoingState.STOPPING, OutgoingState.CANCELLING, OutgoingState.ENDED}
    for (state, event), step in OUTGOING.items():
        tells = bool(last & set(step.actions))
        assert tells == (state not in told_before and step.state in told_before), (state, event)


def test_every_2xx_is_acknowledged_in_every_state_that_can_meet_one() -> None:
    acknowledging = {OutgoingAction.CONFIRM, OutgoingAction.ACKNOWLEDGE, OutgoingAction.RELEASE}
    for state in set(OutgoingState) - {OutgoingState.WAITING}:
        assert acknowledging & set(OUTGOING[state, OutgoingEvent.SUCCESS].actions), state


def test_hanging_up_is_possible_in_every_state_that_isn_t_told_over() -> None:
    over = {OutgoingState.STOPPING, OutgoingState.CANCELLING, OutgoingState.ENDED}
    for state in set(OutgoingState) - over:
        assert (state, OutgoingEvent.HANG_UP) in OUTGOING


def test_no_state_but_ended_is_a_dead_end() -> None:
    final = (OutgoingEvent.FAILURE, OutgoingEvent.UNANSWERED, OutgoingEvent.OVER)
    for state in set(OutgoingState) - {OutgoingState.ENDED}:
        assert any(
            OUTGOING[pair].state is OutgoingState.ENDED
            for pair in product([state], final)
            if pair in OUTGOING
        )


# --- The call


def test_the_invite_says_who_calls_whom_and_what_we_can_do(solo: Solo) -> None:
    _, invite = solo.call()
    assert str(invite.uri) == "sip:bob@example.net"
    assert str(invite.from_.uri) == "sip:alice@example.net"
    assert invite.from_.tag
    assert invite.to.tag is None
    assert invite.headers.get("Contact") == "<sip:alice-device@192.0.2.1:40001;transport=tls>"
    assert {"BYE", "UPDATE", "CANCEL"} <= set(invite.allow)
    assert invite.headers.get("User-Agent") == "Offhook/test"
    assert (invite.body, str(invite.content_type)) == (OFFER, "application/sdp")


def test_a_sips_target_makes_a_sips_contact(solo: Solo) -> None:
    solo.agent.invite(SipUri("sips", "bob", "example.net"), OFFER, 0.0)
    (invite,) = solo.drain()
    assert invite.headers.get("Contact") == "<sips:alice-device@192.0.2.1:40001>"


def test_an_answered_call_is_acknowledged_at_the_contact_over_the_record_route(
    solo: Solo,
) -> None:
    call, invite = solo.call()
    route = ("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")
    solo.feed(raw_response(invite, 100, None))
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    (ack,) = solo.feed(raw_response(invite, 200, headers=[CONTACT, route], body=ANSWER))
    assert isinstance(ack, Request)
    assert str(ack.uri) == "sip:bob@192.0.2.2:5061;transport=tls"
    assert [str(r.uri) for r in ack.routes] == ["sip:p1;lr", "sip:p2;lr"]
    assert str(ack.cseq) == "1 ACK"
    assert ack.vias[0].branch != invite.vias[0].branch
    assert solo.call_events(call) == [
        Progress(100, "Trying", None, ""),
        Progress(180, "Ringing", None, "peer"),
        Answered(ANSWER),
    ]
    assert call.dialog is not None


def test_a_repeated_2xx_gets_its_ack_again_and_no_second_event(solo: Solo) -> None:
    invite = answered(solo)
    again = solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    assert methods(again) == ["ACK"]
    assert len(solo.of(Answered)) == 1


def test_an_answer_without_sdp_takes_the_early_one_of_its_own_dialog(solo: Solo) -> None:
    _, invite = solo.call()
    solo.feed(raw_response(invite, 183, "one", headers=[CONTACT], body=b"v=0\r\none"))
    solo.feed(raw_response(invite, 183, "two", headers=[CONTACT], body=b"v=0\r\ntwo"))
    solo.feed(raw_response(invite, 200, "two", headers=[CONTACT]))
    assert solo.of(Answered) == [Answered(b"v=0\r\ntwo")]


def test_two_early_answers_of_one_dialog_are_two_events(solo: Solo) -> None:
    """CVE-2021-21375: the second 183 came while the first one's negotiation had failed."""
    call, invite = solo.call()
    for body in (b"v=0\r\nbad", b"v=0\r\ngood"):
        solo.feed(raw_response(invite, 183, headers=[CONTACT], body=body))
    progress = [e for e in solo.call_events(call) if isinstance(e, Progress)]
    assert [(e.body, e.early_dialog) for e in progress] == [
        (b"v=0\r\nbad", "peer"),
        (b"v=0\r\ngood", "peer"),
    ]


@pytest.mark.parametrize("status", [302, 404, 407, 480, 486, 488, 503, 603])
def test_a_refusal_is_acknowledged_and_told_with_status_and_reason(solo: Solo, status: int) -> None:
    call, invite = solo.call()
    assert methods(solo.feed(raw_response(invite, status, reason="Because"))) == ["ACK"]
    (refused,) = solo.call_events(call)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.reason) == (status, "Because")
    assert refused.response is not None
    assert solo.agent.calls == ()


def test_an_invite_that_nobody_answers_is_refused_with_408_after_32_s(solo: Solo) -> None:
    call, _ = solo.call()
    assert solo.at(31.9) == []
    assert solo.call_events(call) == []
    solo.at(32.0)
    assert solo.call_events(call) == [Refused(408, "no answer")]
    assert solo.agent.calls == ()


def test_a_ringing_call_has_no_time_out_of_its_own(solo: Solo) -> None:
    _, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    assert solo.at(600.0) == []
    assert last_events(solo) == [Progress]


def test_header_fields_of_a_dialled_uri_are_not_sent(solo: Solo) -> None:
    target = parse_uri("sip:bob@example.net?Replaces=x&Subject=y")
    solo.agent.invite(target, OFFER, 0.0)
    (invite,) = solo.drain()
    assert isinstance(invite, Request)
    assert str(invite.uri) == str(invite.to.uri) == "sip:bob@example.net"
    assert {"Replaces", "Subject"}.isdisjoint(name for name, _ in invite.headers)


def test_a_malformed_allow_does_not_lose_the_call(solo: Solo) -> None:
    _, invite = solo.call()
    headers = [CONTACT, ("Allow", "IN VITE, <>")]
    assert methods(solo.feed(raw_response(invite, 200, headers=headers, body=ANSWER))) == ["ACK"]
    assert solo.of(Answered) == [Answered(ANSWER)]


# --- Giving up


def test_a_call_given_up_while_it_rings_is_cancelled(solo: Solo) -> None:
    call, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    call.hang_up(solo.now)
    assert methods(solo.drain()) == ["CANCEL"]
    assert methods(solo.feed(raw_response(invite, 487))) == ["ACK"]
    assert [type(e) for e in solo.call_events(call)] == [Progress, Ended]
    assert solo.agent.calls == ()


def test_a_call_given_up_before_any_response_is_cancelled_after_the_first(solo: Solo) -> None:
    call, invite = solo.call()
    call.hang_up(solo.now)
    assert solo.drain() == []
    assert solo.call_events(call) == [Ended("local", "hung up")]
    assert methods(solo.feed(raw_response(invite, 100, None))) == ["CANCEL"]
    assert solo.feed(raw_response(invite, 180, headers=[CONTACT])) == []
    assert len(solo.call_events(call)) == 1


@pytest.mark.parametrize("early", [True, False])
def test_an_answer_that_crosses_the_giving_up_gets_ack_and_bye(solo: Solo, *, early: bool) -> None:
    call, invite = solo.call()
    if early:
        solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    call.hang_up(solo.now)
    solo.drain()
    said = solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    assert methods(said) == ["ACK", "BYE"]
    again = solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    assert methods(again) == ["ACK"]
    assert Answered not in [type(e) for e in solo.call_events(call)]
    solo.feed(raw_response(solo.requests("BYE")[0], 200))
    solo.at(40.0)
    assert solo.agent.calls == ()


def test_a_cancel_that_brings_no_answer_ends_after_32_s(solo: Solo) -> None:
    call, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    call.hang_up(solo.now)
    solo.at(33.0)
    assert solo.agent.calls == ()
    assert solo.agent.deadline() is None


def test_giving_up_twice_says_nothing_more(solo: Solo) -> None:
    call, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    call.hang_up(solo.now)
    solo.drain()
    call.hang_up(solo.now)
    assert solo.drain() == []
    assert len(solo.of(Ended)) == 1


# --- Forks


def test_the_second_fork_that_answers_gets_ack_and_bye(solo: Solo) -> None:
    """CVE-2022-23608: what befalls one dialog of an INVITE must not touch the others."""
    call, invite = solo.call()
    for tag in ("one", "two"):
        solo.feed(raw_response(invite, 180, tag, headers=[CONTACT]))
    assert methods(solo.feed(raw_response(invite, 200, "one", headers=[CONTACT]))) == ["ACK"]
    said = solo.feed(raw_response(invite, 200, "two", headers=[CONTACT]))
    assert methods(said) == ["ACK", "BYE"]
    assert [m.to.tag for m in said] == ["two", "two"]
    assert methods(solo.feed(raw_response(invite, 200, "two", headers=[CONTACT]))) == ["ACK"]
    solo.feed(raw_response(solo.requests("BYE")[0], 481))
    assert methods(solo.feed(from_callee(invite, "BYE", tag="two"))) == [200]
    assert call.dialog is not None
    assert call.dialog.id.remote_tag == "one"
    assert solo.of(Ended) == []
    solo.at(100.0)
    assert methods(solo.feed(from_callee(invite, "BYE", tag="one"))) == [200]
    assert solo.of(Ended) == [Ended("peer", "BYE")]


def test_at_most_eight_early_dialogs_are_kept_and_a_ninth_may_still_answer(solo: Solo) -> None:
    call, invite = solo.call()
    for number in range(30):
        solo.feed(raw_response(invite, 183, f"t{number}", headers=[CONTACT], body=ANSWER))
    assert len(solo.of(Progress)) == 8
    solo.feed(raw_response(invite, 200, "t29", headers=[CONTACT], body=ANSWER))
    assert call.dialog is not None
    assert call.dialog.id.remote_tag == "t29"


def test_forks_without_end_get_at_most_eight_byes(solo: Solo) -> None:
    _, invite = solo.call()
    for number in range(30):
        solo.feed(raw_response(invite, 200, f"t{number}", headers=[CONTACT], body=ANSWER))
    assert len(solo.requests("BYE")) == 7
    assert len(solo.of(Answered)) == 1


# --- In the dialog


def test_a_hang_up_sends_a_bye_and_ends_at_once(solo: Solo) -> None:
    answered(solo)
    call = solo.agent.calls[0]
    call.hang_up(solo.now, [("Reason", "Q.850;cause=16")])
    (bye,) = solo.drain()
    assert bye.headers.get("Reason") == "Q.850;cause=16"
    assert solo.call_events(call)[-1] == Ended("local", "hung up")


def test_a_bye_of_the_peers_ends_the_call_with_its_reason(solo: Solo) -> None:
    invite = answered(solo)
    bye = from_callee(invite, "BYE", extra=["Reason: Q.850;cause=16"])
    assert methods(solo.feed(bye)) == [200]
    assert solo.of(Ended) == [Ended("peer", "Q.850;cause=16")]


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS"])
@pytest.mark.parametrize(
    "change",
    [
        (b";tag=peer", b";tag=forged"),
        (b";tag=peer", b""),
        (b"Call-ID: ", b"Call-ID: x"),
        (b"To: ", b"To: <sip:x@y>;tag=forged\r\nX: "),
    ],
    ids=["from-tag", "no-from-tag", "call-id", "to-tag"],
)
def test_a_request_with_a_wrong_triple_gets_481_and_has_no_effect(
    solo: Solo, method: str, change: tuple[bytes, bytes]
) -> None:
    invite = answered(solo)
    before = len(solo.events)
    forged = from_callee(invite, method, body=ANSWER).replace(*change)
    assert methods(solo.feed(forged)) == [481]
    assert len(solo.events) == before
    assert methods(solo.feed(from_callee(invite, "BYE"))) == [200]


def test_a_re_invite_without_sdp_after_the_bye_gets_481(solo: Solo) -> None:
    """CVE-2021-31878."""
    invite = answered(solo)
    solo.feed(from_callee(invite, "BYE"))
    before = len(solo.events)
    assert methods(solo.feed(from_callee(invite, "INVITE", 2))) == [481]
    assert len(solo.events) == before


def test_a_bye_that_crosses_ours_is_answered_200(solo: Solo) -> None:
    invite = answered(solo)
    solo.agent.calls[0].hang_up(solo.now)
    solo.drain()
    assert methods(solo.feed(from_callee(invite, "BYE"))) == [200]
    assert methods(solo.feed(from_callee(invite, "INVITE", 2))) == [481]
    assert len(solo.of(Ended)) == 1


def test_the_early_dialog_ends_with_the_refusal(solo: Solo) -> None:
    _, invite = solo.call()
    solo.feed(raw_response(invite, 183, headers=[CONTACT]))
    solo.feed(raw_response(invite, 486))
    assert methods(solo.feed(from_callee(invite, "UPDATE"))) == [481]


def test_an_offer_in_an_early_dialog_gets_491_and_a_refresh_200(solo: Solo) -> None:
    _, invite = solo.call()
    solo.feed(raw_response(invite, 183, headers=[CONTACT]))
    assert methods(solo.feed(from_callee(invite, "UPDATE", 1, body=OFFER))) == [491]
    assert methods(solo.feed(from_callee(invite, "UPDATE", 2))) == [200]
