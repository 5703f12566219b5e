"""Offhook as a telephone of the voice report: `offhook call` and `offhook answer`."""

from __future__ import annotations

import os
import signal
from typing import Any, ClassVar

from tests.benchmarks.voice.clocks import Clock, FileTimes, clock_of_reads
from tests.benchmarks.voice.seat import Seat, octets_per_s
from tests.interop.lab.offhook import OffhookCommand

import offhook

_PERIOD_S = 0.020


class Offhook:
    """One command; it registers, and calls or is called once."""

    name: ClassVar[str] = "Offhook"
    stereo: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self._desk = seat.lab.desk(
            seat.user,
            registrar=seat.lab.stock,
            digest=("SHA-256", "MD5"),
            codecs=(seat.codec.offhook,),
        )
        self._command: OffhookCommand | None = None

    @staticmethod
    def version() -> str:
        return offhook.__version__

    @property
    def _running(self) -> OffhookCommand:
        if self._command is None:
            raise RuntimeError("it was not started")
        return self._command

    @property
    def pid(self) -> int:
        return self._running.process.pid

    def start(self) -> None:
        """Who calls registers when it dials."""
        if self.seat.calls is None:
            self._run("answer", "--calls", "1")
            self._running.wait_registered(self.seat.lab.stock, self.seat.user)

    def dial(self) -> None:
        if self.seat.calls is not None:
            self._run("call", self.seat.calls)

    def _run(self, *what: str) -> None:
        files = ("--play", str(self.seat.source), "--record", str(self.seat.sink))
        self._command = self._desk.run(*what, *files)

    def hang_up(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def stop(self) -> dict[str, Any]:
        if self._command is None:
            return {}
        try:
            report = self._command.end().report
        finally:
            self._command.process.stop()
        (call,) = report.get("calls", [report])
        return {"media": call["media"], "quality": call["quality"]}

    def mouth(self, times: FileTimes) -> Clock:
        source = self.seat.source
        return clock_of_reads(times.read[source.name], octets_per_s(source), _PERIOD_S)

    def ear(self, times: FileTimes) -> Clock:
        """The same: octet n of what is heard is asked for when octet n of what is said is taken."""
        return self.mouth(times)
