"""The engine's door: which socket, and who comes in."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.app.engine.activated import Manager
from tests.app.engine.scene import play

from offhook.app.engine import greeting, listen
from offhook.app.engine.greeting import GREETING, Hello
from offhook.app.engine.listen import Door, handed_over, user_number
from offhook.base.errors import LocalError, PeerError
from offhook.shells.control.peer import Peer

ROOT = os.geteuid() == 0
NOBODY = 65534
AS_NOBODY = """
import os, socket, sys
if sys.argv[2] == "drop":
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.settimeout(20)
client.connect(sys.argv[1])
try:
    sys.stdout.write(repr(client.recv(100)))
except ConnectionResetError:
    sys.stdout.write("b''")
"""


@pytest.fixture
def manager() -> Iterator[Manager]:
    """In a folder that other users reach, as pytest's own aren't."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Manager(Path(folder)) as made:
            yield made


async def greeted_as_another(path: Path) -> str:
    """What a process is told that has another user than this one; itself, where nobody can be."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", AS_NOBODY, str(path), "drop" if ROOT else "stay"),
        stdout=subprocess.PIPE,
    )
    told, _ = await child.communicate()
    return told.decode()


def test_one_comes_in_and_a_second_one_only_after_it(manager: Manager) -> None:
    async def scene() -> None:
        door = Door(manager.listening, os.geteuid())
        coming = asyncio.ensure_future(door.next())
        await asyncio.sleep(0)
        first = manager.connect()
        inside = await coming
        second = manager.connect()
        await asyncio.sleep(0.05)
        assert second.recv(10) == b"", "it must be shown the door"
        assert door.refused == 1
        coming = asyncio.ensure_future(door.next())
        door.left(inside)
        await asyncio.sleep(0)
        third = manager.connect()
        door.left(await coming)
        door.close()
        for each in (first, second, third):
            each.close()

    play(scene())


def test_another_user_is_shown_the_door_and_the_named_one_is_not(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not ROOT:
        # Only root can be two users: for others the kernel's word is replaced.
        monkeypatch.setattr(listen, "peer_of", lambda _: Peer(1, NOBODY, frozenset()))

    async def scene() -> None:
        for uid, told in ((os.geteuid(), "b''"), (NOBODY, repr(GREETING))):
            door = Door(manager.listening, uid)
            manager.path.chmod(0o666)
            coming = asyncio.ensure_future(door.next())
            client = asyncio.ensure_future(greeted_as_another(manager.path))
            await asyncio.wait((coming, client), return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                coming.result().send(GREETING)
            assert await client == told
            assert door.refused == (uid != NOBODY)
            if coming.done():
                door.left(coming.result())
            coming.cancel()
            door.close()

    play(scene())


def test_nobody_comes_in_while_nobody_asks_for_the_next_one(manager: Manager) -> None:
    async def scene() -> None:
        door = Door(manager.listening, os.geteuid())
        with manager.connect() as client:
            await asyncio.sleep(0.05)
            assert client.recv(10) == b""
        door.close()

    play(scene())


def test_a_user_is_named_by_name_or_number() -> None:
    assert user_number("root") == 0
    assert user_number("1234") == 1234
    with pytest.raises(LocalError, match="there is no user 'nobody-of-that-name'"):
        user_number("nobody-of-that-name")


def pair(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, kind)


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "no socket was handed over"),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, "no socket was handed over"),
        ({"LISTEN_PID": str(os.getpid())}, "exactly one"),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}, "exactly one"),
    ],
)
def test_without_a_socket_of_the_manager_s_there_is_no_service(
    environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(LocalError, match=reason):
        handed_over(environment)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_a_socket_of_another_kind_is_refused(
    kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair(kind)
    monkeypatch.setattr(listen, "FIRST_HANDED_OVER", one.fileno())
    with one, other, pytest.raises(LocalError, match="no listening Unix socket of packets"):
        handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})


def test_a_number_that_is_no_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "file").open("w") as file:
        monkeypatch.setattr(listen, "FIRST_HANDED_OVER", file.fileno())
        with pytest.raises(LocalError, match="is none"):
            handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})


def test_the_manager_s_socket_is_taken_and_not_passed_on(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = os.dup(manager.listening.fileno())
    os.set_inheritable(number, True)
    monkeypatch.setattr(listen, "FIRST_HANDED_OVER", number)
    with handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}) as taken:
        assert taken.fileno() == number
        assert not os.get_inheritable(number)


@given(st.text(max_size=40) | st.none())
def test_a_greeting_is_read_as_it_was_written(card: str | None) -> None:
    assert greeting.read(greeting.written(Hello(card))) == Hello(card)


@given(st.binary(max_size=200))
def test_what_is_no_greeting_is_refused_and_nothing_else_happens(octets: bytes) -> None:
    try:
        hello = greeting.read(octets)
    except PeerError:
        return
    assert isinstance(hello, Hello)


def test_a_greeting_with_more_in_it_is_refused() -> None:
    with pytest.raises(PeerError):
        greeting.read(b'{"card":null,"record":"/tap.wav"}')
