"""The commands with real processes, TLS and SRTP on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import jsonschema
from tests.app.practice_desk import DOMAIN, PASSWORD, practice_desk

from offhook.app.exit_status import ExitStatus
from offhook.app.report import schema


def test_status_says_how_registering_went(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            ended = await (await desk.run("status", "--once")).end()
        assert ended.status == ExitStatus.DONE
        jsonschema.validate(ended.report, schema("status"))
        (account,) = ended.report["accounts"]
        assert account["registered"] is True
        assert account["signalling"]["peer_name"] == DOMAIN
        assert account["signalling"]["group"]

    asyncio.run(run())


def test_status_of_a_wrong_password_fails_with_the_registrars_answer(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            (tmp_path / "password").write_text("another")
            ended = await (await desk.run("status", "--once")).end()
        assert ended.status == ExitStatus.UNREGISTERED
        (account,) = ended.report["accounts"]
        assert account["failure"]["stage"] == "registration"

    asyncio.run(run())


def test_a_caller_is_called_back_and_answered(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            command = await desk.run("answer", "--calls", "2", "--seconds", "0.5")
            await command.until("call me")
            assert desk.trunk.call("phone", "echo")
            await command.until("over:")
            assert desk.trunk.call("phone", "echo")
            ended = await command.end()
        assert ended.status == ExitStatus.DONE
        jsonschema.validate(ended.report, schema("answer"))
        assert [call["outcome"] for call in ended.report["calls"]] == ["completed", "completed"]
        assert {call["direction"] for call in ended.report["calls"]} == {"incoming"}

    asyncio.run(run())


def test_a_second_caller_hears_busy_and_the_first_is_not_disturbed(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            command = await desk.run("answer", "--calls", "2", "--seconds", "1.5")
            await command.until("call me")
            assert desk.trunk.call("phone", "echo")
            await command.until("answered")
            assert desk.trunk.call("phone", "echo")
            ended = await command.end()
        busy, talked = ended.report["calls"]
        assert (busy["outcome"], busy["sip_status"]) == ("cancelled", 486)
        assert talked["outcome"] == "completed"

    asyncio.run(run())


def test_an_engine_that_is_killed_ends_the_call_with_that_reason(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            command = await desk.run("call", "echo", "--seconds", "15")
            await command.until("authenticated")
            os.kill(command.engine_pid(), signal.SIGKILL)
            ended = await command.end()
        assert ended.status == ExitStatus.FAILED
        assert "engine was killed by signal 9" in ended.report["reason"]
        assert ended.report["timing_ms"]["talked"] < 10_000

    asyncio.run(run())


def test_a_phone_that_is_told_to_stop_hangs_up_and_unregisters(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            command = await desk.run("call", "echo")
            await command.until("authenticated")
            assert desk.trunk.registered("phone")
            command.process.send_signal(signal.SIGTERM)
            ended = await command.end()
            assert not desk.trunk.registered("phone")
        assert ended.status == ExitStatus.DONE
        assert ended.report["ended_by"] == "local"

    asyncio.run(run())


def test_nobody_calls_in_time(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            ended = await (await desk.run("answer", "--wait", "0.5")).end()
        assert ended.status == ExitStatus.REFUSED
        assert ended.report["failure"]["reason"] == "nobody called in time"

    asyncio.run(run())


def test_a_trace_shows_the_messages_and_no_secret(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            command = await desk.run("--verbose", "call", "echo", "--seconds", "0.3", "--trace")
            ended = await command.end()
        assert "> INVITE sip:echo@practice.example SIP/2.0" in ended.progress
        assert "< SIP/2.0 200 OK" in ended.progress
        assert "inline:•••" in ended.progress
        assert "Authorization: •••" in ended.progress
        assert ended.progress.count("inline:") == ended.progress.count("inline:•••")
        assert "response=" not in ended.progress
        assert PASSWORD not in ended.progress

    asyncio.run(run())


def test_a_flow_that_is_cut_is_found_again_and_a_call_that_the_trunk_forgot_is_ended(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            command = await desk.run("answer", "--calls", "1", "--seconds", "8")
            await command.until("call me")
            assert desk.trunk.call("phone", "echo")
            await command.until("answered")
            desk.trunk.drop_connections()
            await command.until("not registered")
            await command.until("registered for 600 s: call me\n")
            ended = await command.end()
        (call,) = ended.report["calls"]
        assert "481" in call["reason"]
        assert call["timing_ms"]["talked"] < 8000

    asyncio.run(run())
