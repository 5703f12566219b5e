"""A peer's process: started with its output in a file, ended by its own process id."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

_POLL_S = 0.01
_Found = TypeVar("_Found")


class PeerFailed(AssertionError):
    """A peer did not start, ended too soon, or did not do in time what the test waited for."""


def missing(*programs: str) -> str:
    """The names of those `programs` that this machine lacks; empty if it has them all."""
    return ", ".join(program for program in programs if shutil.which(program) is None)


def wait_until(
    condition: Callable[[], _Found | None], timeout_s: float, what: str | Callable[[], str]
) -> _Found:
    """The first value of `condition` that is neither None nor False.

    Raises PeerFailed with `what` after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise PeerFailed(what if isinstance(what, str) else what())
        time.sleep(_POLL_S)


class PeerProcess:
    """One program in its own process group.

    `log` is the file with its stderr, and with its stdout unless that goes to `output`.
    `started_at` is Unix time in s; `passing` are descriptors that it inherits.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        output: Path | None = None,
        environment: Mapping[str, str] | None = None,
        passing: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self.started_at = time.time()
        with (output or log).open("wb") as results, log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=results,
                stderr=errors if output else subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                pass_fds=passing,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The exit status (negative: the signal), None while it runs."""
        return self._process.poll()

    def text(self) -> str:
        """What the program has written so far."""
        return self.log.read_text(errors="replace")

    def wait_for_text(self, pattern: str, timeout_s: float, *, since: int = 0) -> re.Match[str]:
        """The first match of `pattern` in the log after character `since`.

        Raises PeerFailed when the process ends before it or after `timeout_s`.
        """
        expression = re.compile(pattern)

        def search() -> re.Match[str] | None:
            ended = self.exit_status
            match = expression.search(self.text(), since)
            if match is None and ended is not None:
                raise PeerFailed(f"{self.name} ended with {ended}\n{self.tail()}")
            return match

        return wait_until(
            search, timeout_s, lambda: f"{self.name} never wrote {pattern!r}\n{self.tail()}"
        )

    def wait(self, timeout_s: float) -> int:
        """The exit status; raises PeerFailed if it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise PeerFailed(f"{self.name} still runs\n{self.tail()}") from None

    def tail(self, lines: int = 40) -> str:
        """The last lines of the log."""
        return "\n".join(self.text().splitlines()[-lines:])

    def stop(self, signal_number: int = signal.SIGTERM, patience_s: float = 5.0) -> None:
        """Ends the process; kills its group if it doesn't obey within `patience_s`."""
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Peer(ABC):
    """Somebody who runs while entered: started whole, or stopped again."""

    @abstractmethod
    def start(self) -> None:
        """Runs it until it can do its part; raises PeerFailed if it can't."""

    @abstractmethod
    def stop(self) -> None:
        """Ends it, however far it came."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class PeerProgram(Peer):
    """A peer that is one process, begun in `start`."""

    _process: PeerProcess | None = None

    @property
    def process(self) -> PeerProcess:
        """What runs; raises PeerFailed before it was started."""
        if self._process is None:
            raise PeerFailed(f"{type(self).__name__} was not started")
        return self._process

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def text(self) -> str:
        """Its log so far."""
        return self.process.text()
