"""The control socket with a phone behind it that only has states."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.phone_states import CALL, ENDED, STATES, STATUS, status
from tests.shells.control.served import Knocker, until

from offhook.app.control import SYSTEM_SOCKET, Control, default_socket
from offhook.app.control_events import LevelsMeasured, MuteChanged, changes
from offhook.app.control_lines import (
    ErrorLine,
    StatusLine,
    read_line,
    read_request,
    watch_schema,
    written,
)
from offhook.app.report import StatusReport, as_json
from offhook.base.errors import LocalError, PeerError
from offhook.shells.control.connection import Limits

VALIDATOR = jsonschema.Draft202012Validator(watch_schema())
QUICK = Limits(rest_s=0.001)
LEVELS = LevelsMeasured(mouth_db=-20.0, ear_db=-30.0)


class Phone:
    """A phone that is in whatever state a test says."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.now = STATUS
        self.read = 0
        self.levels: list[bool] = []
        self.control = Control(path, self._snapshot, limits=limits, on_levels=self.levels.append)

    def become(self, state: StatusReport) -> None:
        self.now = state
        self.control.refresh()

    def _snapshot(self) -> StatusReport:
        self.read += 1
        return self.now


@asynccontextmanager
async def phone_at(path: Path, limits: Limits = QUICK) -> AsyncIterator[Phone]:
    phone = Phone(path, limits)
    phone.control.open()
    try:
        yield phone
    finally:
        phone.control.close()


async def heard(client: Knocker) -> Any:
    line = await client.line()
    told = json.loads(line)
    VALIDATOR.validate(told)
    return told


async def watching(path: Path, request: bytes = b'{"want":"watch"}\n') -> Knocker:
    client = await Knocker.connect(path)
    await client.say(request)
    assert (await heard(client))["event"] == "status"
    return client


def test_the_schema_in_the_tree_is_that_of_the_lines() -> None:
    kept = (resources.files("offhook.app.schemas") / "watch.schema.json").read_text("utf-8")
    assert json.loads(kept) == watch_schema()
    jsonschema.Draft202012Validator.check_schema(watch_schema())


def test_status_is_the_phone_as_it_is(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b' { "want" : "status" } \r\n')
            assert (await heard(client))["status"] == json.loads(as_json(STATUS))
            phone.become(status(calls=(CALL,)))
            await client.say(b'{"want":"status"}\n')
            assert (await heard(client))["status"]["phone"]["calls"][0]["peer"] == CALL.peer
            client.close()

    asyncio.run(run())


