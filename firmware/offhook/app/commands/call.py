"""`offhook call`: one call out, with speech from a file and into one."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.app.build import Builder
from offhook.app.commands.session import (
    TalkOptions,
    failure_of,
    loop_time,
    running_telephone,
    timing_of,
)
from offhook.app.console import Console
from offhook.app.exit_status import OF_OUTCOME, ExitStatus
from offhook.app.report import CallReport, call_report
from offhook.app.telephone import Telephone
from offhook.phone.call import account as phone
from offhook.phone.call import call_events as events
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.record import CallRecord, Direction
from offhook.shells.store.clock import monotonic


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What the command line asks for; times in s."""

    target: str
    talk: TalkOptions
    ring_seconds: float


async def call(
    builder: Builder, options: CallOptions, console: Console
) -> tuple[CallReport, ExitStatus]:
    """Register, call, speak, hang up. Raises LocalError for a target that can't be called."""
    async with running_telephone(builder, options.talk, console) as telephone:
        return await _Caller(telephone, options, console).run()


class _Caller:
    """One call's course on the queue of events."""

    def __init__(self, telephone: Telephone, options: CallOptions, console: Console) -> None:
        self._telephone = telephone
        self._options = options
        self._console = console
        self._runner = telephone.runners[0]
        self._call: OutgoingCall | None = None
        self._until: float | None = None
        self._done: tuple[CallReport, ExitStatus] | None = None

    async def run(self) -> tuple[CallReport, ExitStatus]:
        while self._done is None:
            happened = await self._telephone.next_event(self._until)
            if happened is None:
                self._until = None
                self._hang_up()
                if self._call is None:
                    self._fail(phone.Unregistered("interrupted", None, None))
            elif happened.runner is self._runner:
                self._take(happened.event)
        return self._done

    def _take(self, event: phone.AccountEvent) -> None:
        match event:
            case phone.FlowReady(report=report):
                self._console.say(
                    f"connected to {report.verdict.name} by {report.version}, {report.group}"
                )
                if not self._runner.account.terms.register:
                    self._dial()
            case phone.Registered():
                self._dial()
            case phone.Unregistered():
                if self._call is None:
                    self._fail(event)
            case phone.CallChanged(event=change) if self._call is not None:
                self._follow(self._call, change)

    def _dial(self) -> None:
        if self._call is None:
            self._console.say(f"calling {self._options.target}")
            self._until = loop_time() + self._options.ring_seconds
            self._call = self._runner.account.dial(self._options.target, monotonic())
            self._runner.pump()

    def _follow(self, call: OutgoingCall, change: events.CallEvent) -> None:
        match change:
            case events.Rang():
                self._console.say("it rings")
            case events.Answered():
                seconds = self._options.talk.seconds
                self._until = None if seconds is None else loop_time() + seconds
                self._console.say(f"answered: {call.record.suite}, {call.record.codec}")
            case events.Heard():
                self._console.say("the peer's speech is authenticated")
                if self._options.talk.digits:
                    call.send_digits(self._options.talk.digits)
                    self._runner.pump()
            case events.DigitHeard(digit=digit):
                self._console.say(f"the peer pressed {digit}")
            case events.MediaSilent():
                self._console.say("nothing is heard from the peer")
            case events.Over(reason=reason):
                self._until = None
                self._console.say(f"over: {reason}")
            case events.Released():
                record = call.record
                report = call_report(record, self._runner.last_flow, timing_of(self._runner))
                self._done = (report, OF_OUTCOME[record.outcome])

    def _hang_up(self) -> None:
        if self._call is not None:
            self._call.hang_up(monotonic())
            self._runner.pump()

    def _fail(self, event: phone.Unregistered) -> None:
        failure = failure_of(self._runner, event)
        record = CallRecord(Direction.OUTGOING, self._options.target, reason=event.reason)
        record.status = event.status
        report = call_report(record, self._runner.last_flow, timing_of(self._runner), failure)
        status = ExitStatus.UNTRUSTED if failure.rule is not None else ExitStatus.UNREGISTERED
        self._done = (report, status)
