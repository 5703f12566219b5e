"""What calls leave for later ones, in the phone's store: ZRTP's secrets, what worked, the journal.

None of it is needed for a call: what can't be read or written is said once, and calls go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from offhook.app.console import complain
from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.base.secret import Secret
from offhook.phone.call.account import Keepsakes
from offhook.phone.call.journal import Journal
from offhook.phone.call.learned import Learned
from offhook.phone.call.record import CallRecord
from offhook.phone.call.zrtp_memory import ZrtpMemory
from offhook.phone.line.reset import JOURNAL, LEARNED, ZRTP
from offhook.shells.store.atomic import NoFile, StoreError, read_document, write_atomically
from offhook.shells.store.vault import Vault

_LONGEST: Final = 1 << 20


class CallKeepsakes:
    """Those of one phone, in the folder `store`; `words` and `keep_s` are as in ZrtpOwn."""

    def __init__(
        self,
        store: Path,
        vault: Vault,
        randomness: Randomness,
        wall: Callable[[], float],
        *,
        words: bool = False,
        keep_s: int | None = None,
    ) -> None:
        self._store, self._vault, self._wall = store, vault, wall
        self._said: set[str] = set()
        self._zrtp = ZrtpMemory(randomness, wall, self._keep_zrtp, words=words, keep_s=keep_s)
        self._learned = Learned(wall, self._keep_learned)
        self._journal: Journal | None = None
        self._read_zrtp()
        self._read_learned()
        self.of_calls: Final = Keepsakes(self._learned, self._zrtp)
        """What the accounts' calls take and give."""

    def note(self, account: str, record: CallRecord) -> None:
        """Write down a call that is over."""
        if self._journal is None:
            self._journal = self._read_journal()
        self._journal = self._journal.with_call(record, account, self._wall())
        self._write(JOURNAL.name, self._journal.to_document())

    def erase(self) -> None:
        """Forget it; whoever resets the phone erases the files."""
        self._zrtp.erase()
        self._learned.erase()
        self._journal = Journal()

    def _read_zrtp(self) -> None:
        try:
            self._zrtp.read(self._vault.recall(ZRTP.name))
        except LocalError as error:
            self._complain(f"{error}; telephones that were compared with are strangers again")

    def _keep_zrtp(self, kept: Secret) -> None:
        try:
            self._vault.keep(ZRTP.name, kept)
        except StoreError as error:
            self._complain(f"{error}; telephones that are compared with are strangers next time")

    def _read_learned(self) -> None:
        try:
            self._learned.read(read_document(self._store / LEARNED.name, _LONGEST))
        except NoFile:
            return
        except LocalError as error:
            self._complain(f"{self._store / LEARNED.name}: {error}; it begins anew")

    def _keep_learned(self, document: dict[str, object]) -> None:
        self._write(LEARNED.name, document)

    def _read_journal(self) -> Journal:
        try:
            return Journal.from_document(read_document(self._store / JOURNAL.name, _LONGEST))
        except NoFile:
            return Journal()
        except LocalError as error:
            self._complain(f"{self._store / JOURNAL.name}: {error}; it begins anew")
            return Journal()

    def _write(self, name: str, document: dict[str, object]) -> None:
        try:
            write_atomically(self._store / name, json.dumps(document).encode())
        except StoreError as error:
            self._complain(str(error))

    def _complain(self, text: str) -> None:
        """Once: the same thing would be said after every call."""
        if text not in self._said:
            self._said.add(text)
            complain(text)
