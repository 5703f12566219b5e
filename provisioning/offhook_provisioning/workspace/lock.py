"""One operator at a time: a lock on the workspace (flock(2)), which dies with its holder."""

from __future__ import annotations

import fcntl
import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from offhook.base.errors import LocalError
from offhook_provisioning.workspace.disk import explaining

LOCK: Final = ".lock"


class Busy(LocalError):
    """Another operator is at work in the workspace."""


@contextmanager
def locked(workspace: Path) -> Iterator[None]:
    """Hold the workspace. Raises Busy, which says who has it, without waiting."""
    path = workspace / LOCK
    with explaining(f"can't lock {path}"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "r+b") as file:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = file.read(200).decode("utf-8", "replace").strip() or "somebody"
            raise Busy(
                f"{who} is at work in {workspace}: nothing was changed. "
                "Wait until that command is done, then say this again"
            ) from None
        who = f"{_user()} on {socket.gethostname()} (process {os.getpid()})\n"
        # Who it is only helps a second operator: on a full disk the lock holds without it.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, who.encode(), 0)
        yield


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.geteuid()}"
