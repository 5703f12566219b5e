from __future__ import annotations

from tests.phone.call.desk import Desk, state_of

from offhook.phone.call import account as phone
from offhook.phone.call import call_events as events
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.states import CallState
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import make_reoffer
from offhook_practice.calls import POLICY
from offhook_practice.connection import TrunkConnection
from offhook_practice.extensions import find_extension


def talking() -> tuple[Desk, OutgoingCall]:
    desk = Desk()
    desk.start()
    call = desk.account.dial("echo", desk.now)
    desk.settle()
    desk.confirm_media(call)
    return desk, call


def last_remote(desk: Desk) -> engine.SetRemote:
    last = desk.phone_engine.posted(engine.SetRemote)[-1]
    assert isinstance(last, engine.SetRemote)
    return last


def peer_reoffers(desk: Desk) -> None:
    """The other side sends its session once more; nothing is carried over yet."""
    assert isinstance(desk.connection, TrunkConnection)
    (theirs,) = desk.connection._calls.values()
    assert theirs.invite is not None
    assert theirs._local is not None
    assert theirs._agreement is not None
    described = next(data for data in reversed(desk.heard) if b"m=audio" in data)
    before = described.partition(b"\r\n\r\n")[2]
    offer = make_reoffer(before, theirs._agreement, theirs._local, POLICY)
    theirs.invite.reoffer(lambda: offer, desk.now)


def versions(desk: Desk) -> list[int]:
    """Of every description of ours, in order (RFC 4566 §5.2)."""
    lines = (line for data in desk.sent for line in data.split(b"\r\n"))
    return [int(line.split()[2]) for line in lines if line.startswith(b"o=")]


def test_a_held_call_neither_speaks_nor_listens_and_keeps_its_keys() -> None:
    desk, call = talking()
    before = last_remote(desk)
    call.hold(desk.now)
    desk.settle()
    assert call.held
    assert desk.told(events.HoldChanged) == [events.HoldChanged(held=True)]
    held = last_remote(desk)
    assert (held.sending, held.receiving) == (False, False)
    assert held.send_keys.master == before.send_keys.master
    assert b"a=sendonly" in next(data for data in reversed(desk.sent) if b"INVITE sip" in data)


def test_a_resumed_call_speaks_and_listens_again() -> None:
    desk, call = talking()
    call.hold(desk.now)
    desk.settle()
    call.hold(desk.now, held=False)
    desk.settle()
    assert not call.held
    resumed = last_remote(desk)
    assert (resumed.sending, resumed.receiving) == (True, True)
    assert state_of(call) is CallState.TALKING


def test_a_change_of_mind_while_the_offer_is_open_is_carried_out_after_it() -> None:
    desk, call = talking()
    call.hold(desk.now)
    call.hold(desk.now, held=False)
    desk.settle()
    assert not call.held
    assert last_remote(desk).sending


def test_holding_twice_offers_once() -> None:
    desk, call = talking()
    call.hold(desk.now)
    desk.settle()
    sent = len(desk.sent)
    call.hold(desk.now)
    desk.settle()
    assert len(desk.sent) == sent


def test_a_call_answered_here_is_held_once_its_dialog_stands() -> None:
    desk = Desk()
    desk.start()
    extension = find_extension("echo")
    assert extension is not None
    desk.ring_phone(extension)
    (arrived,) = desk.told(phone.CallArrived)
    assert isinstance(arrived, phone.CallArrived)
    arrived.call.accept(desk.now)
    arrived.call.hold(desk.now)
    desk.settle()
    arrived.call.hold(desk.now)
    desk.settle()
    assert arrived.call.held


def test_a_peer_that_refuses_to_be_held_is_told_as_such_and_the_call_goes_on() -> None:
    desk, call = talking()
    assert isinstance(desk.connection, TrunkConnection)
    for each in desk.connection._calls.values():
        each._agreement = None
    call.hold(desk.now)
    desk.settle()
    assert not call.held
    assert desk.told(events.HoldChanged) == [events.HoldChanged(held=False)]
    assert state_of(call) is CallState.TALKING
    apart = last_remote(desk)
    assert (apart.sending, apart.receiving) == (False, False), "it hears nothing all the same"
    call.hold(desk.now, held=False)
    desk.settle()
    together = last_remote(desk)
    assert (together.sending, together.receiving) == (True, True)


