"""The programs that a build runs are found, and one that isn't there is told as what it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from board.image.tools import BuildError, in_root, run


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


def test_a_root_may_lie_anywhere_and_its_path_is_never_read_as_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stand-ins for what needs the rights of root tell what they were given."""
    root = tmp_path / "a root; touch $(id -u)"
    (root / "dev").mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("unshare", "mount", "chroot"):
        program = programs / name
        skip = 'shift 3; exec "$@"' if name == "unshare" else 'printf "%s\\n" "$0" "$@"'
        program.write_text(f"#!/bin/sh\n{skip}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    told = in_root(root, "python3", "-c", "two words", epoch=0).splitlines()
    assert str(root / "proc") in told
    assert told[-3:] == ["python3", "-c", "two words"]
    assert str(root) == told[told.index(str(programs / "chroot")) + 1]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a root; touch $(id -u)", "bin"]
