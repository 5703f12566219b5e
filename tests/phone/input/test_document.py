"""The document shows the tables, windows and times that the machines have."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from offhook.base.state_table import render
from offhook.phone.input.contact import CONTACT
from offhook.phone.input.flash import ADAPTERS, FLASH_WINDOWS
from offhook.phone.input.hook import HOOK
from offhook.phone.input.matrix import SCAN
from offhook.phone.input.rotary import DIAL
from offhook.phone.input.times import RANGES, HandsetTimes

FOLDER = Path(__file__).parents[3] / "firmware" / "docs"
DOCUMENT = (FOLDER / "input.md").read_text()


def ms(seconds: float) -> str:
    return f"{round(seconds * 1000, 2):g}"


@pytest.mark.parametrize("table", [CONTACT, HOOK, DIAL, SCAN])
def test_each_state_table_is_drawn_as_it_is(table: Any) -> None:
    assert f"```mermaid\n{render(table)}```" in DOCUMENT


def test_each_window_is_shown_with_its_source() -> None:
    for country, window in {**FLASH_WINDOWS, "any other": ADAPTERS}.items():
        line = (
            f"| {country} | {ms(window.shortest_s)} to {ms(window.longest_s)} | {window.source} |"
        )
        assert line in DOCUMENT


def test_each_time_is_shown_with_its_bounds_and_source() -> None:
    times = asdict(HandsetTimes())
    for name, bounds in RANGES.items():
        allowed = f"{ms(bounds.lowest)} to {ms(bounds.highest)}"
        line = f"| `{name}` | {ms(times[name])} | {allowed} | {bounds.meaning} | {bounds.source} |"
        assert line in DOCUMENT


def test_every_picture_exists() -> None:
    shown = [part.split(")")[0] for part in DOCUMENT.split("](")[1:]]
    assert len(shown) == 4
    assert all((FOLDER / each).is_file() for each in shown)
