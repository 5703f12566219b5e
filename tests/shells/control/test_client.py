from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tests.shells.control.served import served

from offhook.shells.control.client import LONGEST_LINE, ControlClient, NoPhone, Refused
from offhook.shells.control.peer import Peer

T = TypeVar("T")


def asked(tmp_path: Path, ask: Callable[[Path], T]) -> T:
    """What `ask` gives, in a thread beside a server in this one."""

    async def run() -> T:
        async with served(tmp_path / "s"):
            return await asyncio.to_thread(ask, tmp_path / "s")

    return asyncio.run(run())


def test_it_asks_and_gets_lines_one_by_one_and_knows_who_answers(tmp_path: Path) -> None:
    def ask(path: Path) -> None:
        with ControlClient(path) as client:
            client.ask(b"one\ntwo\n")
            assert client.next_line() == b"<one>"
            assert client.next_line() == b"<two>"
            assert (client.peer.pid, client.peer.uid) == (os.getpid(), os.geteuid())

    asked(tmp_path, ask)


def test_a_phone_that_says_nothing_is_not_waited_for_longer_than_told(tmp_path: Path) -> None:
    def ask(path: Path) -> None:
        with ControlClient(path) as client, pytest.raises(Refused, match="doesn't answer"):
            client.next_line(0.05)

    asked(tmp_path, ask)


def test_nothing_there_and_nobody_listening_are_no_phone(tmp_path: Path) -> None:
    with pytest.raises(NoPhone):
        ControlClient(tmp_path / "nothing")
    with pytest.raises(NoPhone):
        ControlClient(tmp_path / "no folder" / "nothing")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "dead"))
    dead.close()
    with pytest.raises(NoPhone):
        ControlClient(tmp_path / "dead")


def test_a_link_or_a_file_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "s")

    def ask(_path: Path) -> None:
        for name in ("file", "link"):
            with pytest.raises(Refused, match="no socket"):
                ControlClient(tmp_path / name)

    asked(tmp_path, ask)


@pytest.mark.parametrize("path", ["\0abstract", "/" + "x" * 200])
def test_a_path_that_no_socket_has_is_refused(path: str) -> None:
    with pytest.raises((NoPhone, Refused)):
        ControlClient(Path(path))


def test_whoever_listens_in_a_folder_that_is_not_his_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(tmp_path / "s"))
    if os.geteuid() == 0:
        # The kernel notes who begins to listen, not who made the file.
        os.seteuid(65534)
        try:
            other.listen()
        finally:
            os.seteuid(0)
    else:
        other.listen()
        other_user = os.geteuid() + 1
        stranger = Peer(1, other_user, frozenset({other_user}))
        monkeypatch.setattr("offhook.shells.control.client.peer_of", lambda _socket: stranger)
    with pytest.raises(Refused, match="not the phone's"):
        ControlClient(tmp_path / "s")
    other.close()


def test_an_answer_without_end_is_given_up(tmp_path: Path) -> None:
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(tmp_path / "s"))
    other.listen()

    async def run() -> None:
        def ask() -> None:
            with ControlClient(tmp_path / "s") as client, pytest.raises(Refused, match="end"):
                client.next_line()

        asking = asyncio.ensure_future(asyncio.to_thread(ask))
        other.setblocking(False)
        connected, _ = await asyncio.get_running_loop().sock_accept(other)
        endless = b"x" * (LONGEST_LINE + 70_000)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await asyncio.get_running_loop().sock_sendall(connected, endless)
        await asking
        connected.close()

    asyncio.run(run())
    other.close()
