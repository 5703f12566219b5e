from __future__ import annotations

from itertools import product

import pytest

from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.server_transactions import (
    INVITE_SERVER,
    NON_INVITE_SERVER,
    ServerAction,
    ServerEvent,
    ServerState,
    ServerTable,
    ServerTransaction,
    event_of_status,
    transaction_key,
)
from offhook.protocols.sip.timers import Timers
from offhook.protocols.sip.uri import SipUri

S, E, A = ServerState, ServerEvent, ServerAction
TABLES = {"INVITE": INVITE_SERVER, "BYE": NON_INVITE_SERVER}


def request(method: str = "INVITE", **fields: str) -> Request:
    values = {
        "Via": "SIP/2.0/TLS a.example:5061;branch=z9hG4bKabc",
        "From": "<sip:a@a.example>;tag=1",
        "To": "<sip:b@b.example>",
        "Call-ID": "call",
        "CSeq": f"7 {method}",
    }
    values |= {name.replace("_", "-"): value for name, value in fields.items()}
    return Request(method, SipUri("sip", "b", "b.example"), Headers(values.items()))


def transaction(method: str) -> ServerTransaction:
    made = request(method)
    return ServerTransaction("t", transaction_key(made), made, "tag", Timers())


@pytest.mark.parametrize("method", TABLES)
def test_a_pair_that_the_table_does_not_hold_changes_nothing(method: str) -> None:
    table = TABLES[method]
    silent = 0
    for state, event in product(S, E):
        if (state, event) in table:
            continue
        silent += 1
        made = transaction(method)
        made.state = state
        assert made.handle(event, 5.0) == ()
        assert (made.state, made.deadline) == (state, None)
    assert silent > len(table)


@pytest.mark.parametrize("method", TABLES)
def test_each_entry_of_the_table_is_taken_as_it_stands(method: str) -> None:
    for (state, event), reached in TABLES[method].items():
        made = transaction(method)
        made.state = state
        actions = made.handle(event, 5.0)
        assert actions[: len(reached.actions)] == reached.actions
        absorbed = {A.START_I, A.START_J} & set(reached.actions)
        assert made.state is (S.TERMINATED if absorbed else reached.state)


@pytest.mark.parametrize("table", TABLES.values())
def test_every_state_is_reached_and_every_state_but_the_last_can_be_left(
    table: ServerTable,
) -> None:
    reached = {step.state for step in table.values()}
    left = {state for state, _ in table}
    assert left == reached - {S.TERMINATED} | {S.INITIAL}


@pytest.mark.parametrize("table", TABLES.values())
def test_no_response_goes_out_after_the_final_one_but_a_2xx_again(table: ServerTable) -> None:
    for (state, event), step in table.items():
        if state in {S.COMPLETED, S.CONFIRMED, S.ACCEPTED} and A.SEND_RESPONSE in step.actions:
            assert (state, event) == (S.ACCEPTED, E.SUCCESS)


@pytest.mark.parametrize("table", TABLES.values())
def test_a_transport_error_is_told_and_keeps_the_state(table: ServerTable) -> None:
    """RFC 6026 §8.8, against RFC 3261."""
    for (state, event), step in table.items():
        if event is E.TRANSPORT_ERROR:
            assert step.state is state
            assert step.actions == (A.INFORM_FAILURE,)


def test_an_ack_reaches_the_user_for_a_2xx_and_is_absorbed_for_a_failure() -> None:
    assert INVITE_SERVER[S.ACCEPTED, E.ACK].actions == (A.PASS_ACK,)
    assert A.PASS_ACK not in INVITE_SERVER[S.COMPLETED, E.ACK].actions


def test_100_trying_goes_out_after_200_ms_without_an_answer() -> None:
    made = transaction("INVITE")
    made.handle(E.REQUEST, 10.0)
    assert made.expire(10.1) == ()
    assert made.expire(10.2) == (A.SEND_TRYING,)
    assert made.deadline is None


def test_a_provisional_response_in_time_spares_the_100() -> None:
    made = transaction("INVITE")
    made.handle(E.REQUEST, 10.0)
    made.handle(E.PROVISIONAL, 10.1)
    assert made.deadline is None


def test_a_failure_waits_64_t1_for_its_ack() -> None:
    made = transaction("INVITE")
    made.handle(E.REQUEST, 0.0)
    made.handle(E.FAILURE, 1.0)
    assert (made.state, made.deadline) == (S.COMPLETED, 33.0)
    made.expire(33.0)
    assert made.state is S.TERMINATED


def test_an_accepted_invite_absorbs_the_request_and_lives_64_t1() -> None:
    made = transaction("INVITE")
    made.handle(E.REQUEST, 0.0)
    made.handle(E.SUCCESS, 1.0)
    assert made.handle(E.REQUEST, 2.0) == ()
    assert made.deadline == 33.0
    assert made.answered


@pytest.mark.parametrize(
    ("status", "event"),
    [(100, E.PROVISIONAL), (200, E.SUCCESS), (300, E.FAILURE), (699, E.FAILURE)],
)
def test_a_status_is_the_event_of_its_class(status: int, event: ServerEvent) -> None:
    assert event_of_status(status) is event


def test_a_request_matches_by_branch_sent_by_and_method() -> None:
    key = transaction_key(request())
    assert key == transaction_key(request(Call_ID="other", From="<sip:x@y>;tag=2"))
    assert key == transaction_key(request("ACK"))
    assert key == transaction_key(request("CANCEL"), "INVITE")
    assert key != transaction_key(request("CANCEL"))
    assert key != transaction_key(request(Via="SIP/2.0/TLS a.example:5061;branch=z9hG4bKabd"))
    assert key != transaction_key(request(Via="SIP/2.0/TLS b.example:5061;branch=z9hG4bKabc"))
    assert key == transaction_key(request(Via="SIP/2.0/TLS A.Example:5061;branch=z9hG4bKabc"))


@pytest.mark.parametrize("branch", ["", ";branch=1", ";branch=z9hG4bK"])
def test_a_branch_of_rfc_2543_is_no_identity_by_itself(branch: str) -> None:
    via = f"SIP/2.0/TLS a.example:5061{branch}"
    key = transaction_key(request(Via=via))
    assert key == transaction_key(request("ACK", Via=via, CSeq="7 ACK"))
    assert key != transaction_key(request(Via=via, Call_ID="other"))
    assert key != transaction_key(request(Via=via, CSeq="8 INVITE"))
    assert key != transaction_key(request(Via=via, From="<sip:a@a.example>;tag=2"))
