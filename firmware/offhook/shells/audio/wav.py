"""WAV files as a sound card: one is spoken, the other hears, both at one clock."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.sound import OnPeriod, Pacer
from offhook.shells.audio.wav_rate import REMEDY, Resampler

PIECE: Final = 4096
"""Samples read at once for the resampler."""
HEADER_OCTETS: Final = 44
HEADER_EVERY: Final = 50
"""Periods between two updates of the recording's header: a kill costs no more than these."""


class WavSound:
    """Plays `play` into the microphone and records into `record` what the speaker would say.

    Octet n of the recording was asked for in the period in which octet n of the played file was
    handed over, so that the shift between the two files is the true round-trip delay. After the
    end of the file, silence is spoken, or with `loop` the file again. The recording has the rate
    of the session; a file of another rate is resampled where soxr is installed.
    """

    def __init__(
        self, play: Path | None = None, record: Path | None = None, *, loop: bool = False
    ) -> None:
        self._play, self._record, self._loop = play, record, loop
        self._pacer: Pacer | None = None
        self._reader: WavReader | None = None
        self._writer: WavWriter | None = None
        self.played_out = threading.Event()
        """Set when the end of `play` was reached."""

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        """Begin at once. LocalError where a file can't be read or written as `pcm_format`."""
        if self._pacer is not None:
            raise LocalError("the sound is open already")
        self._reader = None if self._play is None else WavReader(self._play, pcm_format)
        try:
            self._writer = None if self._record is None else WavWriter(self._record, pcm_format)
        except LocalError:
            self._close_files()
            raise
        silence = bytes(pcm_format.octets)
        microphone = self._microphone(pcm_format.octets, silence)

        def step(lost: bool) -> None:
            spoken = next(microphone)
            heard = on_period(b"" if lost else spoken)
            if self._writer is not None:
                self._writer.write(heard)

        self._pacer = Pacer(pcm_format.period_ms / 1000, step, "wav sound")
        self._pacer.start()

    def side_tone(self, gain_db: float | None) -> None:
        """Nothing: a recording of the ear is made without one's own voice."""

    def _microphone(self, octets: int, silence: bytes) -> Iterator[bytes]:
        while self._reader is not None:
            period = self._reader.read(octets)
            while self._loop and len(period) < octets and not self._reader.empty:
                self._reader.rewind()
                period += self._reader.read(octets - len(period))
            if len(period) < octets:
                self._reader.close()
                self._reader = None
            if period:
                yield period.ljust(octets, b"\0")
        self.played_out.set()
        while True:
            yield silence

    def close(self) -> None:
        """Stop, and complete the recording."""
        if self._pacer is not None:
            self._pacer.stop()
            self._pacer = None
        self._close_files()

    def _close_files(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class WavReader:
    """The samples of a WAV file at `pcm_format`'s rate.

    LocalError, with its remedy, where it is not mono with 16 bits, or of another rate that can't be
    resampled here.
    """

    def __init__(self, path: Path, pcm_format: PcmFormat) -> None:
        remedy = f"convert it: sox {path} -r {pcm_format.rate} -c 1 -b 16 out.wav"
        try:
            self._file = wave.open(str(path), "rb")  # noqa: SIM115  closed by close()
        except (wave.Error, EOFError) as error:
            raise LocalError(f"{path} is no plain PCM WAV file ({error}); {remedy}") from None
        except OSError as error:
            raise LocalError(f"{path} can't be read: {error.strerror}") from None
        rate, channels, width = (
            self._file.getframerate(),
            self._file.getnchannels(),
            self._file.getsampwidth(),
        )
        found = f"{path} has {rate} Hz, {channels} channel(s), {8 * width} bit"
        if (channels, width) != (1, 2) or not rate:
            self._file.close()
            raise LocalError(f"{found}; {pcm_format.rate} Hz mono 16 bit is wanted; {remedy}")
        self._resampler: Resampler | None = None
        self._ready = bytearray()
        self._ended = False
        if rate != pcm_format.rate:
            try:
                self._resampler = Resampler(rate, pcm_format.rate)
            except LocalError as error:
                self._file.close()
                raise LocalError(f"{found}; {error}: {REMEDY}, or {remedy}") from None

    @property
    def empty(self) -> bool:
        """Whether there is not one sample in it."""
        return self._file.getnframes() == 0

    def read(self, octets: int) -> bytes:
        """The next octets, fewer at the end of the file."""
        if self._resampler is None:
            return self._file.readframes(octets // 2)
        while len(self._ready) < octets and not self._ended:
            piece = self._file.readframes(PIECE)
            self._ended = len(piece) < 2 * PIECE
            self._ready += self._resampler.convert(piece, last=self._ended)
        taken = bytes(self._ready[:octets])
        del self._ready[:octets]
        return taken

    def rewind(self) -> None:
        """Begin anew."""
        self._file.rewind()
        self._ready.clear()
        self._ended = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class WavWriter:
    """A recording that only its owner can read, whose header is right also after a kill."""

    def __init__(self, path: Path, pcm_format: PcmFormat) -> None:
        self._rate = pcm_format.rate
        self._octets = 0
        self._periods = 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise LocalError(f"{path} can't be written: {error.strerror}") from None
        self._file: BinaryIO | None = os.fdopen(descriptor, "wb")
        self._file.write(self._header())

    def write(self, pcm: bytes) -> None:
        """Append samples; a full disk ends the recording, not the call."""
        if self._file is None:
            return
        try:
            self._file.write(pcm)
            self._octets += len(pcm)
            self._periods += 1
            if self._periods % HEADER_EVERY == 0:
                self._update()
        except OSError:
            self._abandon()

    def _update(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.pwrite(self._file.fileno(), self._header(), 0)

    def _header(self) -> bytes:
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            HEADER_OCTETS - 8 + self._octets,
            b"WAVE",
            b"fmt ",
            16,
            1,
            1,
            self._rate,
            2 * self._rate,
            2,
            16,
            b"data",
            self._octets,
        )

    def _abandon(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def close(self) -> None:
        """Complete the header and close the file."""
        with contextlib.suppress(OSError):
            self._update()
        self._abandon()
