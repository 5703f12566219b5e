from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.protocols.sip.raw import raw_request, raw_response

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.sip.endpoint import Endpoint
from offhook.protocols.sip.endpoint_events import (
    AckReceived,
    BadBytes,
    EndpointEvent,
    FlowFailed,
    InviteCancelled,
    RequestReceived,
    ResponseReceived,
    TransactionFailed,
    TransactionTimedOut,
)
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.keepalive import KeepAlive
from offhook.protocols.sip.message import Message, Request, Response, response_to
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.uri import SipUri

LOCAL = PathAddress("192.0.2.1", 40001)


@dataclass
class Bench:
    """An endpoint, its time and what it said."""

    endpoint: Endpoint = field(
        default_factory=lambda: Endpoint(LOCAL, SeededRandomness("endpoint"))
    )
    now: float = 0.0

    def feed(self, data: bytes) -> list[EndpointEvent]:
        self.endpoint.receive(data, self.now)
        return self.events()

    def at(self, now: float) -> list[EndpointEvent]:
        self.now = now
        self.endpoint.tick(now)
        return self.events()

    def events(self) -> list[EndpointEvent]:
        found = []
        while (event := self.endpoint.next_event()) is not None:
            found.append(event)
        return found

    def octets(self) -> list[bytes]:
        return self.endpoint.data_to_send()

    def said(self) -> list[Message]:
        return [parse_message(data) for data in self.octets()]

    def statuses(self) -> list[int]:
        return [m.status for m in self.said() if isinstance(m, Response)]

    def send(self, method: str = "OPTIONS") -> tuple[str, Request]:
        headers = Headers(
            [
                ("Max-Forwards", "70"),
                ("From", "<sip:a@example.net>;tag=a"),
                ("To", "<sip:b@example.net>"),
                ("Call-ID", "ours"),
                ("CSeq", f"1 {method}"),
                ("Route", "<sip:edge.example.net;lr>"),
            ]
        )
        request = Request(method, SipUri("sip", "b", "example.net"), headers)
        transaction = self.endpoint.send_request(request, self.now)
        sent = self.said()[0]
        assert isinstance(sent, Request)
        return transaction, sent

    def received(self, data: bytes) -> RequestReceived:
        (event,) = self.feed(data)
        assert isinstance(event, RequestReceived)
        return event

    def answer(self, event: RequestReceived, status: int) -> bool:
        response = response_to(event.request, status, to_tag=event.to_tag)
        return self.endpoint.respond(event.transaction, response, self.now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# --- Requests of ours


def test_a_request_carries_our_own_address_and_a_fresh_branch_in_its_via(bench: Bench) -> None:
    vias = [bench.send()[1].vias for _ in range(2)]
    assert all(len(via) == 1 for via in vias)
    assert [(via[0].transport, via[0].host, via[0].port) for via in vias] == [
        ("TLS", "192.0.2.1", 40001)
    ] * 2
    branches = {via[0].branch for via in vias}
    assert len(branches) == 2
    assert all(branch and branch.startswith("z9hG4bK") for branch in branches)


def test_a_response_comes_home_by_its_branch(bench: Bench) -> None:
    transaction, sent = bench.send()
    (event,) = bench.feed(raw_response(sent, 200))
    assert isinstance(event, ResponseReceived)
    assert (event.transaction, event.response.status) == (transaction, 200)


@pytest.mark.parametrize(
    "change",
    [
        ("branch=z9hG4bK", "branch=z9hG4bKx"),
        ("Call-ID: ours", "Call-ID: theirs"),
        ("CSeq: 1 OPTIONS", "CSeq: 2 OPTIONS"),
        ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"),
        ("tag=a", "tag=b"),
        ("Via: ", "Via: SIP/2.0/TLS other.example;branch=z9hG4bKfirst\r\nVia: "),
    ],
    ids=["branch", "call-id", "cseq", "method", "from-tag", "two-vias"],
)
def test_a_response_that_is_not_to_our_request_is_dropped(
    bench: Bench, change: tuple[str, str]
) -> None:
    _, sent = bench.send()
    forged = raw_response(sent, 200).replace(change[0].encode(), change[1].encode(), 1)
    assert [e for e in bench.feed(forged) if not isinstance(e, BadBytes)] == []
    assert bench.octets() == []
    assert isinstance(bench.feed(raw_response(sent, 200))[0], ResponseReceived)


def test_a_second_final_response_is_a_stray_one(bench: Bench) -> None:
    _, sent = bench.send()
    bench.feed(raw_response(sent, 404))
    assert bench.feed(raw_response(sent, 404)) == []
    assert bench.endpoint.counters["stray responses"] == 1


def test_a_failure_of_an_invite_is_acknowledged_on_the_same_hop(bench: Bench) -> None:
    _, sent = bench.send("INVITE")
    bench.feed(raw_response(sent, 486, "theirs"))
    (ack,) = bench.said()
    assert isinstance(ack, Request)
    assert ack.method == "ACK"
    assert ack.uri == sent.uri
    assert [str(via) for via in ack.vias] == [str(sent.vias[0])]
    assert ack.to.tag == "theirs"
    assert (ack.cseq.number, ack.cseq.method) == (1, "ACK")
    assert [str(route) for route in ack.routes] == ["<sip:edge.example.net;lr>"]


def test_cancel_waits_for_a_provisional_response(bench: Bench) -> None:
    transaction, sent = bench.send("INVITE")
    assert bench.endpoint.cancel(transaction, bench.now) is None
    assert bench.octets() == []
    bench.feed(raw_response(sent, 180))
    cancelling = bench.endpoint.cancel(transaction, bench.now)
    (cancel,) = bench.said()
    assert isinstance(cancel, Request)
    assert str(cancel.vias[0]) == str(sent.vias[0])
    assert (cancel.cseq.number, cancel.cseq.method, cancel.to.tag) == (1, "CANCEL", None)
    assert [str(route) for route in cancel.routes] == ["<sip:edge.example.net;lr>"]
    answered = bench.feed(raw_response(cancel, 200))
    assert [e.transaction for e in answered if isinstance(e, ResponseReceived)] == [cancelling]
    refused = bench.feed(raw_response(sent, 487))
    assert [e.transaction for e in refused if isinstance(e, ResponseReceived)] == [transaction]


def test_cancel_of_an_answered_invite_is_not_sent(bench: Bench) -> None:
    transaction, sent = bench.send("INVITE")
    bench.feed(raw_response(sent, 180))
    bench.feed(raw_response(sent, 200))
    assert bench.endpoint.cancel(transaction, bench.now) is None


def test_a_request_without_an_answer_times_out_after_32_s(bench: Bench) -> None:
    transaction, _ = bench.send("BYE")
    assert bench.endpoint.deadline() == 32.0
    assert bench.at(31.9) == []
    assert bench.at(32.0) == [TransactionTimedOut(transaction, "BYE")]
    assert bench.endpoint.deadline() is None


def test_a_lost_connection_fails_what_is_under_way_once(bench: Bench) -> None:
    transaction, _ = bench.send("BYE")
    bench.endpoint.connection_lost("reset", 1.0)
    bench.endpoint.connection_lost("reset", 1.0)
    assert bench.events() == [TransactionFailed(transaction, "reset")]
    assert bench.feed(raw_request()) == []
    assert bench.octets() == []


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_are_no_requests_to_send(bench: Bench, method: str) -> None:
    with pytest.raises(LocalError):
        bench.send(method)


def test_requests_beyond_64_at_once_fail(bench: Bench) -> None:
    for _ in range(64):
        bench.send("BYE")
    request = Request("BYE", SipUri("sip", "b", "example.net"), Headers([("CSeq", "1 BYE")]))
    transaction = bench.endpoint.send_request(request, 0.0)
    (failed,) = bench.events()
    assert isinstance(failed, TransactionFailed)
    assert failed.transaction == transaction
    assert bench.octets() == []


# --- Requests of the peer's


def test_a_response_is_sent_to_the_request_and_only_once(bench: Bench) -> None:
    event = bench.received(raw_request("OPTIONS"))
    assert bench.answer(event, 200)
    assert not bench.answer(event, 200)
    (response,) = bench.said()
    assert response.to.tag == event.to_tag


def test_an_invite_gets_100_trying_after_200_ms(bench: Bench) -> None:
    bench.received(raw_request())
    assert bench.endpoint.deadline() == pytest.approx(0.2)
    bench.at(0.2)
    (trying,) = bench.said()
    assert isinstance(trying, Response)
    assert (trying.status, trying.to.tag) == (100, None)


def test_a_retransmitted_invite_gets_the_last_response_again(bench: Bench) -> None:
    data = raw_request()
    event = bench.received(data)
    bench.answer(event, 180)
    bench.octets()
    assert bench.feed(data) == []
    assert bench.statuses() == [180]


def test_the_ack_of_a_failure_is_absorbed_and_that_of_a_2xx_is_not(bench: Bench) -> None:
    refused = raw_request()
    bench.answer(bench.received(refused), 486)
    assert bench.feed(refused.replace(b"INVITE", b"ACK")) == []
    accepted = raw_request()
    bench.answer(bench.received(accepted), 200)
    (event,) = bench.feed(accepted.replace(b"INVITE", b"ACK"))
    assert isinstance(event, AckReceived)


def test_cancel_of_a_pending_invite_is_answered_and_told(bench: Bench) -> None:
    invite = raw_request()
    event = bench.received(invite)
    bench.answer(event, 180)
    bench.octets()
    (cancelled,) = bench.feed(invite.replace(b"INVITE", b"CANCEL"))
    assert isinstance(cancelled, InviteCancelled)
    assert cancelled.transaction == event.transaction
    (ok,) = bench.said()
    assert isinstance(ok, Response)
    assert (ok.status, ok.cseq.method, ok.to.tag) == (200, "CANCEL", event.to_tag)


def test_cancel_after_the_final_response_changes_nothing(bench: Bench) -> None:
    invite = raw_request()
    bench.answer(bench.received(invite), 200)
    bench.octets()
    assert bench.feed(invite.replace(b"INVITE", b"CANCEL")) == []
    assert bench.statuses() == [200]


@pytest.mark.parametrize(
    "change",
    [
        ("branch=z9hG4bK", "branch=z9hG4bKx"),
        ("tag=raw", "tag=other"),
        ("CSeq: 1", "CSeq: 2"),
        ("Call-ID: raw", "Call-ID: other"),
        ("192.0.2.2:5061;branch", "192.0.2.3:5061;branch"),
    ],
)
def test_cancel_that_matches_no_invite_gets_481(bench: Bench, change: tuple[str, str]) -> None:
    invite = raw_request()
    bench.received(invite)
    forged = invite.replace(b"INVITE", b"CANCEL").replace(change[0].encode(), change[1].encode())
    assert bench.feed(forged) == []
    assert bench.statuses() == [481]


def test_a_merged_request_gets_482(bench: Bench) -> None:
    invite = raw_request()
    bench.received(invite)
    assert bench.feed(invite.replace(b"branch=z9hG4bK", b"branch=z9hG4bKother")) == []
    assert bench.statuses() == [482]


def test_a_request_in_a_dialog_is_never_a_merged_one(bench: Bench) -> None:
    invite = raw_request(fields={"To": "<sip:alice@example.net>;tag=x"})
    bench.received(invite)
    bench.received(invite.replace(b"branch=z9hG4bK", b"branch=z9hG4bKother"))


def test_the_source_is_noted_in_the_via_where_it_differs() -> None:
    peer = PathAddress("198.51.100.7", 5061)
    bench = Bench(Endpoint(LOCAL, SeededRandomness(1), peer=peer))
    via = "SIP/2.0/TLS proxy.example:5061;branch=z9hG4bK1;rport, SIP/2.0/TLS a;branch=z9hG4bK0"
    event = bench.received(raw_request("OPTIONS", fields={"Via": via}))
    bench.answer(event, 200)
    (response,) = bench.said()
    top, below = response.vias
    assert (top.host, top.parameter("received"), top.parameter("rport")) == (
        "proxy.example",
        "198.51.100.7",
        "5061",
    )
    assert (below.host, below.parameter("received")) == ("a", None)


# --- Flows


def test_a_ping_is_answered_and_a_pong_is_not(bench: Bench) -> None:
    assert bench.feed(b"\r\n\r\n") == []
    assert bench.octets() == [b"\r\n"]
    assert bench.feed(b"\r\n") == []
    assert bench.octets() == []


def test_a_missing_pong_fails_the_flow() -> None:
    keepalive = KeepAlive(SeededRandomness(3), upper_s=100.0)
    bench = Bench(Endpoint(LOCAL, SeededRandomness(1), keepalive=keepalive))
    keepalive.start(0.0)
    due = bench.endpoint.deadline()
    assert due is not None
    assert bench.at(due) == []
    assert bench.octets() == [b"\r\n\r\n"]
    assert bench.at(due + 9.9) == []
    (failed,) = bench.at(due + 10.0)
    assert isinstance(failed, FlowFailed)
    assert bench.endpoint.closed


def test_a_pong_in_time_keeps_the_flow() -> None:
    keepalive = KeepAlive(SeededRandomness(3), upper_s=100.0)
    bench = Bench(Endpoint(LOCAL, SeededRandomness(1), keepalive=keepalive))
    keepalive.start(0.0)
    due = bench.endpoint.deadline() or 0.0
    bench.at(due)
    bench.now = due + 5.0
    bench.feed(b"\r\n")
    assert bench.at(due + 11.0) == []
    assert not bench.endpoint.closed


def test_a_message_that_takes_longer_than_10_s_fails_the_flow(bench: Bench) -> None:
    data = raw_request("OPTIONS")
    for second, octet in enumerate(data[:10]):
        bench.now = float(second)
        bench.feed(bytes([octet]))
    assert bench.endpoint.deadline() == 10.0
    (failed,) = bench.at(10.0)
    assert isinstance(failed, FlowFailed)


def test_a_message_in_pieces_within_10_s_is_read(bench: Bench) -> None:
    data = raw_request("OPTIONS")
    bench.feed(data[:100])
    bench.now = 9.0
    bench.received(data[100:])
    assert bench.at(20.0) == []
    assert not bench.endpoint.closed


def test_messages_that_never_end_with_a_read_are_not_slow(bench: Bench) -> None:
    stream = b"".join(raw_request("OPTIONS") for _ in range(40))
    for begin in range(0, len(stream), 500):
        bench.now += 1.0
        bench.feed(stream[begin : begin + 500])
        bench.at(bench.now)
        assert not bench.endpoint.closed
