"""RFC 5626 §4.5, RFC 3263 §4.3: a registration over one flow after the other, and its table."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.protocols.sip.account_kit import challenge, credential_count, make_client, make_verifier
from tests.protocols.sip.registrar_kit import (
    Life,
    Registrar,
    contact,
    events,
    make_registration,
)

from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.registration import (
    Registered,
    RegistrationFailed,
    RegistrationPolicy,
    RegistrationState,
)
from offhook.protocols.sip.registration_states import (
    REGISTRATION,
    RegistrationAction,
    RegistrationInput,
)
from offhook.protocols.sip.state_table import render
from offhook.protocols.sip.values import Star


def contacts(request: Request) -> list[str]:
    found = request.contacts
    assert not isinstance(found, Star)
    return [str(each) for each in found]


class TestFlowLoss:
    def test_the_next_flow_registers_with_the_same_call_id_and_the_next_cseq(self) -> None:
        registrar = Registrar(verifier=make_verifier())
        life = Life(make_registration(make_client()), registrar)
        life.flow(40001)
        life.registration.flow_lost("reset by peer", life.now)
        assert not life.registration.registered
        life.flow(40002)
        assert [request.cseq.number for _, request in life.sent] == [1, 2, 3, 4]
        assert len({request.call_id for _, request in life.sent}) == 1
        assert life.kinds() == ["Registered", "Unregistered", "Registered"]
        assert not life.events[-1][1].refreshed  # type: ignore[union-attr]  # a Registered

    def test_credentials_of_the_old_flow_do_not_go_to_the_new_one(self) -> None:
        life = Life(make_registration(make_client()), Registrar(verifier=make_verifier()))
        life.flow(40001)
        life.registration.flow_lost("gone", life.now)
        life.flow(40002)
        assert [credential_count(request) for _, request in life.sent] == [0, 1, 0, 1]

    def test_the_dead_contact_is_removed_with_the_first_register(self) -> None:
        registrar = Registrar()
        life = Life(make_registration(), registrar)
        life.flow(40001)
        life.registration.flow_lost("gone", life.now)
        life.flow(40002)
        assert contacts(life.sent[-1][1]) == [str(contact(40002)), f"{contact(40001)};expires=0"]
        assert list(registrar.bindings) == [str(contact(40002).uri)]
        life.until(3600.0)
        assert contacts(life.sent[-1][1]) == [str(contact(40002))]

    def test_where_the_policy_says_so_it_is_left_to_run_out(self) -> None:
        registrar = Registrar()
        life = Life(make_registration(policy=RegistrationPolicy(replace_binding=False)), registrar)
        life.flow(40001)
        life.registration.flow_lost("gone", life.now)
        life.flow(40002)
        assert contacts(life.sent[-1][1]) == [str(contact(40002))]
        assert len(registrar.bindings) == 2

    def test_a_contact_that_ran_out_or_is_the_same_again_is_not_removed(self) -> None:
        life = Life(make_registration(), Registrar(grant=lambda _: 60))
        life.flow(40001)
        life.registration.flow_lost("gone", life.now)
        life.flow(40001)
        assert contacts(life.sent[-1][1]) == [str(contact(40001))]
        life.registration.flow_lost("gone", life.now)
        life.until(life.now + 61.0)
        life.flow(40003)
        assert contacts(life.sent[-1][1]) == [str(contact(40003))]

    def test_many_losses_do_not_pile_up(self) -> None:
        life = Life(make_registration(), Registrar())
        life.flow(40000)
        life.answer = lambda *_: None
        for port in range(40001, 40020):
            life.registration.flow_lost("gone", life.now)
            life.flow(port, other_server=True)
            assert len(contacts(life.sent[-1][1])) == 2

    def test_credentials_made_for_a_flow_die_with_it(self) -> None:
        registration = make_registration(make_client())
        registration.flow_opened(contact(40001), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        registration.response(challenge(request), 0.0)
        registration.flow_lost("gone", 0.0)
        registration.flow_opened(contact(40002), 0.0)
        again = registration.next_request(0.0)
        assert again is not None
        assert credential_count(again) == 0
        assert contacts(again) == [str(contact(40002))]

    def test_an_answer_on_the_way_is_forgotten_with_its_flow(self) -> None:
        registrar = Registrar()
        registration = make_registration()
        registration.flow_opened(contact(40001), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        registration.flow_lost("gone", 1.0)
        registration.response(registrar(request, 1.0), 1.0)
        registration.failed("gone", 1.0)
        assert registration.state is RegistrationState.OFFLINE
        assert events(registration) == []
        registration.flow_opened(contact(40002), 2.0)
        assert registration.next_request(2.0) is not None, "lesson: no flag stays behind"

    def test_a_flow_that_replaces_a_living_one_counts_as_its_loss(self) -> None:
        life = Life(make_registration(), Registrar())
        life.flow(40001)
        life.flow(40002)
        assert life.kinds() == ["Registered", "Unregistered", "Registered"]


class TestWaitsAcrossFlows:
    def refused(self) -> tuple[Life, float]:
        life = Life(
            make_registration(),
            lambda request, _: response_to(request, 503, headers=[("Retry-After", "500")]),
        )
        life.flow(40001)
        event = life.events[-1][1]
        assert isinstance(event, RegistrationFailed)
        assert event.retry_at is not None
        return life, event.retry_at

    def test_a_new_flow_to_the_same_server_waits_on(self) -> None:
        life, retry_at = self.refused()
        life.registration.flow_lost("gone", life.now)
        life.until(100.0)
        life.answer = Registrar()
        life.flow(40002)
        assert life.registration.state is RegistrationState.HOLDING
        life.until(retry_at - 1.0)
        assert len(life.sent) == 1
        life.until(retry_at)
        assert life.registration.registered

    def test_another_server_is_asked_at_once(self) -> None:
        life, _ = self.refused()
        life.registration.flow_lost("fail-over", life.now)
        life.answer = Registrar()
        life.flow(40002, other_server=True)
        assert life.registration.registered

    def test_a_wait_that_ended_without_a_flow_is_over(self) -> None:
        life, retry_at = self.refused()
        life.registration.flow_lost("gone", life.now)
        life.until(retry_at + 1.0)
        life.answer = Registrar()
        life.flow(40002)
        assert life.registration.registered


class TestTable:
    def test_every_state_is_reached_and_left(self) -> None:
        left = {state for state, _ in REGISTRATION}
        reached = {step.state for step in REGISTRATION.values()}
        assert left == reached == set(RegistrationState)

    def test_every_input_and_action_is_used(self) -> None:
        assert {what for _, what in REGISTRATION} == set(RegistrationInput)
        used = {action for step in REGISTRATION.values() for action in step.actions}
        assert used == set(RegistrationAction)

    def test_a_lost_flow_ends_in_offline_from_everywhere(self) -> None:
        for state in set(RegistrationState) - {RegistrationState.OFFLINE}:
            assert REGISTRATION[state, RegistrationInput.FLOW_LOST].state is (
                RegistrationState.OFFLINE
            )

    @pytest.mark.parametrize("state", ["PENDING", "ABANDONED", "RELEASING", "RETURNING"])
    def test_every_outcome_leads_out_of_waiting_for_an_answer(self, state: str) -> None:
        waiting = {
            RegistrationState.PENDING,
            RegistrationState.ABANDONED,
            RegistrationState.RELEASING,
            RegistrationState.RETURNING,
        }
        for what in ("ACCEPTED", "AGAIN", "FAILED", "REFUSED", "FLOW_LOST"):
            step = REGISTRATION[RegistrationState[state], RegistrationInput[what]]
            assert step.state not in waiting

    def test_it_can_be_drawn(self) -> None:
        assert "Pending --> Bound : binding accepted / hold binding" in render(REGISTRATION)


class Walk(RuleBasedStateMachine):
    """Anything may happen in any order; what must hold, holds."""

    def __init__(self) -> None:
        super().__init__()
        self.client = make_client(None)
        self.client.flow_lost()
        self.registration = make_registration(self.client)
        self.now = 0.0
        self.open: Request | None = None
        self.flow = False
        self.wanted = True
        self.last_cseq = 0
        self.last_port = 40000

    @rule(same=st.booleans(), other=st.booleans())
    def open_flow(self, same: bool, other: bool) -> None:
        self.last_port += not same
        self.registration.flow_opened(contact(self.last_port), self.now, other_server=other)
        self.flow, self.open = True, None

    @rule()
    def lose_flow(self) -> None:
        self.registration.flow_lost("gone", self.now)
        self.flow, self.open = False, None

    @rule()
    def want(self) -> None:
        self.registration.register(self.now)
        self.wanted = True

    @rule()
    def want_none(self) -> None:
        self.registration.unregister(self.now)
        self.wanted = False

    @rule(passed=st.floats(0.0, 4000.0))
    def wait(self, passed: float) -> None:
        self.now += passed
        self.registration.tick(self.now)

    @rule()
    def wait_for_the_deadline(self) -> None:
        deadline = self.registration.deadline()
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.registration.tick(self.now)

    @precondition(lambda self: self.open is None)
    @rule()
    def send(self) -> None:
        request = self.registration.next_request(self.now)
        if request is not None:
            assert self.flow
            assert request.cseq.number > self.last_cseq
            self.last_cseq = request.cseq.number
            self.open = request

    @precondition(lambda self: self.open is not None)
    @rule(
        status=st.sampled_from([100, 200, 200, 200, 401, 401, 407, 423, 403, 404, 500, 503]),
        expires=st.integers(0, 10**10),
        stale=st.booleans(),
        nonce=st.integers(0, 3),
        mine=st.booleans(),
    )
    def answer(self, status: int, expires: int, stale: bool, nonce: int, mine: bool) -> None:
        request = self.open
        assert request is not None
        response: Response
        if status in (401, 407):
            response = challenge(
                request, status, nonce=f"nonce-{nonce}", stale="true" if stale else "false"
            )
        else:
            listed = request.headers.get("Contact") if mine else "<sip:x@y>"
            response = response_to(
                request,
                status,
                headers=[
                    ("Contact", f"{listed};expires={expires}"),
                    ("Min-Expires", str(expires)),
                    ("Retry-After", str(expires)),
                ],
            )
        self.registration.response(response, self.now)
        if status >= 200:
            self.open = None

    @precondition(lambda self: self.open is not None)
    @rule()
    def fail(self) -> None:
        self.registration.failed("timer F", self.now)
        self.open = None

    @invariant()
    def something_will_happen(self) -> None:
        """A flow on which a binding is wanted is never left without a next step."""
        if self.flow and self.wanted and self.open is None:
            due = self.registration.state in {RegistrationState.DUE, RegistrationState.LEAVING}
            assert due or self.registration.deadline() is not None

    @invariant()
    def a_deadline_lies_within_a_day(self) -> None:
        deadline = self.registration.deadline()
        timed = self.registration._timer
        assert timed is None or timed <= self.now + 86400.0 * 1.2
        assert deadline is None or timed is None or deadline <= timed

    @invariant()
    def bound_means_registered(self) -> None:
        assert self.registration.registered == (self.client.standing.name == "REGISTERED")
        if not self.flow:
            assert not self.registration.registered
            assert self.client.standing.name == "NONE"

    @invariant()
    def events_are_few(self) -> None:
        found = events(self.registration)
        assert len(found) <= 3
        assert all(e.expires_s > 0 for e in found if isinstance(e, Registered))


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
