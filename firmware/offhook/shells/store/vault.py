"""The vault: where secrets come from, and where the phone keeps those it makes itself."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final, Protocol

from offhook.base.schema.secret_source import SecretSource
from offhook.base.secret import Secret
from offhook.shells.store.atomic import StoreError, write_atomically

LONGEST_SECRET: Final = 1 << 16
"""Octets of a secret's file: a private key with much to spare."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class VaultRefused(StoreError):
    """A secret can't be had, or is kept where others could read it. Never shows the secret."""


class Vault(Protocol):
    """Fetches secrets that the settings name, and keeps the phone's own."""

    def fetch(self, source: SecretSource) -> Secret:
        """The secret kept at `source`. Raises VaultRefused with the remedy."""
        ...

    def keep(self, name: str, secret: Secret) -> None:
        """Keep `secret` under `name`, in place of what was there. Raises StoreError."""
        ...

    def recall(self, name: str) -> Secret | None:
        """What was kept under `name`, None if nothing was. Raises VaultRefused."""
        ...

    def forget(self, name: str) -> None:
        """Remove what was kept under `name`, if anything. Raises StoreError."""
        ...


class FileVault:
    """A vault of files that only their owner can read.

    `folder` is where relative paths of settings count from; `kept` is the folder of the phone's
    own secrets, made on first use; `credentials` is systemd's folder, from the environment's
    CREDENTIALS_DIRECTORY unless given.
    """

    def __init__(
        self, folder: Path, kept: Path | None = None, credentials: Path | None = None
    ) -> None:
        self._folder = folder
        self._kept = kept
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        self._credentials = credentials or (Path(given) if given else None)

    def fetch(self, source: SecretSource) -> Secret:
        """The secret kept at `source`, without one line break at its end."""
        if source.file is not None:
            return _read(self._folder / source.file, forbidden=0o077)
        if self._credentials is None:
            raise VaultRefused(
                f"credential {source.credential}: this process got none from systemd "
                "(no CREDENTIALS_DIRECTORY); name a file instead, or start it as a service with "
                f"LoadCredential={source.credential}:PATH"
            )
        # systemd guards the folder itself; an ACL for User= shows as group bits.
        return _read(self._credentials / str(source.credential), forbidden=0o007, foreign=True)

    def keep(self, name: str, secret: Secret) -> None:
        """Write `secret` to a file of its own, mode 0600."""
        path = self._path(name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"can't make {path.parent}: {error.strerror or error}") from error
        write_atomically(path, secret.reveal(), 0o600)

    def recall(self, name: str) -> Secret | None:
        """Read what was kept under `name`; None if nothing was."""
        path = self._path(name)
        try:
            return _read(path, forbidden=0o077, verbatim=True)
        except VaultRefused as refused:
            if isinstance(refused.__cause__, FileNotFoundError):
                return None
            raise

    def forget(self, name: str) -> None:
        """Remove the file of `name`, if it is there."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"can't remove {path}: {error.strerror or error}") from error

    def _path(self, name: str) -> Path:
        if self._kept is None:
            raise VaultRefused("this vault keeps nothing: it was made without a folder for it")
        if not _NAME.fullmatch(name):
            raise VaultRefused(f"{name!r} is no name for a secret")
        return self._kept / name


def _read(path: Path, *, forbidden: int, foreign: bool = False, verbatim: bool = False) -> Secret:
    """The content of `path`, checked on the open file so that nobody can exchange it between."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _guarded(path, os.fstat(handle), forbidden=forbidden, foreign=foreign)
            content = os.read(handle, LONGEST_SECRET + 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise VaultRefused(f"can't read the secret {path}: {error.strerror or error}") from error
    if len(content) > LONGEST_SECRET:
        raise VaultRefused(f"the secret {path} is longer than {LONGEST_SECRET} octets")
    if not verbatim:
        content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not content:
        raise VaultRefused(f"the secret {path} is empty")
    return Secret(content)


def _guarded(path: Path, found: os.stat_result, *, forbidden: int, foreign: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise VaultRefused(f"the secret {path} is no regular file")
    if found.st_mode & forbidden:
        mode = stat.S_IMODE(found.st_mode)
        raise VaultRefused(
            f"the secret {path} has mode {mode:04o}, so others can get at it: "
            f"chmod 600 {path}, and change the secret if they may have read it"
        )
    if not foreign and found.st_uid not in {0, os.geteuid()}:
        raise VaultRefused(f"the secret {path} belongs to another user (uid {found.st_uid})")
