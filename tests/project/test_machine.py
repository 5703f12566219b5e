"""What the entries do about missing packages, with stand-ins for apt, dpkg, id and sudo."""

from __future__ import annotations

import os
import pty
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.project.tree import ROOT

NO_RIGHT = 77


@dataclass
class Machine:
    """A machine whose apt only takes notes; `user` is the uid, `sudo` whether it lets us."""

    folder: Path
    user: int = 0
    sudo: bool = False
    apt_status: int = 0

    def stand_in(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def environment(self) -> dict[str, str]:
        notes, installed = self.folder / "notes", self.folder / "installed"
        installed.touch()
        self.stand_in("id", f"echo {self.user}")
        self.stand_in("apt-get", f'echo "$@" >> {notes}; exit {self.apt_status}')
        self.stand_in("dpkg-query", f'grep -qx "$4" {installed} && printf installed')
        self.stand_in("sudo", f'[ "$1" = -n ] && exit {0 if self.sudo else 1}; exec "$@"')
        return {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(self.folder)}

    @property
    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().splitlines() if file.exists() else []


COMMAND = ["bash", "-c", '. scripts/lib/machine.sh; ensure_packages "$@"', "entry"]


def ensure(machine: Machine, *packages: str, yes: bool = False) -> subprocess.CompletedProcess[str]:
    """Without a terminal."""
    return subprocess.run(
        [*COMMAND, "yes" if yes else "no", *packages],
        cwd=ROOT,
        env=machine.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def ensure_at_a_terminal(machine: Machine, answer: bytes) -> int:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        return subprocess.run(
            [*COMMAND, "no", "kamailio"],
            cwd=ROOT,
            env=machine.environment(),
            stdin=theirs,
            capture_output=True,
            check=False,
        ).returncode
    finally:
        os.close(theirs)
        os.close(ours)


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "installed").write_text("kamailio\n")
    done = ensure(machine, "kamailio")
    assert (done.returncode, done.stderr, machine.notes) == (0, "", [])


def test_without_a_terminal_root_goes_on_and_lists_what_is_missing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "installed").write_text("kamailio\n")
    done = ensure(machine, "kamailio", "tshark")
    assert done.returncode == 0
    assert "To be installed by apt: tshark\n" in done.stderr
    assert machine.notes == ["update -qq", "install -qq --yes --no-install-recommends tshark"]


@pytest.mark.parametrize("yes", [True, False])
def test_who_may_not_install_is_told_the_command(tmp_path: Path, *, yes: bool) -> None:
    machine = Machine(tmp_path, user=1000)
    done = ensure(machine, "kamailio", yes=yes)
    assert done.returncode == NO_RIGHT
    assert "sudo apt-get install --yes --no-install-recommends kamailio" in done.stderr
    assert machine.notes == []


def test_without_a_terminal_who_has_sudo_without_a_password_goes_on(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000, sudo=True)
    assert ensure(machine, "kamailio", yes=True).returncode == 0
    assert machine.notes[-1].endswith("kamailio")


@pytest.mark.parametrize(("answer", "status"), [(b"\n", 0), (b"y\n", 0), (b"n\n", NO_RIGHT)])
def test_at_a_terminal_the_answer_counts(tmp_path: Path, answer: bytes, status: int) -> None:
    machine = Machine(tmp_path)
    assert ensure_at_a_terminal(machine, answer) == status
    assert bool(machine.notes) is (status == 0)


def test_an_apt_that_fails_is_no_success(tmp_path: Path) -> None:
    done = ensure(Machine(tmp_path, apt_status=100), "kamailio")
    assert done.returncode == NO_RIGHT
    assert "could not install: kamailio" in done.stderr


def test_the_entry_without_a_terminal_says_what_can_be_run() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "run"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 2
    assert "scripts/run --demo" in done.stdout
    assert "needs a terminal" in done.stderr


def test_the_entry_refuses_what_it_does_not_know() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "run", "--dmeo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "what is --dmeo?" in done.stderr
