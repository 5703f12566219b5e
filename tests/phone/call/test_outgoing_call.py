from __future__ import annotations

import pytest
from tests.phone.call.desk import Desk, state_of

from offhook.base.errors import LocalError
from offhook.phone.call import account as phone
from offhook.phone.call import call_events as events
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.record import Outcome
from offhook.phone.call.states import CallState
from offhook.phone.call.trust import TrustLevel, TrustStatement
from offhook.protocols.media import messages as engine
from offhook_practice.connection import TrunkConnection


def desk_calling(target: str) -> tuple[Desk, OutgoingCall]:
    desk = Desk()
    desk.start()
    call = desk.account.dial(target, desk.now)
    desk.settle()
    return desk, call


def test_a_call_to_the_echo_is_answered_with_the_keys_of_both_sides() -> None:
    desk, call = desk_calling("echo")
    assert state_of(call) is CallState.TALKING
    (ours,) = desk.phone_engine.posted(engine.SetRemote)
    (theirs,) = desk.trunk_engine.posted(engine.SetRemote)
    assert isinstance(ours, engine.SetRemote)
    assert isinstance(theirs, engine.SetRemote)
    assert ours.send_keys.master == theirs.receive_keys.master
    assert ours.receive_keys.master == theirs.send_keys.master
    assert ours.send_keys.master != ours.receive_keys.master
    assert call.record.suite == "AEAD_AES_256_GCM"


def test_a_call_is_completed_only_by_authenticated_packets_both_ways() -> None:
    desk, call = desk_calling("echo")
    desk.confirm_media(call)
    desk.now += 3.0
    call.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.COMPLETED
    assert call.record.trust.level is TrustLevel.HOP_BY_HOP
    assert call.record.ended_by == "local"
    assert desk.told(events.Released)
    assert desk.trunk_engine.posted(engine.Stop), "the BYE reached the trunk"


def test_an_answered_call_without_a_packet_heard_is_no_completed_call() -> None:
    desk, call = desk_calling("echo")
    desk.report(engine.FirstPacketSent(call.terms.session, 1.0))
    call.hang_up(desk.now)
    desk.settle()
    assert call.record.outcome is Outcome.NO_MEDIA
    assert call.record.trust.level is TrustLevel.NONE


def test_silence_after_the_answer_ends_the_call_with_its_reason() -> None:
    desk, call = desk_calling("silent")
    desk.report(engine.MediaLost(call.terms.session, 5000.0))
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.NO_MEDIA
    assert "authenticated" in call.record.reason
    assert call.record.ended_by == "policy"


def test_silence_after_speech_is_told_and_the_call_stands() -> None:
    desk, call = desk_calling("echo")
    desk.confirm_media(call)
    desk.report(engine.MediaLost(call.terms.session, 5000.0))
    assert state_of(call) is CallState.TALKING
    assert desk.told(events.MediaSilent)


def test_speech_that_comes_back_is_told_with_the_trust_as_it_is_now() -> None:
    desk, call = desk_calling("echo")
    desk.confirm_media(call)
    desk.report(engine.MediaLost(call.terms.session, 5000.0))
    call.record.trust = TrustStatement(TrustLevel.NONE, ("to be stated anew",))
    desk.report(engine.MediaBack(call.terms.session, 6500.0))
    assert desk.told(events.HeardAgain) == [events.HeardAgain(6500.0)]
    assert call.record.trust.level is TrustLevel.HOP_BY_HOP
    assert state_of(call) is CallState.TALKING


def test_trust_is_told_also_where_the_first_packet_comes_in_before_one_went_out() -> None:
    desk, call = desk_calling("echo")
    session = call.terms.session
    desk.report(engine.KeysConfirmed(session, 3.0))
    heard = call.record.trust
    before = len(desk.told(events.TrustRestated))
    desk.report(engine.FirstPacketSent(session, 9.0))
    assert (heard.level, call.record.trust.level) == (TrustLevel.NONE, TrustLevel.HOP_BY_HOP)
    assert len(desk.told(events.TrustRestated)) == before + 1


def test_an_answer_without_keys_ends_the_call_and_no_media_is_ever_started() -> None:
    desk, call = desk_calling("plain-answer")
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.INSECURE
    assert "encrypt" in call.record.reason
    assert not desk.phone_engine.posted(engine.SetRemote)
    assert not desk.phone_engine.posted(engine.Start)
    assert not desk.account.calls


