from __future__ import annotations

import pytest
from tests.protocols.sip.link import ANSWER, OFFER, Solo, methods
from tests.protocols.sip.raw import CONTACT, raw_response
from tests.protocols.sip.test_invite_client import answered

from offhook.protocols.sip.invite_events import Answered, Ended, Refused
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.uri import SipUri


@pytest.fixture
def solo() -> Solo:
    return Solo()


def test_an_invite_lost_with_its_flow_goes_out_on_the_next_one(solo: Solo) -> None:
    call, invite = solo.call()
    solo.close()
    solo.address = solo.address._replace(port=40002)
    solo.at(5.0)
    (again,) = solo.open()
    assert isinstance(again, Request)
    assert again.call_id == invite.call_id
    assert again.headers.get("Contact") == "<sip:alice-device@192.0.2.1:40002;transport=tls>"
    assert again.vias[0].port == 40002
    solo.feed(raw_response(again, 200, headers=[CONTACT], body=ANSWER))
    assert solo.call_events(call) == [Answered(ANSWER)]


def test_a_call_without_a_flow_is_refused_after_32_s(solo: Solo) -> None:
    solo.close()
    call = solo.agent.invite(SipUri("sip", "bob", "example.net"), OFFER, 0.0)
    solo.at(32.0)
    assert solo.call_events(call) == [Refused(503, "there is no flow")]
    assert solo.open() == []


def test_a_ringing_call_whose_flow_is_lost_is_refused_and_cancelled_on_the_next(
    solo: Solo,
) -> None:
    call, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    solo.close()
    assert solo.call_events(call)[-1] == Refused(503, "connection reset")
    solo.at(20.0)
    (cancel,) = solo.open()
    assert isinstance(cancel, Request)
    assert cancel.method == "CANCEL"
    assert str(cancel.vias[0]) == str(invite.vias[0])
    solo.feed(raw_response(cancel, 200))
    assert solo.feed(raw_response(invite, 487)) == []
    assert len(solo.call_events(call)) == 2
    assert solo.open() == []


def test_a_cancel_that_was_lost_with_its_flow_goes_out_on_the_next(solo: Solo) -> None:
    call, invite = solo.call()
    solo.feed(raw_response(invite, 180, headers=[CONTACT]))
    call.hang_up(solo.now)
    assert methods(solo.drain()) == ["CANCEL"]
    solo.close()
    assert methods(solo.open()) == ["CANCEL"]


def test_a_call_that_never_rang_is_not_cancelled_on_the_next_flow(solo: Solo) -> None:
    call, _ = solo.call()
    call.hang_up(solo.now)
    solo.close()
    assert solo.open() == []


def test_the_ack_of_a_young_call_is_repeated_on_a_new_flow_and_of_an_old_one_not(
    solo: Solo,
) -> None:
    _, invite = solo.call()
    solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    solo.close()
    assert methods(solo.open()) == ["ACK"]
    solo.close()
    solo.at(33.0)
    assert solo.open() == []


def test_a_bye_without_a_flow_goes_out_on_the_next_one(solo: Solo) -> None:
    answered(solo)
    solo.close()
    solo.agent.calls[0].hang_up(solo.now)
    assert solo.drain() == []
    assert solo.of(Ended) == [Ended("local", "hung up")]
    solo.at(60.0)
    (bye,) = solo.open()
    assert isinstance(bye, Request)
    solo.feed(raw_response(bye, 200))
    assert solo.agent.calls == ()


def test_a_bye_lost_with_its_flow_goes_out_again_with_a_higher_number(solo: Solo) -> None:
    answered(solo)
    solo.agent.calls[0].hang_up(solo.now)
    (first,) = solo.drain()
    solo.close()
    _, second = solo.open()
    assert second.cseq.number == first.cseq.number + 1
    assert isinstance(second, Request)
    assert second.method == "BYE"


def test_a_bye_that_finds_no_flow_for_five_minutes_is_given_up(solo: Solo) -> None:
    answered(solo)
    solo.close()
    solo.agent.calls[0].hang_up(solo.now)
    solo.at(301.0)
    assert solo.agent.calls == ()
    assert solo.open() == []


def test_a_call_lives_on_without_a_flow_and_tells_the_peer_the_new_contact(solo: Solo) -> None:
    _, invite = solo.call()
    allow = ("Allow", "INVITE, ACK, BYE, UPDATE")
    solo.feed(raw_response(invite, 200, headers=[CONTACT, allow], body=ANSWER))
    solo.close()
    solo.address = solo.address._replace(port=40007)
    ack, update = solo.open()
    assert methods([ack]) == ["ACK"]
    assert isinstance(update, Request)
    assert (update.method, update.body) == ("UPDATE", b"")
    assert ":40007" in (update.headers.get("Contact") or "")
    solo.feed(raw_response(update, 200, headers=[CONTACT]))
    assert solo.of(Ended) == []


def test_a_peer_that_lost_the_dialog_with_the_flow_ends_the_call(solo: Solo) -> None:
    _, invite = solo.call()
    allow = ("Allow", "INVITE, ACK, BYE, UPDATE")
    solo.feed(raw_response(invite, 200, headers=[CONTACT, allow], body=ANSWER))
    solo.close()
    _, update = solo.open()
    assert isinstance(update, Request)
    assert methods(solo.feed(raw_response(update, 481))) == ["BYE"]
    assert [event.by for event in solo.of(Ended)] == ["local"]
