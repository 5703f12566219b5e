from __future__ import annotations

import copy
import tomllib
from importlib import resources
from typing import Any, get_args

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.dial_pattern import Fit
from offhook.base.schema.dial_plan import country_names, country_plan
from offhook.base.schema.feature_codes import (
    LANGUAGES,
    FeatureCodes,
    Function,
    builtin_feature_codes,
    load_feature_codes,
)
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.walker import walk

TABLE = builtin_feature_codes()
TEXT = (resources.files("offhook.base.schema") / "feature_codes.toml").read_text("utf-8")


def test_every_function_has_a_code() -> None:
    assert {each.function for each in TABLE.codes} == set(get_args(Function))
    assert TABLE.code_of("redial") == "#10"


def test_every_code_is_named_and_explained_in_every_language() -> None:
    for each in TABLE.codes:
        for language in LANGUAGES:
            assert each.name[language]
            assert each.explanation(language).endswith(".")
            assert "{" not in each.explanation(language)


def test_a_language_that_is_missing_is_told_in_english() -> None:
    assert TABLE.codes[0].explanation("fi") == TABLE.codes[0].does["en"]


def test_codes_are_found_by_what_is_dialled() -> None:
    found = TABLE.find("*#01")
    assert found is not None
    assert found.function == "own-number"
    assert TABLE.find("*#0") is None
    assert TABLE.fit("*#0") is Fit.PARTIAL
    assert TABLE.fit("*#00") is Fit.IMPOSSIBLE
    speed = TABLE.find("*#17")
    assert speed is not None
    assert speed.function == "speed-dial"


@pytest.mark.parametrize("code", ["*#002#", "*#004#", "*#06#", "*#21#", "*21*1#", "##21#", "#002#"])
def test_no_own_code_hides_a_network_service(code: str) -> None:
    assert not [code[:end] for end in range(1, len(code) + 1) if TABLE.find(code[:end])]


def test_no_own_code_begins_like_an_emergency_number() -> None:
    for country in country_names():
        for number in country_plan(country).emergency:
            assert TABLE.fit(number[0]) is Fit.IMPOSSIBLE


def changed(**changes: object) -> dict[str, Any]:
    document = copy.deepcopy(tomllib.loads(TEXT))
    document["codes"][0].update(changes)
    return document


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "codes"),
        ({"codes": []}, "codes"),
        (changed(code="112"), "codes[0].code"),
        (changed(code="*"), "codes[0].code"),
        (changed(code="*#02"), "codes[1].code"),
        (changed(code="*#1"), "codes[9].code"),
        (changed(code="*#3x"), "codes[0].code"),
        (changed(function="speed-dial"), "codes[0].code"),
        (changed(function="state"), "codes[1].function"),
        (changed(function="open-door"), "codes[0].function"),
        (changed(group="other"), "codes[0].group"),
        (changed(name={"en": "Own number"}), "codes[0].name"),
        (changed(does={"en": "x", "de": ""}), "codes[0].does"),
        (changed(does={"en": "x", "de": "a\x07"}), "codes[0].does"),
        (changed(within_s=30.0), "codes[0].within_s"),
        (changed(within_s=1000.0), "codes[0].within_s"),
    ],
)
def test_a_table_that_would_not_do_is_told_where(document: dict[str, Any], path: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        walk(FeatureCodes, document)
    assert [each for each in caught.value.problems if each.path.startswith(path)]


def test_a_reset_can_not_be_had_in_one_step() -> None:
    document = tomllib.loads(TEXT)
    document["codes"] = [each for each in document["codes"] if each["function"] != "reset-arm"]
    with pytest.raises(DocumentInvalid, match="nothing is erased in one step"):
        walk(FeatureCodes, document)
    document = tomllib.loads(TEXT)
    for each in document["codes"]:
        each.pop("within_s", None)
    with pytest.raises(DocumentInvalid, match="within_s"):
        walk(FeatureCodes, document)


def test_a_document_that_is_no_toml_is_refused() -> None:
    with pytest.raises(LocalError, match="no TOML"):
        load_feature_codes("codes = [")
