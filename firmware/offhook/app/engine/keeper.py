"""Keeps a media engine running: one that crashed is started anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from offhook.app.engine.client import EngineOptions, EngineProcess
from offhook.app.engine.remote import ABSENT
from offhook.base.errors import LocalError
from offhook.protocols.media.messages import Command, Prepare, Report, SessionFailed

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 30.0
SOUND_AFTER_S: Final = 60.0
"""An engine that ran for so long before it crashed is started again as fast as the first time."""

log = logging.getLogger(__name__)


class EngineKeeper:
    """An `EngineProcess` that comes back.

    `on_lost` gets a sentence for a person when it has crashed and every session with it; after
    each start, the first too, `on_started` is called.
    """

    def __init__(
        self,
        options: EngineOptions,
        on_report: Callable[[Report], None],
        on_lost: Callable[[str], None],
        on_started: Callable[[], None] = lambda: None,
    ) -> None:
        self._process = EngineProcess(options, on_report, self._crashed)
        self._on_report, self._on_lost, self._on_started = on_report, on_lost, on_started
        self._wait_s = FIRST_WAIT_S
        self._started_at = 0.0
        self._again: asyncio.Task[None] | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The number of the process that runs, None while none does."""
        return self._process.pid

    async def start(self) -> None:
        """Start it. LocalError where that fails: then nothing is tried again."""
        await self._process.start()
        self._started_at = asyncio.get_running_loop().time()
        self._on_started()

    def post(self, command: Command) -> None:
        """Send one command; dropped while none runs: the loss of the engine has been told.

        A call that begins meanwhile is told at once, as it would wait for an answer.
        """
        if isinstance(command, Prepare) and self._again is not None and self.pid is None:
            failed = SessionFailed(command.session, ABSENT)
            # Never within `post`: the machines that post are not re-entrant.
            asyncio.get_running_loop().call_soon(self._on_report, failed)
        else:
            self._process.post(command)

    async def close(self) -> None:
        """Stop it, for good."""
        if self._again is not None:
            self._again.cancel()
        await self._process.close()

    def _crashed(self, reason: str) -> None:
        log.warning("%s; it is started again", reason)
        lasted = asyncio.get_running_loop().time() - self._started_at
        if lasted > SOUND_AFTER_S:
            self._wait_s = FIRST_WAIT_S
        self._on_lost(reason)
        self._again = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        while True:
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
            try:
                self.restarts += 1
                await self.start()
            except LocalError as error:
                log.warning("%s", error)
            else:
                return
