"""When a telephone takes samples from its WAV file and puts them into another, by inotify(7).

A file is a telephone's sound card here. Each read and write is noted with its time and the position
that the file has after it; from these follows when the first sample of each of the telephone's own
frames was taken or given. That frame's own length, for which a card would collect it, is in no
telephone's delay.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tests.interop.lab.usage import family

HEADER = 44
AROUND_S = 0.6
"""A clock is read off what is noted within so much: one late note says nothing."""
_ACCESS, _MODIFY = 0x01, 0x02
_EVENT = struct.Struct("iIII")
_WAIT_MS = 200


class FileTimes:
    """Watches the files of one folder while entered.

    `pid(name)` is the process, or the parent of that, which has the file open.
    """

    def __init__(self, folder: Path, pid: Callable[[str], int | None]) -> None:
        self._folder, self._pid = folder, pid
        self._descriptors: dict[str, Path] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.read: dict[str, list[tuple[float, int]]] = {}
        """Per file: when it was read (s, monotonic) and up to which octet; -1: not known."""
        self.written: dict[str, list[tuple[float, int]]] = {}

    def __enter__(self) -> Self:
        library = ctypes.CDLL(None, use_errno=True)
        self._inotify = library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        watched = library.inotify_add_watch(
            self._inotify, os.fsencode(self._folder), _ACCESS | _MODIFY
        )
        if watched < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._inotify)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._inotify, select.POLLIN)
        while not self._ended.is_set():
            if poll.poll(_WAIT_MS):
                at, data = time.monotonic(), os.read(self._inotify, 65536)
                for name, mask in self._events(data):
                    self._note(name, mask, at)

    @staticmethod
    def _events(data: bytes) -> list[tuple[str, int]]:
        found, begin = [], 0
        while begin < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, begin)
            begin += _EVENT.size
            found.append((data[begin : begin + length].rstrip(b"\0").decode(), mask))
            begin += length
        return found

    def _note(self, name: str, mask: int, at: float) -> None:
        if mask & _ACCESS:
            self.read.setdefault(name, []).append((at, self._position(name)))
        if mask & _MODIFY:
            try:
                size = (self._folder / name).stat().st_size
            except OSError:
                return
            noted = self.written.setdefault(name, [])
            if noted and size < noted[-1][1]:
                noted.clear()  # opened anew
            if not noted or size > noted[-1][1]:
                noted.append((at, size))

    def _position(self, name: str) -> int:
        try:
            if name not in self._descriptors:
                self._descriptors[name] = self._find(name)
            told = self._descriptors[name].read_text()
        except (OSError, LookupError):
            self._descriptors.pop(name, None)
            return -1
        return int(told.partition("pos:")[2].split()[0])

    def _find(self, name: str) -> Path:
        wanted, pid = str(self._folder / name), self._pid(name)
        if pid is None:
            raise LookupError(name)
        for each in family(pid):
            for descriptor in Path(f"/proc/{each}/fd").iterdir():
                # In a root of its own a process may call the file otherwise.
                if str(descriptor.readlink()).endswith(wanted):
                    return Path(f"/proc/{each}/fdinfo/{descriptor.name}")
        raise LookupError(name)


class Clock:
    """When each sample of a file was taken or given: s since its begin → monotonic s."""

    def __init__(self, positions: NDArray[np.float64], begins: NDArray[np.float64]) -> None:
        """`begins`: when the whole would have begun, had it gone on as at these positions."""
        self._positions, self._begins = positions, begins
        self._evenly = np.maximum.accumulate(self._begins)

    def at(self, position: float) -> float:
        """Of this sample."""
        return position + float(np.interp(position, self._positions, self._begins))

    def evenly(self, position: float) -> float:
        """When a card plays it that plays all it is given, one after the other."""
        return position + float(np.interp(position, self._positions, self._evenly))


def clock_of_reads(
    noted: list[tuple[float, int]], octets_per_s: int, frame_s: float, ahead: int = 0
) -> Clock:
    """Of a file that is read when needed, but by `ahead` octets earlier, in whole frames."""
    pairs = [
        (at, before - HEADER - ahead)
        for (at, now), (_, before) in zip(noted[1:], noted, strict=False)
        if now > before >= HEADER + ahead
    ]
    return _clock(pairs, octets_per_s, frame_s)


def clock_of_whole_read(noted: list[tuple[float, int]]) -> Clock:
    """Of a file that is read whole and then, at once, played at its pace."""
    return Clock(np.zeros(1), np.array([noted[-1][0]]))


def clock_of_writes(
    noted: list[tuple[float, int]], octets_per_s: int, frame_s: float | None
) -> Clock:
    """Of a file to which what is heard is appended.

    In whole frames where `frame_s` says so; else of any length, then a write is taken to have been
    made at the begin of what is given, as it is for some of any second's writes.
    """
    pairs = [(at, size - HEADER - 2) for at, size in noted if size > HEADER + 2]
    return _clock(pairs, octets_per_s, frame_s)


def _clock(pairs: list[tuple[float, int]], octets_per_s: int, frame_s: float | None) -> Clock:
    if not pairs:
        raise LookupError("nothing was read or written")
    positions = np.array([octets for _, octets in pairs]) / octets_per_s
    if frame_s is not None:
        positions = np.floor(positions / frame_s + 1e-9) * frame_s
    begins = np.array([at for at, _ in pairs]) - positions
    share = 0.5 if frame_s is not None else 0.9
    smooth = [
        float(np.quantile(begins[abs(positions - each) <= AROUND_S], share)) for each in positions
    ]
    return Clock(positions, np.array(smooth))