def test_a_watcher_gets_the_status_and_then_every_change(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            client = await watching(tmp_path / "s")
            phone.become(status(lifted=True, line="calling", calls=(CALL,), running_s=11.0))
            phone.become(status(ended=(ENDED,), running_s=12.0))
            told = [await heard(client) for _ in range(4)]
            assert [each["event"] for each in told] == ["line", "call placed", "line", "call over"]
            assert [each["running_s"] for each in told] == [11.0, 11.0, 12.0, 12.0]
            assert told[3]["call"]["outcome"] == "completed"
            client.close()

    asyncio.run(run())


def test_a_second_watcher_begins_where_it_came_in_and_the_first_misses_nothing(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            first = await watching(tmp_path / "s")
            # It changed, and nobody has said so yet.
            phone.now = status(muted=True)
            second = await Knocker.connect(tmp_path / "s")
            await second.say(b'{"want":"watch"}\n')
            assert (await heard(second))["status"]["phone"]["muted"] is True
            assert (await heard(first))["event"] == "mute"
            phone.become(status(muted=False))
            for each in (first, second):
                assert (await heard(each)) == {"event": "mute", "running_s": 10.0, "muted": False}
                each.close()

    asyncio.run(run())


def test_levels_are_told_to_those_alone_who_ask_and_measured_only_then(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            plain = await watching(tmp_path / "s")
            phone.control.publish(LEVELS)
            curious = await watching(tmp_path / "s", b'{"want":"watch","levels":true}\n')
            another = await watching(tmp_path / "s", b'{"want":"watch","levels":true}\n')
            assert phone.levels == [True]
            phone.control.publish(LEVELS)
            phone.become(status(muted=True))
            assert [(await heard(curious))["event"] for _ in range(2)] == ["levels", "mute"]
            assert (await heard(plain))["event"] == "mute"
            another.close()
            await asyncio.sleep(0.01)
            assert phone.levels == [True]
            curious.close()
            await until(lambda: phone.levels == [True, False])
            plain.close()

    asyncio.run(run())


def test_while_nobody_watches_nothing_is_read_off_the_phone(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            for _ in range(3):
                phone.become(status(muted=True))
                phone.become(STATUS)
            assert phone.read == 0
            client = await watching(tmp_path / "s")
            assert phone.control.watched
            client.close()
            await until(lambda: not phone.control.watched)
            read = phone.read
            phone.become(status(muted=True))
            assert phone.read == read

    asyncio.run(run())


@pytest.mark.parametrize(
    "request_line",
    [
        b"",
        b"status",
        b"{}",
        b"[]",
        b"null",
        b'{"want":"dial","number":"600"}',
        b'{"want":"hang up"}',
        b'{"want":"status","also":1}',
        b'{"want":"watch","levels":1}',
        b'{"want":["status"]}',
        b'{"want":"status"} {"want":"status"}',
        b"\xff\xfe\x00",
        b'{"want":"\xff"}',
        b"\xed\xa0\x80",
        b"[" * 4000,
        b'{"want":' + b"[" * 4000,
        b'{"x":' + b'{"x":' * 700,
        b'"' + b"\\" * 4000,
        b"GET / HTTP/1.1\r",
    ],
)
def test_what_is_not_understood_is_told_with_what_would_be(
    tmp_path: Path, request_line: bytes
) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            client = await Knocker.connect(tmp_path / "s")
            await client.say(request_line + b"\n")
            told = await heard(client)
            assert told["event"] == "error"
            assert told["understood"] == list(ErrorLine("").understood)
            assert len(told["error"]) <= 200
            assert phone.read == 0
            await client.say(b'{"want":"status"}\n')
            assert (await heard(client))["event"] == "status"
            client.close()

    asyncio.run(run())


@given(st.binary(max_size=200))
def test_any_octets_are_a_request_or_the_peers_error(octets: bytes) -> None:
    with contextlib.suppress(PeerError):
        read_request(octets)


def test_a_line_without_end_is_told_in_the_phones_own_words(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s"):
            client = await Knocker.connect(tmp_path / "s")
            await client.say(b"x" * 5000)
            assert "4096 octets" in (await heard(client))["error"]
            assert await client.rest() == b""
            client.close()

    asyncio.run(run())


def test_one_client_too_many_is_told_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s", Limits(clients=1)):
            first = await watching(tmp_path / "s")
            second = await Knocker.connect(tmp_path / "s")
            assert "1 clients" in (await heard(second))["error"]
            first.close()
            second.close()

    asyncio.run(run())


def test_a_watcher_who_does_not_read_is_dropped_and_the_phone_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        limits = Limits(queue=10_000, kernel_queue=4096, rest_s=0.001)
        async with phone_at(tmp_path / "s", limits) as phone:
            await_nothing = await watching(tmp_path / "s")
            keen = await watching(tmp_path / "s")
            muted = False
            for _ in range(5000):
                muted = not muted
                phone.become(status(muted=muted))
                assert (await heard(keen))["muted"] is muted
                if phone.control.server.dropped:
                    break
            assert phone.control.server.dropped == 1
            await_nothing.close()
            keen.close()

    asyncio.run(run())


def test_a_watcher_who_is_dropped_while_it_asks_again_is_forgotten(tmp_path: Path) -> None:
    async def run() -> None:
        limits = Limits(queue=2000, kernel_queue=2048, rest_s=0.001)
        async with phone_at(tmp_path / "s", limits) as phone:
            client = await watching(tmp_path / "s")
            (served,) = phone.control._watching
            phone.now = status(calls=tuple(CALL for _ in range(1)), lamps={"x" * 9000: "lit"})
            while not served.closed:
                phone.control.asked(served, b'{"want":"watch"}')
                phone.now = status(lamps={"y" * 9000: "lit"} if phone.read % 2 else {})
            assert not phone.control.watched
            phone.control.asked(served, b'{"want":"watch"}')
            client.close()

    asyncio.run(run())


def test_two_phones_can_not_share_a_socket(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s"):
            with pytest.raises(LocalError, match="another phone"):
                Phone(tmp_path / "s", QUICK).control.open()
            client = await watching(tmp_path / "s")
            client.close()

    asyncio.run(run())


def test_the_end_of_the_phone_is_the_end_of_the_lines(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            client = await watching(tmp_path / "s")
            phone.become(status(muted=True))
            phone.control.close()
            assert (await heard(client))["event"] == "mute"
            assert await client.rest() == b""
            client.close()

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None)
@given(STATES, STATES)
def test_every_line_comes_out_as_it_went_in_and_fits_the_schema(
    before: StatusReport, after: StatusReport
) -> None:
    for line in (StatusLine(after), *changes(before, after)):
        octets = written(line)
        assert octets.count(b"\n") == 1
        assert read_line(octets) == line
        VALIDATOR.validate(json.loads(octets))


def test_a_name_with_line_breaks_stays_one_line() -> None:
    line = written(StatusLine(status(lamps={"a\nb\u2028": "x\r\n"})))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


def test_what_no_phone_of_this_version_says_is_the_peers_error() -> None:
    for line in (b"", b'{"event":"new"}', b'{"event":"mute"}', b"[" * 100_000, b"\xff"):
        with pytest.raises(PeerError):
            read_line(line)


def test_the_usual_socket_is_the_users_own_or_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_socket() == Path("/run/user/1000/offhook/control.sock")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert default_socket() == SYSTEM_SOCKET
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_socket() == SYSTEM_SOCKET
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_socket() == SYSTEM_SOCKET
    monkeypatch.undo()


def test_mute_is_an_event_of_its_own() -> None:
    (event,) = changes(STATUS, status(muted=True))
    assert event == MuteChanged(running_s=10.0, muted=True)
