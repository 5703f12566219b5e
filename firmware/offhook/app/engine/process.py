"""The media engine's own process: `python -m offhook.app.engine.process --channel FD …`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import itertools
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from offhook.app.engine import channel
from offhook.app.engine.engine import Engine
from offhook.app.engine.pipe import Pipe
from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.codecs import available_codecs
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.messages import Report
from offhook.shells.audio.wav import WavSound
from offhook.shells.store.randomness import SystemRandomness

MAX_UNSENT: Final = 1024
"""Reports that wait for a signalling process which does not read; the oldest are dropped."""
CARD: Final = "card"
HANDSETS: Final = (CARD, "files")
PR_SET_DUMPABLE: Final = 4
PRIORITY: Final = -11
"""The nice value that desktop sound servers take."""
COLLECT_AFTER: Final = 50_000
"""Allocations between two collections: the voice path makes no cycles."""

if TYPE_CHECKING:
    from offhook.app.engine.handset_sound import HandsetSound

log = logging.getLogger(__name__)


class ChannelServer:
    """Hands the channel's commands to the engine and its reports to the channel."""

    def __init__(self, opened: socket.socket) -> None:
        self._opened = opened
        self._pipe: Pipe | None = None
        self._engine: Engine | None = None
        self.closed = asyncio.Event()
        self.unreadable = 0

    def start(self, engine: Engine) -> None:
        """Carry out commands until the other side closes its end."""
        self._engine = engine
        self._pipe = Pipe(self._opened, self._receive, self.closed.set, MAX_UNSENT)

    def report(self, report: Report) -> None:
        """Send one report, later where the channel is full."""
        if self._pipe is not None:
            self._pipe.post(channel.encode(report))

    def _receive(self, datagram: bytes) -> None:
        try:
            command = channel.decode_command(datagram)
        except PeerError as error:
            self.unreadable += 1
            log.warning("channel: %s", error)
            return
        if self._engine is not None:
            self._engine.handle(command)


def harden() -> None:
    """No core dump and no reading of this process's memory by others: it holds session keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def go_first() -> None:
    """Let voice go before everything else, where that is allowed (the unit file does it too)."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)


def numbered(path: Path | None, session: int, first: list[int]) -> Path | None:
    """`path` for the first session, `path` with the session's number for those after it."""
    if not first:
        first.append(session)
    if path is None or first[0] == session:
        return path
    return path.with_stem(f"{path.stem}-{session}")


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="offhook-engine", description=__doc__)
    parser.add_argument("--channel", type=int, required=True, metavar="FD")
    parser.add_argument("--play", type=Path, metavar="WAV")
    parser.add_argument("--record", type=Path, metavar="WAV")
    parser.add_argument("--loop", action="store_true", help="play the file again and again")
    parser.add_argument(
        "--handset",
        choices=HANDSETS,
        help="one sound for tones, words and calls: a card, or the files of --play and --record",
    )
    parser.add_argument("--card", metavar="NAME", help="part of the sound card's name")
    parser.add_argument("--prompts", type=Path, metavar="FOLDER", help="the rendered prompts")
    parser.add_argument("--ports", type=_ports, metavar="FIRST-LAST")
    parser.add_argument("--delay-ms", type=int, default=DEFAULT_DELAY_MS)
    return parser.parse_args(arguments)


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last) + 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of ports") from None


def _own_sound(options: argparse.Namespace) -> Callable[[int], WavSound]:
    first: list[int] = []

    def sound(number: int) -> WavSound:
        record = numbered(options.record, number, first)
        return WavSound(options.play, record, loop=options.loop)

    return sound


def _handset(options: argparse.Namespace, report: Callable[[Report], None]) -> HandsetSound | None:
    if options.handset is None:
        return None
    # Imported when needed: numpy and soxr take 100 ms and 20 MiB.
    from offhook.app.engine.handset_sound import HandsetSound, OnPresence  # noqa: PLC0415
    from offhook.app.engine.speech import Speech  # noqa: PLC0415  as above
    from offhook.shells.audio.card import CardSound  # noqa: PLC0415  as above

    files, opened = _own_sound(options), itertools.count(1)

    def make(on_presence: OnPresence) -> CardSound | WavSound:
        if options.handset == CARD:
            return CardSound(options.card, patient=True, on_presence=on_presence)
        return files(next(opened))

    return HandsetSound(make, Speech(options.prompts), report)


async def serve(options: argparse.Namespace) -> None:
    """Run the engine until its channel is closed."""
    with socket.socket(fileno=options.channel) as opened:
        server = ChannelServer(opened)
        handset = _handset(options, server.report)
        engine = Engine(
            _own_sound(options) if handset is None else handset.port,
            SystemRandomness(),
            server.report,
            ports=options.ports,
            delay_ms=options.delay_ms,
            handset=handset,
        )
        server.start(engine)
        available_codecs()  # loads their libraries now, so that no running call waits for it
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, 50, 50)
        await server.closed.wait()
        engine.close()


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 where the channel was closed by the other side, 2 for wrong arguments."""
    # The terminal's interrupt is for the signalling process: it closes the channel when done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="engine: %(levelname)s %(message)s")
    harden()
    go_first()
    try:
        asyncio.run(serve(_arguments(arguments)))
    except LocalError as error:
        log.error("%s", error)  # noqa: TRY400  a wrong argument needs no traceback
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
