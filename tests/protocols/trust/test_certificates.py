"""The judge alone, over every certificate of the catalogue (RFC 5922, RFC 5280)."""

from __future__ import annotations

import pytest
from tests.certificates.case import Case
from tests.certificates.catalogue import CASES
from tests.certificates.forge import CLOCK_1970, CLOCK_2040, TODAY

from offhook.protocols.trust.peer_identity import make_judge

JUDGED = [case for case in CASES if case.rule is not None]


def test_the_catalogue_is_as_large_as_promised_and_names_are_unique() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.accepted for case in CASES} == {True, False}


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.name)
def test_certificate(case: Case) -> None:
    presented = case.build()
    judge = make_judge(presented.policy)

    verdict = judge(presented.server.chain, presented.service, TODAY)

    assert (verdict.rule, verdict.accepted) == (case.rule, case.accepted), verdict.detail
    assert bool(verdict.name) == case.accepted
    assert verdict.detail
    for clock in (CLOCK_1970, CLOCK_2040):
        assert not judge(presented.server.chain, presented.service, clock).accepted


@pytest.mark.parametrize(
    ("clock", "rule"), [(CLOCK_1970, "not-yet-valid"), (CLOCK_2040, "expired")]
)
def test_a_wrong_clock_is_named_with_what_it_says(clock: float, rule: str) -> None:
    presented = CASES[0].build()

    verdict = make_judge(presented.policy)(presented.server.chain, presented.service, clock)

    assert verdict.rule == rule
    assert ("1970-01-02" if rule == "not-yet-valid" else "2040-01-01") in verdict.detail
