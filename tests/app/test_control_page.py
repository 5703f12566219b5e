"""docs/control.md is held to the real server: every line in it is said and heard."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.app.phone_states import CALL, ENDED, STATUS, status
from tests.app.test_control import Phone, heard, phone_at
from tests.project.tree import ROOT
from tests.shells.control.served import Knocker, until

from offhook.app.control_lines import Line
from offhook.app.report import as_json
from offhook.shells.control.connection import Limits

PAGE = (ROOT / "firmware/docs/control.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```session\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(SHOWN,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def walk(phone: Phone) -> None:
    """What happens to the phone of the page."""
    phone.become(status(running_s=12.5, line="calling", lifted=True, calls=(CALL,)))
    phone.become(status(running_s=80.0, ended=(ENDED,)))
    phone.now = STATUS


def meant(line: str) -> Any:
    return json.loads(line.replace(":STATUS}", f":{SHOWN}}}"))


def test_the_status_of_the_page_is_one() -> None:
    assert json.loads(SHOWN) == json.loads(as_json(STATUS))


@pytest.mark.parametrize("session", SESSIONS)
def test_the_sessions_of_the_page_happen_so(tmp_path: Path, session: str) -> None:
    async def run() -> None:
        async with phone_at(tmp_path / "s") as phone:
            client = await Knocker.connect(tmp_path / "s")
            for line in session.splitlines():
                if line.startswith("> "):
                    await client.say(line[2:].encode() + b"\n")
                    continue
                if '"event":"line"' in line and phone.control.watched and phone.now is STATUS:
                    walk(phone)
                    phone.now = status()
                assert await heard(client) == meant(line[2:])
            client.close()

    asyncio.run(run())


def test_the_table_of_the_page_has_every_event() -> None:
    told = set()
    for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE):
        told |= set(re.findall(r"`(.*?)`", row))
    assert told - {"event"} == {each.__struct_config__.tag for each in get_args(Line)}


def test_the_bounds_of_the_page_are_those_of_the_server() -> None:
    limits = Limits()
    for bound in (
        f"| {limits.clients}; one more",
        f"| {limits.line} octets",
        f"| one each {limits.rest_s * 1000:.0f} ms",
        f"| closed after {limits.idle_s:.0f} s",
        f"| {limits.queue // 1024} KiB",
    ):
        assert bound in PAGE


def test_the_program_of_the_page_works(tmp_path: Path) -> None:
    program = PROGRAM.replace("/run/offhook/control.sock", str(tmp_path / "s"))
    assert program != PROGRAM

    async def run() -> str:
        async with phone_at(tmp_path / "s") as phone:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, stdout=subprocess.PIPE
            )
            await until(lambda: phone.control.watched)
            walk(phone)
            phone.control.close()
            told, _ = await process.communicate()
        return told.decode()

    assert asyncio.run(run()) == "sip:600@practice.example completed hop by hop\n"
