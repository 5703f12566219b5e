from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shells.control.served import TOO_LONG, TOO_MANY, Knocker, served, until

from offhook.base.errors import LocalError
from offhook.shells.control.connection import Limits
from offhook.shells.control.peer import Allowed, Peer
from offhook.shells.control.server import ControlServer

QUICK = Limits(rest_s=0.001)


def test_a_line_is_answered_and_another_on_the_same_connection(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s"):
            client = await Knocker.connect(tmp_path / "s")
            for said in (b"one", b"two"):
                await client.say(said + b"\n")
                assert await client.line() == b"<" + said + b">\n"
            client.close()

    asyncio.run(run())


def test_whoever_says_no_more_gets_the_answers_and_then_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s") as (_, echo):
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"one\ntwo\nthr")
            client.socket.shutdown(socket.SHUT_WR)
            assert await client.rest() == b"<one>\n<two>\n"
            client.close()
            assert echo.left == 1

    asyncio.run(run())


ANOTHER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
try:
    client.sendall(b"one\\n")
    sys.stdout.write(repr(client.recv(100)))
except (BrokenPipeError, ConnectionResetError):
    sys.stdout.write("b''")
"""


ROOT = os.geteuid() == 0
OTHER = 65534 if ROOT else os.geteuid()


async def as_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a process of another user is told.

    Only root can start one; for others this process is one whose user isn't the phone's.
    """
    with monkeypatch.context() as patched:
        program = ANOTHER
        if not ROOT:
            own = os.geteuid()
            patched.setattr(os, "geteuid", lambda: own + 1)
            program = ANOTHER.replace("os.setgroups([]); os.setgid(65534); os.setuid(65534)", "")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(path), stdout=subprocess.PIPE
        )
        told, _ = await child.communicate()
    return told.decode()


