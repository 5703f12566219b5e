from __future__ import annotations

import json
import tomllib

import pytest
from msgspec import inspect

from offhook.base.schema.explain import KeyExplanation, explain, explain_data, explanations
from offhook.base.schema.settings import Settings

KEYS = {each.path: each for each in explanations(Settings)}


def every_field(node: inspect.Type, path: str = "") -> list[str]:
    """The schema's keys, found without the code under test."""
    while not isinstance(node, inspect.StructType):
        if isinstance(node, inspect.Metadata):
            node = node.type
        elif isinstance(node, inspect.UnionType):
            node = next(arm for arm in node.types if not isinstance(arm, inspect.NoneType))
        elif isinstance(node, inspect.VarTupleType):
            node, path = node.item_type, f"{path}[]"
        else:
            return []
    found = []
    for field in node.fields:
        where = f"{path}.{field.name}" if path else field.name
        found += [where, *every_field(field.type, where)]
    return found


def test_no_key_of_the_schema_is_left_out() -> None:
    assert list(KEYS) == every_field(inspect.type_info(Settings))
    assert len(KEYS) > 30


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_each_key_has_an_explanation_an_expectation_and_an_example(key: KeyExplanation) -> None:
    assert len(key.explanation) > 20
    assert key.explanation.endswith(".")
    assert key.expectation
    assert tomllib.loads(key.example)


def test_what_must_be_given_has_no_default() -> None:
    required = {path for path, key in KEYS.items() if key.default is None}
    assert required == {
        "accounts",
        "accounts[].name",
        "accounts[].user",
        "accounts[].domain",
        "media.turn.server",
        "media.turn.name",
        "media.turn.user",
        "media.turn.password",
        "trust",
        "trust.anchors",
    }


def test_secret_keys_are_marked() -> None:
    secret = {path for path, key in KEYS.items() if key.secret}
    assert secret == {"accounts[].password", "media.turn.password", "trust.client_key"}


def test_the_text_names_every_key_and_fits_a_terminal() -> None:
    lines = explain(Settings).splitlines()
    assert set(KEYS) <= set(lines)
    assert max(map(len, lines)) <= 88


def test_the_data_survives_json() -> None:
    data = explain_data(Settings)
    assert json.loads(json.dumps(data)) == data
    assert [each["path"] for each in data] == list(KEYS)
