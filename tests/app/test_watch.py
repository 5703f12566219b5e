"""`offhook status` and `offhook watch` as processes, beside a phone that only has states."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace
from tests.app.phone_states import ACCOUNT, CALL, ENDED, STATUS, status
from tests.app.practice_desk import PATIENCE_S, practice_desk
from tests.app.test_control import phone_at
from tests.shells.control.served import until

from offhook.app.commands.session import DEFAULT_SETTINGS
from offhook.app.commands.status import running_status
from offhook.app.console import Console
from offhook.app.control_events import LevelsMeasured
from offhook.app.control_lines import watch_schema
from offhook.app.exit_status import ExitStatus
from offhook.app.render import plain
from offhook.app.report import Failure, StatusReport, schema
from offhook.shells.control.connection import Limits

TALKING = replace(
    CALL,
    state="talking",
    suite="AEAD_AES_256_GCM",
    codec="opus",
    trust="hop by hop",
    reasons=("the keys went through practice.example, who could listen",),
)
UNTRUSTED = replace(
    ACCOUNT,
    registered=False,
    failure=Failure(stage="signalling", reason="the certificate has expired", rule="expired"),
)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A program started in the background of a shell ignores SIGINT, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Process:
    """One `offhook` that a person runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, *arguments: str) -> Process:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "offhook.app.cli", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        )

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return (await self.process.stdout.readline()).decode()

    async def end(self) -> tuple[int, str, str]:
        async with asyncio.timeout(PATIENCE_S):
            told, progress = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, told.decode(), progress.decode()


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        (STATUS, ExitStatus.DONE),
        (replace(STATUS, accounts=(UNTRUSTED,)), ExitStatus.UNTRUSTED),
    ],
)
def test_status_asks_the_phone_that_runs(
    tmp_path: Path, state: StatusReport, ended: ExitStatus
) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            phone.now = state
            asked = await Process.start("status", "--socket", str(tmp_path / "s"), "--json")
            exit_status, told, progress = await asked.end()
        assert exit_status == ended
        report = json.loads(told)
        jsonschema.validate(report, schema("status"))
        assert report["phone"]["line"] == "on hook"
        assert re.search(
            r"running since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(0:10\), process 7", progress
        )

    asyncio.run(run())


