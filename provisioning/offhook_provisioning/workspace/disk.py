"""The one writer of a workspace: after a power cut a file's old content stands, or the new one."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from offhook.base.errors import LocalError

TEMPORARY: Final = ".offhook-"
"""How the names of unfinished files begin."""
LONGEST: Final = 64 << 20
PRIVATE: Final = 0o600
PUBLIC: Final = 0o644

Step = Callable[[str, Path], None]


class DiskError(LocalError):
    """A file can't be read or written; the text names it and says why."""


def _no_step(_what: str, _path: Path) -> None:
    """Nothing."""


class Disk:
    """Reads and replaces files, and counts what it changed.

    `step` is told of each single act before it is done; a test that raises there has cut the power.
    """

    def __init__(self, step: Step = _no_step) -> None:
        self._step = step
        self.changed: list[Path] = []

    def write(self, path: Path, content: bytes, mode: int = PUBLIC) -> bool:
        """Replace `path` unless it has this content and mode already; whether it was written.

        Folders above are made, private ones where the file is. Raises DiskError.
        """
        try:
            if _same(path, content, mode):
                return False
            self.folder(path.parent, 0o700 if mode == PRIVATE else 0o755)
            temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
            self._create(temporary, content, mode)
            self._step("rename", path)
            temporary.replace(path)
            self._step("fsync folder", path.parent)
            _sync_folder(path.parent)
        except OSError as error:
            raise DiskError(f"can't write {path}: {error.strerror or error}") from error
        self.changed.append(path)
        return True

    def folder(self, path: Path, mode: int = 0o755) -> None:
        """Make `path` and what lacks above it, all with `mode`. Raises OSError."""
        if not path.is_dir():
            self.folder(path.parent, mode)
            self._step("mkdir", path)
            path.mkdir(mode=mode, exist_ok=True)

    def remove(self, path: Path) -> bool:
        """Remove the file `path`; whether it was there. Raises DiskError."""
        try:
            if not path.exists():
                return False
            self._step("unlink", path)
            path.unlink()
            _sync_folder(path.parent)
        except OSError as error:
            raise DiskError(f"can't remove {path}: {error.strerror or error}") from error
        self.changed.append(path)
        return True

    def remove_folder(self, path: Path) -> bool:
        """Remove `path` with all in it; whether it was there. Raises DiskError."""
        try:
            if not path.is_dir():
                return False
            self._step("rmtree", path)
            shutil.rmtree(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise DiskError(f"can't remove {path}: {error.strerror or error}") from error
        self.changed.append(path)
        return True

    def sweep(self, folder: Path) -> None:
        """Remove what an interrupted command left unfinished below `folder`. Raises DiskError."""
        try:
            for path in list(folder.rglob(f"{TEMPORARY}*")):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(f"can't sweep {folder}: {error.strerror or error}") from error

    def _create(self, path: Path, content: bytes, mode: int) -> None:
        self._step("create", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, mode)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            self._step("write", path)
            file.write(content)
            file.flush()
            self._step("fsync", path)
            os.fsync(handle)


def read(path: Path) -> bytes:
    """The content of `path`. Raises DiskError."""
    try:
        if path.stat().st_size > LONGEST:
            raise DiskError(f"{path} is longer than {LONGEST} octets")
        return path.read_bytes()
    except OSError as error:
        raise DiskError(f"can't read {path}: {error.strerror or error}") from error


def _same(path: Path, content: bytes, mode: int) -> bool:
    try:
        found = path.stat()
        same_size = found.st_size == len(content) and not path.is_symlink()
        return same_size and found.st_mode & 0o777 == mode and path.read_bytes() == content
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
