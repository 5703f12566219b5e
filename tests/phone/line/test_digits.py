from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offhook.base.schema.dial_plan import DialPlan, country_names, country_plan
from offhook.base.schema.feature_codes import builtin_feature_codes
from offhook.phone.line.digits import LONGEST_NUMBER, Digits, Verdict

CODES = builtin_feature_codes()
PLANS = {name: country_plan(name) for name in country_names()}
ENDS = {Verdict.NUMBER, Verdict.EMERGENCY, Verdict.CODE, Verdict.NOTHING}


def dial(keys: str, plan: DialPlan) -> tuple[Verdict, str]:
    """The first verdict that is an end, and what was dialled until then."""
    digits = Digits(plan, CODES)
    for key in keys:
        verdict = digits.add(key)
        if verdict in ENDS:
            return verdict, digits.text
    return Verdict.MORE, digits.text


@pytest.mark.parametrize("country", PLANS)
def test_every_emergency_number_is_complete_at_its_last_digit(country: str) -> None:
    for number in PLANS[country].emergency:
        assert dial(number + "99", PLANS[country]) == (Verdict.EMERGENCY, number)


@pytest.mark.parametrize("country", PLANS)
def test_every_own_code_is_complete_at_its_last_key(country: str) -> None:
    for code in CODES.codes:
        keys = code.code.replace("x", "7")
        assert dial(keys + "99", PLANS[country]) == (Verdict.CODE, keys)


@given(
    patterns=st.lists(
        st.sampled_from(["x", "1", "11", "xx", "xxx", "1x", "xx.T", "1xT", "[1-9]xxx", "*x.#"]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    emergency=st.sampled_from(["112", "911", "15", "000", "1"]),
)
@example(patterns=["x"], emergency="112")
def test_no_plan_can_keep_an_emergency_number_from_being_called(
    patterns: list[str], emergency: str
) -> None:
    plan = DialPlan(emergency=(emergency,), patterns=tuple(patterns))
    assert dial(emergency, plan) == (Verdict.EMERGENCY, emergency)


@given(keys=st.text("0123456789*#ABCD", max_size=80), country=st.sampled_from(sorted(PLANS)))
def test_dialling_always_comes_to_an_end(keys: str, country: str) -> None:
    digits = Digits(PLANS[country], CODES)
    for key in keys:
        if digits.add(key) in ENDS:
            break
    else:
        assert digits.pause() in {Verdict.NUMBER, Verdict.NOTHING}
    assert len(digits.text) <= LONGEST_NUMBER


@given(st.text("0123456789", min_size=3, max_size=20))
def test_in_every_country_digits_are_a_number_once_hash_or_a_pause_follows(number: str) -> None:
    for plan in PLANS.values():
        if any(number.startswith(each) for each in plan.emergency):
            continue
        digits = Digits(plan, CODES)
        assert {digits.add(each) for each in number} == {Verdict.MORE}
        assert digits.pause() is Verdict.NUMBER
        assert digits.wait_s == plan.next_digit_s
        assert digits.add("#") is Verdict.NUMBER
        assert digits.number == number


@pytest.mark.parametrize(
    ("country", "keys"),
    [
        ("DE", "*21*030123456#"),
        ("DE", "**21*030123456#"),
        ("DE", "*#21#"),
        ("DE", "##21#"),
        ("DE", "*#002#"),
        ("DE", "#002#"),
    ],
)
def test_the_trunks_codes_are_complete_at_once(country: str, keys: str) -> None:
    expected = Verdict.NUMBER if keys != "#002#" else Verdict.MORE
    assert dial(keys, PLANS[country]) == (expected, keys)


@pytest.mark.parametrize(
    ("country", "keys"),
    [("DE", "#31#030123456"), ("DE", "*43#"), ("DE", "#21#"), ("US", "*69"), ("US", "*675551234")],
)
def test_a_code_that_may_go_on_waits_for_a_pause(country: str, keys: str) -> None:
    digits = Digits(PLANS[country], CODES)
    assert {digits.add(each) for each in keys} == {Verdict.MORE}
    assert digits.pause() is Verdict.NUMBER
    assert digits.number == keys


def test_what_can_never_be_a_number_is_known_at_once() -> None:
    assert dial("***", PLANS["DE"]) == (Verdict.NOTHING, "***")
    assert dial("A", PLANS["DE"]) == (Verdict.NOTHING, "A")


def test_a_single_digit_is_a_number_after_a_pause() -> None:
    digits = Digits(PLANS["DE"], CODES)
    digits.add("9")
    assert digits.pause() is Verdict.NUMBER


def test_a_new_number_begins_empty() -> None:
    digits = Digits(PLANS["DE"], CODES)
    digits.add("9")
    digits.clear()
    assert digits.text == ""
    assert digits.pause() is Verdict.NOTHING
