"""The card's partition table: MBR with logical partitions, as the Pi 3's boot ROM reads no GPT.

Layout of the sectors as in the Linux kernel's block/partitions/msdos.c: one entry of the first
sector is the extended partition, and in it each logical one has a table of its own, whose first
entry is relative to that table and whose second names the next, relative to the extended one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SECTOR: Final = 512
MIB: Final = 1024 * 1024
ALIGNED: Final = MIB // SECTOR
EXTENDED: Final = 0x0F
_ACTIVE: Final = 0x80
_NO_CHS: Final = b"\xfe\xff\xff"
"""Cylinder, head and sector of what is addressed by sector number alone."""
_TABLE_AT: Final = 446
_SIGNATURE: Final = b"\x55\xaa"
FIRST_LOGICAL: Final = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A partition of the recipe. `size_mib` 0: whatever is left. `kind`: MBR's type octet."""

    name: str
    number: int
    size_mib: int
    kind: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A partition on the card; `first` and `sectors` count sectors of 512 octets."""

    name: str
    number: int
    first: int
    sectors: int
    kind: int

    @property
    def offset(self) -> int:
        """Where it begins, in octets."""
        return self.first * SECTOR

    @property
    def size(self) -> int:
        """How long it is, in octets."""
        return self.sectors * SECTOR


def place(wanted: Sequence[Wanted], card_mib: int) -> list[Placed]:
    """Where the partitions lie, in the order of the recipe, each at a whole MiB.

    Before every logical one a MiB is kept for its table. Raises ValueError where they don't fit,
    or where a primary one follows a logical one.
    """
    taken = 1
    placed: list[Placed] = []
    for index, each in enumerate(wanted):
        logical = each.number >= FIRST_LOGICAL
        if not logical and placed and placed[-1].number >= FIRST_LOGICAL:
            raise ValueError(f"{each.name} is primary, and comes after a logical partition")
        first = taken + (1 if logical else 0)
        if each.size_mib == 0 and index != len(wanted) - 1:
            raise ValueError(f"{each.name} takes what is left, and isn't the last")
        size = each.size_mib or card_mib - first
        if size <= 0 or first + size > card_mib:
            raise ValueError(f"{each.name} doesn't fit on a card of {card_mib} MiB")
        placed.append(Placed(each.name, each.number, first * ALIGNED, size * ALIGNED, each.kind))
        taken = first + size
    return placed


def table_sectors(placed: Sequence[Placed], identity: int) -> dict[int, bytes]:
    """The sectors that hold the table, by their number; `identity` is the disk's, of 32 bits."""
    primary = [each for each in placed if each.number < FIRST_LOGICAL]
    logical = [each for each in placed if each.number >= FIRST_LOGICAL]
    entries = {
        each.number: _entry(each.kind, each.first, each.sectors, each is placed[0])
        for each in primary
    }
    sectors = {}
    if logical:
        begin = logical[0].first - ALIGNED
        end = logical[-1].first + logical[-1].sectors
        entries[len(primary) + 1] = _entry(EXTENDED, begin, end - begin)
        for index, each in enumerate(logical):
            here = each.first - ALIGNED
            own = [_entry(each.kind, ALIGNED, each.sectors)]
            if index + 1 < len(logical):
                after = logical[index + 1]
                length = after.sectors + ALIGNED
                own.append(_entry(0x05, after.first - ALIGNED - begin, length))
            sectors[here] = _sector(own, 0)
    sectors[0] = _sector([entries.get(number, b"") for number in range(1, 5)], identity)
    return sectors


def partition_uuid(identity: int, number: int) -> str:
    """What the kernel calls PARTUUID of a partition in an MBR."""
    return f"{identity:08x}-{number:02x}"


def _entry(kind: int, first: int, sectors: int, active: bool = False) -> bytes:
    flag = bytes([_ACTIVE if active else 0])
    return flag + _NO_CHS + bytes([kind]) + _NO_CHS + struct.pack("<II", first, sectors)


def _sector(entries: Sequence[bytes], identity: int) -> bytes:
    table = b"".join(each.ljust(16, b"\0") for each in entries).ljust(64, b"\0")
    head = bytes(440) + struct.pack("<IH", identity, 0)
    assert len(head) == _TABLE_AT  # noqa: S101  the format's own figure
    return head + table + _SIGNATURE
