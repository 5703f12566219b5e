"""A run that is cut off in a call: what it wrote down is ended by the next one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.phone.call.desk import DOMAIN, Desk

from offhook.base.errors import LocalError
from offhook.phone.call.account import CallArrived
from offhook.phone.call.call import Call
from offhook.phone.call.left_over import HIGHEST_CSEQ, LeftOver
from offhook.phone.call.states import CallState
from offhook.protocols.sip.dialog import Dialog, DialogId
from offhook.protocols.sip.message import Request, response_to
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.uri import parse_uri
from offhook.protocols.sip.values import NameAddr
from offhook_practice.extensions import find_extension


def talking(desk: Desk, *, incoming: bool = False) -> Call:
    desk.start()
    if incoming:
        extension = find_extension("echo")
        assert extension is not None
        desk.ring_phone(extension)
        (arrived,) = desk.told(CallArrived)
        assert isinstance(arrived, CallArrived)
        call: Call = arrived.call
        arrived.call.accept(desk.now)
    else:
        call = desk.account.dial("echo", desk.now)
    desk.settle()
    assert call.state is CallState.TALKING
    return call


def written(desk: Desk) -> list[LeftOver]:
    """What stands in the store."""
    told = json.dumps([each.to_document() for each in desk.account.open_dialogs])
    return [LeftOver.from_document(each) for each in json.loads(told)]


def killed(before: Desk, *, register: bool = True) -> Desk:
    """The telephone is gone without a word, and another one starts at the same trunk."""
    assert before.connection is not None
    before.connection.lost(before.now)
    after = Desk(register=register)
    after.trunk = before.trunk
    after.registrar = before.registrar
    return after


def byes(desk: Desk) -> list[bytes]:
    return [each for each in desk.sent if each.startswith(b"BYE ")]


@pytest.mark.parametrize("incoming", [False, True])
def test_the_next_run_ends_the_call_at_the_trunk(incoming: bool) -> None:
    before = Desk()
    talking(before, incoming=incoming)
    (left,) = written(before)
    after = killed(before)
    assert len(before.trunk.standing) == 1
    after.account.end_left_over([left], after.now)
    after.start()
    assert before.trunk.standing == []
    (bye,) = byes(after)
    assert f"Call-ID: {left.call_id}".encode() in bye
    assert f"CSeq: {left.cseq + 1} BYE".encode() in bye
    assert b'Reason: SIP;cause=500;text="the telephone was started anew"' in bye
    assert after.account.open_dialogs == ()
    assert after.account.calls == ()


def test_a_call_is_written_down_as_soon_as_it_rings_and_nothing_stays_after_the_end() -> None:
    desk = Desk()
    desk.start()
    call = desk.account.dial("no-answer", desk.now)
    assert desk.account.open_dialogs == ()
    desk.settle()
    assert call.state is CallState.RINGING
    assert len(desk.account.open_dialogs) == 1
    call.hang_up(desk.now)
    desk.settle()
    assert desk.account.open_dialogs == ()
    answered = desk.account.dial("echo", desk.now)
    desk.settle()
    assert len(desk.account.open_dialogs) == 1
    answered.hang_up(desk.now)
    assert len(desk.account.open_dialogs) == 1, "until the BYE is answered"
    desk.settle()
    assert desk.account.open_dialogs == ()


def test_the_number_that_is_written_down_follows_each_request_of_ours() -> None:
    desk = Desk()
    call = talking(desk)
    (first,) = written(desk)
    call.hold(desk.now)
    desk.settle()
    (second,) = written(desk)
    assert second.cseq == first.cseq + 1
    assert second == replace(first, cseq=second.cseq)


def test_a_bye_that_a_flow_lost_goes_out_on_the_next_one() -> None:
    before = Desk()
    talking(before)
    after = killed(before, register=False)
    after.account.end_left_over(written(before), after.now)
    after.dead = True
    after.start()
    assert len(byes(after)) == 1
    after.dead = False
    after.cut()
    assert len(before.trunk.standing) == 1
    assert after.account.open_dialogs
    after.wait(5.0)
    assert len(byes(after)) == 2
    assert before.trunk.standing == []
    assert after.account.open_dialogs == ()


def test_a_call_that_the_trunk_has_forgotten_is_let_go_of() -> None:
    before = Desk()
    talking(before)
    after = killed(before)
    before.trunk.standing.clear()
    after.account.end_left_over(written(before), after.now)
    after.start()
    assert len(byes(after)) == 1
    assert after.account.open_dialogs == ()


@pytest.mark.parametrize("incoming", [False, True])
def test_a_challenge_to_the_bye_is_answered_where_the_call_began_with_credentials(
    incoming: bool,
) -> None:
    before = Desk()
    talking(before, incoming=incoming)
    after = killed(before)
    after.start()
    after.account.end_left_over(written(before), after.now)
    (bye,) = map(parse_message, after.account.data_to_send())
    assert isinstance(bye, Request)
    header = ("Proxy-Authenticate", f'Digest realm="{DOMAIN}", nonce="1", algorithm=SHA-256')
    after.account.receive(serialise(response_to(bye, 407, headers=[header])), after.now)
    answered = [parse_message(each) for each in after.account.data_to_send()]
    if incoming:
        assert answered == [], "a dialog that the peer began is never worth them"
        return
    (again,) = answered
    assert isinstance(again, Request)
    assert again.method == "BYE"
    assert again.cseq.number == bye.cseq.number + 1
    assert "Proxy-Authorization" in again.headers


def test_the_peer_s_own_words_in_a_dialog_that_is_left_over() -> None:
    before = Desk()
    talking(before)
    (left,) = written(before)
    after = killed(before)
    after.account.end_left_over([left], after.now)
    after.dead = True
    after.start()
    for method, status in (("INFO", 481), ("BYE", 200)):
        after.account.receive(from_peer(left, method), after.now)
        answers = [each for each in after.account.data_to_send() if each.startswith(b"SIP/2.0")]
        assert answers[0].startswith(f"SIP/2.0 {status} ".encode())
    assert after.account.open_dialogs == ()


def from_peer(left: LeftOver, method: str) -> bytes:
    lines = (
        f"{method} sip:phone@{DOMAIN} SIP/2.0",
        "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK" + method,
        "Max-Forwards: 70",
        f"From: {left.remote}",
        f"To: {left.local}",
        f"Call-ID: {left.call_id}",
        f"CSeq: 77 {method}",
        "Content-Length: 0",
    )
    return "".join(f"{each}\r\n" for each in (*lines, "")).encode()


def test_a_call_that_rang_is_ended_too_whether_it_was_answered_meanwhile_or_not() -> None:
    before = Desk()
    before.start()
    before.account.dial("no-answer", before.now)
    before.settle()
    (left,) = written(before)
    after = killed(before)
    after.account.end_left_over([left], after.now)
    after.start()
    (bye,) = byes(after)
    assert f"CSeq: {left.cseq + 1} BYE".encode() in bye
    assert after.account.open_dialogs == ()


def test_a_bye_in_an_early_dialog_is_taken_for_the_end_of_the_call() -> None:
    """Our own user agent as the other side: it answers the INVITE 487 (§15.1.2)."""
    desk = Desk()
    desk.start()
    extension = find_extension("echo")
    assert extension is not None
    desk.ring_phone(extension)
    (arrived,) = desk.told(CallArrived)
    assert isinstance(arrived, CallArrived)
    dialog = arrived.call.invite.dialog
    left = LeftOver.of(dialog)
    desk.account.receive(from_peer(left, "BYE"), desk.now)
    desk.settle()
    assert any(each.startswith(b"SIP/2.0 487") for each in desk.sent)
    assert arrived.call.state is CallState.ENDED


def test_two_left_over_dialogs_are_both_ended() -> None:
    before = Desk()
    talking(before)
    second = before.account.dial("echo", before.now)
    before.settle()
    assert second.state is CallState.TALKING
    after = killed(before)
    after.account.end_left_over(written(before), after.now)
    after.start()
    assert before.trunk.standing == []
    assert len(byes(after)) == 2


WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
ADDRESS = st.builds(lambda user, tag: f"<sip:{user}@example.com>;tag={tag}", WORD, WORD)


@given(
    st.builds(
        LeftOver,
        call_id=WORD,
        local=ADDRESS,
        remote=ADDRESS,
        target=st.builds(lambda user: f"sip:{user}@192.0.2.1:5061;transport=tls", WORD),
        routes=st.lists(
            st.builds(lambda host: f"<sip:{host}.example.com;lr;x=%22>", WORD), max_size=3
        ).map(tuple),
        cseq=st.integers(0, HIGHEST_CSEQ),
        secure=st.booleans(),
        authorized=st.booleans(),
    )
)
def test_what_is_written_down_is_read_as_the_same_dialog(left: LeftOver) -> None:
    again = LeftOver.from_document(json.loads(json.dumps(left.to_document())))
    assert again == left
    assert LeftOver.of(again.dialog()) == left


GOOD: dict[str, object] = {
    "call_id": "a",
    "local": "<sip:a@example.com>;tag=1",
    "remote": "<sip:b@example.com>;tag=2",
    "target": "sip:b@192.0.2.1",
    "routes": [],
    "cseq": 1,
    "secure": False,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("call_id", ""),
        ("call_id", "a\r\nVia: x"),
        ("call_id", "a\ud800"),
        ("call_id", 7),
        ("local", "<sip:a@example.com"),
        ("remote", "x" * 9000),
        ("target", "no uri"),
        ("routes", "none"),
        ("routes", ["<sip:a>"] * 40),
        ("routes", [None]),
        ("cseq", -1),
        ("cseq", 2**31),
        ("cseq", "1"),
    ],
)
def test_what_can_not_be_a_dialog_is_refused(name: str, value: object) -> None:
    assert LeftOver.from_document(GOOD)
    with pytest.raises(LocalError):
        LeftOver.from_document({**GOOD, name: value})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_other_document_is_refused(document: object) -> None:
    with pytest.raises(LocalError):
        LeftOver.from_document(document)


def test_a_dialog_of_an_old_peer_without_a_tag_is_kept() -> None:
    dialog = Dialog(
        id=DialogId("c", "1", ""),
        local=NameAddr.parse("<sip:a@example.com>;tag=1"),
        remote=NameAddr.parse("<sip:b@example.com>"),
        local_cseq=0,
        remote_cseq=4,
        target=parse_uri("sip:b@192.0.2.1"),
        route_set=(),
        secure=False,
        peer_allows=frozenset(),
    )
    assert LeftOver.of(dialog).dialog().id == dialog.id
