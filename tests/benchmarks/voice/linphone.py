"""linphonec 5.1 of Debian 12 as a telephone of the voice report."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.benchmarks.voice.clocks import Clock, FileTimes, clock_of_reads, clock_of_writes
from tests.benchmarks.voice.seat import Seat, octets_per_s
from tests.interop.lab import linphone
from tests.interop.lab.laboratory import PASSWORDS

_PERIOD_S = 0.010
_READ_AHEAD = 4096
"""Octets: mediastreamer's reader always has one more block than it plays of, as strace shows."""


class Linphone:
    """The lab's telephone; jitter buffer and FEC as they are by default."""

    name: ClassVar[str] = "linphonec"
    stereo: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        account = linphone.Softphone(
            seat.user,
            PASSWORDS[seat.user],
            seat.lab.stock,
            seat.lab.authority.root,
            seat.source,
            seat.sink,
            codec=seat.codec.linphone,
            answers=seat.calls is None,
            detailed=False,
        )
        self._phone = linphone.Linphone(account, seat.place)

    @staticmethod
    def version() -> str:
        return linphone.Linphone.version()

    @property
    def pid(self) -> int:
        return self._phone.pid

    def start(self) -> None:
        self._phone.start()

    def dial(self) -> None:
        if self.seat.calls is not None:
            self._phone.dial(self.seat.calls)

    def hang_up(self) -> None:
        self._phone.hang_up()

    def stop(self) -> dict[str, Any]:
        self._phone.stop()
        return {}

    def mouth(self, times: FileTimes) -> Clock:
        source = self.seat.source
        return clock_of_reads(times.read[source.name], octets_per_s(source), _PERIOD_S, _READ_AHEAD)

    def ear(self, times: FileTimes) -> Clock:
        """It gives more than 10 ms at a time where its buffer gets shorter, or less."""
        sink = self.seat.sink
        return clock_of_writes(times.written[sink.name], octets_per_s(sink), None)
