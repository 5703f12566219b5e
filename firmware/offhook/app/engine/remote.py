"""The signalling side's end of an engine that is a service of its own, behind a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from offhook.app.engine import channel, greeting
from offhook.app.engine.pipe import Pipe
from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.handset_messages import Say, Spoken
from offhook.protocols.media.messages import Command, Prepare, Report, SessionFailed
from offhook.shells.control.peer import peer_of

MAX_UNSENT: Final = 256
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 5.0
SOUND_AFTER_S: Final = 60.0
"""A link that lasted so long is made again as fast as the first time."""
START_S: Final = 10.0
"""How long `start` waits for the first link: an engine that is there answers within it."""
SAY_S: Final = 5.0
"""How long words wait for an engine that is started anew."""
END_S: Final = 5.0
"""How long the engine may take to stop our sessions when we leave."""
GONE: Final = "the media engine is gone"
ABSENT: Final = "the media engine is not there"

log = logging.getLogger(__name__)


class EngineRemote:
    """An engine at `path` that is linked to again whenever the link is lost.

    `on_lost` gets a sentence for a person when a link is lost, and every session with it, once for
    each; `on_started` is called after each link is made, the first too. Who made the socket is
    checked: root (the service manager) or our own user. All are called in the loop.
    """

    def __init__(
        self,
        path: Path,
        hello: greeting.Hello,
        on_report: Callable[[Report], None],
        on_lost: Callable[[str], None],
        on_started: Callable[[], None] = lambda: None,
    ) -> None:
        self._path, self._hello = path, hello
        self._on_report, self._on_lost, self._on_started = on_report, on_lost, on_started
        self._pipe: Pipe | None = None
        self._task: asyncio.Task[None] | None = None
        self._linked, self._parted = asyncio.Event(), asyncio.Event()
        self._leaving = False
        self._told = ""
        self.unreadable = 0
        """Datagrams of the engine that could not be read: counted, logged, passed over."""

    @property
    def pid(self) -> int | None:
        """None: the process isn't ours."""
        return None

    @property
    def connected(self) -> bool:
        """Whether the engine is there."""
        return self._pipe is not None

    async def start(self) -> None:
        """Link to the engine. Where it isn't there yet this returns after START_S and goes on."""
        if self._task is not None:
            raise LocalError("the link to the engine is begun already")
        self._task = asyncio.create_task(self._run())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await self._linked.wait()

    def post(self, command: Command) -> None:
        """Send one command, without waiting.

        While the engine isn't there it is dropped; who waits for an answer is told that none will
        come: a call at once, and what was to be said where there is no engine after SAY_S either,
        for whoever asked says it again to the next one. An engine that doesn't read counts as lost.
        """
        pipe = self._pipe
        if pipe is None:
            self._refuse(command)
        elif pipe.unsent >= MAX_UNSENT:
            self._part("the media engine does not read its commands")
        else:
            pipe.post(channel.encode(command))

    def _refuse(self, command: Command) -> None:
        loop = asyncio.get_running_loop()
        match command:
            case Prepare(session=session):
                loop.call_soon(self._answer, SessionFailed(session, ABSENT))
            case Say(utterance=utterance):
                loop.call_later(SAY_S, self._answer, Spoken(utterance, ABSENT))

    def _answer(self, report: Report) -> None:
        """For the engine that isn't there."""
        if not self._leaving and not (isinstance(report, Spoken) and self.connected):
            self._on_report(report)

    async def close(self) -> None:
        """Leave the engine, for good; it stops our sessions, and their reports are delivered."""
        self._leaving = True
        if self._pipe is not None:
            self._pipe.end()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._parted.wait()
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        loop, wait_s = asyncio.get_running_loop(), FIRST_WAIT_S
        while not self._leaving:
            try:
                opened = await self._link()
            except (OSError, LocalError, PeerError) as error:
                self._tell(f"{ABSENT}: {error}")
            else:
                began = loop.time()
                self._begin(opened)
                await self._parted.wait()
                if loop.time() - began > SOUND_AFTER_S:
                    wait_s = FIRST_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _link(self) -> socket.socket:
        """A socket whose other end has greeted."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            opened.setblocking(False)
            opened.connect(str(self._path))
            _check_maker(opened)
            _check_greeting(await asyncio.get_running_loop().sock_recv(opened, greeting.LONGEST))
            opened.send(greeting.written(self._hello))
        except BaseException:
            opened.close()
            raise
        return opened

    def _begin(self, opened: socket.socket) -> None:
        self._told = ""
        self._parted.clear()
        self._pipe = Pipe(opened, self._receive, lambda: self._part(GONE), MAX_UNSENT)
        self._linked.set()
        self._on_started()

    def _part(self, reason: str) -> None:
        """The link is lost: told once."""
        pipe, self._pipe = self._pipe, None
        if pipe is None:
            return
        pipe.close()
        self._parted.set()
        if not self._leaving:
            self._tell(reason)
            # Never within `post`: the machines that post are not re-entrant.
            asyncio.get_running_loop().call_soon(self._on_lost, reason)

    def _receive(self, datagram: bytes) -> None:
        try:
            report = channel.decode_report(datagram)
        except PeerError as error:
            self.unreadable += 1
            log.warning("engine: %s", error)
            return
        self._on_report(report)

    def _tell(self, reason: str) -> None:
        """For the log, the same reason only once."""
        if reason != self._told:
            self._told = reason
            log.warning("%s; it is looked for again", reason)


def _check_maker(opened: socket.socket) -> None:
    """Raises LocalError for a socket that neither root nor our own user listens at."""
    uid = peer_of(opened).uid
    if uid not in {0, os.geteuid()}:
        raise LocalError(f"user {uid} listens there, who is not to be trusted")


def _check_greeting(greeted: bytes) -> None:
    """Raises PeerError for anything but an engine's greeting."""
    if greeted != greeting.GREETING:
        raise PeerError("it is another version" if greeted else "it does not let us in")
