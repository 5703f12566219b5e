"""The pieces of the card that are made here are the same each time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from board.image import filesystems
from board.image.partitions import MIB, Placed
from board.image.tools import BuildError

EPOCH = 1_700_000_000


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    (folder / "dtb").mkdir(parents=True)
    (folder / "boot.scr").write_bytes(os.urandom(3000))
    (folder / "dtb" / "board.dtb").write_bytes(b"y" * 70_000)
    return folder


def wait_for_another_second() -> None:
    began = int(time.time())
    while int(time.time()) < began + 2:
        time.sleep(0.05)


def test_fat_is_the_same_each_time(tmp_path: Path, content: Path) -> None:
    filesystems.make_fat(tmp_path / "one", 40 * MIB, content, 0x0FF4001C, EPOCH)
    wait_for_another_second()
    filesystems.make_fat(tmp_path / "other", 40 * MIB, content, 0x0FF4001C, EPOCH)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert b"BOOT    SCR" in (tmp_path / "one").read_bytes()


@pytest.mark.parametrize("filled", [True, False])
def test_ext4_is_the_same_each_time(tmp_path: Path, content: Path, *, filled: bool) -> None:
    for name in ("one", "other"):
        (content / "boot.scr").touch()
        os.utime(content / "dtb", (time.time(), time.time() - 50))
        inside = content if filled else None
        filesystems.make_ext4(tmp_path / name, 16 * MIB, "boot_a", EPOCH, inside)
        wait_for_another_second()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_two_file_systems_have_two_names() -> None:
    assert filesystems.identity("boot_a") != filesystems.identity("data")


def test_a_part_that_is_too_long_is_refused(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(bytes(1025))
    with pytest.raises(BuildError, match="longer than its partition"):
        filesystems.assemble(tmp_path / "card", MIB, {}, {"a": part}, [Placed("a", 1, 2, 2, 0x83)])


def test_parts_lie_where_the_table_says(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"a" * 600)
    card = tmp_path / "card"
    table = {0: b"t" * 512}
    filesystems.assemble(card, MIB, table, {"a": part}, [Placed("a", 1, 4, 4, 0x83)])
    whole = card.read_bytes()
    assert len(whole) == MIB
    assert whole[:512] == table[0]
    assert whole[2048 : 2048 + 600] == b"a" * 600
    assert not any(whole[512:2048])
    assert not any(whole[2648:])
