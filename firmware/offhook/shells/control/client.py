"""The asking end of the control socket. It waits: for commands, never for the phone itself."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from offhook.base.errors import LocalError
from offhook.shells.control.peer import Peer, peer_of
from offhook.shells.control.place import is_socket

LONGEST_LINE: Final = 1 << 20
"""Octets of an answer."""
_CHUNK: Final = 1 << 16


class NoPhone(LocalError):
    """Nothing listens there."""


class Refused(LocalError):
    """Something is there, but it isn't for us, or isn't what it ought to be."""


class ControlClient:
    """A connection to the phone at `path`; waits `patience_s` at most to be connected.

    Raises NoPhone, or Refused: where the path may not be reached, is no socket, or is listened at
    by somebody who is neither root, nor this user, nor the owner of the folder.
    """

    def __init__(self, path: Path, patience_s: float = 5.0) -> None:
        self._path = path
        self._read = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(patience_s)
            self.peer = self._connect()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, line: bytes) -> None:
        """Send one request, its line break included."""
        try:
            self._socket.sendall(line)
        except OSError:
            # Closed already: what there is to say about that, reading finds out.
            return

    def next_line(self, patience_s: float | None = 5.0) -> bytes | None:
        """The next line; None where the phone has closed the connection.

        Raises Refused where none comes within `patience_s` (None: wait for ever), or one without
        end does.
        """
        until = None if patience_s is None else time.monotonic() + patience_s
        while b"\n" not in self._read:
            left = None if until is None else max(0.001, until - time.monotonic())
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                raise Refused(f"{self._path} doesn't answer") from None
            except OSError:
                data = b""
            if not data:
                return None
            self._read += data
            if len(self._read) > LONGEST_LINE:
                raise Refused(f"{self._path} answers without end")
        line, _, rest = self._read.partition(b"\n")
        self._read = rest
        return bytes(line)

    def _connect(self) -> Peer:
        path = self._path
        try:
            if not is_socket(path):
                raise Refused(f"{path} is no socket")
            self._socket.connect(str(path))
            peer = peer_of(self._socket)
            owner = path.parent.lstat().st_uid
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise NoPhone(f"no phone answers at {path}") from None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else None
            raise Refused(f"can't ask at {path}: {why or error}") from error
        if peer.uid not in {0, os.geteuid(), owner}:
            raise Refused(f"{path} belongs to user {peer.uid}, who is not the phone's")
        return peer
