from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.phone.call.history import (
    LONGEST_LIST,
    LONGEST_NUMBER,
    MOST_TIMES,
    Entry,
    History,
)

NUMBERS = st.text(max_size=200)
TIMES = st.none() | st.floats(0, 4e9)


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    for _ in range(draw(st.integers(0, 40))):
        number, at = draw(NUMBERS), draw(TIMES)
        match draw(st.sampled_from(["dialled", "called", "missed"])):
            case "dialled":
                history = history.with_dialled(number, at)
            case "called":
                history = history.with_caller(number, at)
            case _:
                history = history.with_missed(number, at)
    return history


def test_the_latest_stands_first() -> None:
    history = History().with_dialled("030").with_dialled("040")
    assert history.last_dialled == "040"
    assert [each.number for each in history.dialled] == ["040", "030"]


def test_the_same_number_in_a_row_is_counted_not_repeated() -> None:
    history = History().with_missed("030", 1.0).with_missed("030", 2.0)
    assert history.missed == (Entry("030", 2.0, 2),)
    assert history.missed_count == 2


def test_what_was_heard_is_missed_no_more_and_yet_known() -> None:
    history = History().with_caller("030").with_missed("030").with_missed_heard()
    assert history.missed_count == 0
    assert history.last_caller == Entry("030")


def test_a_new_telephone_knows_nobody() -> None:
    assert History().last_dialled is None
    assert History().last_caller is None


@given(histories())
def test_a_history_is_bounded(history: History) -> None:
    for entries in (history.dialled, history.callers, history.missed):
        assert len(entries) <= LONGEST_LIST
        assert all(len(each.number) <= LONGEST_NUMBER for each in entries)
        assert all(1 <= each.times <= MOST_TIMES for each in entries)


@given(histories())
def test_a_history_survives_its_document(history: History) -> None:
    assert History.from_document(json.loads(json.dumps(history.to_document()))) == history


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"others": []},
        {"dialled": {}},
        {"dialled": [{}] * 21},
        {"dialled": ["030"]},
        {"dialled": [{"number": 30}]},
        {"dialled": [{"number": "3" * 129}]},
        {"missed": [{"number": "030", "times": 0}]},
        {"missed": [{"number": "030", "times": True}]},
        {"callers": [{"number": "030", "at": "today"}]},
        {"callers": [{"number": "030", "at": float("nan")}]},
    ],
)
def test_another_document_is_refused(document: object) -> None:
    with pytest.raises(LocalError):
        History.from_document(document)
