"""What the voice report asks of a telephone, and what it gives to it."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tests.benchmarks.voice.clocks import Clock, FileTimes
from tests.interop.lab.laboratory import Laboratory


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec by the names that each telephone has for it; `rate` is that of its sound, in Hz."""

    name: str
    offhook: str
    baresip: str
    linphone: str
    rate: int
    wide: bool = True


CODECS = {
    codec.name: codec
    for codec in (
        Codec("Opus", "opus", "opus/48000/2", "opus/48000/2", 48000),
        Codec("G.722", "G722", "G722/16000/1", "G722/8000/1", 16000),
        Codec("PCMA", "PCMA", "PCMA/8000/1", "PCMA/8000/1", 8000, wide=False),
    )
}


@dataclass(frozen=True, slots=True)
class Seat:
    """One end of a call: its user, its two files, and whom it calls (None: it is called)."""

    lab: Laboratory
    user: str
    codec: Codec
    source: Path
    sink: Path
    calls: str | None

    @property
    def place(self) -> Path:
        """The telephone's own folder, which is not there yet."""
        return self.lab.directory / f"{self.user}-{self.sink.stem}"


class Phone(Protocol):
    """One telephone in one call."""

    name: ClassVar[str]
    stereo: ClassVar[frozenset[str]]
    """The codecs for which its files have two channels."""
    seat: Seat

    def __init__(self, seat: Seat) -> None: ...

    @staticmethod
    def version() -> str:
        """Of the program."""

    @property
    def pid(self) -> int:
        """Of it, or of the parent of what plays."""

    def start(self) -> None:
        """Registers it."""

    def dial(self) -> None:
        """Calls whom the seat calls, if anybody."""

    def hang_up(self) -> None:
        """Ends the call."""

    def stop(self) -> dict[str, Any]:
        """Ends it; what it tells of the call."""

    def mouth(self, times: FileTimes) -> Clock:
        """When it took the samples out of its file."""

    def ear(self, times: FileTimes) -> Clock:
        """When it gave what it heard."""


def octets_per_s(file: Path) -> int:
    """Of a WAV file."""
    with wave.open(str(file), "rb") as reader:
        return reader.getframerate() * reader.getnchannels() * reader.getsampwidth()