def test_status_for_a_person_obeys_no_control_character_of_a_peer(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            phone.now = status(calls=(replace(CALL, peer="sip:\x1b[2Jevil@x"),))
            asked = await Process.start("status", "--socket", str(tmp_path / "s"))
            _, told, _ = await asked.end()
        assert "\x1b" not in told
        assert "peer: sip:\ufffd[2Jevil@x" in told
        assert "registered: yes" in told

    asyncio.run(run())


@pytest.mark.parametrize("command", ["status", "watch"])
def test_without_a_phone_the_remedy_is_told(tmp_path: Path, command: str) -> None:
    async def run() -> tuple[int, str, str]:
        return await (await Process.start(command, "--socket", str(tmp_path / "s"))).end()

    exit_status, told, progress = asyncio.run(run())
    assert exit_status in {ExitStatus.USAGE, ExitStatus.FAILED}
    assert told == ""
    assert f"no phone answers at {tmp_path / 's'}: start one (offhook run)" in progress


def test_status_registers_once_where_it_is_told_to(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            ended = await (await desk.run("status", "--once")).end()
            assert ended.status == ExitStatus.DONE
            assert ended.report["phone"] is None
            assert ended.report["accounts"][0]["registered"] is True

    asyncio.run(run())


def test_a_phone_at_the_usual_socket_is_asked_only_for_its_own_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "usual"
    monkeypatch.setattr("offhook.app.commands.status.default_socket", lambda: path)

    async def run() -> None:
        async with practice_desk(tmp_path) as desk, phone_at(path) as phone:
            console = Console()
            for accounts, told in (
                ((replace(ACCOUNT, name="another"),), None),
                ((replace(ACCOUNT, name=own(desk.settings)),), ExitStatus.DONE),
            ):
                phone.now = replace(STATUS, accounts=accounts)
                found = await asyncio.to_thread(running_status, None, desk.settings, console)
                assert (found and found[1]) == told
            found = await asyncio.to_thread(running_status, None, DEFAULT_SETTINGS, console)
            assert found is not None

    asyncio.run(run())


def own(settings: Path) -> str:
    """The name that the settings' account has."""
    return tomllib.loads(settings.read_text())["accounts"][0]["name"]  # type: ignore[no-any-return]


def test_watch_tells_a_person_what_happens_line_by_line(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            command = await Process.start("watch", "--socket", str(tmp_path / "s"))
            assert re.fullmatch(
                r"\d\d:\d\d:\d\d  account practice: registered as sip:phone@practice\.example "
                r"\(TLSv1\.3, TLS_AES_256_GCM_SHA384, practice\.example\); line: on hook\n",
                await command.line(),
            )
            phone.become(status(calls=(CALL,)))
            phone.become(status(calls=(TALKING,)))
            phone.become(status(ended=(ENDED,)))
            phone.control.publish(LevelsMeasured(mouth_db=-1.0, ear_db=-2.0))
            phone.become(status(ended=(ENDED,), muted=True))
            told = [(await command.line())[10:-1] for _ in range(5)]
            why = TALKING.reasons[0]
            trust = f"trust hop by hop ({why})"
            assert told == [
                "call placed: to sip:600@practice.example",
                "call answered: to sip:600@practice.example, AEAD_AES_256_GCM, opus",
                f"trust of the call to sip:600@practice.example: none → hop by hop ({why})",
                f"call over: to {CALL.peer}, completed: hung up here, 1:01, {trust}",
                "muted",
            ]
            phone.control.close()
            exit_status, rest, progress = await command.end()
        assert (exit_status, rest) == (ExitStatus.FAILED, "")
        assert "the phone has ended" in progress

    asyncio.run(run())


def test_watch_as_json_is_the_phones_own_lines(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            arguments = ("watch", "--json", "--levels", "--socket", str(tmp_path / "s"))
            command = await Process.start(*arguments)
            lines = [await command.line()]
            phone.become(status(muted=True))
            phone.control.publish(LevelsMeasured(mouth_db=-1.0, ear_db=-2.0))
            lines += [await command.line(), await command.line()]
            for line in lines:
                jsonschema.validate(json.loads(line), watch_schema())
            assert [json.loads(each)["event"] for each in lines] == ["status", "mute", "levels"]
            command.process.send_signal(signal.SIGINT)
            exit_status, _, progress = await command.end()
        assert (exit_status, progress) == (ExitStatus.DONE, "")

    asyncio.run(run())


def test_a_person_who_has_seen_enough_leaves_without_a_word(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            command = await Process.start("watch", "--socket", str(tmp_path / "s"))
            await command.line()
            command.process.send_signal(signal.SIGINT)
            assert (await command.end())[::2] == (ExitStatus.DONE, "")
            await until(lambda: not phone.control.watched)

    asyncio.run(run())


def test_whoever_reads_the_lines_may_leave_first(tmp_path: Path) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            reading, writing = os.pipe()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "offhook.app.cli", "watch"),
                *("--socket", str(tmp_path / "s")),
                stdout=writing,
                stderr=asyncio.subprocess.PIPE,
            )
            os.close(writing)
            await until(lambda: phone.control.watched)
            os.close(reading)
            phone.become(status(muted=True))
            phone.become(STATUS)
            async with asyncio.timeout(PATIENCE_S):
                _, progress = await process.communicate()
            assert (process.returncode, progress) == (ExitStatus.DONE, b"")

    asyncio.run(run())


def test_watch_says_why_the_phone_will_not_talk(tmp_path: Path) -> None:
    async def run() -> tuple[int, str, str]:
        async with phone_at(tmp_path / "s", Limits(clients=0)):
            return await (await Process.start("watch", "--socket", str(tmp_path / "s"))).end()

    exit_status, told, _ = asyncio.run(run())
    assert exit_status == ExitStatus.FAILED
    assert "clients are here already" in told


def test_plain_text_has_nothing_that_a_terminal_obeys() -> None:
    assert plain("a\x1b[31mb\nc\x9b1m\u202e") == "a\ufffd[31mb\ufffdc\ufffd1m\ufffd"
    assert plain("Grüße → 大") == "Grüße → 大"
