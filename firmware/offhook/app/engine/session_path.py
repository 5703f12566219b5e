"""The path of one session in the engine: opened, described, and looked for where ICE is spoken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.protocols.media.messages import Prepare
from offhook.protocols.media.path_messages import IceAgreed, IceTerms
from offhook.shells.net.path import (
    IceSettings,
    OnMedia,
    OnState,
    PathReport,
    PathState,
    open_path,
)

log = logging.getLogger(__name__)


def settings_of(terms: IceTerms, wall_time: Callable[[], float]) -> IceSettings:
    """The same words as the path takes them; certificates are judged at `wall_time` (s)."""
    settings = IceSettings(stun_server=terms.stun_server, local_names=terms.local_names)
    if terms.turn_server is None:
        return settings
    from offhook.app.engine.relay import turn_server  # noqa: PLC0415  few have one

    return replace(settings, turn_server=turn_server(terms.turn_server, wall_time))


class SessionPath:
    """Opens what `prepare` asks for; LocalError where that can't be had.

    `ready` is False from `follow` until a first path is found: nothing that is sent before would
    arrive. A peer that doesn't speak ICE, or not so that it can be used, is reached as signalled.
    """

    def __init__(
        self,
        prepare: Prepare,
        ports: range | None,
        randomness: Randomness,
        on_datagram: OnMedia,
        on_state: OnState,
        *,
        wall_time: Callable[[], float],
    ) -> None:
        settings = None if prepare.ice is None else settings_of(prepare.ice, wall_time)
        self._path = open_path(prepare.local_host, prepare.dscp, ports, settings, randomness)
        self.local: Final = self._path.local
        self.local_rtcp: Final = self._path.local_rtcp
        self.send: Final = self._path.send
        self.poll: Final = self._path.poll
        self.ready = True
        self.remote: PathAddress | None = None
        """Where media goes, once a path is found."""
        self._on_state = on_state
        self._agreed: IceAgreed | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._path.start(asyncio.get_running_loop(), on_datagram, self._on_path)

    def gather(self, then: Callable[[IceDescription | None], None]) -> None:
        """Find out what to tell the peer, then hand it over."""

        async def find() -> None:
            try:
                found = await self._path.gather()
            except LocalError as error:
                log.info("%s", error)
            else:
                then(found)

        self._run(find())

    def follow(self, agreed: IceAgreed | None) -> None:
        """What offer and answer say of ICE. With other credentials than before it begins anew."""
        if agreed is None:
            self._go_plain()
        elif not _same(self._agreed, agreed):
            self._agreed = agreed
            self.ready = self.remote is not None
            self._run(self._connect(agreed))

    def _go_plain(self) -> None:
        if self._agreed is not None:
            self._path.go_plain()
        self._agreed = self.remote = None
        self.ready = True

    async def _connect(self, agreed: IceAgreed) -> None:
        try:
            await self._path.connect(agreed.peer, controlling=agreed.controlling)
        except PeerError as error:
            report = PathReport(PathState.CONNECTED, f"media goes as signalled: {error}")
        except LocalError as error:
            report = PathReport(PathState.FAILED, str(error))
        else:
            return
        if agreed is self._agreed:  # else something else was agreed on meanwhile
            self._on_path(report)

    def _on_path(self, report: PathReport) -> None:
        if report.state is PathState.CONNECTED:
            self.ready = True
            if report.remote:
                words = report.remote.split()
                self.remote = PathAddress(words[4], int(words[5]))
        elif report.state is PathState.LOST:
            self.remote = None
        self._on_state(report)

    def _run(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Give all ports back; nothing is told any more."""
        for task in self._tasks:
            task.cancel()
        self._path.close()


def _same(before: IceAgreed | None, after: IceAgreed) -> bool:
    """Whether the peer's credentials are those that are known (RFC 8839 §4.4.1.1.1)."""
    return before is not None and (before.peer.ufrag, before.peer.pwd) == (
        after.peer.ufrag,
        after.peer.pwd,
    )
