"""`offhook run` on a real pseudo-terminal: a person lifts, dials, talks and lays down."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.app.practice_desk import PATIENCE_S
from tests.app.terminal_desk import telephone_in_terminal


def test_a_person_lifts_dials_talks_and_lays_down(tmp_path: Path) -> None:
    async def run() -> None:
        async with telephone_in_terminal(tmp_path) as (_, terminal):
            await terminal.call("600#")
            await terminal.until("hop by hop  AEAD_AES_256_GCM")
            terminal.press(" ")
            await terminal.until("on the hook")
            await terminal.until("security: ready")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_person_is_called_and_answers_by_lifting(tmp_path: Path) -> None:
    async def run() -> None:
        async with telephone_in_terminal(tmp_path) as (desk, terminal):
            assert desk.trunk.call("phone", "echo")
            await terminal.until("rings")
            terminal.press(" ")
            await terminal.until("hop by hop  AEAD_AES_256_GCM")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_call_that_would_not_be_encrypted_is_explained(tmp_path: Path) -> None:
    async def run() -> None:
        async with telephone_in_terminal(tmp_path) as (_, terminal):
            await terminal.call("606#")
            await terminal.until("would not be encrypted")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_flash_holds_the_call_and_another_resumes_it_with_real_engines(tmp_path: Path) -> None:
    async def run() -> None:
        async with telephone_in_terminal(tmp_path) as (_, terminal):
            await terminal.call("600#")
            await terminal.until("hop by hop  AEAD_AES_256_GCM")
            terminal.press("f")
            await terminal.until("talking, held")
            await terminal.until("dial tone")
            terminal.press("f")
            await terminal.until("talking  0:")
            await terminal.until("talking  0:03")
            assert await terminal.leave() == 0

    asyncio.run(run())


def test_a_terminal_that_is_lost_ends_the_telephone(tmp_path: Path) -> None:
    async def run() -> None:
        async with telephone_in_terminal(tmp_path) as (desk, terminal):
            terminal.hang_up()
            async with asyncio.timeout(PATIENCE_S):
                await terminal.process.wait()
            assert not desk.trunk.registered("phone")

    asyncio.run(run())
