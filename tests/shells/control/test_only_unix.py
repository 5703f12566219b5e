"""The phone listens on a Unix socket, and nowhere else: there is no code that could."""

from __future__ import annotations

import ast
import asyncio
import socket
from pathlib import Path

import pytest
from tests.project.tree import ROOT, files
from tests.shells.control.served import served

LISTENING = {"listen", "create_server", "start_server", "start_unix_server", "create_unix_server"}
PLACE = "firmware/offhook/shells/control/place.py"
ENGINE = "firmware/offhook/app/engine/process.py"
"""An option's name: the engine takes connections of a Unix socket that systemd has made."""


def listening(source: str) -> list[str]:
    """What in `source` could begin to listen: calls, and attributes handed on."""
    return [
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in LISTENING
    ]


def families(source: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr.startswith("AF_")
    }


def test_in_the_phone_one_place_alone_listens_and_it_knows_one_family() -> None:
    found = {
        str(name): listening((ROOT / name).read_text())
        for name in files(".py", under="firmware/offhook")
    }
    assert {name: calls for name, calls in found.items() if calls} == {
        PLACE: ["listen"],
        ENGINE: ["listen"],
    }
    room = files(".py", under="firmware/offhook/shells/control")
    assert {each for name in room for each in families((ROOT / name).read_text())} == {"AF_UNIX"}


@pytest.mark.parametrize(
    "source", ["s.listen(5)", "asyncio.start_server(f, port=1)", "begin = loop.create_server"]
)
def test_control_another_listener_would_be_found(source: str) -> None:
    assert listening(source)


def test_the_socket_that_listens_is_a_unix_one(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path / "s") as (server, _):
            assert server._place is not None
            assert server._place.listening.family == socket.AF_UNIX
            assert server._place.listening.getsockname() == str(tmp_path / "s")

    asyncio.run(run())
