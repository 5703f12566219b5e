"""What dialling the two codes of the factory reset erases of the store, and what it leaves.

The telephone has no keys or accounts of its own yet: they stand in files of the administrator,
which it only reads. A full factory reset erases them as soon as they are kept in its store.
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

ENGINE_LOG: Final = StoreEntry(
    "engine.log",
    "what the media engine had to say",
    erased=True,
    why="it tells of calls",
)

STORE: Final = (MEMORY, ENGINE_LOG, CALLS, CLOCK_FLOOR)
"""Everything that the telephone writes there."""

STAYS: Final = {
    "settings": "accounts, numbers under speed dial and all else that the administrator wrote",
    "keys and passwords": "files and credentials that the settings point to",
    "trust": "certificates and revocation lists that the settings point to",
}
"""What belongs to the administrator. The telephone only reads it, and can't erase it."""