def test_held_speech_stops_before_the_peer_has_answered() -> None:
    desk, call = talking()
    desk.cut()
    call.hold(desk.now)
    desk.account.settle(desk.now)
    desk.settle()
    apart = last_remote(desk)
    assert (apart.sending, apart.receiving) == (False, False)


def test_a_call_that_is_over_is_not_held() -> None:
    desk, call = talking()
    call.hang_up(desk.now)
    desk.settle()
    sent = len(desk.sent)
    call.hold(desk.now)
    desk.settle()
    assert len(desk.sent) == sent


def test_media_is_started_once_however_often_the_session_changes() -> None:
    desk, call = talking()
    call.hold(desk.now)
    desk.settle()
    call.hold(desk.now, held=False)
    desk.settle()
    assert len(desk.trunk_engine.posted(engine.Start)) == 1
    assert len(desk.phone_engine.posted(engine.Start)) == 1


def test_a_re_invite_of_the_peer_does_not_end_our_hold() -> None:
    desk, call = talking()
    call.hold(desk.now)
    desk.settle()
    held = desk.sent[-1]
    peer_reoffers(desk)
    desk.settle()
    assert desk.sent[-1] != held
    assert b"a=sendonly" in desk.sent[-1]
    remote = last_remote(desk)
    assert (remote.sending, remote.receiving) == (False, False)


def test_a_hold_that_met_an_offer_of_the_peer_is_described_anew() -> None:
    desk, call = talking()
    before = len(versions(desk))
    peer_reoffers(desk)
    call.hold(desk.now)
    desk.settle()
    assert any(data.startswith(b"SIP/2.0 491") for data in desk.sent)
    desk.wait(5.0)
    assert call.held
    assert versions(desk)[before:] == [2, 3, 4], "hold, answer, hold (RFC 3264 §8)"


def test_a_resumption_waits_for_the_end_of_the_peer_s_re_invite() -> None:
    desk, call = talking()
    call.hold(desk.now)
    desk.settle()
    peer_reoffers(desk)
    assert isinstance(desk.connection, TrunkConnection)
    for data in desk.connection.data_to_send():
        desk.account.receive(data, desk.now)
    call.hold(desk.now, held=False)
    assert call.held, "the peer has not acknowledged its own re-INVITE yet"
    desk.settle()
    desk.wait(5.0)
    assert not call.held
    assert last_remote(desk).sending


def test_an_offer_that_is_taken_back_at_once_changes_nothing() -> None:
    desk, call = talking()
    agreed, before = last_remote(desk), call._offer_answer._origin
    peer_reoffers(desk)
    assert isinstance(desk.connection, TrunkConnection)
    (invite,) = desk.connection.data_to_send()
    kept = (b"INVITE", b"Via", b"Max-Forwards", b"From", b"To", b"Call-ID", b"CSeq")
    head = [line for line in invite.split(b"\r\n") if line.startswith(kept)]
    cancel = b"\r\n".join((*head, b"Content-Length: 0\r\n\r\n")).replace(b"INVITE", b"CANCEL")
    desk.account.receive(invite + cancel, desk.now)
    desk.settle()
    assert any(data.startswith(b"SIP/2.0 487") for data in desk.sent)
    assert last_remote(desk) is agreed
    assert call._offer_answer._origin == before
    assert state_of(call) is CallState.TALKING


def test_an_offer_that_could_not_be_sent_leaves_no_gap_in_the_versions() -> None:
    desk = Desk()
    desk.start()
    extension = find_extension("echo")
    assert extension is not None
    desk.ring_phone(extension)
    (arrived,) = desk.told(phone.CallArrived)
    assert isinstance(arrived, phone.CallArrived)
    call = arrived.call
    call.accept(desk.now)
    desk.linked = False
    desk.settle()
    call.hold(desk.now)
    call.hold(desk.now)
    assert call._offer_answer._origin.version == 2, "the answer was version 1"


def test_new_keys_do_not_move_when_the_peer_was_first_heard() -> None:
    desk, call = talking()
    first = call.record.first_received_ms
    desk.wait(60.0)
    desk.report(engine.KeysConfirmed(call.terms.session, 60_000.0))
    assert call.record.first_received_ms == first
