"""What processes cost: CPU time and memory out of /proc (proc(5)), children included."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(r"^Pss: +(\d+) kB$", re.MULTILINE)


def family(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes so far, in s."""
    total = 0
    for pid in pids:
        # The command's name, in brackets, may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS_PER_S


def pss_mib(pids: list[int]) -> float:
    """Proportional set size of all the processes together, in MiB."""
    total = 0
    for pid in pids:
        match = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
        total += int(match[1]) if match else 0
    return total / 1024
