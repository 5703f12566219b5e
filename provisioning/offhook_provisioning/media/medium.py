"""Where a phone finds its ticket and leaves its request: a card's FAT partition, or a stick."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from offhook.base.errors import LocalError
from offhook_provisioning.workspace.disk import PRIVATE, Disk, explaining, read

SECTOR: Final = 512
_FAT_KINDS: Final = (0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E)
_TABLE_AT: Final = 446
_LONGEST: Final = 1 << 20
_MTOOLS_S: Final = 120
_MARK: Final = "boot.scr"
"""A file that the FAT partition of every image of ours has."""


class Medium(Protocol):
    """Files by their name, in the topmost folder. Each raises LocalError with what helps."""

    def read(self, name: str) -> bytes | None:
        """The file's content; None if there is none."""
        ...

    def write(self, name: str, content: bytes) -> bool:
        """Put the file there, read it back; whether anything changed."""
        ...

    def remove(self, name: str) -> bool:
        """Remove the file; whether it was there."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A mounted stick, or any folder."""

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise LocalError(f"{self.path} is no folder: mount the stick and name where it is")

    def read(self, name: str) -> bytes | None:
        """The file's content; None if there is none."""
        path = self.path / name
        if not path.exists():
            return None
        if path.is_symlink() or path.stat().st_size > _LONGEST:
            raise LocalError(f"{path} is no file that a phone wrote")
        return read(path)

    def write(self, name: str, content: bytes) -> bool:
        """Put the file there, read it back; whether anything changed."""
        path = self.path / name
        if self.read(name) == content:
            return False
        # In place: FAT knows no modes to be set, and a document that is cut short is refused.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with explaining(f"can't write {path}"):
            handle = os.open(path, flags, PRIVATE)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(handle)
            except OSError:
                path.unlink(missing_ok=True)
                raise
        if self.read(name) != content:
            raise LocalError(f"{path} does not hold what was written: try another stick")
        return True

    def remove(self, name: str) -> bool:
        """Remove the file; whether it was there."""
        return Disk().remove(self.path / name)


class FatPartition:
    """The first FAT partition of an image or of a card's device, without mounting it (mtools)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = f"{path}@@{_fat_offset(path)}"
        if self._mtools("mdir", "-b", f"::/{_MARK}", may_fail=True) is None:
            raise LocalError(
                f"the first partition of {path} is not that of an Offhook image (no {_MARK})"
            )

    def read(self, name: str) -> bytes | None:
        """The file's content; None if there is none."""
        if self._mtools("mdir", "-b", f"::/{name}", may_fail=True) is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "taken"
            self._mtools("mcopy", "-n", f"::/{name}", str(target))
            if target.stat().st_size > _LONGEST:
                raise LocalError(f"{name} on {self._path} is no file that a phone wrote")
            return target.read_bytes()

    def write(self, name: str, content: bytes) -> bool:
        """Put the file there, read it back; whether anything changed."""
        if self.read(name) == content:
            return False
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / name
            Disk().write(source, content, PRIVATE)
            self._mtools("mcopy", "-o", str(source), "::/")
        if self.read(name) != content:
            raise LocalError(f"{self._path} does not hold what was written: try another card")
        return True

    def remove(self, name: str) -> bool:
        """Remove the file; whether it was there."""
        return self._mtools("mdel", f"::/{name}", may_fail=True) is not None

    def _mtools(self, program: str, *words: str, may_fail: bool = False) -> str | None:
        """What the program says; None where it failed and may."""
        command = [program, "-i", self._place, *words]
        try:
            done = subprocess.run(  # noqa: S603  a fixed program, and names that are ours
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_MTOOLS_S,
                check=False,
            )
        except FileNotFoundError:
            raise LocalError(f"{program} is not installed: apt install mtools") from None
        except subprocess.TimeoutExpired:
            raise LocalError(f"{self._path} does not answer: try another card") from None
        if done.returncode and not may_fail:
            told = done.stderr.strip().splitlines()[-1:] or ["without a word"]
            raise LocalError(f"can't write to {self._path} ({program}: {told[0]})")
        return None if done.returncode else done.stdout


def card(device: Path) -> FatPartition:
    """A card's block device. Raises LocalError where it is none, or is in use."""
    if not device.is_block_device():
        raise LocalError(f"{device} is no block device: a card is for instance /dev/mmcblk0")
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    used = [line.split()[:2] for line in mounts if line.startswith(str(device.resolve()))]
    if used:
        raise LocalError(f"{used[0][0]} is mounted at {used[0][1]}: unmount it first")
    return FatPartition(device)


def _fat_offset(path: Path) -> int:
    """Where the first partition begins, octets, if it is FAT (MBR as in the kernel's msdos.c)."""
    with explaining(f"can't read {path}"), path.open("rb") as file:
        sector = file.read(SECTOR)
    if len(sector) < SECTOR or sector[-2:] != b"\x55\xaa":
        raise LocalError(f"{path} has no partition table: is it an unpacked image of a card?")
    kind = sector[_TABLE_AT + 4]
    (first,) = struct.unpack_from("<I", sector, _TABLE_AT + 8)
    if kind not in _FAT_KINDS or first == 0:
        raise LocalError(f"the first partition of {path} is not FAT: is it an Offhook image?")
    return int(first) * SECTOR
