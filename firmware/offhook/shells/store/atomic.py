"""The one writer of lasting files: after a power cut the old content stands, or the new one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from offhook.base.errors import LocalError

TEMPORARY: Final = ".offhook-"
"""How the names of unfinished files begin."""


class StoreError(LocalError):
    """A file can't be read or written; the text names it and says why."""


class NoFile(StoreError):
    """There is no such file."""


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `path` by a file of `content`: temporary, fsync, rename, fsync of the folder.

    The folder must exist. Raises StoreError, with `path` as it was before.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.urandom(8).hex()}")
    try:
        try:
            _write(temporary, content, mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror or error}") from error


def sweep(folder: Path) -> int:
    """Remove what a power cut left unfinished in `folder`; how many files that were.

    Only for a folder that this process alone writes. Raises StoreError.
    """
    try:
        left = [each for each in folder.iterdir() if each.name.startswith(TEMPORARY)]
        for each in left:
            each.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"can't sweep {folder}: {error.strerror or error}") from error
    return len(left)


def read_whole(path: Path, limit: int) -> bytes:
    """The content of `path`. Raises NoFile, or StoreError if it is longer than `limit` octets."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        kind = NoFile if isinstance(error, FileNotFoundError) else StoreError
        raise kind(f"can't read {path}: {error.strerror or error}") from error
    if len(content) > limit:
        raise StoreError(f"{path} is longer than {limit} octets")
    return content


def read_document(path: Path, limit: int) -> object:
    """The JSON document of at most `limit` octets in `path`. Raises NoFile or StoreError."""
    try:
        return json.loads(read_whole(path, limit))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is no JSON document: {error}") from None


def sync_folder(folder: Path) -> None:
    """What was renamed or removed in `folder` stays so after a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(content)
        file.flush()
        os.fsync(handle)
