from __future__ import annotations

from itertools import product

import pytest

from offhook.protocols.sip.client_transactions import (
    INVITE_CLIENT,
    NON_INVITE_CLIENT,
    ClientAction,
    ClientEvent,
    ClientState,
    ClientTable,
    ClientTransaction,
    event_of_status,
)
from offhook.protocols.sip.message import Request
from offhook.protocols.sip.state_table import render
from offhook.protocols.sip.timers import Timers
from offhook.protocols.sip.uri import SipUri

S, E, A = ClientState, ClientEvent, ClientAction
TABLES = {"INVITE": INVITE_CLIENT, "BYE": NON_INVITE_CLIENT}
STARTS = {A.START_B, A.START_F, A.START_M, A.START_D, A.START_K, A.START_CANCEL}


def transaction(method: str, timers: Timers | None = None) -> ClientTransaction:
    return ClientTransaction("t", Request(method, SipUri("sip", "b", "h")), timers or Timers())


def in_state(method: str, state: ClientState) -> ClientTransaction:
    made = transaction(method)
    made.state = state
    return made


@pytest.mark.parametrize("method", TABLES)
def test_a_pair_that_the_table_does_not_hold_changes_nothing(method: str) -> None:
    table = TABLES[method]
    silent = 0
    for state, event in product(S, E):
        if (state, event) in table:
            continue
        silent += 1
        made = in_state(method, state)
        assert made.handle(event, 5.0) == ()
        assert (made.state, made.deadline) == (state, None)
    assert silent > len(table)


@pytest.mark.parametrize("method", TABLES)
def test_each_entry_of_the_table_is_taken_as_it_stands(method: str) -> None:
    for (state, event), reached in TABLES[method].items():
        made = in_state(method, state)
        actions = made.handle(event, 5.0)
        assert actions[: len(reached.actions)] == reached.actions
        absorbed = reached.state is S.COMPLETED and STARTS.intersection(reached.actions)
        assert made.state is (S.TERMINATED if absorbed else reached.state)


@pytest.mark.parametrize("table", TABLES.values())
def test_every_state_is_reached_and_every_state_but_the_last_can_be_left(
    table: ClientTable,
) -> None:
    reached = {step.state for step in table.values()}
    left = {state for state, _ in table}
    assert left == reached - {S.TERMINATED} | {S.INITIAL}
    assert S.TERMINATED in reached


@pytest.mark.parametrize("table", TABLES.values())
def test_a_final_response_reaches_the_user_exactly_once_but_each_2xx_to_invite(
    table: ClientTable,
) -> None:
    for (state, event), step in table.items():
        told = step.actions.count(A.PASS_RESPONSE)
        if event in {E.SUCCESS, E.FAILURE}:
            expected = state is not S.COMPLETED
            assert told == expected, (state, event)


@pytest.mark.parametrize("table", TABLES.values())
def test_the_user_learns_of_every_end_without_a_final_response(table: ClientTable) -> None:
    for (state, event), step in table.items():
        if step.state is S.TERMINATED and state not in {S.COMPLETED, S.ACCEPTED}:
            assert {A.INFORM_FAILURE, A.INFORM_TIMEOUT} & set(step.actions), (state, event)


def test_an_ack_goes_out_for_a_failure_and_never_for_a_2xx() -> None:
    for (state, event), step in INVITE_CLIENT.items():
        assert (A.SEND_ACK in step.actions) == (event is E.FAILURE), (state, event)
    assert all(A.SEND_ACK not in step.actions for step in NON_INVITE_CLIENT.values())


def test_an_invite_without_an_answer_times_out_after_64_t1() -> None:
    made = transaction("INVITE", Timers(T1=0.25))
    made.handle(E.REQUEST, 100.0)
    assert made.deadline == 116.0
    assert made.expire(115.9) == ()
    assert made.expire(116.0) == (A.INFORM_TIMEOUT,)
    assert made.state is S.TERMINATED


def test_a_provisional_response_stops_the_time_out_of_an_invite_but_not_of_a_bye() -> None:
    invite, bye = transaction("INVITE"), transaction("BYE")
    for made in (invite, bye):
        made.handle(E.REQUEST, 0.0)
        made.handle(E.PROVISIONAL, 1.0)
    assert invite.deadline is None
    assert bye.deadline == 32.0


def test_a_2xx_keeps_the_invite_for_64_t1_to_gather_the_other_forks() -> None:
    made = transaction("INVITE")
    made.handle(E.REQUEST, 0.0)
    assert made.handle(E.SUCCESS, 3.0) == (A.PASS_RESPONSE, A.START_M)
    assert made.handle(E.SUCCESS, 20.0) == (A.PASS_RESPONSE,)
    assert made.deadline == 35.0
    made.expire(35.0)
    assert made.state is S.TERMINATED


def test_a_cancelled_invite_is_given_up_64_t1_later() -> None:
    made = transaction("INVITE")
    made.handle(E.REQUEST, 0.0)
    assert made.handle(E.CANCELLED, 0.5) == ()
    made.handle(E.PROVISIONAL, 1.0)
    made.handle(E.CANCELLED, 2.0)
    assert made.deadline == 34.0
    assert made.expire(34.0) == (A.INFORM_TIMEOUT,)


def test_timers_of_zero_fire_within_the_step_that_starts_them() -> None:
    made = transaction("BYE")
    made.handle(E.REQUEST, 0.0)
    assert made.handle(E.SUCCESS, 1.0) == (A.PASS_RESPONSE, A.START_K)
    assert made.state is S.TERMINATED
    assert made.deadline is None


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (100, E.PROVISIONAL),
        (199, E.PROVISIONAL),
        (200, E.SUCCESS),
        (299, E.SUCCESS),
        (300, E.FAILURE),
        (699, E.FAILURE),
    ],
)
def test_a_status_is_the_event_of_its_class(status: int, event: ClientEvent) -> None:
    assert event_of_status(status) is event


def test_the_figure_is_drawn_from_the_table() -> None:
    figure = render(INVITE_CLIENT)
    assert figure.startswith("stateDiagram-v2\n")
    assert "    Proceeding --> Accepted : 2xx / response to TU, start M\n" in figure
    assert figure.count("-->") == len(INVITE_CLIENT)
