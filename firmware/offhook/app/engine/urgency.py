"""Sound goes before everything else, where the system allows it (sched(7), mlock(2))."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from collections.abc import Iterator
from typing import Final

SOUND_PRIORITY: Final = 20
"""Of 99: before every ordinary thread, after the kernel's own interrupt threads (50)."""
MCL_CURRENT: Final = 1
MCL_FUTURE: Final = 2
MCL_ONFAULT: Final = 4
"""Only what was touched is held: eight MiB for each thread's stack would be too much."""


@contextlib.contextmanager
def urgent_threads() -> Iterator[None]:
    """Threads begun within are real-time ones, and so are those that they begin themselves.

    Where that isn't allowed they keep the process's nice value.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(SOUND_PRIORITY))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def hold_memory() -> bool:
    """Keep what this process has touched out of swap and page cache; False where not allowed.

    Only where there is no limit to it: under a limit that is met later, memory itself would run
    out.
    """
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
        return False
    try:
        held = ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)
    except AttributeError:
        return False
    return bool(held == 0)
