from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from board.image.partitions import (
    ALIGNED,
    EXTENDED,
    MIB,
    SECTOR,
    Placed,
    Wanted,
    partition_uuid,
    place,
    table_sectors,
)
from board.image.recipe import read_recipe
from hypothesis import given
from hypothesis import strategies as st

RECIPE = read_recipe()
PLACED = place(RECIPE.partitions, RECIPE.card_mib)


def read_table(sectors: dict[int, bytes]) -> list[tuple[int, int, int, int]]:
    """Number, type, first sector and length of each partition, as Linux follows the chain."""

    def entries(sector: int) -> list[tuple[int, int, int]]:
        content = sectors[sector]
        assert len(content) == SECTOR
        assert content[510:] == b"\x55\xaa"
        rows = [content[446 + 16 * index : 462 + 16 * index] for index in range(4)]
        return [(row[4], *struct.unpack("<II", row[8:])) for row in rows]

    found = []
    extended = None
    for index, (kind, first, length) in enumerate(entries(0)):
        if kind == EXTENDED:
            assert extended is None
            extended = (first, length)
        elif kind:
            found.append((index + 1, kind, first, length))
    if extended is None:
        return found
    here, number = extended[0], 5
    while True:
        own, following = entries(here)[:2]
        found.append((number, own[0], here + own[1], own[2]))
        assert here + own[1] + own[2] <= extended[0] + extended[1]
        if not following[0]:
            return found
        here, number = extended[0] + following[1], number + 1


def as_read(placed: list[Placed]) -> list[tuple[int, int, int, int]]:
    return [(each.number, each.kind, each.first, each.sectors) for each in placed]


def test_the_card_has_what_two_slots_need() -> None:
    assert [each.name for each in PLACED] == [
        "firmware",
        "boot_a",
        "boot_b",
        "root_a",
        "root_b",
        "data",
    ]
    sizes = {each.name: each.sectors for each in PLACED}
    assert sizes["boot_a"] == sizes["boot_b"]
    assert sizes["root_a"] == sizes["root_b"]
    assert sizes["data"] * SECTOR >= 512 * MIB


def test_the_card_is_a_power_of_two_and_filled_to_its_end() -> None:
    assert RECIPE.card_mib & (RECIPE.card_mib - 1) == 0
    last = PLACED[-1]
    assert last.first + last.sectors == RECIPE.card_mib * ALIGNED


def test_the_rom_finds_fat_first_and_active() -> None:
    sector = table_sectors(PLACED, RECIPE.identity)[0]
    assert sector[446] == 0x80
    assert sector[446 + 4] == 0x0C
    assert [sector[446 + 16 * index] for index in (1, 2, 3)] == [0, 0, 0]


def test_the_table_reads_as_it_was_laid_out() -> None:
    sectors = table_sectors(PLACED, RECIPE.identity)
    assert read_table(sectors) == as_read(PLACED)
    assert struct.unpack("<I", sectors[0][440:444]) == (RECIPE.identity,)


def test_the_kernel_calls_the_partitions_by_the_disks_identity() -> None:
    assert partition_uuid(0x0FF4001C, 7) == "0ff4001c-07"
    assert partition_uuid(0x0FF4001C, 10) == "0ff4001c-0a"


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=3),
    st.lists(st.integers(1, 300), max_size=9),
    st.integers(0, 2**32 - 1),
)
def test_any_layout_reads_back_without_overlap(
    primary: list[int], logical: list[int], identity: int
) -> None:
    wanted = [Wanted(f"p{index}", index + 1, size, 0x83) for index, size in enumerate(primary)]
    wanted += [Wanted(f"l{index}", index + 5, size, 0x83) for index, size in enumerate(logical)]
    card = sum(primary) + sum(logical) + len(logical) + 1
    placed = place(wanted, card)
    sectors = table_sectors(placed, identity)
    assert read_table(sectors) == as_read(placed)
    taken = [(each.first, each.first + each.sectors) for each in placed]
    taken += [(number, number + 1) for number in sectors]
    taken.sort()
    assert all(one[1] <= other[0] for one, other in pairwise(taken))
    with pytest.raises(ValueError, match="doesn't fit"):
        place(wanted, card - 1)


def test_what_takes_the_rest_must_be_last() -> None:
    with pytest.raises(ValueError, match="isn't the last"):
        place([Wanted("a", 1, 0, 0x83), Wanted("b", 5, 1, 0x83)], 10)


def test_no_primary_partition_follows_a_logical_one() -> None:
    with pytest.raises(ValueError, match="is primary"):
        place([Wanted("a", 5, 1, 0x83), Wanted("b", 1, 1, 0x83)], 10)
