"""What a service tells systemd: readiness, status and signs of life (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final

LONGEST_STATUS: Final = 400
"""Characters of a status that are told; what follows is left out."""
_OF_THE_MOMENT: Final = frozenset({"WATCHDOG", "EXTEND_TIMEOUT_USEC"})
"""What is no longer true later; all else is told as soon as there is room for it."""


class ServiceManager:
    """The service manager that started this process; without one nothing is told to anybody.

    `environment` holds NOTIFY_SOCKET (a path, or "@" and an abstract name), WATCHDOG_USEC and
    WATCHDOG_PID. Nothing here raises, waits or fails the service: what a busy manager has no room
    for is told with the next word, signs of life excepted.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        named = environment.get("NOTIFY_SOCKET", "")
        self._address = b""
        if named[:1] in {"/", "@"}:
            octets = os.fsencode(named)
            self._address = b"\0" + octets[1:] if named[0] == "@" else octets
        self.watchdog_s = _watchdog_s(environment)
        """A sign of life is due at least this often (s), or the service is killed; None: never."""
        self._status = ""
        self._untold: dict[str, str] = {}

    @property
    def present(self) -> bool:
        """Whether there is somebody to tell."""
        return bool(self._address)

    def ready(self) -> None:
        """The service does its work from now on."""
        self._tell("READY=1")

    def alive(self) -> None:
        """A sign of life for the watchdog; nothing where none watches."""
        if self.watchdog_s is not None:
            self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """What `systemctl status` shows, in one line; the same text twice is told once.

        Line breaks and control characters become blanks: each line of a message is a field of its
        own, and `text` may repeat what a peer said.
        """
        line = "".join(each if each.isprintable() else " " for each in text)[:LONGEST_STATUS]
        if line != self._status:
            self._status = line
            self._tell(f"STATUS={line}")

    def stopping(self) -> None:
        """The service ends now."""
        self._tell("STOPPING=1")

    def extend(self, seconds: float) -> None:
        """Starting or stopping takes up to this much longer (s) from now on."""
        self._tell(f"EXTEND_TIMEOUT_USEC={max(1, round(seconds * 1_000_000))}")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        name = state.partition("=")[0]
        words = {**self._untold, name: state}
        if name not in _OF_THE_MOMENT:
            self._untold = words
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto("\n".join(words.values()).encode("utf-8", "replace"), self._address)
        except OSError:
            # Nobody can be told that nobody can be told; the watchdog draws its conclusion.
            return
        self._untold = {}


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """The watchdog's period (s); None where there is none, or it is meant for another process."""
    meant = environment.get("WATCHDOG_PID")
    if meant is not None and meant != str(os.getpid()):
        return None
    try:
        period_s = int(environment.get("WATCHDOG_USEC", "")) / 1_000_000
    except ValueError:
        return None
    return period_s if period_s > 0 else None
