from __future__ import annotations

import itertools

import pytest
from tests.protocols.sip.link import ANSWER, OFFER, Link, Solo, established, methods, two_phones
from tests.protocols.sip.raw import CONTACT, from_callee, raw_response

from offhook.base.errors import LocalError
from offhook.protocols.sip.invite_client import OutgoingInvite
from offhook.protocols.sip.invite_events import (
    AnswerReceived,
    Ended,
    OfferAccepted,
    OfferReceived,
    OfferRefused,
    OfferWithdrawn,
)
from offhook.protocols.sip.message import Request, Response

NEW_OFFER = b"v=0\r\nhold\r\n"
NEW_ANSWER = b"v=0\r\nheld\r\n"


class Call:
    """A call of ours that a hand-written peer has answered."""

    def __init__(self) -> None:
        self.solo = Solo()
        call, self.invite = self.solo.call()
        self.solo.feed(raw_response(self.invite, 200, headers=[CONTACT], body=ANSWER))
        self.call: OutgoingInvite = call

    def propose(self) -> Request:
        self.call.reoffer(lambda: NEW_OFFER, self.solo.now)
        (request,) = self.solo.drain()
        assert isinstance(request, Request)
        return request

    def offered(self, method: str = "INVITE", cseq: int = 5, body: bytes = NEW_OFFER) -> str:
        assert self.solo.feed(from_callee(self.invite, method, cseq, body=body)) == []
        return self.solo.of(OfferReceived)[-1].transaction


@pytest.fixture
def call() -> Call:
    return Call()


# --- The peer's offers


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_is_handed_out_and_answered(call: Call, method: str) -> None:
    transaction = call.offered(method)
    assert call.solo.of(OfferReceived)[-1] == OfferReceived(transaction, method, NEW_OFFER)
    assert call.call.accept_offer(transaction, NEW_ANSWER, call.solo.now)
    (ok,) = call.solo.drain()
    assert isinstance(ok, Response)
    assert (ok.status, ok.body) == (200, NEW_ANSWER)
    assert "alice-device" in (ok.headers.get("Contact") or "")
    assert not call.call.accept_offer(transaction, NEW_ANSWER, call.solo.now)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_refused_offer_leaves_session_and_target_as_they_were(call: Call, method: str) -> None:
    assert call.call.dialog is not None
    before = call.call.dialog.target
    moved = from_callee(call.invite, method, 5, body=NEW_OFFER).replace(
        b"Contact: <sip:bob@192.0.2.2", b"Contact: <sip:bob@198.51.100.66"
    )
    call.solo.feed(moved)
    transaction = call.solo.of(OfferReceived)[-1].transaction
    warning = [("Warning", '399 phone "no keys"')]
    assert call.call.refuse_offer(transaction, 488, None, call.solo.now, warning)
    (refusal,) = call.solo.drain()
    assert methods([refusal]) == [488]
    assert refusal.headers.get("Warning") == warning[0][1]
    assert call.call.dialog.target == before
    assert call.solo.of(Ended) == []


def test_an_accepted_offer_moves_the_target(call: Call) -> None:
    moved = from_callee(call.invite, "INVITE", 5, body=NEW_OFFER).replace(
        b"Contact: <sip:bob@192.0.2.2", b"Contact: <sip:bob@198.51.100.66"
    )
    call.solo.feed(moved)
    transaction = call.solo.of(OfferReceived)[-1].transaction
    call.call.accept_offer(transaction, NEW_ANSWER, call.solo.now)
    call.call.hang_up(call.solo.now)
    bye = call.solo.drain()[-1]
    assert isinstance(bye, Request)
    assert "198.51.100.66" in str(bye.uri)


def test_the_2xx_to_a_re_invite_is_sent_again_until_its_ack(call: Call) -> None:
    transaction = call.offered()
    call.call.accept_offer(transaction, NEW_ANSWER, call.solo.now)
    call.solo.drain()
    assert methods(call.solo.at(2.0)) == [200, 200]
    call.solo.feed(from_callee(call.invite, "ACK", 5))
    assert call.solo.at(60.0) == []
    assert call.solo.of(Ended) == []


def test_a_re_invite_whose_ack_never_comes_ends_the_call_with_a_bye(call: Call) -> None:
    call.call.accept_offer(call.offered(), NEW_ANSWER, call.solo.now)
    said = call.solo.at(40.0)
    assert methods(said)[-1] == "BYE"
    (ended,) = call.solo.of(Ended)
    assert ended.by == "local"


def test_a_re_invite_without_sdp_asks_for_an_offer_whose_answer_is_in_the_ack(call: Call) -> None:
    transaction = call.offered(body=b"")
    assert call.solo.of(OfferReceived)[-1].body == b""
    call.call.accept_offer(transaction, NEW_OFFER, call.solo.now)
    call.solo.feed(from_callee(call.invite, "ACK", 5, body=NEW_ANSWER))
    assert call.solo.of(AnswerReceived) == [AnswerReceived(NEW_ANSWER)]


