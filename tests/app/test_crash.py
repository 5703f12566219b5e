"""Each of the two processes is killed in a call, with real engines and a practice trunk."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.app.engine.activated import Manager
from tests.app.practice_desk import PATIENCE_S, PracticeDesk, practice_desk
from tests.app.terminal_desk import Terminal

SECURED = "hop by hop  AEAD_AES_256_GCM"


@asynccontextmanager
async def served_desk(folder: Path) -> AsyncIterator[tuple[PracticeDesk, Manager]]:
    """A practice trunk, and an engine that is a service."""
    with Manager(folder) as manager:
        try:
            await manager.start("--handset=files")
            async with practice_desk(folder) as desk:
                yield desk, manager
        finally:
            await manager.end()


async def until(happened: Callable[[], object], seen: Terminal) -> None:
    """Where it never happens, what `seen` shows is told."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  processes have no event here
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"it never happened, but:\n{seen.shown}") from None


async def killed(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGKILL)
    await terminal.process.wait()
    terminal.hang_up()


async def call(terminal: Terminal) -> None:
    await terminal.until("registered as")
    await terminal.call("600#")
    await terminal.until(SECURED)


def kept(desk: PracticeDesk) -> dict[str, list[dict[str, object]]]:
    path = desk.settings.parent / "state" / "calls.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found: dict[str, list[dict[str, object]]] = json.loads(path.read_text())
    return found


def test_a_telephone_that_is_killed_in_a_call_ends_it_at_the_trunk_when_it_is_back(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            first = await Terminal.open(desk)
            await call(first)
            assert desk.trunk.answered_calls == 1
            (left,) = kept(desk)["practice"]
            assert set(left) == {
                *("call_id", "local", "remote", "target", "routes", "cseq", "secure", "authorized")
            }
            await killed(first)
            await asyncio.sleep(0.5)
            assert desk.trunk.answered_calls == 1, "a trunk doesn't know that nobody is there"
            second = await Terminal.open(desk)
            await until(lambda: desk.trunk.answered_calls == 0, second)
            await until(lambda: kept(desk) == {}, second)
            await call(second)
            assert desk.trunk.answered_calls == 1
            assert await second.leave() == 0
            assert desk.trunk.answered_calls == 0
            assert kept(desk) == {}

    asyncio.run(run())


def test_an_incoming_call_is_ended_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            first = await Terminal.open(desk)
            await first.until("registered as")
            assert desk.trunk.call("phone", "echo")
            await first.until("rings")
            first.press(" ")
            await first.until(SECURED)
            await killed(first)
            assert desk.trunk.answered_calls == 1
            second = await Terminal.open(desk)
            await until(lambda: desk.trunk.answered_calls == 0, second)
            assert await second.leave() == 0

    asyncio.run(run())


def test_a_killed_telephone_leaves_its_engine_and_the_next_one_talks_through_it(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with served_desk(tmp_path) as (desk, manager):
            first = await Terminal.open(desk, "--engine", str(manager.path))
            await call(first)
            await killed(first)
            second = await Terminal.open(desk, "--engine", str(manager.path))
            await until(lambda: desk.trunk.answered_calls == 0, second)
            await call(second)
            assert len(manager.processes) == 1
            assert manager.processes[0].returncode is None
            assert await second.leave() == 0

    asyncio.run(run())


def test_an_engine_that_is_killed_in_a_call_ends_it_and_the_next_call_works(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with served_desk(tmp_path) as (desk, manager):
            phone = await Terminal.open(desk, "--engine", str(manager.path))
            await call(phone)
            os.kill(manager.processes[0].pid, signal.SIGKILL)
            await until(lambda: desk.trunk.answered_calls == 0, phone)
            await phone.until("call failed")
            await manager.start("--handset=files")
            await manager.until("STATUS=serves the telephone", count=2)
            phone.press(" ")
            await phone.until("on the hook")
            await call(phone)
            assert await phone.leave() == 0

    asyncio.run(run())


def test_a_call_without_an_engine_ends_with_its_reason_and_is_no_dead_line(tmp_path: Path) -> None:
    async def run() -> None:
        async with served_desk(tmp_path) as (desk, manager):
            phone = await Terminal.open(desk, "--engine", str(manager.path))
            await phone.until("registered as")
            await manager.end()
            phone.press(" ")
            await phone.until("dial tone")
            phone.press("600#")
            await phone.until("call failed")
            assert desk.trunk.answered_calls == 0
            assert await phone.leave() == 0

    asyncio.run(run())


def test_a_second_telephone_leaves_the_first_one_s_calls_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            first = await Terminal.open(desk)
            await call(first)
            second = await Terminal.open(desk, "--socket", str(tmp_path / "other.sock"))
            await second.until("registered as")
            assert desk.trunk.answered_calls == 1
            assert await second.leave() == 0
            assert len(kept(desk)["practice"]) == 1
            assert await first.leave() == 0

    asyncio.run(run())
