"""Runs one account: its machine's wishes become look-ups, flows, writes and engine commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final

from offhook.base.vocabulary import FlowReport, PathAddress
from offhook.phone.call.account import (
    Account,
    AccountEvent,
    BadBytes,
    CallChanged,
    CloseFlow,
    Lookup,
    OpenFlow,
    Registered,
)
from offhook.phone.call.call_events import Released
from offhook.phone.call.left_over import LeftOver
from offhook.phone.call.record import CallRecord
from offhook.protocols.media.messages import Command, SessionReport
from offhook.protocols.sip.locate import DnsFailed, DnsQuery
from offhook.protocols.sip.locate_records import DnsRecord
from offhook.protocols.sip.trace import FlowTrace
from offhook.shells.net.dns import Resolver
from offhook.shells.net.errors import ConnectionFailed, LookupFailed, TlsRefused
from offhook.shells.net.sessions import SessionCache
from offhook.shells.net.tls import TlsConnection, TlsSettings, open_tls
from offhook.shells.store.clock import monotonic

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class FlowTimes:
    """How long the way to a registered flow took, in ms, and why it failed if it did."""

    dns_ms: float = 0.0
    register_ms: float | None = None
    start_to_registered_ms: float | None = None
    failed_rule: str | None = None


class AccountRunner:
    """The asyncio side of one account; `on_event` is called for every event of its machine."""

    def __init__(
        self,
        account: Account,
        tls: TlsSettings,
        resolver: Resolver,
        sessions: SessionCache,
        send_command: Callable[[Command], None],
    ) -> None:
        self.account = account
        self.on_event: Callable[[AccountEvent], None] = lambda _event: None
        self.keep_dialogs: Callable[[tuple[LeftOver, ...]], None] = lambda _dialogs: None
        """Writes down what the next run has to end, before anything more is said of it."""
        self.note_call: Callable[[CallRecord], None] = lambda _record: None
        """Writes down a call that is over."""
        self._kept: tuple[LeftOver, ...] | None = None
        self.last_flow: FlowReport | None = None
        """The latest verified flow, whether or not it still stands."""
        self.times = FlowTimes()
        self._tls = tls
        self._resolver = resolver
        self._sessions = sessions
        self._send_command = send_command
        self.trace: Callable[[str], None] | None = None
        """Gets every SIP message as text, without keys and credentials."""
        self._traces = (FlowTrace(), FlowTrace())
        self._connection: TlsConnection | None = None
        self._flow_number = 0
        """Tells the flow of now from those that were closed: what is late from them is nothing."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._lookups = 0
        """Questions to the DNS that are open at once: the way waits for all of them together."""
        self._asked = 0.0
        self._started = 0.0
        self._opened = 0.0

    def start(self) -> None:
        """Seek a flow and register."""
        self._started = monotonic()
        self.account.start(self._started)
        self.pump()

    async def stop(self, patience_s: float = 2.0) -> None:
        """Hang up, remove the registration as far as `patience_s` allows, close."""
        self.account.stop(monotonic())
        self.pump()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), patience_s)
        self.account.close()
        self.pump()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take_report(self, report: SessionReport) -> bool:
        """A report of the engine; False where it is not about a call of this account."""
        taken = self.account.receive_report(report, monotonic())
        self.pump()
        return taken

    def pump(self) -> None:
        """Carry out all that the machine wishes now, and wake it at its deadline."""
        account = self.account
        account.settle(monotonic())
        busy = True
        while busy:
            busy = False
            for action in account.actions():
                busy = True
                self._perform(action)
            self._keep_dialogs()
            for data in account.data_to_send():
                busy = True
                if self._connection is not None:
                    self._show(">", self._traces[0], data)
                    self._connection.write(data)
            for command in account.commands_to_send():
                busy = True
                self._send_command(command)
            while (event := account.next_event()) is not None:
                busy = True
                self._note(event)
                self.on_event(event)
        if account.idle:
            self._idle.set()
        else:
            self._idle.clear()
        self._arm()

    def _keep_dialogs(self) -> None:
        dialogs = self.account.open_dialogs
        if dialogs != self._kept:
            self._kept = dialogs
            self.keep_dialogs(dialogs)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.account.deadline()
        if deadline is not None:
            wait_s = max(0.0, deadline - monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.account.tick(monotonic())
        self.pump()

    def _perform(self, action: Lookup | OpenFlow | CloseFlow) -> None:
        match action:
            case Lookup(query=query):
                self._spawn(self._look_up(query))
            case OpenFlow(address=address):
                self._spawn(self._open(address))
            case CloseFlow():
                self._flow_number += 1
                if self._connection is not None:
                    connection, self._connection = self._connection, None
                    connection.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up(self, query: DnsQuery) -> None:
        if self._lookups == 0:
            # A new search: what a certificate broke before is no longer why it fails.
            self.times.failed_rule = None
            self._asked = monotonic()
        self._lookups += 1
        try:
            answer: Sequence[DnsRecord] | DnsFailed = await self._resolver.lookup(
                query.kind, query.name
            )
        except LookupFailed as failed:
            answer = DnsFailed(failed.reason)
        self._lookups -= 1
        if self._lookups == 0:
            self.times.dns_ms += (monotonic() - self._asked) * 1000
        self.account.looked_up(query, answer, monotonic())
        self.pump()

    async def _open(self, address: PathAddress) -> None:
        self._flow_number += 1
        number = self._flow_number
        try:
            connection = await open_tls(
                address,
                self._tls,
                self._sessions,
                lambda data: self._received(number, data),
                lambda reason: self._closed(number, reason),
            )
        except (TlsRefused, ConnectionFailed) as error:
            self.times.failed_rule = error.rule if isinstance(error, TlsRefused) else None
            self.account.flow_failed(error.reason, monotonic())
        else:
            self._connection = connection
            self._traces = (FlowTrace(), FlowTrace())
            self.last_flow = connection.report
            self._opened = monotonic()
            self.times.failed_rule = None
            self.account.flow_opened(connection.report, self._opened)
        self.pump()

    def _show(self, arrow: str, trace: FlowTrace, data: bytes) -> None:
        if self.trace is not None:
            for text in trace.receive(data):
                self.trace("\n".join(f"{arrow} {line}" for line in text.splitlines()))

    def _received(self, number: int, data: bytes) -> None:
        if number != self._flow_number:
            return
        self._show("<", self._traces[1], data)
        self.account.receive(data, monotonic())
        self.pump()

    def _closed(self, number: int, reason: str) -> None:
        if number != self._flow_number:
            return
        self._connection = None
        self.account.flow_lost(reason, monotonic())
        self.pump()

    def _note(self, event: AccountEvent) -> None:
        if isinstance(event, BadBytes):
            _LOG.warning("%s: %s", self.account.terms.name, event.reason)
        if isinstance(event, CallChanged) and isinstance(event.event, Released):
            self.note_call(event.call.record)
        if isinstance(event, Registered) and self.times.register_ms is None:
            now = monotonic()
            self.times.register_ms = (now - self._opened) * 1000
            self.times.start_to_registered_ms = (now - self._started) * 1000
