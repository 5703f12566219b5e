from __future__ import annotations

from base64 import b64encode

import pytest
from tests.phone.call.desk import Desk, state_of

from offhook.phone.call import account as phone
from offhook.phone.call import call_events as events
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.call.record import Outcome
from offhook.phone.call.states import CallState
from offhook.protocols.media import messages as engine
from offhook_practice.connection import TrunkConnection
from offhook_practice.extensions import find_extension


def called_by(name: str) -> Desk:
    desk = Desk()
    desk.start()
    extension = find_extension(name)
    assert extension is not None
    desk.ring_phone(extension)
    return desk


def arrived(desk: Desk) -> IncomingCall:
    (event,) = desk.told(phone.CallArrived)
    assert isinstance(event, phone.CallArrived)
    return event.call


def test_a_call_with_keys_rings_and_is_answered() -> None:
    desk = called_by("echo")
    call = arrived(desk)
    assert state_of(call) is CallState.ALERTING
    assert call.caller_name == "Practice trunk"
    call.accept(desk.now)
    desk.settle()
    assert state_of(call) is CallState.TALKING
    assert call.record.status == 200
    assert desk.trunk_engine.posted(engine.Start)
    desk.confirm_media(call)
    call.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.COMPLETED


def test_an_offer_without_keys_never_rings_and_is_answered_488() -> None:
    desk = called_by("plain-offer")
    assert not desk.told(phone.CallArrived)
    assert not desk.told(events.Rang)
    (over,) = desk.told(events.Over)
    assert isinstance(over, events.Over)
    assert over.outcome is Outcome.INSECURE
    assert not desk.phone_engine.commands, "no path was opened for it"
    (changed, *_) = [each for each in desk.events if isinstance(each, phone.CallChanged)]
    assert changed.call.record.status == 488
    assert b'Warning: 399 192.0.2.7 "' in desk.sent[-1]
    assert not desk.account.calls


@pytest.mark.parametrize(("status", "told"), [(486, "busy"), (603, "declined")])
def test_a_call_may_be_rejected(status: int, told: str) -> None:
    desk = called_by("echo")
    call = arrived(desk)
    call.reject(status, told, desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.status == status
    assert call.record.outcome is Outcome.CANCELLED


def test_hanging_up_a_ringing_call_rejects_it() -> None:
    desk = called_by("echo")
    call = arrived(desk)
    call.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.status == 480


def test_a_caller_who_gives_up_ends_the_ringing() -> None:
    desk = called_by("echo")
    call = arrived(desk)
    assert isinstance(desk.connection, TrunkConnection)
    for each in desk.connection._calls.values():
        assert each.invite is not None
        each.invite.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.CANCELLED
    assert call.record.status == 487
    call.accept(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED


@pytest.mark.parametrize(
    "body",
    [b'v=0\r\no="\\ x\x00\x07\r\nm=audio', b"\xff\xfe", b"v=1\r\n", b"m=audio 1 RTP/SAVP 8\r\n"],
)
def test_an_offer_that_is_no_sdp_is_refused_and_harms_nobody(body: bytes) -> None:
    desk = Desk()
    desk.start()
    assert isinstance(desk.connection, TrunkConnection)
    binding = desk.registrar.find("phone", desk.now)
    assert binding is not None
    desk.connection._agent.invite(binding.contact.uri, body, desk.now)
    desk.settle()
    assert not desk.told(phone.CallArrived)
    assert desk.sent[-1].startswith(b"SIP/2.0 4")
    assert not desk.account.calls


def test_a_re_invite_without_keys_is_refused_and_the_call_goes_on() -> None:
    desk = called_by("echo")
    call = arrived(desk)
    call.accept(desk.now)
    desk.settle()
    before = len(desk.phone_engine.posted(engine.SetRemote))
    reoffer(desk, PLAIN)
    assert state_of(call) is CallState.TALKING
    assert len(desk.phone_engine.posted(engine.SetRemote)) == before
    assert desk.sent[-1].startswith(b"SIP/2.0 488 ")


def test_a_re_invite_without_sdp_gets_our_offer_with_the_key_in_use() -> None:
    desk = called_by("echo")
    call = arrived(desk)
    call.accept(desk.now)
    desk.settle()
    (first,) = desk.phone_engine.posted(engine.SetRemote)
    assert isinstance(first, engine.SetRemote)
    reoffer(desk, b"")
    assert state_of(call) is CallState.TALKING
    assert b"CSeq: 2 INVITE" in desk.sent[-1]
    assert b64encode(first.send_keys.master.reveal()) in desk.sent[-1]


PLAIN = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8\r\n"
)


def reoffer(desk: Desk, body: bytes) -> None:
    assert isinstance(desk.connection, TrunkConnection)
    for each in desk.connection._calls.values():
        assert each.invite is not None
        each.invite.reoffer(lambda: body, desk.now)
    desk.settle()
