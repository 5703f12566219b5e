"""baresip 1.1.0 of Debian 13, in its own root, as a telephone of the voice report."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.benchmarks.voice.clocks import (
    Clock,
    FileTimes,
    clock_of_whole_read,
    clock_of_writes,
)
from tests.benchmarks.voice.seat import Seat, octets_per_s
from tests.interop.lab.roots import DEBIAN_13

_PERIOD_S = 0.020

# Buffers as in its own example configuration.
_SOUND = """audio_player aufile,{sink}
audio_source aufile,{source}
audio_alert aufile,{alert}
jitter_buffer_type fixed
jitter_buffer_delay 5-10
module opus.so
module g722.so
module g711.so
module aufile.so
opus_bitrate 48000
opus_inbandfec yes
opus_packet_loss 10
"""


class Baresip:
    """The lab's telephone in that root, from one WAV file to another, whatever the codec."""

    name: ClassVar[str] = "baresip"
    stereo: ClassVar[frozenset[str]] = frozenset({"Opus"})

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        alert = seat.lab.directory / f"{seat.user}-alert.wav"
        self._phone = seat.lab.telephone(
            seat.lab.stock,
            seat.user,
            seat.source,
            codecs=seat.codec.baresip,
            sound=_SOUND.format(sink=seat.sink, source=seat.source, alert=alert),
        )

    @staticmethod
    def version() -> str:
        return DEBIAN_13.version("baresip-core")

    @property
    def pid(self) -> int:
        return self._phone.process.pid

    def start(self) -> None:
        lab, folder = self.seat.lab, self._phone.directory
        command = ["baresip", "-v", "-f", str(folder)]
        self._phone.launch(*DEBIAN_13.entering(lab.directory, command))
        lab.stock.wait_for("registered", self.seat.user)

    def dial(self) -> None:
        if self.seat.calls is not None:
            self._phone.dial(self.seat.calls)

    def hang_up(self) -> None:
        self._phone.hang_up()

    def stop(self) -> dict[str, Any]:
        self._phone.stop()
        return {}

    def mouth(self, times: FileTimes) -> Clock:
        """It reads the whole file when the call begins, and starts its clock then."""
        return clock_of_whole_read(times.read[self.seat.source.name])

    def ear(self, times: FileTimes) -> Clock:
        sink = self.seat.sink
        return clock_of_writes(times.written[sink.name], octets_per_s(sink), _PERIOD_S)
