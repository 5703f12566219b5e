"""The two clocks: one that only counts, and one that tells the date but never an impossible one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from offhook.base.clock_bounds import LATEST, RELEASED
from offhook.shells.store.atomic import StoreError, read_whole, write_atomically

_LONGEST: Final = 64


def monotonic() -> float:
    """Seconds on the one clock that all machines are passed; never set, never back."""
    return time.monotonic()


class WallClock:
    """Unix time in seconds, never before a lower bound that outlives a restart.

    A board without a battery starts in 1970 or where it was switched off; certificates are judged
    by this clock. The bound is raised only by `witness`, from a time that was proven otherwise:
    a clock that runs ahead must not make it lasting.
    """

    def __init__(self, floor_file: Path | None = None) -> None:
        self._file = floor_file
        self._floor = max(RELEASED, _kept_floor(floor_file))

    @property
    def floor(self) -> float:
        """The lower bound (Unix seconds)."""
        return self._floor

    def __call__(self) -> float:
        """The time now (Unix seconds)."""
        return max(time.time(), self._floor)

    def witness(self, proven: float) -> None:
        """Raise the bound to `proven` (Unix seconds). Raises StoreError if that can't be kept."""
        self._floor = max(self._floor, _kept_floor(self._file))  # another clock may have raised it
        if proven <= self._floor:
            return
        self._floor = proven
        if self._file is not None:
            write_atomically(self._file, f"{proven:.0f}\n".encode(), 0o644)


def set_system_clock(
    floor: float,
    now: Callable[[], float] = time.time,
    set_time: Callable[[float], None] = lambda at: time.clock_settime(time.CLOCK_REALTIME, at),
) -> float | None:
    """Set the system's clock to `floor` where it runs behind; by how much (s), or None.

    Never set back. Raises StoreError without the right to set it (CAP_SYS_TIME).
    """
    behind_s = floor - now()
    if behind_s <= 0:
        return None
    try:
        set_time(floor)
    except OSError as error:
        raise StoreError(f"can't set the system's clock: {error.strerror or error}") from error
    return behind_s


def _kept_floor(file: Path | None) -> float:
    """What an earlier run kept; 0 where that is lost: the release's date still holds."""
    if file is None:
        return 0.0
    try:
        kept = int(read_whole(file, _LONGEST))
    except (StoreError, ValueError):
        return 0.0
    return float(kept) if kept <= LATEST else 0.0
