from __future__ import annotations

from time import process_time

import pytest
from tests.protocols.sip.raw import raw_request
from tests.protocols.sip.test_endpoint import Bench

from offhook.protocols.sip.endpoint_events import BadBytes, FlowFailed, RequestReceived
from offhook.protocols.sip.message import Response, response_to


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("data", "status", "word"),
    [
        (raw_request(fields={"CSeq": "1 BYE"}), 400, "CSeq"),
        (raw_request(fields={"CSeq": "99999999999 INVITE"}), 400, "CSeq"),
        (raw_request(fields={"From": "<sip:a@b"}), 400, "malformed"),
        (raw_request(fields={"Max-Forwards": "x"}), 400, "Max-Forwards"),
        (raw_request(fields={"Contact": None}), 400, "Contact"),
        (raw_request(fields={"Contact": "*"}), 400, "Contact"),
        (raw_request(extra=["To: <sip:x@y>"]), 400, "To"),
        (raw_request(start="INVITE sip:a@b SIP/3.0"), 505, "Version"),
        (raw_request(start="INVITE urn:service:sos SIP/2.0"), 416, "URI"),
        (raw_request(start="INVITE sip:a@b@c SIP/2.0"), 400, "URI"),
        (raw_request(extra=["No colon here"]), 400, "header"),
    ],
)
def test_a_malformed_request_is_answered_with_the_defect(
    bench: Bench, data: bytes, status: int, word: str
) -> None:
    events = bench.feed(data)
    assert [type(event) for event in events] == [BadBytes]
    (response,) = bench.said()
    assert isinstance(response, Response)
    assert response.status == status
    assert word in response.reason
    assert not bench.endpoint.closed


@pytest.mark.parametrize(
    "data",
    [
        raw_request("ACK", fields={"CSeq": "1 BYE"}),
        raw_request("ACK", fields={"Max-Forwards": "x"}),
        raw_request("ACK", extra=["No colon here"]),
        raw_request(start="SIP/2.0 200 OK", fields={"CSeq": "x"}),
        raw_request(start="SIP/2.0 999 Odd"),
        raw_request(start="SIP/2.0 200 OK", fields={"Contact": "*"}),
        raw_request(fields={"Via": None}),
    ],
)
def test_a_malformed_ack_or_response_is_never_answered(bench: Bench, data: bytes) -> None:
    events = bench.feed(data)
    assert all(isinstance(event, BadBytes) for event in events)
    assert bench.octets() == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (raw_request().replace(b"Content-Length: 0", b"Content-Length: 1073741824"), [513]),
        (raw_request().replace(b"Content-Length: 0", b"Content-Length: -1"), [400]),
        (raw_request().replace(b"Content-Length: 0\r\n", b""), [400]),
        (b"A" * 70_000, []),
        (b"\rX", []),
    ],
    ids=["1-GiB", "negative", "missing", "head-without-end", "lone-cr"],
)
def test_lost_framing_is_answered_if_it_can_be_and_ends_the_flow(
    bench: Bench, data: bytes, status: list[int]
) -> None:
    events = bench.feed(data)
    assert isinstance(events[-1], FlowFailed)
    assert bench.statuses() == status
    assert bench.feed(raw_request()) == []


def test_a_third_pending_invite_gets_486(bench: Bench) -> None:
    events = [bench.received(raw_request()) for _ in range(2)]
    assert bench.feed(raw_request()) == []
    assert bench.statuses() == [486]
    bench.answer(events[0], 486)
    bench.octets()
    bench.received(raw_request())


def test_a_re_invite_is_not_refused_for_two_pending_invites(bench: Bench) -> None:
    for _ in range(2):
        bench.received(raw_request())
    bench.received(raw_request(fields={"To": "<sip:alice@example.net>;tag=dialog"}))


def test_requests_beyond_the_table_get_503_and_those_in_dialogs_do_not(bench: Bench) -> None:
    for _ in range(64):
        bench.received(raw_request("OPTIONS"))
    assert bench.feed(raw_request("OPTIONS")) == []
    (response,) = bench.said()
    assert isinstance(response, Response)
    assert (response.status, response.headers.get("Retry-After")) == (503, "10")
    bench.received(raw_request("BYE", fields={"To": "<sip:alice@example.net>;tag=dialog"}))


def test_a_flood_of_invites_that_nobody_acknowledges_holds_a_bounded_table(bench: Bench) -> None:
    for _ in range(2000):
        for event in bench.feed(raw_request()):
            assert isinstance(event, RequestReceived)
            bench.answer(event, 488)
    servers = bench.endpoint._servers
    assert len(servers) <= 64
    assert bench.endpoint.next_event() is None
    statuses = bench.statuses()
    assert len(statuses) == 2000
    assert statuses.count(488) == 64
    assert bench.endpoint.counters["overload"] == 2000 - 64
    bench.at(32.0)
    assert len(servers) == 0


def test_a_flood_in_one_piece_costs_time_linear_in_its_length(bench: Bench) -> None:
    def cost(count: int) -> float:
        flood = b"".join(raw_request("OPTIONS") for _ in range(count))
        began = process_time()
        for event in bench.feed(flood):
            assert isinstance(event, RequestReceived)
            bench.endpoint.respond(
                event.transaction, response_to(event.request, 200, to_tag="t"), 0.0
            )
        bench.octets()
        return process_time() - began

    cost(50)
    short, long = cost(200), cost(1600)
    assert long < 30 * short


def test_each_request_gets_a_tag_of_its_own_and_a_repetition_the_same(bench: Bench) -> None:
    twice = raw_request("OPTIONS")
    tags = []
    for data in (twice, raw_request("OPTIONS"), twice):
        event = bench.received(data)
        bench.answer(event, 200)
        tags.append(event.to_tag)
    assert tags[0] == tags[2] != tags[1]