def test_a_busy_extension_refuses_with_its_status() -> None:
    _, call = desk_calling("busy")
    assert call.record.outcome is Outcome.REFUSED
    assert (call.record.status, call.record.sip_reason) == (486, "Busy Here")


def test_an_unknown_number_is_refused_as_not_found() -> None:
    _, call = desk_calling("999")
    assert call.record.status == 404


def test_a_call_given_up_while_it_rings_is_cancelled_at_the_other_side() -> None:
    desk, call = desk_calling("no-answer")
    assert state_of(call) is CallState.RINGING
    call.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.CANCELLED
    assert desk.phone_engine.posted(engine.Stop)
    desk.wait(1.0)
    assert desk.account.idle is False, "the registration stands"
    assert not desk.account.calls


def test_a_call_given_up_before_the_path_is_open_sends_no_invite() -> None:
    desk = Desk()
    desk.start()
    call = desk.account.dial("echo", desk.now)
    call.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.invite is None


def test_the_far_end_may_hang_up() -> None:
    desk, call = desk_calling("echo")
    desk.confirm_media(call)
    assert isinstance(desk.connection, TrunkConnection)
    for each in desk.connection._calls.values():
        assert each.invite is not None
        each.invite.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.ended_by == "peer"
    assert call.record.outcome is Outcome.COMPLETED


def test_an_engine_that_fails_ends_the_call_at_the_other_side_too() -> None:
    desk, call = desk_calling("echo")
    desk.report(engine.SessionFailed(call.terms.session, "the sound card is gone"))
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.FAILED
    assert call.record.reason == "the sound card is gone"
    assert desk.trunk_engine.posted(engine.Stop)


def test_digits_go_to_the_engine_while_talking_and_nowhere_before() -> None:
    desk = Desk()
    desk.start()
    call = desk.account.dial("echo", desk.now)
    call.send_digits("1")
    desk.settle()
    call.send_digits("42#")
    desk.settle()
    (sent,) = desk.phone_engine.posted(engine.SendDtmf)
    assert isinstance(sent, engine.SendDtmf)
    assert sent.digits == "42#"


def test_digits_heard_are_told_and_kept() -> None:
    desk, call = desk_calling("echo")
    desk.report(engine.DtmfReceived(call.terms.session, "7", 100.0))
    assert call.record.digits_received == "7"
    assert desk.told(events.DigitHeard) == [events.DigitHeard("7")]


def test_a_call_outlives_its_flow_and_is_ended_on_the_next_one() -> None:
    desk, call = desk_calling("echo")
    desk.confirm_media(call)
    desk.cut()
    assert state_of(call) is CallState.TALKING
    desk.wait(5.0)
    assert desk.account.flow is not None
    call.hang_up(desk.now)
    desk.settle()
    assert state_of(call) is CallState.ENDED
    assert call.record.outcome is Outcome.COMPLETED


def test_without_a_flow_dialling_says_why() -> None:
    desk = Desk()
    desk.refuse.add("192.0.2.1")
    desk.start()
    with pytest.raises(LocalError, match=r"no connection: 192\.0\.2\.1 refused"):
        desk.account.dial("echo", desk.now)


def test_hanging_up_twice_is_harmless() -> None:
    desk, call = desk_calling("echo")
    call.hang_up(desk.now)
    call.hang_up(desk.now)
    desk.settle()
    call.hang_up(desk.now)
    assert len(desk.told(events.Over)) == 1
    assert len(desk.told(events.Released)) == 1
    assert len([each for each in desk.events if isinstance(each, phone.CallChanged)]) >= 3


def test_a_session_that_fails_still_leaves_its_counts() -> None:
    desk, call = desk_calling("echo")
    session = call.terms.session
    desk.phone_engine.answers_stop = False
    desk.report(engine.SessionFailed(session, "the sound card is gone"))
    assert state_of(call) is CallState.ENDING
    desk.report(engine.Stopped(session, engine.Statistics(sent=7, received=5)))
    assert state_of(call) is CallState.ENDED
    assert (call.record.statistics.sent, call.record.statistics.received) == (7, 5)
    assert call.record.outcome is Outcome.FAILED
