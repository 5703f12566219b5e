"""Who is at the other end of a Unix socket: the kernel's word, not the peer's (unix(7))."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from typing import Final

_CREDENTIALS: Final = struct.Struct("=iII")
_GROUP: Final = struct.Struct("=I")
_SO_PEERGROUPS: Final = 59
"""Linux 4.13's option, which Python's `socket` doesn't name."""
_MOST_GROUPS: Final = 256


@dataclass(frozen=True, slots=True)
class Peer:
    """A process as it was when it connected, or began to listen."""

    pid: int
    uid: int
    groups: frozenset[int]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who may ask: this process's own user and root always, and whoever is named here.

    The socket's file is given to the first group, so that its members reach it; another user who
    is named by `uids` needs a group as well, since the file is never open to everybody.
    """

    uids: frozenset[int] = frozenset()
    gids: tuple[int, ...] = ()

    def admits(self, peer: Peer) -> bool:
        """Whether `peer` may ask."""
        known = peer.uid in {0, os.geteuid()} or peer.uid in self.uids
        return known or not peer.groups.isdisjoint(self.gids)


def peer_of(connected: socket.socket) -> Peer:
    """The process at the other end. Raises OSError where there is none to be told of.

    A peer in more groups than can be read counts as in its first group alone.
    """
    told = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(told)
    return Peer(pid, uid, frozenset({gid, *_further_groups(connected)}))


def _further_groups(connected: socket.socket) -> tuple[int, ...]:
    try:
        told = connected.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS * _GROUP.size)
    except OSError:
        return ()
    return tuple(gid for (gid,) in _GROUP.iter_unpack(told))
