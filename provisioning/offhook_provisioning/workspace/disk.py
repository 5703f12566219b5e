"""The one writer of a workspace: after a power cut a file's old content stands, or the new one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from offhook.base.errors import LocalError

TEMPORARY: Final = ".offhook-"
"""How the names of unfinished files begin."""
LONGEST: Final = 64 << 20
PRIVATE: Final = 0o600
PUBLIC: Final = 0o644

Step = Callable[[str, Path], None]


_REMEDIES: Final[Mapping[int, str]] = {
    errno.ENOSPC: "make room there, then say this again",
    errno.EDQUOT: "make room there, then say this again",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), then say this again",
    errno.EROFS: "mount it so that it can be written, then say this again",
    errno.EACCES: "say this as the user to whom it belongs",
    errno.EPERM: "say this as the user to whom it belongs",
    errno.EIO: "the disk is failing: restore a backup on another one",
}


class DiskError(LocalError):
    """A file can't be read or written; the text names it, says why and what helps."""


def explained(what: str, error: OSError) -> str:
    """What could not be done, why, and what helps where that is known."""
    where = f" ({error.filename})" if error.filename and str(error.filename) not in what else ""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{what}: {error.strerror or error}{where}{f'. {remedy.capitalize()}' if remedy else ''}"


@contextmanager
def explaining(what: str) -> Iterator[None]:
    """Turns an OSError inside into a DiskError that begins with `what`."""
    try:
        yield
    except OSError as error:
        raise DiskError(explained(what, error)) from error


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

        Folders above are made, private ones where the file is. Raises DiskError, and then nothing
        has changed.
        """
        with explaining(f"can't write {path}"):
            if _same(path, content, mode):
                return False
            self.folder(path.parent, 0o700 if mode == PRIVATE else 0o755)
            temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
            try:
                self._create(temporary, content, mode)
                self._step("rename", path)
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
            self._step("fsync folder", path.parent)
            _sync_folder(path.parent)
        self.changed.append(path)
        return True

    def folder(self, path: Path, mode: int = 0o755) -> None:
        """Make `path` and what lacks above it, all with `mode`. Raises DiskError."""
        with explaining(f"can't make {path}"):
            if not path.is_dir():
                self.folder(path.parent, mode)
                self._step("mkdir", path)
                path.mkdir(mode=mode, exist_ok=True)
                _sync_folder(path.parent)

    def remove(self, path: Path) -> bool:
        """Remove the file `path`; whether it was there. Raises DiskError."""
        return self._removed(path, path.exists(), "unlink", Path.unlink)

    def remove_folder(self, path: Path) -> bool:
        """Remove `path` with all in it; whether it was there. Raises DiskError."""
        return self._removed(path, path.is_dir(), "rmtree", shutil.rmtree)

    def sweep(self, folder: Path) -> None:
        """Remove what an interrupted command left unfinished below `folder`. Raises DiskError."""
        with explaining(f"can't sweep {folder}"):
            for path in list(folder.rglob(f"{TEMPORARY}*")):
                path.unlink(missing_ok=True)

    def _removed(
        self, path: Path, there: bool, what: str, remove: Callable[[Path], object]
    ) -> bool:
        if there:
            with explaining(f"can't remove {path}"):
                self._step(what, path)
                remove(path)
                _sync_folder(path.parent)
            self.changed.append(path)
        return there

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
    with explaining(f"can't read {path}"):
        if path.stat().st_size > LONGEST:
            raise DiskError(f"{path} is longer than {LONGEST} octets")
        return path.read_bytes()


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
