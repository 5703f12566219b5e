"""However `offhook run` ends, nothing of it is left: no socket, no lock, no way of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.app.practice_desk import DOMAIN, PASSWORD
from tests.app.test_runner import NoEngine

from offhook.app import call_store
from offhook.app.call_store import CallStore
from offhook.app.commands import run as command
from offhook.app.commands import session
from offhook.app.commands.run import RunOptions
from offhook.app.commands.session import TalkOptions, read_builder
from offhook.app.console import Console
from offhook.app.exit_status import ExitStatus
from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook.base.vocabulary import HandsetView, PathAddress
from offhook.shells.pins import terminal
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki


class Terminal:
    """Stands in for the terminal: its person presses these keys at once."""

    keys: tuple[str, ...] = ("hook", "flash", "hook", "quit")
    fails = ""
    closed = 0

    def __init__(self, press: Callable[[str], None], view: Callable[[], HandsetView]) -> None:
        self._press, self._view = press, view
        self.hooks: list[bool] = []

    def open(self) -> None:
        if self.fails:
            raise LocalError(self.fails)
        for key in self.keys:
            self._press(key)
            self.hooks.append(self._view().off_hook)
        assert self.hooks == [True, True, False, False]

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> type[Terminal]:
    made = type("Screen", (Terminal,), {})
    monkeypatch.setattr(terminal, "TerminalHandset", made)
    monkeypatch.setattr(session, "EngineKeeper", NoEngine)
    return made


def run(folder: Path, socket: Path, handset: str = "terminal") -> ExitStatus:
    ca = make_practice_pki(folder, DOMAIN).ca
    access = PhoneAccess(DOMAIN, "phone", Secret(PASSWORD), PathAddress("127.0.0.1", 9), ca)
    settings = write_phone_settings(folder, access)
    with settings.open("a") as file:
        file.write('\n[handset]\nprofile = "mine.toml"\n')
    (folder / "mine.toml").write_text(
        'name = "x"\nchips = ["no such chip"]\nhook = { pin = 4 }\ndial = { nsi = 5 }\n'
    )
    options = RunOptions(TalkOptions(None, None, None, None, ""), handset, socket=socket)
    return asyncio.run(command.run(read_builder(settings), options, Console()))


def nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(call_store, "complain", said.append)
    with closing(CallStore(folder / "state")):
        assert said == [], "the store is another one's to use"
    assert not list(folder.glob("**/control.sock*"))


def test_a_person_who_leaves_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: type[Terminal]
) -> None:
    assert run(tmp_path, tmp_path / "phone" / "control.sock") is ExitStatus.DONE
    assert screen.closed == 1
    nothing_is_left(tmp_path, monkeypatch)


def test_a_terminal_that_can_not_be_taken_is_given_back_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: type[Terminal]
) -> None:
    screen.fails = "no terminal"
    with pytest.raises(LocalError, match="no terminal"):
        run(tmp_path, tmp_path / "phone" / "control.sock")
    assert screen.closed == 1
    nothing_is_left(tmp_path, monkeypatch)


def test_pins_that_are_not_there_are_said_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: type[Terminal]
) -> None:
    with pytest.raises(LocalError, match=r"no GPIO pins|with the label no such chip|group gpio"):
        run(tmp_path, tmp_path / "phone" / "control.sock", "wired")
    assert screen.closed == 0
    nothing_is_left(tmp_path, monkeypatch)


def test_a_telephone_whose_socket_has_no_place_works_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: type[Terminal]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(command, "complain", said.append)
    nowhere = tmp_path / "not" / "there" / "control.sock"
    assert run(tmp_path, nowhere) is ExitStatus.DONE
    assert screen.closed == 1
    assert len(said) == 1
    assert str(nowhere) in said[0]
    assert "nobody can ask or watch" in said[0]
    nothing_is_left(tmp_path, monkeypatch)
