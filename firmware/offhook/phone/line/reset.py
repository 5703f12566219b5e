"""What dialling the two codes of the factory reset erases of the store, and what it leaves.

Of keys the telephone has made only ZRTP's are its own. Accounts and their keys stand in files of
the administrator, which it only reads. A full factory reset erases them as soon as they are kept in
its store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """One file under the settings' `store.directory` that the telephone writes."""

    name: str
    holds: str
    erased: bool
    why: str


MEMORY: Final = StoreEntry(
    "line.json",
    "volumes and call lists",
    erased=True,
    why="what the telephone has learned of its person",
)
CALLS: Final = StoreEntry(
    "calls.json",
    "which calls stand now, for as long as they stand",
    erased=False,
    why="without it a call in which the telephone fails would go on at the trunk, and cost",
)
CLOCK_FLOOR: Final = StoreEntry(
    "clock-floor",
    "the earliest date that it can be",
    erased=False,
    why="without it a certificate that has expired could be taken for a good one",
)

LEARNED: Final = StoreEntry(
    "learned.json",
    "which encryption worked with whom, for 90 days, and which did not, for a day",
    erased=True,
    why="it names whom the telephone has called",
)
JOURNAL: Final = StoreEntry(
    "journal.json",
    "the last calls: how each came out, how it was protected, and why",
    erased=True,
    why="it tells of calls",
)
ZRTP: Final = StoreEntry(
    "zrtp.secret",
    "secrets shared with telephones that were called, and this one's number among them",
    erased=True,
    why="with them somebody could go on as the person",
)
ENGINE_LOG: Final = StoreEntry(
    "engine.log",
    "what the media engine had to say",
    erased=True,
    why="it tells of calls",
)

STORE: Final = (MEMORY, JOURNAL, LEARNED, ZRTP, ENGINE_LOG, CALLS, CLOCK_FLOOR)
"""Everything that the telephone writes there."""

STAYS: Final = {
    "settings": "accounts, numbers under speed dial and all else that the administrator wrote",
    "keys and passwords": "files and credentials that the settings point to",
    "trust": "certificates and revocation lists that the settings point to",
}
"""What belongs to the administrator. The telephone only reads it, and can't erase it."""
