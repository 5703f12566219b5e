"""The card's file systems, made of folders without any loop mount, and bit-identical each time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from board.image.partitions import SECTOR, Placed
from board.image.tools import BuildError, run

_NAMES: Final = uuid.UUID("0ff4001c-0000-5000-8000-0000000ff400")
"""The name space of our file systems' identities (RFC 9562, version 5)."""
_CHUNK: Final = 1 << 20


def identity(name: str) -> uuid.UUID:
    """A file system's UUID: the same in each build."""
    return uuid.uuid5(_NAMES, name)


def make_ext4(target: Path, size: int, label: str, epoch: int, content: Path | None = None) -> None:
    """An ext4 of `size` octets that holds `content`, everything in it root's. Raises BuildError."""
    with target.open("wb") as file:
        file.truncate(size)
    options = ",".join(
        (
            f"hash_seed={identity(label + ' hash')}",
            "root_owner=0:0",
            "lazy_itable_init=0",
            "lazy_journal_init=0",
            "nodiscard",
        )
    )
    times = {"SOURCE_DATE_EPOCH": str(epoch), "E2FSPROGS_FAKE_TIME": str(epoch)}
    filled = ("-d", content) if content is not None else ()
    # U-Boot 2025.01 reads neither 64-bit block numbers with metadata sums nor an orphan file well.
    features = "^metadata_csum,^64bit,^orphan_file" if content is not None else "^orphan_file"
    run(
        *("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-L", f"offhook-{label}"),
        *("-U", str(identity(label)), "-O", features, "-E", options, *filled, target),
        environment=times,
    )
    if content is not None:
        # mke2fs takes over when files were read and changed, which can't be set beforehand.
        names = ["/", *(f"/{path.relative_to(content).as_posix()}" for path in _all(content))]
        commands = target.with_name(target.name + ".debugfs")
        lines = [
            f"set_inode_field {name} {field} @{epoch}\n"
            for name in names
            for field in ("atime", "ctime", "mtime", "crtime")
        ]
        commands.write_text("".join(lines), encoding="utf-8")
        run("debugfs", "-w", "-f", commands, target, environment=times)
        commands.unlink()


def _all(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def make_squashfs(root: Path, target: Path, epoch: int, *, limit: int) -> None:
    """A squashfs of a root. Raises BuildError where it takes more than `limit` octets."""
    target.unlink(missing_ok=True)
    run(
        *("mksquashfs", root, target, "-quiet", "-no-progress", "-noappend", "-reproducible"),
        *("-comp", "zstd", "-Xcompression-level", "19", "-b", "262144"),
        *("-no-exports", "-xattrs"),
        environment={"SOURCE_DATE_EPOCH": str(epoch)},
    )
    size = target.stat().st_size
    if size > limit:
        raise BuildError(f"the root takes {size} octets of {limit}")


def make_fat(target: Path, size: int, content: Path, serial: int, epoch: int) -> None:
    """A FAT32 or FAT16 of `size` octets that holds `content`. Raises BuildError."""
    with target.open("wb") as file:
        file.truncate(size)
    run(
        *("mkfs.fat", "--invariant", "-F", "32", "-s", "1", "-S", str(SECTOR)),
        *("-n", "OFFHOOK", "-i", f"{serial:08x}", target),
    )
    for path in sorted(content.rglob("*")):
        os.utime(path, (epoch, epoch))
    times = {"SOURCE_DATE_EPOCH": str(epoch), "MTOOLS_SKIP_CHECK": "1"}
    entries = [str(each) for each in sorted(content.iterdir())]
    run("mcopy", "-s", "-m", "-i", target, *entries, "::/", environment=times)


def assemble(
    card: Path,
    size: int,
    table: Mapping[int, bytes],
    parts: Mapping[str, Path],
    placed: list[Placed],
) -> None:
    """Write the card: its table, and each partition's file at its place; the rest is a hole.

    Raises BuildError where a file is longer than its partition.
    """
    by_name = {each.name: each for each in placed}
    with card.open("wb") as out:
        out.truncate(size)
        for name, file in parts.items():
            place = by_name[name]
            if file.stat().st_size > place.size:
                raise BuildError(f"{name} is longer than its partition")
            out.seek(place.offset)
            _copy_without_holes(file, out.fileno())
        for sector, content in table.items():
            os.pwrite(out.fileno(), content, sector * SECTOR)


def _copy_without_holes(file: Path, out: int) -> None:
    position = os.lseek(out, 0, os.SEEK_CUR)
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            if any(chunk):
                os.pwrite(out, chunk, position)
            position += len(chunk)
