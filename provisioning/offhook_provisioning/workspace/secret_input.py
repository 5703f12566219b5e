"""Where a secret comes from: a prompt, a file descriptor, a file of mode 0600, a command.

Never an argument or the environment: both can be read by others on the machine.
"""

from __future__ import annotations

import getpass
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.secret import Secret

LONGEST: Final = 1 << 16
_COMMAND_S: Final = 120.0


class NoSecret(LocalError):
    """A secret can't be had; the text says from where, never what was read."""


@dataclass(frozen=True, slots=True)
class SecretInput:
    """At most one place; none of them: a prompt at the terminal."""

    file: Path | None = None
    descriptor: int | None = None
    command: str | None = None
    prompt: Callable[[str], str] = getpass.getpass

    def read(self, what: str, *, twice: bool = False) -> Secret:
        """The secret, without one line break at its end; `twice` asks for it again at a prompt.

        Raises NoSecret.
        """
        given = [each for each in (self.file, self.descriptor, self.command) if each is not None]
        if len(given) > 1:
            raise NoSecret(f"{what}: name one place only: a file, a descriptor or a command")
        if self.file is not None:
            octets = _of_file(self.file)
        elif self.descriptor is not None:
            octets = _of_descriptor(self.descriptor)
        elif self.command is not None:
            octets = _of_command(self.command)
        else:
            octets = self._asked(what, twice=twice)
        octets = octets.removesuffix(b"\n").removesuffix(b"\r")
        if not octets or len(octets) > LONGEST:
            raise NoSecret(f"{what} is empty or longer than {LONGEST} octets")
        try:
            octets.decode()
        except UnicodeDecodeError:
            raise NoSecret(f"{what} is no text (UTF-8)") from None
        return Secret(octets)

    def _asked(self, what: str, *, twice: bool) -> bytes:
        if self.prompt is getpass.getpass and not sys.stdin.isatty():
            raise NoSecret(
                f"{what} is needed and there is no terminal to ask at: "
                "give it by a file of mode 0600, a file descriptor or a command (--help)"
            )
        first = self.prompt(f"{what}: ")
        if twice and self.prompt(f"{what}, once more: ") != first:
            raise NoSecret(f"{what}: the two are not the same")
        return first.encode()


def _of_file(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise NoSecret(f"{path} is no regular file: give a pipe by its descriptor")
            if found.st_mode & 0o077:
                raise NoSecret(
                    f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, so others can read it: "
                    f"chmod 600 {path}, and change the secret if they may have"
                )
            return file.read(LONGEST + 2)
    except OSError as error:
        raise NoSecret(f"can't read {path}: {error.strerror or error}") from error


def _of_descriptor(number: int) -> bytes:
    if number <= 2 and number != 0:
        raise NoSecret(f"descriptor {number} is for what the tool says")
    try:
        with os.fdopen(os.dup(number), "rb") as file:
            return file.read(LONGEST + 2)
    except (OSError, OverflowError) as error:
        raise NoSecret(f"can't read descriptor {number}: {error}") from error


def _of_command(command: str) -> bytes:
    try:
        words = shlex.split(command)
        done = subprocess.run(  # noqa: S603  the operator's own command, without a shell
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_S, check=False
        )
    except (OSError, ValueError, IndexError) as error:
        raise NoSecret(f"can't run the command for the secret: {error}") from None
    except subprocess.TimeoutExpired:
        raise NoSecret(f"the command for the secret took longer than {_COMMAND_S:g} s") from None
    if done.returncode:
        raise NoSecret(f"the command for the secret ended with {done.returncode}")
    return done.stdout
