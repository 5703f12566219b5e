"""The engine's door: a socket of the service manager's, and whom it lets in (sd_listen_fds(3)).

The kernel says who connects (SO_PEERCRED, unix(7)): root, and the one user who is named. One at a
time: the session keys of one phone are nobody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
from collections.abc import Mapping
from typing import Final

from offhook.base.errors import LocalError
from offhook.shells.control.peer import peer_of

FIRST_HANDED_OVER: Final = 3
"""SD_LISTEN_FDS_START."""

log = logging.getLogger(__name__)


def handed_over(environment: Mapping[str, str] = os.environ) -> socket.socket:
    """The one listening socket that the service manager hands over.

    Raises LocalError where there is none for this process, more than one, or another kind.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        raise LocalError("no socket was handed over: the service manager starts an engine so")
    if environment.get("LISTEN_FDS") != "1":
        raise LocalError("the service manager has to hand over exactly one socket")
    try:
        os.set_inheritable(FIRST_HANDED_OVER, False)
        taken = socket.socket(fileno=FIRST_HANDED_OVER)
    except OSError as error:
        raise LocalError(f"the socket handed over is none: {error.strerror}") from None
    listens = taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if taken.family != socket.AF_UNIX or taken.type != socket.SOCK_SEQPACKET or not listens:
        taken.detach()
        raise LocalError("the socket handed over is no listening Unix socket of packets")
    return taken


def user_number(name: str) -> int:
    """The uid of a user's name, or the number that it is. LocalError for an unknown one."""
    if name.isdecimal():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise LocalError(f"there is no user {name!r}") from None


class Door:
    """Lets in one process after the other, on the running loop.

    `uid` is the user whose processes may come in; root's always may. Who comes while another one
    is inside, or is another user, is shown the door at once.
    """

    def __init__(self, listening: socket.socket, uid: int) -> None:
        self._listening = listening
        self._allowed = {0, uid}
        self._loop = asyncio.get_running_loop()
        self._inside: socket.socket | None = None
        self._came: asyncio.Future[socket.socket] | None = None
        self.refused = 0
        listening.setblocking(False)
        self._loop.add_reader(listening.fileno(), self._knocked)

    async def next(self) -> socket.socket:
        """Wait for the next one who may come in; call `left` with it when it has gone."""
        self._came = self._loop.create_future()
        try:
            return await self._came
        finally:
            self._came = None

    def left(self, connected: socket.socket) -> None:
        """The one inside is gone: close its socket, and let the next one in."""
        connected.close()
        self._inside = None

    def close(self) -> None:
        """Let nobody in any more. The socket stays as it is: it is the service manager's."""
        self._loop.remove_reader(self._listening.fileno())

    def _knocked(self) -> None:
        try:
            connected, _ = self._listening.accept()
        except OSError:
            return
        reason = self._reason_against(connected)
        if reason:
            self.refused += 1
            log.warning("refused a connection: %s", reason)
            connected.close()
            return
        self._inside = connected
        if self._came is not None and not self._came.done():
            self._came.set_result(connected)

    def _reason_against(self, connected: socket.socket) -> str:
        try:
            uid = peer_of(connected).uid
        except OSError as error:
            return f"nobody can say of whom: {error.strerror}"
        if uid not in self._allowed:
            return f"of user {uid}"
        if self._inside is not None or self._came is None:
            return "the place is taken"
        return ""


async def first_datagram(connected: socket.socket, longest: int, patience_s: float) -> bytes:
    """The first datagram, empty where none comes in time (s)."""
    connected.setblocking(False)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(patience_s):
            return await asyncio.get_running_loop().sock_recv(connected, longest + 1)
    return b""
