"""A media engine that is killed comes back, and knows how to be told anew."""

from __future__ import annotations

import asyncio
import os
import signal

from offhook.app.engine.client import EngineOptions
from offhook.app.engine.keeper import EngineKeeper
from offhook.protocols.media.handset_messages import Say, Spoken
from offhook.protocols.media.messages import Prepare, Report, SessionFailed

PATIENCE_S = 20.0


def test_an_engine_that_is_killed_is_lost_once_started_again_and_answers() -> None:
    async def run() -> None:
        lost: list[str] = []
        started, answered = asyncio.Semaphore(0), asyncio.Event()

        def report(report: Report) -> None:
            if report == Spoken(5, "there is no handset"):
                answered.set()

        keeper = EngineKeeper(EngineOptions(), report, lost.append, started.release)
        await keeper.start()
        await started.acquire()
        first = keeper.pid
        assert first is not None
        try:
            os.kill(first, signal.SIGKILL)
            async with asyncio.timeout(PATIENCE_S):
                await started.acquire()
                assert lost == ["the media engine was killed by signal 9"]
                assert keeper.pid not in {None, first}
                keeper.post(Say(5, "en", ()))
                await answered.wait()
            assert keeper.restarts == 1
        finally:
            await keeper.close()
        assert keeper.pid is None

    asyncio.run(run())


def test_one_that_is_closed_stays_closed_also_while_it_waits_to_start_again() -> None:
    async def run() -> None:
        lost = asyncio.Event()
        keeper = EngineKeeper(EngineOptions(), lambda _report: None, lambda _reason: lost.set())
        await keeper.start()
        assert keeper.pid is not None
        os.kill(keeper.pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            await lost.wait()
        keeper.post(Say(5, "en", ()))
        await keeper.close()
        await asyncio.sleep(0.3)
        assert keeper.pid is None

    asyncio.run(run())


def test_a_call_that_begins_while_none_runs_is_told_at_once() -> None:
    async def run() -> None:
        lost = asyncio.Event()
        reports: asyncio.Queue[Report] = asyncio.Queue()
        keeper = EngineKeeper(EngineOptions(), reports.put_nowait, lambda _reason: lost.set())
        await keeper.start()
        assert keeper.pid is not None
        os.kill(keeper.pid, signal.SIGKILL)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await lost.wait()
                keeper.post(Prepare(7, "127.0.0.1", (), 46))
                assert reports.empty(), "never within the call that asks"
                assert await reports.get() == SessionFailed(7, "the media engine is not there")
        finally:
            await keeper.close()

    asyncio.run(run())
