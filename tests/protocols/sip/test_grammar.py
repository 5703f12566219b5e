"""Quoted strings, comments, parameters, numbers (RFC 3261 §7.3.1, §25.1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.sip.strategies import one_line, tokens, unique

from offhook.base.errors import PeerError
from offhook.protocols.sip import grammar
from offhook.protocols.sip.grammar import (
    Parameters,
    decimal,
    format_parameters,
    has_loose_control,
    parse_parameters,
    quote,
    read_comment,
    unquote,
)


def test_a_comment_that_is_none_ends_where_it_begins() -> None:
    assert read_comment("a (b)", 0) == ("", 0)
    assert read_comment("a (b)", 2) == ("b", 5)
    with pytest.raises(PeerError):
        read_comment("(" * 10_000, 0)


@settings(deadline=None)
@given(one_line)
def test_what_is_quoted_is_unquoted_to_the_same(text: str) -> None:
    assert unquote(quote(text)[1:-1]) == text


@settings(deadline=None)
@given(unique(tokens, one_line))
def test_parameters_that_are_written_are_read_as_the_same(parameters: Parameters) -> None:
    assert parse_parameters(format_parameters(parameters)) == parameters


@settings(deadline=None)
@given(st.text('; =a"\\\t<,é', max_size=30))
def test_any_text_is_parameters_or_a_peer_error(text: str) -> None:
    try:
        parameters = parse_parameters(text)
    except PeerError:
        return
    assert parse_parameters(format_parameters(parameters)) == parameters


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1 ", "1_0", "0x1", "٣", "²", "1.0", "1e3"])
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(PeerError, match="the value is not a number"):
        decimal(text, "the value", 255)


def test_a_number_of_many_digits_is_refused_without_converting_it() -> None:
    assert decimal("0" * 5000 + "255", "the value", 255) == 255
    with pytest.raises(PeerError, match="the value is greater than 255"):
        decimal("9" * 5000, "the value", 255)


@pytest.mark.parametrize(
    "line",
    [
        "a\x00",
        "\x7f",
        "a\rb",
        "a\nb",
        '"a\x00"',
        '"\\\x00',
        "\\\x00",
        '"\\\n"',
        '"a" \\\x00 "b"',
        '"\\\\\x00"',
    ],
)
def test_a_control_character_outside_a_quoted_pair_is_loose(line: str) -> None:
    assert has_loose_control(line)


@pytest.mark.parametrize("line", ["", "a\tb", '"\\\x00"', '"a\\"\\\x07" <sip:b> "\\\x7f"', "ä\x85"])
def test_a_control_character_in_a_quoted_pair_is_not_loose(line: str) -> None:
    assert not has_loose_control(line)


@pytest.mark.parametrize("unit", ['"', '\\"', '"\\', '"a\\b', "\x00"])
def test_a_long_line_is_searched_for_controls_at_once(unit: str) -> None:
    assert has_loose_control(unit * 100_000 + "\x00")


def test_no_possessive_group_stands_in_a_pattern() -> None:
    """Python before 3.11.5 matches them wrongly."""
    modules = Path(grammar.__file__).parent.glob("*.py")
    assert not [path for path in modules if re.search(r"\)[*+?]\+", path.read_text("utf-8"))]
