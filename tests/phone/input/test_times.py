from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from tests.phone.input.fingers import LONGEST_BOUNCE_S, MS

from offhook.phone.input.flash import ADAPTERS, ASSUMED, FLASH_WINDOWS, FlashWindow, flash_window
from offhook.phone.input.times import FLASH_BOUNDS, RANGES, HandsetTimes, faults


def test_the_times_that_a_handset_has_by_itself_are_allowed() -> None:
    assert faults(HandsetTimes()) == ()


def test_every_time_has_bounds_a_meaning_and_a_source() -> None:
    assert set(RANGES) == {each.name for each in fields(HandsetTimes)} - {"flash"}
    for bounds in RANGES.values():
        assert 0 < bounds.lowest < bounds.highest
        assert bounds.meaning
        assert bounds.source


def test_no_allowed_times_of_hook_or_keys_let_bounce_count_twice() -> None:
    for one, other in (("hook_up_s", "hook_down_s"), ("key_closed_s", "key_open_s")):
        assert RANGES[one].lowest + RANGES[other].lowest > LONGEST_BOUNCE_S


@pytest.mark.parametrize("name", sorted(RANGES))
def test_a_time_out_of_its_bounds_is_refused_by_name(name: str) -> None:
    bounds = RANGES[name]
    for value in (0.0, bounds.lowest - 0.1 * MS, bounds.highest + 0.1 * MS, float("nan")):
        changed: dict[str, Any] = {name: value}
        (fault, *_) = faults(replace(HandsetTimes(flash=None), **changed))
        assert fault.startswith(f"{name} is {value} s, allowed are")


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        (FlashWindow(0.3, 0.3), "empty"),
        (FlashWindow(0.03, 0.3), "leaves 0.05 to 1.5 s"),
        (FlashWindow(0.3, 1.6), "leaves 0.05 to 1.5 s"),
    ],
)
def test_a_flash_window_that_cannot_be_is_refused(window: FlashWindow, fault: str) -> None:
    (found,) = [each for each in faults(HandsetTimes(flash=window)) if fault in each]
    assert "flash window" in found


def test_a_flash_that_could_not_be_told_from_bounce_is_refused() -> None:
    times = HandsetTimes(hook_down_s=0.06, flash=FlashWindow(0.055, 0.5))
    assert faults(times) == (
        "a flash may be shorter than hook_down_s: it could not be told from bounce",
    )


@pytest.mark.parametrize("country", sorted(FLASH_WINDOWS))
def test_each_country_has_a_window_that_a_hook_can_be_held_to_and_its_source(country: str) -> None:
    window = flash_window(country)
    assert faults(HandsetTimes(flash=window)) == ()
    assert window.shortest_s >= HandsetTimes().hook_down_s + LONGEST_BOUNCE_S
    assert FLASH_BOUNDS.lowest <= window.shortest_s < window.longest_s <= FLASH_BOUNDS.highest
    assert window.source


def test_what_no_document_was_found_for_is_marked_as_assumed() -> None:
    assumed = {name for name, window in FLASH_WINDOWS.items() if ASSUMED in window.source}
    assert assumed == set(FLASH_WINDOWS) - {"DE", "FI", "US"}


def test_a_country_may_be_written_small_and_an_unknown_one_has_the_adapters_window() -> None:
    assert flash_window("de") == FLASH_WINDOWS["DE"]
    assert flash_window("XX") == ADAPTERS
