from __future__ import annotations

import pytest
from tests.protocols.sip.link import ANSWER, OFFER, Side, Solo, methods
from tests.protocols.sip.raw import raw_request, raw_response

from offhook.base.errors import LocalError
from offhook.protocols.sip.agent_events import IncomingCall
from offhook.protocols.sip.invite_events import Cancelled, Ended, Established
from offhook.protocols.sip.invite_server_states import (
    INCOMING,
    IncomingAction,
    IncomingEvent,
    IncomingState,
)
from offhook.protocols.sip.message import Message, Request, Response


@pytest.fixture
def solo() -> Solo:
    return Solo()


class Caller:
    """A caller written by hand: its INVITE, and what it sends in the dialog."""

    def __init__(self, solo: Solo, body: bytes = OFFER, *extra: str) -> None:
        self.solo = solo
        self.invite = raw_request(body=body, extra=extra)
        self.said = solo.feed(self.invite)
        self.call = Side.incoming(solo)

    def accepted(self) -> Caller:
        self.call.accept(ANSWER, self.solo.now)
        self.said = self.solo.drain()
        return self

    def send(self, method: str, cseq: int = 2, body: bytes = b"") -> list[Message]:
        request = self.call.request
        tag = self.call.dialog.id.local_tag
        return self.solo.feed(
            raw_request(
                method,
                fields={
                    "From": request.headers.get("From"),
                    "To": f"<sip:alice@example.net>;tag={tag}",
                    "Call-ID": request.call_id,
                    "CSeq": f"{cseq} {method}",
                },
                body=body,
            )
        )

    def ack(self, body: bytes = b"") -> list[Message]:
        return self.send("ACK", 1, body)

    def cancel(self, *extra: str) -> list[Message]:
        head = self.invite.partition(b"Content-Type")[0].replace(b"INVITE", b"CANCEL")
        lines = "".join(f"{line}\r\n" for line in extra).encode()
        return self.solo.feed(head + lines + b"Content-Length: 0\r\n\r\n")


# --- The table


def test_every_call_ends_with_exactly_one_last_event_on_every_way_through_the_table() -> None:
    last = {IncomingAction.TELL_CANCELLED, IncomingAction.TELL_ENDED}
    told = {IncomingState.CLOSING, IncomingState.ENDED}
    for (state, event), step in INCOMING.items():
        tells = bool(last & set(step.actions))
        assert tells == (state not in told and step.state in told), (state, event)


def test_no_bye_goes_out_before_the_ack_or_its_time_out() -> None:
    """§15: the callee must not send one."""
    for (state, event), step in INCOMING.items():
        if IncomingAction.HANG_UP in step.actions:
            unanswered = state in {IncomingState.ACCEPTED, IncomingState.CLOSING}
            settled = event in {IncomingEvent.ACK, IncomingEvent.NO_ACK}
            assert settled or not unanswered


# --- Answering


def test_an_invite_is_handed_out_with_its_offer_and_caller(solo: Solo) -> None:
    caller = Caller(solo)
    assert caller.said == []
    assert caller.call.offer == OFFER
    assert str(caller.call.caller.uri) == "sip:mallory@example.net"
    assert methods(solo.at(0.2)) == [100]


def test_ringing_makes_an_early_dialog_and_is_repeated_each_minute(solo: Solo) -> None:
    caller = Caller(solo)
    assert caller.call.ring(solo.now)
    (ringing,) = solo.drain()
    assert isinstance(ringing, Response)
    assert (ringing.status, ringing.to.tag) == (180, caller.call.dialog.id.local_tag)
    assert "alice-device" in (ringing.headers.get("Contact") or "")
    assert methods(solo.at(59.0)) == []
    assert methods(solo.at(185.0)) == [180, 180, 180]


def test_a_183_carries_early_media(solo: Solo) -> None:
    caller = Caller(solo)
    caller.call.ring(solo.now, 183, ANSWER)
    (progress,) = solo.drain()
    assert (progress.body, str(progress.content_type)) == (ANSWER, "application/sdp")


