"""The signalling process's heart: every account's runner, one engine, one queue of events."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from offhook.app.build import Builder
from offhook.app.call_store import CallStore
from offhook.app.runner import AccountRunner
from offhook.base.errors import LocalError
from offhook.phone.call.account import AccountEvent
from offhook.protocols.media.handset_messages import HandsetReport
from offhook.protocols.media.messages import (
    Command,
    Report,
    SessionFailed,
    SessionReport,
    Stopped,
)
from offhook.shells.net.dns import Resolver
from offhook.shells.net.sessions import SessionCache
from offhook.shells.store.clock import monotonic


class EngineLink(Protocol):
    """The media engine as the signalling side sees it, in another process or in this one."""

    def post(self, command: Command) -> None:
        """Hand over one command; never waits."""


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """An event of one account."""

    runner: AccountRunner
    event: AccountEvent


class Telephone:
    """All accounts of one snapshot of the settings, on one event loop.

    `only` names the one account to run; `calls` keeps what a run that is cut off in a call leaves
    to the next one. Raises LocalError where a secret can't be had.
    """

    def __init__(
        self,
        builder: Builder,
        engine: EngineLink,
        only: str | None = None,
        calls: CallStore | None = None,
    ) -> None:
        self.events: asyncio.Queue[TelephoneEvent | None] = asyncio.Queue()
        self.interrupted_event = asyncio.Event()
        self.on_handset_report: Callable[[HandsetReport], None] = lambda _report: None
        self.on_engine_started: Callable[[], None] = lambda: None
        self.on_engine_change: Callable[[], None] = lambda: None
        """Called after `engine_there` has changed."""
        self.engine_there = False
        """Whether the media engine can be spoken to."""
        self.post: Callable[[Command], None] = engine.post
        """Hands the engine one command."""
        resolver, sessions = Resolver(), SessionCache()
        self.keepsakes = builder.keepsakes()
        runners = []
        accounts = builder.accounts(self.keepsakes.of_calls)
        for settings, account in zip(builder.settings.accounts, accounts, strict=True):
            if only in {None, settings.name}:
                tls = builder.tls(settings)
                runner = AccountRunner(account, tls, resolver, sessions, engine.post)
                runner.on_event = functools.partial(self._queue, runner)
                runner.note_call = functools.partial(self.keepsakes.note, settings.name)
                if calls is not None:
                    account.end_left_over(calls.left_over(settings.name), monotonic())
                    runner.keep_dialogs = functools.partial(calls.keep, settings.name)
                runners.append(runner)
        if not runners:
            known = ", ".join(each.name for each in builder.settings.accounts)
            raise LocalError(f"there is no account {only!r}; accounts: {known}")
        self.runners = tuple(runners)

    @property
    def interrupted(self) -> bool:
        """Whether the person wants an end."""
        return self.interrupted_event.is_set()

    def start(self) -> None:
        """Seek every account's flow."""
        for runner in self.runners:
            runner.start()

    async def stop(self) -> None:
        """Hang up, unregister and close every flow."""
        await asyncio.gather(*(runner.stop() for runner in self.runners))

    def take_report(self, report: Report) -> None:
        """A report of the engine, for whichever account has its session, or for the handset."""
        if isinstance(report, HandsetReport):
            self.on_handset_report(report)
            return
        self._take(report)

    def _take(self, report: SessionReport) -> None:
        for runner in self.runners:
            if runner.take_report(report):
                return

    def engine_lost(self, reason: str) -> None:
        """The engine is gone, and every session with it: no call goes on without sound."""
        self.engine_there = False
        for runner in self.runners:
            for call in runner.account.calls:
                runner.take_report(SessionFailed(call.terms.session, reason))
                runner.take_report(Stopped(call.terms.session))
        self.on_engine_change()

    def _queue(self, runner: AccountRunner, event: AccountEvent) -> None:
        self.events.put_nowait(TelephoneEvent(runner, event))

    def engine_started(self) -> None:
        """There is an engine again, which knows nothing."""
        self.engine_there = True
        self.on_engine_started()
        self.on_engine_change()

    def interrupt(self) -> None:
        """Make `next_event` give None at once: the person wants an end."""
        self.interrupted_event.set()
        self.events.put_nowait(None)

    async def next_event(self, until: float | None) -> TelephoneEvent | None:
        """The next event; None once the loop's clock passes `until` (s), or when interrupted."""
        if until is None:
            return await self.events.get()
        try:
            async with asyncio.timeout_at(until):
                return await self.events.get()
        except TimeoutError:
            return None
