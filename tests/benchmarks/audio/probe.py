"""The media engine's process with its card recorded: what went out and came in, and when.

Started in the engine's place by `interpreter`. The figures and samples are written at the end to
`RECORDING` in the home folder, which is a temporary one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np

from offhook.app.engine import process
from offhook.app.engine.mixer import Mixer
from offhook.app.engine.session import Session
from offhook.base.vocabulary import PcmFormat
from offhook.protocols.media.keyed_stream import KeyedStream
from offhook.protocols.media.messages import Statistics
from offhook.protocols.media.stream import MediaStream
from offhook.shells.audio import card
from offhook.shells.audio.drives import Counts, Drive
from offhook.shells.audio.sound import OnPeriod

RECORDING: Final = "engine.npz"
ENGINE: Final = "offhook.app.engine.process"


class Track:
    """Chunks with the moment of each (s, monotonic)."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.played: list[bytes] = []
        self.captured: list[bytes] = []

    def add(self, moment: float, played: bytes, captured: bytes) -> None:
        self.moments.append(moment)
        self.played.append(played)
        self.captured.append(captured)

    def arrays(self, name: str) -> dict[str, Any]:
        return {
            f"{name}_moments": np.array(self.moments),
            f"{name}_played": np.frombuffer(b"".join(self.played), np.int16),
            f"{name}_captured": np.frombuffer(b"".join(self.captured), np.int16),
        }


class Probe:
    """What is noted while the engine runs; nothing is evaluated before its end."""

    def __init__(self, *, blocking: bool) -> None:
        self._blocking = blocking
        self._card, self._engine = Track(), Track()
        self._sounds: list[Counts] = []
        self._sent: list[tuple[float, bool]] = []
        self._begun: list[tuple[float, bool]] = []
        """When a turn began a tone or (True) words."""
        self._sessions: list[dict[str, int]] = []

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Take the places of what is watched, until it is left."""
        probe, exchanged, capture = self, Drive._exchanged, MediaStream.capture
        statistics, opening = Session._statistics, card.CardSound.open
        play, say = Mixer._play, Mixer._say
        make = card.CardSound.__init__

        def watched_exchange(drive: Drive, captured: bytes) -> bytes:
            played = exchanged(drive, captured)
            channels = drive.terms.channels
            probe._card.add(time.monotonic(), _first(played, channels), _first(captured, channels))
            return played

        def watched_capture(stream: MediaStream, pcm: bytes, now: float) -> None:
            capture(stream, pcm, now)
            probe._sent.append((time.monotonic(), any(pcm)))

        def watched_play(mixer: Mixer, *arguments: Any) -> None:
            probe._begun.append((time.monotonic(), False))
            play(mixer, *arguments)

        def watched_say(mixer: Mixer, utterance: int | None, speech: bytes) -> None:
            if utterance is not None:
                probe._begun.append((time.monotonic(), True))
            say(mixer, utterance, speech)

        def watched_statistics(session: Session, keyed: KeyedStream) -> Statistics:
            told = {"missed": session._missed, "overflowed": session._overflowed}
            probe._sessions.append(told)
            return statistics(session, keyed)

        def chosen(sound: card.CardSound, *arguments: Any, **keywords: Any) -> None:
            make(sound, *arguments, **keywords, blocking=probe._blocking)
            probe._sounds.append(sound.counts)

        def watched_open(sound: card.CardSound, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
            opening(sound, pcm_format, probe._watched(on_period))

        with ExitStack() as places:
            for owner, name, watched in (
                (Drive, "_exchanged", watched_exchange),
                (MediaStream, "capture", watched_capture),
                (Mixer, "_play", watched_play),
                (Mixer, "_say", watched_say),
                (Session, "_statistics", watched_statistics),
                (card.CardSound, "__init__", chosen),
                (card.CardSound, "open", watched_open),
            ):
                places.enter_context(mock.patch.object(owner, name, watched))
            yield

    def _watched(self, on_period: OnPeriod) -> OnPeriod:
        def watched(captured: bytes) -> bytes:
            now = time.monotonic()
            played = on_period(captured)
            self._engine.add(now, played, captured or bytes(len(played)))
            return played

        return watched

    def write(self, path: Path) -> None:
        """Keep what was noted."""
        counts = [
            {name: value for name, value in dataclasses.asdict(each).items() if name != "moments"}
            for each in self._sounds
        ]
        np.savez(
            path,
            told=json.dumps({"sounds": counts, "sessions": self._sessions}),
            sent=np.array(self._sent, float).reshape(-1, 2),
            begun=np.array(self._begun, float).reshape(-1, 2),
            **self._card.arrays("card"),
            **self._engine.arrays("engine"),
        )


def _first(chunk: bytes, channels: int) -> bytes:
    """The first channel's samples, as the engine takes them too."""
    return np.frombuffer(chunk, np.int16)[::channels].tobytes()


def interpreter(folder: Path, *, blocking: bool) -> Path:
    """A program that is Python, but runs this probe where the engine is asked for."""
    path = folder / "python"
    way = "--blocking" if blocking else "--callback"
    path.write_text(
        "#!/bin/sh\n"
        f'if [ "$3" = {ENGINE} ]; then shift 3; set -- -P -m {__name__} {way} "$@"; fi\n'
        f'exec {shlex.quote(sys.executable)} "$@"\n'
    )
    path.chmod(0o700)
    return path


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocking", action="store_true")
    parser.add_argument("--callback", action="store_true")
    chosen, arguments = parser.parse_known_args()
    probe = Probe(blocking=chosen.blocking)
    with probe.attached():
        status = process.main(arguments)
    probe.write(Path.home() / RECORDING)
    return status


if __name__ == "__main__":
    sys.exit(main())
