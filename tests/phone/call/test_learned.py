from __future__ import annotations

import json

import pytest

from offhook.base.errors import LocalError
from offhook.phone.call.learned import (
    FORM_LASTS_S,
    LONGEST,
    MOST_FORMS,
    MOST_SUITES,
    SUITE_LASTS_S,
    Learned,
)


class Shelf:
    """A clock, and whoever writes it down."""

    def __init__(self) -> None:
        self.wall = 1.8e9
        self.kept: list[dict[str, object]] = []
        self.learned = Learned(lambda: self.wall, self.kept.append)


def test_what_was_learned_is_known_in_the_next_run() -> None:
    shelf = Shelf()
    shelf.learned.worked("home", "sip:a@x", "combined")
    shelf.learned.broke("home", "S")
    again = Shelf()
    again.learned.read(json.loads(json.dumps(shelf.kept[-1])))
    assert again.learned.form("home", "sip:a@x") == "combined"
    assert again.learned.broken_suites("home") == {"S"}


def test_accounts_do_not_share_what_they_learned() -> None:
    shelf = Shelf()
    shelf.learned.worked("home", "sip:a@x", "combined")
    shelf.learned.broke("home", "S")
    assert shelf.learned.form("work", "sip:a@x") is None
    assert shelf.learned.latest_form("work") is None
    assert shelf.learned.broken_suites("work") == frozenset()


def test_a_broken_suite_lasts_a_day_at_most() -> None:
    shelf = Shelf()
    shelf.learned.broke("home", "S")
    shelf.wall += SUITE_LASTS_S - 1
    assert shelf.learned.broken_suites("home")
    shelf.wall += 1
    assert not shelf.learned.broken_suites("home")


def test_a_clock_that_was_set_back_makes_nothing_last_longer() -> None:
    shelf = Shelf()
    shelf.learned.broke("home", "S")
    shelf.learned.worked("home", "sip:a@x", "combined")
    shelf.wall -= 2 * FORM_LASTS_S
    assert not shelf.learned.broken_suites("home")
    assert shelf.learned.form("home", "sip:a@x") is None


def test_it_is_bounded_and_the_oldest_goes_first() -> None:
    shelf = Shelf()
    for number in range(MOST_FORMS + 1):
        shelf.learned.worked("home", f"sip:{number}@x", "combined")
        shelf.learned.broke("home", f"S{number}")
    assert shelf.learned.form("home", "sip:0@x") is None
    assert shelf.learned.form("home", "sip:1@x") == "combined"
    assert len(shelf.learned.broken_suites("home")) == MOST_SUITES
    shelf.learned.worked("home", "sip:" + "a" * LONGEST, "combined")
    again = Shelf()
    again.learned.read(shelf.kept[-1])


def test_the_same_thing_learned_again_is_not_written_again() -> None:
    shelf = Shelf()
    shelf.learned.worked("home", "sip:a@x", "combined")
    shelf.wall += 60.0
    shelf.learned.worked("home", "sip:a@x", "combined")
    assert len(shelf.kept) == 1
    shelf.learned.failed("home", "sip:b@x")
    assert len(shelf.kept) == 1


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        {"forms": 5},
        {"forms": [[]]},
        {"forms": [["a", "b", "c", "d"]]},
        {"forms": [["a", "b", 5, 1.0]]},
        {"forms": [["a", "b", "c", float("nan")]]},
        {"forms": [["a", "b" * (LONGEST + 1), "c", 1.0]]},
        {"forms": [["a", "b", "c", 1.0]] * (MOST_FORMS + 1)},
        {"suites": [["a", "b", True]]},
    ],
)
def test_what_is_damaged_is_refused_and_nothing_of_it_is_known(damaged: object) -> None:
    shelf = Shelf()
    shelf.learned.worked("home", "sip:a@x", "combined")
    with pytest.raises(LocalError):
        shelf.learned.read(damaged)
    assert shelf.learned.form("home", "sip:a@x") is None
