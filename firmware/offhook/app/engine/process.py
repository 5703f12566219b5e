"""The media engine's own process: `python -m offhook.app.engine.process --channel FD …`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from offhook.app.engine import channel
from offhook.app.engine.engine import Engine
from offhook.app.engine.pipe import Pipe
from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.codecs import available_codecs
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.messages import Report
from offhook.shells.audio.sound import Sound
from offhook.shells.audio.wav import WavSound
from offhook.shells.store.randomness import SystemRandomness

MAX_UNSENT: Final = 1024
"""Reports that wait for a signalling process which does not read; the oldest are dropped."""
PR_SET_DUMPABLE: Final = 4
PRIORITY: Final = -11
"""The nice value that desktop sound servers take."""
COLLECT_AFTER: Final = 50_000
"""Allocations between two collections: the voice path makes no cycles."""

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
    parser.add_argument("--ports", type=_ports, metavar="FIRST-LAST")
    parser.add_argument("--delay-ms", type=int, default=DEFAULT_DELAY_MS)
    return parser.parse_args(arguments)


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last) + 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of ports") from None


async def serve(options: argparse.Namespace) -> None:
    """Run the engine until its channel is closed."""
    with socket.socket(fileno=options.channel) as opened:
        server = ChannelServer(opened)
        first: list[int] = []

        def sound(session: int) -> Sound:
            record = numbered(options.record, session, first)
            return WavSound(options.play, record, loop=options.loop)

        engine = Engine(
            sound,
            SystemRandomness(),
            server.report,
            ports=options.ports,
            delay_ms=options.delay_ms,
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
