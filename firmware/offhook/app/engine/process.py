"""The media engine's own process: `python -m offhook.app.engine.process --channel FD …`.

With `--listen` it is a service: it serves whoever comes in at the service manager's socket, one
after the other.
"""

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

from offhook.app.engine import channel, greeting
from offhook.app.engine.engine import Engine
from offhook.app.engine.listen import Door, first_datagram, handed_over, user_number
from offhook.app.engine.pipe import Pipe
from offhook.app.engine.urgency import hold_memory
from offhook.app.watchdog import Watchdog
from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.codecs import available_codecs
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.messages import Report
from offhook.shells.store.notify import ServiceManager
from offhook.shells.store.randomness import SystemRandomness

MAX_UNSENT: Final = 1024
"""Reports that wait for a signalling process which does not read; the oldest are dropped."""
CARD: Final = "card"
FILES: Final = "files"
HANDSETS: Final = (CARD, FILES)
PR_SET_DUMPABLE: Final = 4
PRIORITY: Final = -11
"""The nice value that desktop sound servers take."""
COLLECT_AFTER: Final = 50_000
"""Allocations between two collections: the voice path makes no cycles."""
HELLO_S: Final = 5.0
"""How long one who came in may take to say what it wants."""

if TYPE_CHECKING:
    from offhook.app.engine.handset_sound import HandsetSound
    from offhook.app.engine.pulse import Pulse
    from offhook.shells.audio.wav import WavSound

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

    def end(self) -> None:
        """Carry out no more, and close the channel."""
        if self._pipe is not None:
            self._pipe.close()

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
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--channel", type=int, metavar="FD", help="serve this socket, then end")
    way.add_argument(
        "--listen", action="store_true", help="serve whoever comes in at the service's socket"
    )
    parser.add_argument(
        "--peer-uid", metavar="USER", help="who may come in besides root (default: our own user)"
    )
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


def _of_files() -> type[WavSound]:
    """The sound of files. LocalError on a telephone that has none: it could record what is said."""
    try:
        from offhook.shells.audio.wav import WavSound  # noqa: PLC0415  left out of the image
    except ModuleNotFoundError:
        raise LocalError("this telephone neither plays nor records files") from None
    return WavSound


def _own_sound(options: argparse.Namespace) -> Callable[[int], WavSound]:
    first: list[int] = []

    def sound(number: int) -> WavSound:
        record = numbered(options.record, number, first)
        return _of_files()(options.play, record, loop=options.loop)

    return sound


def _handset(
    options: argparse.Namespace, report: Callable[[Report], None], pulse: Pulse | None
) -> HandsetSound | None:
    if options.handset is None:
        return None
    # Imported when needed: numpy and soxr take 100 ms and 20 MiB.
    from offhook.app.engine.handset_sound import (  # noqa: PLC0415
        HandsetCard,
        HandsetSound,
        OnPresence,
    )
    from offhook.app.engine.speech import Speech  # noqa: PLC0415  as above
    from offhook.shells.audio.card import CardSound  # noqa: PLC0415  as above

    files, opened = _own_sound(options), itertools.count(1)

    def make(on_presence: OnPresence) -> HandsetCard:
        if options.handset == CARD:
            made: HandsetCard = CardSound(options.card, patient=True, on_presence=on_presence)
        else:
            made = files(next(opened))
        return made if pulse is None else pulse.watch(made)

    return HandsetSound(make, Speech(options.prompts), report)


async def serve(
    opened: socket.socket,
    options: argparse.Namespace,
    pulse: Pulse | None = None,
    stopped: asyncio.Event | None = None,
) -> None:
    """Run an engine for the other end of `opened` until it closes it, or until `stopped`."""
    server = ChannelServer(opened)
    handset = _handset(options, server.report, pulse)
    engine = Engine(
        _own_sound(options) if handset is None else handset.port,
        SystemRandomness(),
        server.report,
        ports=options.ports,
        delay_ms=options.delay_ms,
        handset=handset,
    )
    server.start(engine)
    ends = [asyncio.ensure_future(each.wait()) for each in (server.closed, stopped) if each]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in ends:
            each.cancel()
        engine.close()
        server.end()


async def _serve_channel(options: argparse.Namespace) -> None:
    with socket.socket(fileno=options.channel) as opened:
        _warm_up()
        await serve(opened, options)


async def listen(
    listening: socket.socket,
    options: argparse.Namespace,
    manager: ServiceManager | None = None,
) -> None:
    """Serve whoever comes in at `listening`, one after the other, until SIGTERM comes."""
    manager, stopped = manager or ServiceManager(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    own = str(os.geteuid())
    door = Door(listening, user_number(options.peer_uid or own))
    pulse = _pulse(options)
    _warm_up()
    hold_memory()
    watchdog = Watchdog(manager, (lambda: "") if pulse is None else pulse.fault)
    manager.status("waits for the telephone")
    manager.ready()
    watchdog.start()
    try:
        while not stopped.is_set():
            await _serve_next(door, options, pulse, stopped, manager)
    finally:
        manager.stopping()
        watchdog.stop()
        door.close()
        loop.remove_signal_handler(signal.SIGTERM)


async def _serve_next(
    door: Door,
    options: argparse.Namespace,
    pulse: Pulse | None,
    stopped: asyncio.Event,
    manager: ServiceManager,
) -> None:
    coming = asyncio.ensure_future(door.next())
    ending = asyncio.ensure_future(stopped.wait())
    await asyncio.wait((coming, ending), return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if not coming.done():
        coming.cancel()
        return
    connected = coming.result()
    try:
        with contextlib.suppress(OSError):
            connected.send(greeting.GREETING)
        said = await first_datagram(connected, greeting.LONGEST, HELLO_S)
        if said:
            hello = greeting.read(said)
            wanted = argparse.Namespace(**{**vars(options), "card": hello.card or options.card})
            manager.status("serves the telephone")
            await serve(connected, wanted, pulse, stopped)
    except PeerError as error:
        log.warning("channel: %s", error)
    finally:
        manager.status("waits for the telephone")
        door.left(connected)


def _pulse(options: argparse.Namespace) -> Pulse | None:
    if options.handset is None:
        return None
    from offhook.app.engine.pulse import Pulse  # noqa: PLC0415  numpy, as above

    return Pulse()


def _warm_up() -> None:
    """Load what a call needs, so that none waits for it, and collect no garbage in one."""
    available_codecs()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 where the channel was closed by the other side, 2 for wrong arguments."""
    # The terminal's interrupt is for the signalling process: it closes the channel when done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="engine: %(levelname)s %(message)s")
    harden()
    go_first()
    try:
        options = _arguments(arguments)
        if options.play or options.record or options.handset == FILES:
            _of_files()
        if options.listen:
            asyncio.run(listen(handed_over(), options))
        else:
            asyncio.run(_serve_channel(options))
    except LocalError as error:
        log.error("%s", error)  # noqa: TRY400  a wrong argument needs no traceback
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
