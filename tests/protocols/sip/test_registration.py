"""RFC 3261 §10.2 and RFC 5626 §4.5: one binding, kept alive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.protocols.sip.account_kit import (
    challenge,
    credential_count,
    credentials,
    make_client,
    make_verifier,
)
from tests.protocols.sip.registrar_kit import (
    Life,
    Registrar,
    contact,
    events,
    live,
    make_registration,
    refuse,
)

from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.registration import (
    Registered,
    RegistrationFailed,
    RegistrationState,
)
from offhook.protocols.sip.serialise import serialise

DAY = 86400.0


def failure(life: Life) -> tuple[float, RegistrationFailed]:
    found = [(at, e) for at, e in life.events if isinstance(e, RegistrationFailed)]
    assert found, life.events
    return found[-1]


class TestRequest:
    def test_it_has_the_form_of_section_10_2(self) -> None:
        registration = make_registration()
        assert registration.next_request(0.0) is None, "there is no flow yet"
        registration.flow_opened(contact(), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        assert str(request.uri) == "sip:example.com"
        assert str(request.to) == "<sip:alice@example.com>"
        assert request.from_.uri == request.to.uri
        assert request.from_.tag
        assert request.headers.get("Contact") == str(contact())
        assert request.expires == 3600
        assert request.headers.get("Max-Forwards") == "70"
        assert request.headers.get("User-Agent") == "Offhook/1"
        assert request.cseq.number == 1
        serialise(request)

    def test_no_second_one_goes_out_before_the_first_is_answered(self) -> None:
        registration = make_registration()
        registration.flow_opened(contact(), 0.0)
        assert registration.next_request(0.0) is not None
        assert registration.next_request(0.0) is None
        registration.register(0.0)
        registration.unregister(0.0)
        assert registration.next_request(0.0) is None

    def test_call_id_and_from_tag_stay_and_cseq_counts_up(self) -> None:
        registrar = Registrar(verifier=make_verifier())
        life = Life(make_registration(make_client()), registrar)
        life.flow()
        life.until(DAY)
        assert len(registrar.requests) > 20
        assert len({request.call_id for request in registrar.requests}) == 1
        assert len({request.from_.tag for request in registrar.requests}) == 1
        numbers = [request.cseq.number for request in registrar.requests]
        assert numbers == list(range(1, len(numbers) + 1))


class TestRefresh:
    @pytest.mark.parametrize("granted", [30, 60, 120, 600, 1800, 3600, 7200, 86400])
    def test_it_comes_in_time_but_not_in_haste(self, granted: int) -> None:
        life = live(Registrar(grant=lambda _: granted))
        life.until(granted * 20.0)
        times = [at for at, _ in life.sent]
        gaps = [b - a for a, b in pairwise(times)]
        assert gaps
        assert all(0.35 * granted <= gap < granted for gap in gaps)
        bound = [event for _, event in life.events if isinstance(event, Registered)]
        assert all(event.expires_s == granted for event in bound)
        assert life.kinds() == ["Registered"] * len(times)

    def test_a_fleet_spreads_out(self) -> None:
        due = set()
        for number in range(50):
            life = live(Registrar(), seed=str(number))
            due.add(round(life.registration.deadline() or 0.0))
        assert len(due) > 25

    @pytest.mark.parametrize("granted", [600, 3600])
    def test_there_is_time_for_a_time_out_and_a_retry_within_the_binding(
        self, granted: int
    ) -> None:
        registrar = Registrar(grant=lambda _: granted)
        life = live(registrar)
        answers = iter([None])
        life.answer = lambda request, now: next(answers, registrar(request, now))
        life.until(granted * 1.0)
        assert life.kinds()[:3] == ["Registered", "RegistrationFailed", "Registered"]
        assert "Unregistered" not in life.kinds()

    def test_a_tiny_grant_makes_no_flood(self) -> None:
        life = live(Registrar(grant=lambda _: 1))
        life.until(100.0)
        assert len(life.sent) <= 11

    def test_a_grant_without_end_is_refreshed_daily(self) -> None:
        life = live(Registrar(grant=lambda _: 2**32 - 1))
        life.until(10 * DAY)
        assert 10 <= len(life.sent) <= 12

    def test_a_month_of_registrations(self) -> None:
        registrar = Registrar(verifier=make_verifier())
        life = Life(make_registration(make_client()), registrar)
        life.flow()
        for day in range(30):
            life.until((day + 1) * DAY)
            assert life.registration.registered
            assert len(registrar.bindings) == 1
        granted = [event for _, event in life.events if isinstance(event, Registered)]
        assert len(granted) == len(life.events), "nothing but successes"
        assert 30 * DAY / 3600 < len(granted) < 30 * DAY / 3100
        assert not granted[0].refreshed
        assert all(event.refreshed for event in granted[1:])
        assert len(registrar.requests) <= 2 * len(granted) + 1


class TestChallenge:
    def test_credentials_are_given_and_kept_for_the_refresh(self) -> None:
        registrar = Registrar(
            verifier=make_verifier(nonce_lifetime_s=1e6), grant=lambda asked: min(asked, 600)
        )
        life = Life(make_registration(make_client()), registrar)
        life.flow()
        assert [credential_count(request) for _, request in life.sent] == [0, 1]
        life.until(600.0)
        assert len(life.sent) == 3, "the refresh needs one request"
        assert credentials(life.sent[2][1])["nc"] == "00000002"

    def test_a_wrong_password_is_said_and_not_hammered(self) -> None:
        verifier = make_verifier()
        registrar = Registrar(verifier=verifier)
        life = Life(make_registration(make_client()), registrar)
        verifier._lookup = lambda _: None
        life.flow()
        _, event = failure(life)
        assert event.status == 401
        assert "password" in event.reason
        life.until(DAY)
        assert len(life.sent) <= 2 * 24 * 2 + 2

    def test_md5_is_refused_with_the_key_that_allows_it(self) -> None:
        life = Life(make_registration(make_client()), Registrar(verifier=make_verifier(("MD5",))))
        life.flow()
        assert "trunk.digest" in failure(life)[1].reason
        assert all(credential_count(request) == 0 for _, request in life.sent)
        allowed = Life(
            make_registration(make_client(algorithms=("SHA-256", "MD5"))),
            Registrar(verifier=make_verifier(("MD5",))),
        )
        allowed.flow()
        assert allowed.kinds() == ["Registered"], "control"

    def test_without_a_password_the_reason_says_so(self) -> None:
        life = live(Registrar(verifier=make_verifier()))
        assert "none" in failure(life)[1].reason

    def test_an_endless_challenge_ends(self) -> None:
        count = 0

        def endless(request: Request, now: float) -> Response:
            nonlocal count
            count += 1
            return challenge(request, nonce=f"n{count}-{now}", stale="true")

        life = Life(make_registration(make_client()), endless)
        life.flow()
        assert count == 3
        assert "without end" in failure(life)[1].reason

    def test_the_flow_counts_as_registered_only_while_bound(self) -> None:
        client = make_client()
        life = Life(make_registration(client), Registrar(grant=lambda _: 100))
        life.flow()
        standings = [client.standing.name]
        life.answer = lambda *_: None
        life.until(200.0)
        standings.append(client.standing.name)
        life.registration.flow_lost("gone", life.now)
        standings.append(client.standing.name)
        assert standings == ["REGISTERED", "VERIFIED", "NONE"]


class TestMinExpires:
    def test_it_is_followed_and_kept(self) -> None:
        registrar = Registrar(min_expires=7200)
        life = live(registrar)
        life.until(2 * 7200.0)
        assert [request.expires for request in registrar.requests] == [3600, 7200, 7200, 7200]
        assert life.kinds() == ["Registered"] * 3

    def test_a_success_lets_it_grow_again(self) -> None:
        registrar = Registrar(min_expires=4000)
        life = live(registrar)
        for least in (5000, 6000, 7000):
            registrar.min_expires = least
            life.until(life.now + least)
        assert life.kinds().count("RegistrationFailed") == 0
        assert registrar.requests[-1].expires == 7000

    @pytest.mark.parametrize("value", ["86401", "4294967295", "10", "0", "", "soon", None])
    def test_nonsense_is_a_refusal(self, value: str | None) -> None:
        registrar = refuse(423, **({} if value is None else {"Min_Expires": value}))
        life = live(registrar)
        assert len(life.sent) == 1
        assert failure(life)[1].status == 423

    def test_one_that_grows_without_end_is_left_after_two(self) -> None:
        asked = []

        def greedy(request: Request, now: float) -> Response:
            del now
            asked.append(request.expires)
            more = str((request.expires or 0) + 1)
            return response_to(request, 423, headers=[("Min-Expires", more)])

        life = Life(make_registration(), greedy)
        life.flow()
        assert asked == [3600, 3601, 3602]


class TestFailures:
    @pytest.mark.parametrize("status", [403, 404, 400, 405, 416, 420, 501, 505, 603, 302, 305])
    def test_a_final_refusal_waits_long(self, status: int) -> None:
        life = live(refuse(status))
        at, event = failure(life)
        assert event.retry_at is not None
        assert 1800.0 <= event.retry_at - at <= 2160.0
        assert not event.fail_over
        life.until(DAY)
        assert 30 <= len(life.sent) <= 50

    @pytest.mark.parametrize("status", [408, 480, 500, 502, 503, 504])
    def test_what_may_pass_backs_off(self, status: int) -> None:
        life = live(refuse(status))
        life.until(DAY)
        failures = [(at, e) for at, e in life.events if isinstance(e, RegistrationFailed)]
        waits = [event.retry_at - at for at, event in failures if event.retry_at is not None]
        assert 30.0 <= waits[0] <= 60.0
        assert 60.0 <= waits[1] <= 120.0
        assert all(900.0 <= wait <= 1800.0 for wait in waits[6:])
        assert len(waits) > 40

    @pytest.mark.parametrize(("status", "expected"), [(503, True), (504, True), (500, False)])
    def test_whether_another_server_may_help_is_said(self, status: int, expected: bool) -> None:
        assert failure(live(refuse(status)))[1].fail_over is expected

    def test_a_time_out_backs_off_and_may_fail_over(self) -> None:
        life = Life(make_registration(), lambda *_: None)
        life.flow()
        at, event = failure(life)
        assert (event.status, event.fail_over) == (None, True)
        assert event.retry_at is not None
        assert 30.0 <= event.retry_at - at <= 60.0

    def test_a_success_forgets_the_failures(self) -> None:
        life = live(refuse(503))
        life.until(3600.0)
        registrar = Registrar()
        life.answer = registrar
        life.until(2 * 3600.0)
        assert life.registration.registered
        life.answer = refuse(503)
        life.events.clear()
        life.until(3 * 3600.0)
        at, event = next((at, e) for at, e in life.events if isinstance(e, RegistrationFailed))
        assert event.retry_at is not None
        assert event.retry_at - at <= 60.0

    def test_retry_after_lengthens_the_wait(self) -> None:
        at, event = failure(live(refuse(503, Retry_After="300")))
        assert event.retry_at == at + 300.0
        at, event = failure(live(refuse(503, Retry_After="3")))
        assert event.retry_at is not None
        assert event.retry_at - at >= 30.0
        at, event = failure(live(refuse(503, Retry_After="99999999 (holiday)")))
        assert event.retry_at == at + DAY
        at, event = failure(live(refuse(404, Retry_After="7200;duration=9")))
        assert event.retry_at == at + 7200.0
        at, event = failure(live(refuse(503, Retry_After="soon")))
        assert event.retry_at is not None
        assert event.retry_at - at <= 60.0

    def test_retry_after_zero_retries_at_once_but_only_once(self) -> None:
        life = live(refuse(503, Retry_After="0"))
        life.until(29.0)
        assert len(life.sent) == 2

    def test_late_and_foreign_answers_change_nothing(self) -> None:
        registration = make_registration()
        registration.flow_opened(contact(), 0.0)
        request = registration.next_request(0.0)
        assert request is not None
        good = [("Contact", f"{contact()};expires=60")]
        for name, value in (("CSeq", "9 REGISTER"), ("Call-ID", "other"), ("CSeq", "?")):
            foreign = response_to(request, 200, headers=good)
            foreign.headers.set(name, value)
            registration.response(foreign, 0.0)
        registration.response(response_to(request, 100), 0.0)
        assert registration.state is RegistrationState.PENDING
        registration.response(response_to(request, 200, headers=good), 0.0)
        assert registration.registered, "control"
        registration.response(response_to(request, 403), 0.0)
        registration.failed("late", 0.0)
        assert registration.registered
        assert [type(event) for event in events(registration)] == [Registered]

    def test_a_binding_that_runs_out_is_reported_once(self) -> None:
        registrar = Registrar(grant=lambda _: 300)
        life = live(registrar)
        life.answer = refuse(403)
        life.until(1000.0)
        assert life.kinds() == ["Registered", "RegistrationFailed", "Unregistered"]
        assert life.events[-1][0] == pytest.approx(300.0, abs=1.0)
        assert not life.registration.registered
