"""An engine that is asked for something and does not answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.phone.call.desk import Desk, state_of

from offhook.phone.call import account as phone
from offhook.phone.call import call_events as events
from offhook.phone.call.engine_session import READY_S, STOPPED_S
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.record import Outcome
from offhook.phone.call.states import CallState
from offhook.protocols.media import messages as engine
from offhook_practice.extensions import find_extension


def desk_with_silent_engine() -> Desk:
    desk = Desk()
    desk.start()
    desk.phone_engine.answers_prepare = desk.phone_engine.answers_stop = False
    return desk


def dialled(desk: Desk) -> OutgoingCall:
    call = desk.account.dial("echo", desk.now)
    desk.settle()
    return call


def accepted(desk: Desk) -> IncomingCall:
    extension = find_extension("echo")
    assert extension is not None
    desk.ring_phone(extension)
    (event,) = desk.told(phone.CallArrived)
    assert isinstance(event, phone.CallArrived)
    event.call.accept(desk.now)
    desk.settle()
    return event.call


def test_a_call_out_ends_with_its_reason_when_the_engine_opens_no_path() -> None:
    desk = desk_with_silent_engine()
    call = dialled(desk)
    desk.wait(READY_S - 0.1)
    assert state_of(call) is CallState.PREPARING
    desk.wait(0.2)
    assert call.record.outcome is Outcome.FAILED
    assert "media engine" in call.record.reason
    assert desk.told(events.Over)
    assert desk.phone_engine.posted(engine.Stop), "an engine that wakes up later is to let go"
    assert not any(each.startswith(b"INVITE") for each in desk.sent)


def test_a_call_in_is_refused_when_the_engine_opens_no_path() -> None:
    desk = desk_with_silent_engine()
    call = accepted(desk)
    desk.wait(READY_S + 0.1)
    assert call.record.outcome is Outcome.FAILED
    assert "media engine" in call.record.reason
    assert desk.sent[-1].startswith(b"SIP/2.0 480 ")


@pytest.mark.parametrize("begin", [dialled, accepted])
def test_an_engine_that_never_lets_go_keeps_no_call_from_being_over(
    begin: Callable[[Desk], object],
) -> None:
    desk = desk_with_silent_engine()
    begin(desk)
    desk.wait(READY_S + STOPPED_S - 0.1)
    assert not desk.told(events.Released)
    desk.wait(0.2)
    assert desk.told(events.Released)
    assert not desk.account.calls


def test_hanging_up_before_the_engine_is_ready_says_what_was_waited_for() -> None:
    desk = desk_with_silent_engine()
    call = dialled(desk)
    desk.wait(7.0)
    call.hang_up(desk.now)
    desk.settle()
    assert call.record.outcome is Outcome.CANCELLED
    assert call.record.reason == "given up before the media engine was ready"
    desk.wait(STOPPED_S + 0.1)
    assert desk.told(events.Released)


def test_a_path_that_comes_after_the_end_places_no_call_and_does_not_keep_it() -> None:
    desk = desk_with_silent_engine()
    call = dialled(desk)
    call.hang_up(desk.now)
    (prepare,) = desk.phone_engine.posted(engine.Prepare)
    assert isinstance(prepare, engine.Prepare)
    desk.phone_engine.answers_prepare = True
    desk.phone_engine.post(prepare)
    desk.settle()
    desk.wait(STOPPED_S + 0.1)
    assert not any(each.startswith(b"INVITE") for each in desk.sent)
    assert not desk.account.calls


def test_an_engine_that_answered_is_not_waited_for_again() -> None:
    desk = Desk()
    desk.start()
    call = dialled(desk)
    desk.confirm_media(call)
    desk.wait(3 * READY_S)
    assert state_of(call) is CallState.TALKING
