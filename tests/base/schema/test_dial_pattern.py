from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.schema.dial_pattern import SYMBOLS, DialPattern, Fit, overlap, parse_pattern

ELEMENTS = st.sampled_from(["0", "1", "9", "*", "#", "A", "x", "[12]", "[2-5]", "[*#]", "[0-17]"])
DIALLED = st.text("0129*#A5", max_size=8)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.tuples(ELEMENTS, st.sampled_from(["", "", "."])), min_size=1))
    return "".join(element + dot for element, dot in parts[:10]) + draw(st.sampled_from(["", "T"]))


def as_regex(pattern: str) -> str:
    """The same pattern in another language."""
    body = pattern.removesuffix("T").replace("*", r"\*").replace("[\\*#]", "[*#]")
    return body.replace(".", "*").replace("x", "[0-9]").replace(r"\**", r"\**")


@given(patterns(), DIALLED)
def test_a_complete_match_is_what_a_regular_expression_finds(text: str, dialled: str) -> None:
    pattern = parse_pattern(text)
    matched = re.fullmatch(as_regex(text), dialled) is not None
    assert (pattern.fit(dialled) in {Fit.COMPLETE, Fit.TIMED}) == matched
    if matched:
        assert (pattern.fit(dialled) is Fit.TIMED) == text.endswith("T")


@given(patterns(), DIALLED)
def test_what_is_impossible_stays_so_and_what_is_partial_can_be_completed(
    text: str, dialled: str
) -> None:
    pattern = parse_pattern(text)
    fit = pattern.fit(dialled)
    if fit is Fit.IMPOSSIBLE:
        assert {pattern.fit(dialled + each) for each in SYMBOLS} == {Fit.IMPOSSIBLE}
    elif fit is Fit.PARTIAL:
        assert any(pattern.fit(dialled + each) is not Fit.IMPOSSIBLE for each in SYMBOLS)
        assert completes(pattern, dialled)


def completes(pattern: DialPattern, dialled: str) -> bool:
    """Whether what stands behind one of the pattern's places completes it."""
    rest = [min(each.symbols) for each in pattern.elements]
    tails = ("".join(rest[place:]) for place in range(len(rest) + 1))
    return any(pattern.fit(dialled + tail) in {Fit.COMPLETE, Fit.TIMED} for tail in tails)


@pytest.mark.parametrize(
    ("text", "dialled", "fit"),
    [
        # The examples of RFC 3435 §2.1.5.
        ("xxxxxxx", "411", Fit.PARTIAL),
        ("x11", "411", Fit.COMPLETE),
        ("0[12].", "0", Fit.COMPLETE),
        ("00", "0", Fit.PARTIAL),
        ("1[12].1", "12", Fit.PARTIAL),
        ("1[12].1", "11", Fit.COMPLETE),
        ("1[12].1", "121", Fit.COMPLETE),
        ("2x.#", "2345", Fit.PARTIAL),
        ("2x.#", "2345#", Fit.COMPLETE),
        ("2x.#", "2#", Fit.COMPLETE),
        ("9011x.T", "9011", Fit.TIMED),
        ("#xxxxxxx", "#1234567", Fit.COMPLETE),
        ("*xx", "*67", Fit.COMPLETE),
        ("[1-7]xxx", "8", Fit.IMPOSSIBLE),
        ("X.t", "5", Fit.TIMED),
    ],
)
def test_examples(text: str, dialled: str, fit: Fit) -> None:
    assert parse_pattern(text).fit(dialled) is fit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T",
        ".",
        "[",
        "[]",
        "[1",
        "1]",
        "[5-2]",
        "[1-]",
        "[-2]",
        "[*-3]",
        "[x]",
        "+",
        "1T2",
        "(1",
    ],
)
def test_other_texts_are_no_patterns(text: str) -> None:
    with pytest.raises(LocalError):
        parse_pattern(text)


@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_a_local_error(text: str) -> None:
    with contextlib.suppress(LocalError):
        assert parse_pattern(text).elements


def test_a_pattern_is_bounded() -> None:
    with pytest.raises(LocalError, match="at most"):
        parse_pattern("1" * 65)


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [("*#01", "*#0", True), ("*#1x", "*#15", True), ("*#01", "*#02", False), ("x1", "12", False)],
)
def test_fixed_patterns_overlap_where_one_begins_the_other(
    one: str, other: str, overlaps: bool
) -> None:
    assert overlap(parse_pattern(one), parse_pattern(other)) is overlaps
    assert overlap(parse_pattern(other), parse_pattern(one)) is overlaps
