"""What the line remembers, in the phone's store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from offhook.app.console import complain
from offhook.app.reset import erase_learned
from offhook.base.errors import LocalError
from offhook.phone.line.memory import Memory
from offhook.phone.line.reset import MEMORY
from offhook.shells.store.atomic import NoFile, StoreError, read_document, write_atomically

_LONGEST: Final = 1 << 20


class LineStore:
    """The line's memory in the folder `store`; what can't be read or written is said."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._path = store / MEMORY.name

    def read(self) -> Memory:
        """What was kept; nothing where that is lost."""
        try:
            return Memory.from_document(read_document(self._path, _LONGEST))
        except NoFile:
            return Memory()
        except LocalError as error:
            complain(f"{self._path}: {error}; volumes and history begin anew")
            return Memory()

    def write(self, memory: Memory) -> None:
        """Keep it over a restart."""
        try:
            write_atomically(self._path, json.dumps(memory.to_document()).encode())
        except StoreError as error:
            complain(str(error))

    def erase(self) -> None:
        """Forget all that the phone has learned of its person."""
        try:
            erase_learned(self._store)
        except StoreError as error:
            complain(str(error))