def test_another_user_who_could_open_the_file_is_closed_without_an_octet(
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        place = open_to_all(tmp_path_factory)
        async with served(place) as (server, echo):
            place.chmod(0o666)
            assert await as_another_user(place, monkeypatch) == "b''"
            assert (server.refused, echo.lines) == (1, [])

    asyncio.run(run())
    assert "may not ask" in caplog.text


def test_a_user_who_is_named_and_can_open_the_file_is_answered(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        place = open_to_all(tmp_path_factory)
        allowed = Allowed(uids=frozenset({OTHER}))
        async with served(place, QUICK, allowed) as (server, echo):
            place.chmod(0o666)
            assert await as_another_user(place, monkeypatch) == "b'<one>\\n'"
            assert (server.refused, echo.lines) == (0, [b"one"])

    asyncio.run(run())


def test_a_named_group_gets_the_file_and_is_answered(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = OTHER if ROOT else os.getegid()

    async def run() -> None:
        place = open_to_all(tmp_path_factory)
        async with served(place, QUICK, Allowed(gids=(group,))) as (_, echo):
            assert place.stat().st_mode & 0o777 == 0o660
            assert place.stat().st_gid == group
            assert await as_another_user(place, monkeypatch) == "b'<one>\\n'"
            assert echo.lines == [b"one"]

    asyncio.run(run())


def open_to_all(factory: pytest.TempPathFactory) -> Path:
    """A socket's path in a folder that every user may pass."""
    folder = factory.mktemp("open", numbered=True)
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(each.stat().st_mode | 0o011)
    return folder / "s"


def test_who_is_admitted() -> None:
    own, other = os.geteuid(), os.geteuid() + 12345
    allowed = Allowed(uids=frozenset({77}), gids=(88,))
    assert allowed.admits(Peer(1, own, frozenset({5})))
    assert allowed.admits(Peer(1, 0, frozenset({5})))
    assert allowed.admits(Peer(1, 77, frozenset({5})))
    assert allowed.admits(Peer(1, other, frozenset({5, 88})))
    assert not allowed.admits(Peer(1, other, frozenset({0, 5})))
    assert not Allowed().admits(Peer(1, other, frozenset({88})))


def test_only_so_many_clients_have_a_place(tmp_path: Path) -> None:
    async def run() -> None:
        limits = Limits(clients=2, rest_s=0.001)
        async with served(tmp_path / "s", limits) as (server, echo):
            first, second = [await Knocker.connect(tmp_path / "s") for _ in range(2)]
            await first.say(b"one\n")
            await first.line()
            await second.say(b"two\n")
            await second.line()
            third = await Knocker.connect(tmp_path / "s")
            assert await third.rest() == TOO_MANY
            assert server.crowded == 1
            first.close()
            await until(lambda: echo.left == 1)
            fourth = await Knocker.connect(tmp_path / "s")
            await fourth.say(b"four\n")
            assert await fourth.line() == b"<four>\n"
            for each in (second, third, fourth):
                each.close()

    asyncio.run(run())


@pytest.mark.parametrize("octets", [b"x" * 1_000_000, b"\x00" * 70_000])
def test_a_line_without_end_is_told_so_and_closed(tmp_path: Path, octets: bytes) -> None:
    async def run() -> None:
        async with served(tmp_path / "s") as (_, echo):
            client = await Knocker.connect(tmp_path / "s")
            sending = asyncio.ensure_future(client.say(octets))
            assert await client.rest() == TOO_LONG
            await asyncio.gather(sending, return_exceptions=True)
            client.close()
            assert echo.lines == []

    asyncio.run(run())


def test_the_longest_line_is_taken_and_one_octet_more_is_not(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s", Limits(line=100, rest_s=0.001)):
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"x" * 100 + b"\n")
            assert await client.line() == b"<" + b"x" * 100 + b">\n"
            await client.say(b"x" * 101 + b"\n")
            assert await client.rest() == TOO_LONG
            client.close()

    asyncio.run(run())


def test_half_a_line_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s", Limits(idle_s=0.1, rest_s=0.001)) as (_, echo):
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"half")
            assert await client.rest() == b""
            client.close()
            assert echo.lines == []

    asyncio.run(run())


def test_whoever_stays_may_be_silent_as_long_as_it_likes(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s", Limits(idle_s=0.05, rest_s=0.001)) as (_, echo):
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"stay\n")
            await client.line()
            quiet = await Knocker.connect(tmp_path / "s")
            assert await quiet.rest() == b""
            echo.here[0].send(b"news\n")
            assert await client.line() == b"news\n"
            client.close()
            quiet.close()

    asyncio.run(run())


def test_whoever_does_not_read_is_dropped_and_the_others_notice_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s") as (server, echo):
            deaf, keen = [await Knocker.connect(tmp_path / "s") for _ in range(2)]
            for each in (deaf, keen):
                await each.say(b"stay\n")
                await each.line()
            news, told = b"n" * 1000 + b"\n", 0
            loop = asyncio.get_running_loop()
            longest = 0.0
            while server.dropped == 0 and told < 5000:
                began = loop.time()
                for client in list(echo.here):
                    client.send(news)
                longest = max(longest, loop.time() - began)
                told += 1
                assert await keen.line() == news
            assert server.dropped == 1
            assert told * len(news) < 2 * (QUICK.queue + 4 * QUICK.kernel_queue)
            assert longest < 1.0
            echo.here[0].send(b"more\n")
            assert await keen.line() == b"more\n"
            deaf.close()
            keen.close()

    asyncio.run(run())


def test_a_flood_of_requests_gets_no_more_than_its_share(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s", Limits(rest_s=0.05)) as (_, echo):
            flood = await Knocker.connect(tmp_path / "s")
            flooding = asyncio.ensure_future(flood.say(b"more\n" * 200_000))
            began = asyncio.get_running_loop().time()
            for _ in range(5):
                other = await Knocker.connect(tmp_path / "s")
                await other.say(b"one\n")
                assert await other.line() == b"<one>\n"
                other.close()
            took = asyncio.get_running_loop().time() - began
            assert echo.lines.count(b"more") <= took / 0.05 + 2
            flooding.cancel()
            flood.close()

    asyncio.run(run())


def test_a_client_that_goes_midway_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s") as (_, echo):
            for said in (b"", b"ha", b"one\n", b"stay\n", b"one\ntwo\nthree\n"):
                client = await Knocker.connect(tmp_path / "s")
                if said:
                    await client.say(said)
                client.close()
            await until(lambda: echo.left == 5)
            assert echo.here == []

    asyncio.run(run())


def test_without_a_file_descriptor_left_it_lets_nobody_in_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.shells.control.server._BREATH_S", 0.05)

    async def run() -> None:
        async with served(tmp_path / "s") as (server, _):
            assert server._place is not None
            before = resource.getrlimit(resource.RLIMIT_NOFILE)
            late = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            late.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
            try:
                late.connect(str(tmp_path / "s"))
                server._accept(server._place.listening)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            late.close()
            assert server._breath is not None
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"one\n")
            assert await client.line() == b"<one>\n"
            client.close()

    asyncio.run(run())


def test_closing_closes_every_client_and_twice_is_harmless(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s") as (server, _):
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"stay\n")
            await client.line()
            with pytest.raises(LocalError):
                server.open()
            server.close()
            assert await client.rest() == b""
            client.close()

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.binary(max_size=300), max_size=12))
def test_whatever_octets_come_the_lines_are_those_that_were_sent(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    sent = b"".join(chunks)

    async def run() -> None:
        path = tmp_path_factory.mktemp("octets") / "s"
        async with served(path, Limits(line=4096, rest_s=0.0)) as (_, echo):
            client = await Knocker.connect(path)
            for each in chunks:
                await client.say(each)
            client.socket.shutdown(socket.SHUT_WR)
            await client.rest()
            client.close()
            assert echo.lines == sent.split(b"\n")[:-1]

    asyncio.run(run())


@pytest.mark.parametrize("path", ["127.0.0.1:5060", "[::1]:5060", "\0abstract", "relative/s"])
def test_there_is_no_way_to_name_anything_but_a_file(path: str) -> None:
    async def run() -> None:
        server = ControlServer(Path(path), None)  # type: ignore[arg-type]
        with pytest.raises(LocalError):
            server.open()

    asyncio.run(run())
