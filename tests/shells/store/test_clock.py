from __future__ import annotations

import time
from pathlib import Path

import pytest

from offhook.base.clock_bounds import RELEASED
from offhook.shells.store.clock import WallClock, monotonic

LATER = 4_000_000_000.0


def test_the_monotonic_clock_does_not_go_back() -> None:
    readings = [monotonic() for _ in range(100)]
    assert readings == sorted(readings)


def test_a_board_that_starts_in_1970_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 12.0)
    assert WallClock()() == RELEASED


def test_a_clock_that_runs_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: RELEASED + 7.5)
    assert WallClock()() == RELEASED + 7.5


def test_a_clock_that_runs_ahead_does_not_raise_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: LATER)
    clock = WallClock(tmp_path / "clock")
    assert clock() == LATER
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock() == RELEASED
    assert not (tmp_path / "clock").exists()


def test_a_proven_time_holds_over_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "clock"
    WallClock(file).witness(LATER)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    again = WallClock(file)
    assert again() == again.floor == LATER
    again.witness(LATER - 1)
    assert again.floor == LATER


@pytest.mark.parametrize(
    "content", [b"", b"soon", b"-5", b"\xff", b"1" * 100, b"1" * 60, b"4102444801", b"nan"]
)
def test_a_damaged_file_leaves_the_release_as_the_bound(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clock").write_bytes(content)
    assert WallClock(tmp_path / "clock").floor == RELEASED


def test_without_a_file_a_proven_time_holds_while_the_process_runs() -> None:
    clock = WallClock()
    clock.witness(LATER)
    assert clock() == LATER
