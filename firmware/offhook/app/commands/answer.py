"""`offhook answer`: take calls as they come, with speech from a file and into one."""

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
from offhook.app.report import AnswerReport, CallReport, Failure, call_report, signalling_part
from offhook.app.telephone import Telephone
from offhook.phone.call import account as phone
from offhook.phone.call import call_events as events
from offhook.phone.call.call import Call
from offhook.phone.call.incoming import IncomingCall
from offhook.shells.store.clock import monotonic

_BUSY = 486


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What the command line asks for; times in s."""

    calls: int
    talk: TalkOptions
    wait_seconds: float | None
    """How long to wait for a call; None: for ever."""


async def answer(
    builder: Builder, options: AnswerOptions, console: Console
) -> tuple[AnswerReport, ExitStatus]:
    """Register and answer that many calls, one at a time; a second caller hears busy."""
    async with running_telephone(builder, options.talk, console) as telephone:
        return await _Answerer(telephone, options, console).run()


class _Answerer:
    """The calls' course on the queue of events."""

    def __init__(self, telephone: Telephone, options: AnswerOptions, console: Console) -> None:
        self._telephone = telephone
        self._options = options
        self._console = console
        self._runner = telephone.runners[0]
        self._reports: list[CallReport] = []
        self._worst = ExitStatus.DONE
        self._talking: Call | None = None
        self._until: float | None = None
        self._failure: Failure | None = None
        self._done = False

    async def run(self) -> tuple[AnswerReport, ExitStatus]:
        self._wait_for_call()
        while not self._done:
            happened = await self._telephone.next_event(self._until)
            if happened is None:
                self._time_out()
            elif happened.runner is self._runner:
                self._take(happened.event)
        report = AnswerReport(
            calls=tuple(self._reports),
            signalling=signalling_part(self._runner.last_flow),
            timing_ms=timing_of(self._runner),
            failure=self._failure,
        )
        return report, self._worst

    def _wait_for_call(self) -> None:
        wait = self._options.wait_seconds
        self._until = None if wait is None else loop_time() + wait

    def _time_out(self) -> None:
        self._until = None
        if self._talking is not None:
            self._talking.hang_up(monotonic())
            self._runner.pump()
            return
        interrupted = self._telephone.interrupted
        reason = "interrupted" if interrupted else "nobody called in time"
        self._failure = Failure(stage="call", reason=reason)
        self._worst = ExitStatus.REFUSED
        self._done = True

    def _take(self, event: phone.AccountEvent) -> None:
        match event:
            case phone.Registered(expires_s=expires_s):
                self._console.say(f"registered for {expires_s:.0f} s: call me")
            case phone.Unregistered() if self._runner.times.register_ms is None:
                self._failure = failure_of(self._runner, event)
                trusted = self._failure.rule is None
                self._worst = ExitStatus.UNREGISTERED if trusted else ExitStatus.UNTRUSTED
                self._done = True
            case phone.Unregistered(reason=reason):
                self._console.say(f"not registered: {reason}")
            case phone.CallArrived(call=call):
                self._arrive(call)
            case phone.CallChanged(call=call, event=change):
                self._follow(call, change)

    def _arrive(self, call: IncomingCall) -> None:
        self._console.say(f"{call.record.peer} calls")
        if self._talking is not None:
            call.reject(_BUSY, "busy", monotonic())
        else:
            self._talking = call
            self._until = None
            call.accept(monotonic())
        self._runner.pump()

    def _follow(self, call: Call, change: events.CallEvent) -> None:
        match change:
            case events.Answered():
                self._console.say(f"answered: {call.record.suite}, {call.record.codec}")
                seconds = self._options.talk.seconds
                self._until = None if seconds is None else loop_time() + seconds
            case events.Heard():
                if self._options.talk.digits:
                    call.send_digits(self._options.talk.digits)
                    self._runner.pump()
            case events.DigitHeard(digit=digit):
                self._console.say(f"the peer pressed {digit}")
            case events.Over(reason=reason):
                self._console.say(f"over: {reason}")
            case events.Released():
                self._released(call)

    def _released(self, call: Call) -> None:
        record = call.record
        self._reports.append(call_report(record, self._runner.last_flow, timing_of(self._runner)))
        if self._worst is ExitStatus.DONE:
            self._worst = OF_OUTCOME[record.outcome]
        if self._talking is call:
            self._talking = None
            self._wait_for_call()
        enough = len(self._reports) >= self._options.calls
        self._done = enough or self._telephone.interrupted
