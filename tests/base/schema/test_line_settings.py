from __future__ import annotations

import pytest

from offhook.base.schema.dial_plan import country_names, country_plan
from offhook.base.schema.explain import explain
from offhook.base.schema.line_settings import LineSettings
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.walker import walk


def test_without_a_word_the_plan_is_a_countrys() -> None:
    assert LineSettings().plan == country_plan("DE")


@pytest.mark.parametrize("country", country_names())
def test_a_trunk_may_change_the_patterns_and_add_emergency_numbers(country: str) -> None:
    settings = walk(
        LineSettings,
        {"country": country, "emergency": ["7777"], "patterns": ["[2-7]xx", "0xx.T"]},
    )
    assert settings.plan.emergency == (*country_plan(country).emergency, "7777")
    assert settings.plan.patterns == ("[2-7]xx", "0xx.T")


def test_speed_dial_has_a_number_for_a_key() -> None:
    assert walk(LineSettings, {"speed_dial": {"1": "030"}}).speed_dial == {"1": "030"}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"country": "XX"}, "country"),
        ({"emergency": ["1125"]}, "emergency"),
        ({"emergency": ["x"]}, "emergency"),
        ({"patterns": ["x.T"]}, "patterns"),
        ({"speed_dial": {"11": "030"}}, "speed_dial"),
        ({"speed_dial": {"1": ""}}, "speed_dial"),
        ({"speed_dial": {"1": 30}}, "speed_dial"),
    ],
)
def test_what_would_not_do_is_told_where(document: dict[str, object], path: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        walk(LineSettings, document)
    assert [each for each in caught.value.problems if each.path.startswith(path)]


def test_every_key_is_explained() -> None:
    text = explain(LineSettings)
    for name in LineSettings.__struct_fields__:
        assert name in text
