"""The programs that a build runs are found, and one that isn't there is told as what it is."""

from __future__ import annotations

import os

import pytest
from board.image.tools import BuildError, run


def test_an_administrators_programs_are_found_by_who_has_no_path_to_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name in ("mke2fs", "debugfs", "mkfs.fat"):
        assert run("sh", "-c", f"command -v {name}").strip().endswith(f"/sbin/{name}")
    run("mke2fs", "-V")


def test_the_persons_own_path_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"/nonexistent:{os.defpath}")
    assert run("sh", "-c", 'echo "$PATH"').startswith("/nonexistent:")


def test_a_program_that_is_not_there_ends_the_build_and_not_python() -> None:
    with pytest.raises(BuildError, match="no-such-program"):
        run("no-such-program")


def test_a_program_that_fails_is_named_with_its_complaint() -> None:
    with pytest.raises(BuildError, match=r"sh ended with 3:\nno room"):
        run("sh", "-c", "echo no room >&2; exit 3")
