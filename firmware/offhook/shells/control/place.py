"""Where a Unix socket listens: a path that one living process holds, in a folder of its own.

A file beside it (`….lock`) is locked for as long as the place is held, so that two processes that
start at once don't take a dead one's socket from each other.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import Final

from offhook.base.errors import LocalError

LONGEST_PATH: Final = 107
"""Octets of a Unix socket's path (unix(7): sun_path is 108 with its NUL)."""
_BACKLOG: Final = 16
_WRITABLE_BY_OTHERS: Final = 0o022
_LOCK_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Place:
    """A listening Unix socket at `path`, mode 0600, or 0660 where `group` is to reach it.

    Raises LocalError, with no file left behind, where another process listens there, something
    that is no socket stands there (a symbolic link is never followed), or others may write to
    the folder. The folder is made if need be (0700, or 0750 for a group); its parent must exist.
    """

    def __init__(self, path: Path, group: int | None = None) -> None:
        self.path = path
        _check(path)
        try:
            _settle_folder(path.parent, group)
            self._lock = _lock(path)
            try:
                _clear(path)
                self.listening, self._identity = _listen(path, group)
            except BaseException:
                self._unlock()
                raise
        except OSError as error:
            raise LocalError(f"can't listen at {path}: {error.strerror or error}") from error

    def release(self) -> None:
        """Listen no more; remove the socket's file if it is still the one that was made."""
        self.listening.close()
        # Where somebody has cleared up before, nothing of ours is left.
        with contextlib.suppress(OSError):
            if _identity(self.path) == self._identity:
                self.path.unlink()
        self._unlock()

    def _unlock(self) -> None:
        with contextlib.suppress(OSError):
            _lock_of(self.path).unlink()
        os.close(self._lock)


def is_socket(path: Path) -> bool:
    """Whether a socket itself is at `path`, no link to one. Raises OSError where nothing is."""
    return stat.S_ISSOCK(path.lstat().st_mode)


def _check(path: Path) -> None:
    octets = os.fsencode(path)
    if not path.is_absolute() or b"\0" in octets:
        raise LocalError(f"a control socket has an absolute path: {str(path)!r} is none")
    if len(octets) > LONGEST_PATH:
        raise LocalError(f"a socket's path has at most {LONGEST_PATH} octets: {path}")


def _settle_folder(folder: Path, group: int | None) -> None:
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        pass
    else:
        if group is not None:
            os.chown(folder, -1, group, follow_symlinks=False)
            folder.chmod(0o750)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise LocalError(f"{folder} is no folder: a control socket needs one of its own")
    if found.st_uid not in {0, os.geteuid()}:
        raise LocalError(f"{folder} belongs to another user: a control socket doesn't go there")
    if found.st_mode & _WRITABLE_BY_OTHERS and not found.st_mode & stat.S_ISVTX:
        raise LocalError(f"others may write to {folder}: chmod go-w it, or name another folder")


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _lock(path: Path) -> int:
    """The open, locked file beside the socket."""
    name = _lock_of(path)
    while True:
        handle = os.open(name, _LOCK_FLAGS, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before removes it: then this lock is on a file that is no more.
            if os.path.samestat(os.fstat(handle), os.lstat(name)):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise _taken(path) from None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _taken(path: Path) -> LocalError:
    return LocalError(f"another phone listens at {path}: end it first, or name another socket")


def _clear(path: Path) -> None:
    """Remove the socket of a process that is gone; nothing else."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise LocalError(f"{path} is no socket: remove it, or name another")
    if os.geteuid() not in {0, found.st_uid}:
        raise LocalError(f"{path} belongs to another user: name another socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise _taken(path)
    path.unlink()


def _listen(path: Path, group: int | None) -> tuple[socket.socket, tuple[int, int]]:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        # Before the file exists: bind() gives it this mode, so it is never open to others.
        os.fchmod(listening.fileno(), 0o600)
        listening.bind(str(path))
        try:
            identity = _identity(path)
            if group is not None:
                os.chown(path, -1, group, follow_symlinks=False)
                path.chmod(0o660)
            listening.listen(_BACKLOG)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except BaseException:
        listening.close()
        raise
    return listening, identity


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