@pytest.mark.parametrize("second", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("first", ["INVITE", "UPDATE"])
def test_a_second_offer_before_the_answer_gets_500_with_retry_after(
    call: Call, first: str, second: str
) -> None:
    call.offered(first, 5)
    (refusal,) = call.solo.feed(from_callee(call.invite, second, 6, body=NEW_OFFER))
    assert methods([refusal]) == [500]
    assert 0 <= int(refusal.headers.get("Retry-After") or "-1") <= 10


def test_a_cancelled_re_invite_is_withdrawn(call: Call) -> None:
    data = from_callee(call.invite, "INVITE", 5)
    call.solo.feed(data)
    transaction = call.solo.of(OfferReceived)[-1].transaction
    assert methods(call.solo.feed(data.replace(b"INVITE", b"CANCEL"))) == [200, 487]
    assert call.solo.of(OfferWithdrawn) == [OfferWithdrawn(transaction)]
    assert not call.call.accept_offer(transaction, NEW_ANSWER, call.solo.now)
    assert call.solo.of(Ended) == []


def test_a_bye_answers_the_pending_re_invite_487(call: Call) -> None:
    transaction = call.offered()
    assert methods(call.solo.feed(from_callee(call.invite, "BYE", 6))) == [200, 487]
    assert call.solo.of(OfferWithdrawn) == [OfferWithdrawn(transaction)]
    assert not call.call.refuse_offer(transaction, 488, None, call.solo.now)


@pytest.mark.parametrize(
    ("extra", "body", "status"),
    [
        (["Content-Type: text/plain"], b"hello", 415),
        (["Content-Type: multipart/mixed"], b"hello", 400),
        (["Content-Type: application/sdp", "Content-Encoding: gzip"], b"hello", 415),
        (["Require: 100rel, precondition"], b"", 420),
    ],
)
def test_a_re_invite_that_can_t_be_understood_is_refused_and_the_call_lives(
    call: Call, extra: list[str], body: bytes, status: int
) -> None:
    (refusal,) = call.solo.feed(from_callee(call.invite, "INVITE", 5, body=body, extra=extra))
    assert methods([refusal]) == [status]
    assert call.solo.of(OfferReceived) == []
    call.offered("INVITE", 6)


def test_info_is_answered_by_what_it_carries(call: Call) -> None:
    def info(cseq: int, *extra: str, body: bytes = b"") -> Response:
        data = from_callee(call.invite, "INFO", cseq, body=body, extra=extra)
        (response,) = call.solo.feed(data)
        assert isinstance(response, Response)
        return response

    assert info(1).status == 200
    package = info(2, "Info-Package: infoDtmf")
    assert (package.status, package.headers.get("Recv-Info")) == (469, "")
    relay = info(3, "Content-Type: application/dtmf-relay", body=b"Signal=5")
    assert (relay.status, relay.headers.get("Accept")) == (415, "application/sdp")


# --- Our offers


def test_our_offer_is_answered_and_acknowledged(call: Call) -> None:
    request = call.propose()
    assert (request.method, request.body) == ("INVITE", NEW_OFFER)
    assert str(request.cseq) == "2 INVITE"
    (ack,) = call.solo.feed(raw_response(request, 200, headers=[CONTACT], body=NEW_ANSWER))
    assert str(ack.cseq) == "2 ACK"
    assert call.solo.of(OfferAccepted) == [OfferAccepted(NEW_ANSWER)]
    again = call.solo.feed(raw_response(request, 200, headers=[CONTACT], body=NEW_ANSWER))
    assert methods(again) == ["ACK"]
    assert len(call.solo.of(OfferAccepted)) == 1


@pytest.mark.parametrize("status", [302, 415, 488, 500, 503])
def test_a_refusal_of_our_offer_leaves_the_call_as_it_was(call: Call, status: int) -> None:
    request = call.propose()
    call.solo.feed(raw_response(request, status, reason="No"))
    assert call.solo.of(OfferRefused) == [OfferRefused(status, "No")]
    assert call.solo.of(Ended) == []
    call.propose()


@pytest.mark.parametrize("status", [408, 481])
def test_a_peer_that_knows_no_dialog_any_more_ends_the_call_with_a_bye(
    call: Call, status: int
) -> None:
    request = call.propose()
    assert methods(call.solo.feed(raw_response(request, status))) == ["ACK", "BYE"]
    (ended,) = call.solo.of(Ended)
    assert str(status) in ended.reason


def test_our_offer_without_an_answer_ends_the_call_after_32_s(call: Call) -> None:
    call.propose()
    assert methods(call.solo.at(32.0)) == ["BYE"]
    assert len(call.solo.of(Ended)) == 1


def test_a_transport_error_on_a_re_invite_does_not_end_the_call(call: Call) -> None:
    call.propose()
    call.solo.close()
    assert call.solo.of(OfferRefused) == [OfferRefused(503, "connection reset")]
    assert call.solo.of(Ended) == []
    call.solo.open()
    call.propose()


def test_an_offer_without_a_flow_is_refused_and_the_call_lives(call: Call) -> None:
    call.solo.close()
    call.call.reoffer(lambda: NEW_OFFER, call.solo.now)
    call.solo.drain()
    assert call.solo.of(OfferRefused) == [OfferRefused(503, "there is no flow")]
    assert call.solo.of(Ended) == []


def test_a_peers_offer_during_ours_gets_491(call: Call) -> None:
    call.propose()
    glare = from_callee(call.invite, "INVITE", 5, body=NEW_OFFER)
    assert methods(call.solo.feed(glare)) == [491]
    update = from_callee(call.invite, "UPDATE", 6, body=NEW_OFFER)
    assert methods(call.solo.feed(update)) == [491]


def test_our_offer_is_repeated_after_491_within_2_1_to_4_s_three_times(call: Call) -> None:
    request = call.propose()
    for _ in range(3):
        began = call.solo.now
        call.solo.feed(raw_response(request, 491))
        assert call.solo.at(began + 2.0) == []
        (again,) = call.solo.at(began + 4.1)
        assert isinstance(again, Request)
        assert again.body == NEW_OFFER
        request = again
    call.solo.feed(raw_response(request, 491))
    assert call.solo.of(OfferRefused) == [OfferRefused(491, "Request Pending")]
    assert call.solo.at(call.solo.now + 60.0) == []


def test_an_offer_that_is_repeated_is_made_anew(call: Call) -> None:
    numbers = itertools.count(1)
    call.call.reoffer(lambda: b"%d" % next(numbers), call.solo.now)
    (request,) = call.solo.drain()
    assert isinstance(request, Request)
    call.solo.feed(raw_response(request, 491))
    (again,) = call.solo.at(call.solo.now + 4.1)
    assert isinstance(again, Request)
    assert (request.body, again.body) == (b"1", b"2")


def test_only_one_offer_is_open_at_a_time(call: Call) -> None:
    call.propose()
    with pytest.raises(LocalError):
        call.call.reoffer(lambda: NEW_OFFER, call.solo.now)
    other = Call()
    other.offered()
    with pytest.raises(LocalError):
        other.call.reoffer(lambda: NEW_OFFER, other.solo.now)


def test_there_is_nothing_to_change_before_the_answer_and_after_the_end() -> None:
    solo = Solo()
    ringing, invite = solo.call()
    with pytest.raises(LocalError):
        ringing.reoffer(lambda: NEW_OFFER, solo.now)
    solo.feed(raw_response(invite, 200, headers=[CONTACT], body=ANSWER))
    ringing.hang_up(solo.now)
    with pytest.raises(LocalError):
        ringing.reoffer(lambda: NEW_OFFER, solo.now)


def test_a_hang_up_during_our_offer_still_acknowledges_its_answer(call: Call) -> None:
    request = call.propose()
    call.call.hang_up(call.solo.now)
    assert methods(call.solo.drain()) == ["BYE"]
    said = call.solo.feed(raw_response(request, 200, headers=[CONTACT], body=NEW_ANSWER))
    assert methods(said) == ["ACK"]
    assert call.solo.of(OfferAccepted) == []


# --- Two of us


def hold(link: Link, *, by_caller: bool) -> None:
    out, incoming = established(link)
    proposer, side = (out, link.b) if by_caller else (incoming, link.a)
    answerer = incoming if by_caller else out
    proposer.reoffer(lambda: NEW_OFFER, link.now)
    link.run(0.1)
    (offer,) = side.of(OfferReceived)
    assert answerer.accept_offer(offer.transaction, NEW_ANSWER, link.now)
    link.run(60.0)


@pytest.mark.parametrize("by_caller", [True, False])
def test_either_side_can_change_the_session(*, by_caller: bool) -> None:
    link = two_phones()
    hold(link, by_caller=by_caller)
    proposer = link.a if by_caller else link.b
    assert proposer.of(OfferAccepted) == [OfferAccepted(NEW_ANSWER)]
    assert link.a.of(Ended) == link.b.of(Ended) == []


def test_two_offers_that_meet_are_both_accepted_in_the_end() -> None:
    link = two_phones()
    out, incoming = established(link)
    for side, call in ((link.a, out), (link.b, incoming)):
        side.on_event = lambda event, call=call: accept_offers(link, event, call)
    out.reoffer(lambda: NEW_OFFER, link.now)
    incoming.reoffer(lambda: NEW_OFFER, link.now)
    link.run(60.0)
    assert 491 in link.a.statuses("INVITE") + link.b.statuses("INVITE")
    assert link.a.of(OfferAccepted) == link.b.of(OfferAccepted) == [OfferAccepted(NEW_ANSWER)]


def accept_offers(link: Link, event: object, call: OutgoingInvite) -> None:
    inner = getattr(event, "event", None)
    if isinstance(inner, OfferReceived):
        call.accept_offer(inner.transaction, NEW_ANSWER, link.now)


def test_offer_and_answer_of_the_first_exchange_are_not_repeated_by_it() -> None:
    link = two_phones()
    hold(link, by_caller=True)
    bodies = [m.body for m in link.a.sent + link.b.sent if m.body]
    assert bodies == [OFFER, NEW_OFFER, ANSWER, NEW_ANSWER]