def test_an_accepted_call_is_established_by_its_ack(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    (ok,) = caller.said
    assert isinstance(ok, Response)
    assert (ok.status, ok.body) == (200, ANSWER)
    assert {"BYE", "UPDATE"} <= set(ok.allow)
    assert solo.call_events(caller.call) == []
    assert caller.ack() == []
    assert solo.call_events(caller.call) == [Established(b"")]


def test_a_late_offer_is_answered_in_the_ack(solo: Solo) -> None:
    caller = Caller(solo, b"")
    assert caller.call.offer == b""
    caller.accepted()
    caller.ack(b"v=0\r\nlate")
    assert solo.of(Established) == [Established(b"v=0\r\nlate")]


def test_a_second_ack_changes_nothing(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    caller.ack()
    caller.ack()
    assert len(solo.of(Established)) == 1


@pytest.mark.parametrize(
    "change", [(b"tag=raw", b"tag=x"), (b"CSeq: 1", b"CSeq: 2"), (b"Call-ID: ", b"Call-ID: x")]
)
def test_an_ack_of_another_dialog_or_request_establishes_nothing(
    solo: Solo, change: tuple[bytes, bytes]
) -> None:
    caller = Caller(solo).accepted()
    tag = caller.call.dialog.id.local_tag.encode()
    ack = caller.invite.partition(b"Content-Type")[0].replace(b"INVITE", b"ACK")
    ack = ack.replace(b"To: <sip:alice@example.net>", b"To: <sip:alice@example.net>;tag=" + tag)
    ack = ack.replace(b"z9hG4bK", b"z9hG4bKack") + b"Content-Length: 0\r\n\r\n"
    solo.feed(ack.replace(*change))
    assert solo.of(Established) == []
    solo.feed(ack)
    assert solo.of(Established) == [Established(b"")]


# --- Lost ACKs


def test_the_2xx_is_sent_again_from_t1_to_t2_until_the_ack(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    times = []
    while solo.now < 20.0:
        before = solo.now
        if solo.at(before + 0.25):
            times.append(solo.now)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]
    caller.ack()
    assert solo.at(60.0) == []
    assert solo.of(Established) == [Established(b"")]


def test_a_2xx_without_ack_ends_in_a_bye_after_32_s(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    said = solo.at(32.0)
    assert methods(said) == [200] * 10 + ["BYE"]
    assert solo.call_events(caller.call) == [Ended("local", "the ACK of our answer never came")]


def test_a_hang_up_before_the_ack_waits_for_it(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    caller.call.hang_up(solo.now)
    assert solo.drain() == []
    assert solo.of(Ended) == [Ended("local", "hung up")]
    assert methods(caller.ack()) == ["BYE"]
    assert solo.of(Established) == []


def test_a_hang_up_whose_ack_never_comes_sends_the_bye_after_32_s(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    caller.call.hang_up(solo.now)
    assert methods(solo.at(32.0))[-1] == "BYE"
    assert len(solo.of(Ended)) == 1


def test_a_bye_before_the_ack_ends_the_call(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    assert methods(caller.send("BYE")) == [200]
    assert solo.of(Ended) == [Ended("peer", "BYE")]
    assert solo.at(60.0) == []
    assert solo.agent.calls == ()


# --- Not answering


def test_a_rejection_says_what_it_is_told(solo: Solo) -> None:
    caller = Caller(solo)
    warning = ("Warning", '399 phone "no keys"')
    assert caller.call.reject(488, "No Encryption", solo.now, [warning])
    (refusal,) = solo.drain()
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.reason) == (488, "No Encryption")
    assert refusal.headers.get("Warning") == warning[1]
    assert solo.of(Ended) == [Ended("local", "rejected with 488")]
    assert solo.agent.calls == ()


def test_only_a_failure_rejects(solo: Solo) -> None:
    with pytest.raises(LocalError):
        Caller(solo).call.reject(200, None, solo.now)


def test_a_hang_up_before_the_answer_is_a_480(solo: Solo) -> None:
    Caller(solo).call.hang_up(solo.now)
    assert methods(solo.drain()) == [480]


def test_a_cancelled_call_is_answered_487_and_told_with_its_reason(solo: Solo) -> None:
    caller = Caller(solo)
    caller.call.ring(solo.now)
    solo.drain()
    reason = 'SIP;cause=200;text="Call completed elsewhere"'
    assert methods(caller.cancel(f"Reason: {reason}")) == [200, 487]
    assert solo.call_events(caller.call) == [Cancelled(reason)]
    assert solo.agent.calls == ()


def test_an_answer_that_crosses_the_cancel_is_not_sent(solo: Solo) -> None:
    caller = Caller(solo)
    caller.cancel()
    assert not caller.call.accept(ANSWER, solo.now)
    assert not caller.call.ring(solo.now)
    assert not caller.call.reject(486, None, solo.now)
    assert solo.drain() == []


def test_a_cancel_that_crosses_the_answer_has_no_effect(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    assert methods(caller.cancel()) == [200]
    caller.ack()
    assert solo.call_events(caller.call) == [Established(b"")]


def test_a_cancel_forged_by_call_id_alone_has_no_effect(solo: Solo) -> None:
    caller = Caller(solo)
    forged = caller.invite.partition(b"Content-Type")[0].replace(b"INVITE", b"CANCEL")
    forged = forged.replace(b"z9hG4bKraw", b"z9hG4bKforged") + b"Content-Length: 0\r\n\r\n"
    assert methods(solo.feed(forged)) == [481]
    assert solo.call_events(caller.call) == []
    assert caller.call.accept(ANSWER, solo.now)


def test_an_invitation_expires(solo: Solo) -> None:
    caller = Caller(solo, OFFER, "Expires: 30")
    assert methods(solo.at(29.9)) == [100]
    assert methods(solo.at(30.0)) == [487]
    assert solo.call_events(caller.call) == [Cancelled("the invitation has expired")]


def test_a_caller_that_sends_bye_instead_of_cancel_is_understood(solo: Solo) -> None:
    caller = Caller(solo)
    caller.call.ring(solo.now)
    solo.drain()
    assert methods(caller.send("BYE")) == [200, 487]
    assert solo.call_events(caller.call) == [Cancelled("BYE")]


# --- In the dialog


def test_a_bye_of_ours_follows_the_record_route_of_the_invite(solo: Solo) -> None:
    caller = Caller(solo, OFFER, "Record-Route: <sip:p1;lr>, <sip:p2;lr>").accepted()
    (ok,) = caller.said
    assert [str(r.uri) for r in ok.record_routes] == ["sip:p1;lr", "sip:p2;lr"]
    caller.ack()
    caller.call.hang_up(solo.now)
    (bye,) = solo.drain()
    assert isinstance(bye, Request)
    assert [str(r.uri) for r in bye.routes] == ["sip:p1;lr", "sip:p2;lr"]
    assert str(bye.uri) == "sip:mallory@192.0.2.2:5061;transport=tls"
    solo.feed(raw_response(bye, 200))
    assert solo.agent.calls == ()


def test_a_second_invite_before_the_answer_gets_500_and_before_the_ack_491(solo: Solo) -> None:
    caller = Caller(solo)
    (early,) = caller.send("INVITE", 2, OFFER)
    assert isinstance(early, Response)
    assert early.status == 500
    assert 0 <= int(early.headers.get("Retry-After") or "-1") <= 10
    caller.accepted()
    assert methods(caller.send("INVITE", 3, OFFER)) == [491]


def test_a_request_out_of_order_gets_500(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    caller.ack()
    assert methods(caller.send("INFO", 5)) == [200]
    assert methods(caller.send("INFO", 5)) == [500]
    assert methods(caller.send("BYE", 4)) == [500]
    assert methods(caller.send("BYE", 6)) == [200]


# --- Without a flow


def test_a_call_answered_without_a_flow_is_answered_on_the_next(solo: Solo) -> None:
    caller = Caller(solo)
    caller.call.ring(solo.now)
    solo.close()
    assert caller.call.accept(ANSWER, solo.now)
    solo.address = solo.address._replace(port=40009)
    (ok,) = solo.open()
    assert isinstance(ok, Response)
    assert ok.status == 200
    assert ":40009" in (ok.headers.get("Contact") or "")
    caller.ack()
    assert solo.of(Established) == [Established(b"")]


def test_a_rejection_without_a_flow_goes_out_on_the_next(solo: Solo) -> None:
    caller = Caller(solo)
    solo.close()
    caller.call.reject(486, None, solo.now)
    solo.drain()
    assert methods(solo.open()) == [486]


def test_the_2xx_goes_on_being_sent_over_the_next_flow(solo: Solo) -> None:
    caller = Caller(solo).accepted()
    solo.close()
    solo.at(10.0)
    solo.open()
    assert 200 in methods(solo.at(20.0))
    caller.ack()
    assert solo.of(Established) == [Established(b"")]


def test_an_invite_that_makes_no_dialog_is_no_call(solo: Solo) -> None:
    assert methods(solo.feed(raw_request(fields={"Contact": None}))) == [400]
    assert [e for e in solo.events if isinstance(e, IncomingCall)] == []
    assert solo.agent.calls == ()
