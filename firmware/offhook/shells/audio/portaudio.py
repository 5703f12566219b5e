"""Sound cards as PortAudio knows them: which there are, and one of them opened by its name."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from offhook.base.errors import LocalError
from offhook.shells.audio.resampler import CHUNK_MS
from offhook.shells.audio.room import library_of, make_room

BEST_RATES: Final = (48000, 44100, 96000, 32000, 24000, 16000, 8000)
"""In this order: cards are made for 48 kHz, and at 44.1 kHz some boards' USB distorts."""
CHANNELS: Final = (1, 2)
CONTINUE: Final = 0
"""paContinue: what a callback answers to be called again."""
PLUG: Final = "PA_ALSA_PLUGHW"
"""Makes PortAudio open ALSA cards so that ALSA converts the number of channels."""

Callback = Callable[[bytes, int, object, int], tuple[bytes, int]]
Described = dict[str, Any]


class CardLost(LocalError):
    """The card went away; it may come back."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A card that can be opened, and how."""

    name: str
    capture: int
    """PortAudio's number of the device that captures."""
    playback: int
    rate: int
    channels: int

    @property
    def frames(self) -> int:
        """Sampling instants of a chunk."""
        return self.rate * CHUNK_MS // 1000

    @property
    def octets(self) -> int:
        """Octets of a chunk."""
        return 2 * self.channels * self.frames


def _pyaudio() -> ModuleType:
    try:
        import pyaudio  # noqa: PLC0415  a phone on WAV files and the tools do without it
    except ImportError as error:
        raise LocalError(f"there is no PyAudio ({error}): apt install python3-pyaudio") from None
    module: ModuleType = pyaudio
    return module


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Without what ALSA and JACK write to standard error of every device that isn't there."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class PortAudio:
    """PortAudio's list of devices, as it was when this was made: for a new one, make another.

    PortAudio makes its list anew only once every older PortAudio of the process was closed.
    """

    def __init__(self) -> None:
        self._module = _pyaudio()
        os.environ.setdefault(PLUG, "1")
        try:
            with _hushed():
                self._host = self._module.PyAudio()
        except OSError as error:
            raise CardLost(f"PortAudio doesn't start: {error}") from None

    def names(self) -> tuple[str, ...]:
        """The names of the devices that capture or play."""
        return tuple(str(each["name"]) for each in self._devices())

    def find(self, name: str | None) -> Terms:
        """The card whose name contains `name`, however written; None: the system's choice.

        Raises CardLost where there is none that both captures and plays.
        """
        try:
            capture = self._choose(name, "maxInputChannels")
            playback = self._choose(name, "maxOutputChannels")
        except OSError as error:
            raise CardLost(f"PortAudio can't tell of its cards: {error}") from None
        for rate, channels in itertools.product(BEST_RATES, CHANNELS):
            terms = Terms(
                str(playback["name"]), capture["index"], playback["index"], rate, channels
            )
            if self._possible(terms):
                return terms
        raise CardLost(f"{playback['name']} takes 16 bits at none of {BEST_RATES} Hz")

    def open(self, terms: Terms, callback: Callback | None) -> Any:
        """A running PyAudio stream; with a `callback`, PortAudio's own thread calls it.

        That thread fills all the room that there is, so it gets the least.
        """
        library = None if callback else library_of(self._module)
        if library is not None:
            make_room(library, (terms.capture, terms.playback))
        try:
            return self._host.open(
                rate=terms.rate,
                channels=terms.channels,
                format=self._module.paInt16,
                input=True,
                output=True,
                input_device_index=terms.capture,
                output_device_index=terms.playback,
                frames_per_buffer=terms.frames,
                stream_callback=callback,
            )
        except OSError as error:
            raise CardLost(f"{terms.name} can't be opened: {error}") from None

    def close(self) -> None:
        """Close PortAudio, and with it all streams."""
        self._host.terminate()

    def _devices(self) -> Iterator[Described]:
        for index in range(self._host.get_device_count()):
            yield self._host.get_device_info_by_index(index)

    def _choose(self, name: str | None, channels: str) -> Described:
        able = [each for each in self._devices() if each[channels] > 0]
        if name is None:
            ask = "input" if channels == "maxInputChannels" else "output"
            try:
                return dict(getattr(self._host, f"get_default_{ask}_device_info")())
            except OSError:
                raise CardLost("there is no sound card") from None
        for each in able:
            if name.casefold() in str(each["name"]).casefold():
                return each
        known = ", ".join(self.names()) or "none"
        raise CardLost(f"there is no sound card {name!r}; there are: {known}")

    def _possible(self, terms: Terms) -> bool:
        try:
            return bool(
                self._host.is_format_supported(
                    terms.rate,
                    input_device=terms.capture,
                    input_channels=terms.channels,
                    input_format=self._module.paInt16,
                    output_device=terms.playback,
                    output_channels=terms.channels,
                    output_format=self._module.paInt16,
                )
            )
        except ValueError:
            return False
