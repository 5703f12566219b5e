"""Which calls stand, in the phone's store, so that a run that was cut off leaves none behind."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Final

from offhook.app.console import complain
from offhook.base.errors import LocalError
from offhook.phone.call.left_over import MOST, LeftOver
from offhook.phone.line.reset import CALLS
from offhook.shells.store.atomic import NoFile, StoreError, read_document, write_atomically

_LONGEST: Final = 1 << 20


class CallStore:
    """The calls of every account, in the folder `store`, written on each change (mode 0600).

    One process at a time: another one's calls are not ours to end. While another holds the store,
    or where it can't be read or written, nothing is kept, and that is said.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / CALLS.name
        self._kept: dict[str, tuple[LeftOver, ...]] = {}
        self._left: dict[str, tuple[LeftOver, ...]] = {}
        self._lock = _lock(store)
        if self._lock is not None:
            self._left = self._read()
            self._kept = dict(self._left)

    def left_over(self, account: str) -> tuple[LeftOver, ...]:
        """What an earlier run left of this account."""
        return self._left.get(account, ())

    def keep(self, account: str, dialogs: tuple[LeftOver, ...]) -> None:
        """From now on these stand, and no others of this account."""
        before = self._kept.get(account, ())
        self._kept[account] = dialogs
        if self._lock is None or dialogs == before:
            return
        document = {
            name: [each.to_document() for each in kept] for name, kept in self._kept.items() if kept
        }
        try:
            write_atomically(self._path, json.dumps(document).encode())
        except StoreError as error:
            complain(f"{error}; a call would outlive a crash of this phone")

    def close(self) -> None:
        """Let another process have the store."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self) -> dict[str, tuple[LeftOver, ...]]:
        try:
            return _calls(read_document(self._path, _LONGEST))
        except NoFile:
            return {}
        except LocalError as error:
            complain(f"{self._path}: {error}; calls of an earlier run can't be ended")
            return {}


def _calls(document: object) -> dict[str, tuple[LeftOver, ...]]:
    if not isinstance(document, dict) or {type(each) for each in document.values()} - {list}:
        raise LocalError("the calls that stand are a table of lists")
    return {
        name: tuple(LeftOver.from_document(each) for each in kept[:MOST])
        for name, kept in document.items()
    }


def _lock(store: Path) -> int | None:
    """The folder, open and locked for as long as it is open; None where that can't be."""
    try:
        handle = os.open(store, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        complain(f"can't use {store}: {error.strerror}; a call would outlive a crash of this phone")
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        complain(f"another phone uses {store}: a call would outlive a crash of this one")
        return None
    return handle
