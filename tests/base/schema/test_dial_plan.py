from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.dial_plan import DialPlan, country_names, country_plan
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.walker import walk


def test_twelve_countries_have_a_plan() -> None:
    assert len(country_names()) == 12
    assert country_plan("de") is country_plan("DE")


@pytest.mark.parametrize("name", ["", "XX", "../DE", "__class__"])
def test_another_country_is_told_which_there_are(name: str) -> None:
    with pytest.raises(LocalError, match="countries: AT, AU"):
        country_plan(name)


@pytest.mark.parametrize("name", country_names())
def test_every_country_has_emergency_numbers_that_begin_no_other(name: str) -> None:
    numbers = country_plan(name).emergency
    assert numbers
    for each in numbers:
        assert not [other for other in numbers if other != each and other.startswith(each)]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "emergency"),
        ({"emergency": []}, "emergency"),
        ({"emergency": ["11", "112"]}, "emergency[1]"),
        ({"emergency": ["1a"]}, "emergency[0]"),
        ({"emergency": ["112"], "patterns": ["x.T"]}, "patterns[0]"),
        ({"emergency": ["112"], "patterns": ["xx.T", "[5-1]"]}, "patterns[1]"),
        ({"emergency": ["112"], "trunk_prefix": "+"}, "trunk_prefix"),
        ({"emergency": ["112"], "next_digit_s": 0}, "next_digit_s"),
    ],
)
def test_a_plan_that_would_not_do_is_told_where(document: dict[str, object], path: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        walk(DialPlan, document)
    assert path in [each.path for each in caught.value.problems]
