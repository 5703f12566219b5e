"""PyAudio by blocking reads and writes: a thread of ours waits in PortAudio for the card."""

from __future__ import annotations

import contextlib
import threading
from typing import Final

from offhook.shells.audio.ahead import Ahead
from offhook.shells.audio.drives import Drive, go_first
from offhook.shells.audio.portaudio import CardLost, PortAudio

HANGS_AFTER_S: Final = 1.0
"""A blocking call that takes longer doesn't return."""


class BlockingDrive(Drive):
    """Reads a chunk and writes one, and keeps what the card holds at what it needs."""

    def _start(self, host: PortAudio) -> None:
        self._closing = False
        self._stream = host.open(self.terms, None)
        try:
            self._room = _counted(self._stream.get_write_available())
        except OSError as error:
            raise CardLost(f"{self.terms.name} went at once: {error}") from None
        self._thread = threading.Thread(target=self._run, name="sound card io", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        stream, frames = self._stream, self.terms.frames
        ahead = Ahead(frames, self._room)
        go_first()
        with contextlib.suppress(OSError):
            self._write(self._silence * ahead.chunks)
            while not self._closing:
                captured = stream.read(frames, exception_on_overflow=False)
                # In this order: asked, a card that ran dry begins anew without what it captured.
                playing = self._room - _counted(stream.get_write_available())
                verdict = ahead.judge(_counted(stream.get_read_available()), playing)
                self._counts.xruns += verdict.dry
                if verdict.left_out:
                    self._counts.dropped += 1
                    continue
                chunk = self._exchanged(captured)
                if verdict.silence:
                    self._write(bytes(2 * self.terms.channels * verdict.silence))
                self._write(chunk)

    def _write(self, sound: bytes) -> None:
        """To ask PyAudio for underflows is to have the stream closed at the first one."""
        frames = len(sound) // (2 * self.terms.channels)
        self._stream.write(sound, frames, exception_on_underflow=False)

    def _stop(self) -> bool:
        """PortAudio may wait for ever for a card that is gone; such a stream is left behind."""
        self._closing = True
        self._thread.join(HANGS_AFTER_S)
        if self._thread.is_alive():
            return False
        with contextlib.suppress(OSError):
            self._stream.close()
        return True


def _counted(frames: int) -> int:
    """What PyAudio tells waits in a card; raises OSError where that is PortAudio's error instead.

    PyAudio hands those on as they are, and what it read then is memory that nobody wrote.
    """
    if frames < 0:
        raise OSError(frames, "the card can't tell what waits in it")
    return frames
