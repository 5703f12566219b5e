"""Voice beside baresip 1.1.0 and linphonec 5.1: PESQ and delay, codec x network, in one run.

Each telephone calls one of its own kind through Kamailio over TLS, SDES mandatory; a relay between
them impairs the SRTP. A cell that is measured is kept: a run that was broken off goes on where it
was. The figures go to firmware/docs/data/voice.json and, drawn, to firmware/docs/voice.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from board.image.tools import BuildError
from scripts.lib import target
from tests.benchmarks.voice import report, voices
from tests.benchmarks.voice.baresip import Baresip
from tests.benchmarks.voice.cell import Cell, measure
from tests.benchmarks.voice.impairment import CONDITIONS, CONTROL
from tests.benchmarks.voice.linphone import Linphone
from tests.benchmarks.voice.offhook import Offhook
from tests.benchmarks.voice.results import FILE, Results
from tests.benchmarks.voice.seat import CODECS, Phone
from tests.interop.lab.processes import PeerFailed, missing
from tests.interop.lab.roots import DEBIAN_13

SEED = "offhook"
ATTEMPTS = 2
PATIENCE_S = 600.0
POLL_S = 2.0
KINDS: dict[str, type[Phone]] = {kind.name: kind for kind in (Offhook, Baresip, Linphone)}


def cells(chosen: argparse.Namespace) -> Iterator[Cell]:
    """Every cell: those that are compared come one after the other, in the same minutes."""
    for codec in chosen.codec or CODECS:
        for condition in (*CONDITIONS, CONTROL):
            if chosen.condition and condition.name not in chosen.condition:
                continue
            for name in chosen.telephone or KINDS:
                # With PCMA, and for the delay of the control, one figure each is enough.
                if codec == "PCMA" and name != Offhook.name:
                    continue
                if condition is CONTROL and codec != "Opus":
                    continue
                yield Cell(KINDS[name], CODECS[codec], condition, chosen.segments)


def run(chosen: argparse.Namespace) -> list[str]:
    """Measures what is not measured yet; the names of the cells that failed."""
    results = Results(chosen.file, SEED, chosen.segments)
    failed = []
    for cell in cells(chosen):
        if cell.name in results and not chosen.anew:
            continue
        for attempt in range(ATTEMPTS):
            wait_for_quiet(chosen.below)
            try:
                with tempfile.TemporaryDirectory(prefix="voice-") as folder:
                    figures = measure(cell, Path(folder) / "lab", SEED)
            except (PeerFailed, LookupError) as error:
                sys.stderr.write(f"{cell.name}: {str(error)[-2000:]}\n")
                if attempt + 1 == ATTEMPTS:
                    failed.append(cell.name)
                continue
            results.keep(cell, figures)
            sys.stdout.write(
                f"{cell.name:40} PESQ {figures['pesq_median']:.2f} ({figures['pesq_worst']:.2f}), "
                f"{figures['delay_ms_median']} ms\n"
            )
            sys.stdout.flush()
            break
    return failed


def wait_for_quiet(load: float) -> None:
    """Until the load average is below `load`, but not for ever: it is told with each cell."""
    until = time.monotonic() + PATIENCE_S
    while os.getloadavg()[0] >= load and time.monotonic() < until:
        time.sleep(POLL_S)


def obstacle() -> str | None:
    """Why nothing can be measured here, None if it can. Makes the other telephone's root."""
    module = "" if importlib.util.find_spec("pesq") else "pesq"
    lacking = (missing("kamailio", "linphonec", "mmdebstrap"), voices.missing(), module)
    if any(lacking):
        return f"not installed: {', '.join(filter(None, lacking))}"
    if told := target.obstacle():
        return told
    try:
        DEBIAN_13.folder()
    except (OSError, BuildError, subprocess.CalledProcessError) as error:
        return f"there is no Debian 13 with baresip 1.1.0: {error}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--telephone", action="append", choices=KINDS)
    parser.add_argument("--codec", action="append", choices=CODECS)
    names = [condition.name for condition in (*CONDITIONS, CONTROL)]
    parser.add_argument("--condition", action="append", choices=names)
    parser.add_argument("--segments", type=int, default=voices.SEGMENTS, help="of 8 s, each way")
    parser.add_argument("--anew", action="store_true", help="also what is measured already")
    parser.add_argument("--file", type=Path, default=FILE, help=f"default: {FILE}")
    parser.add_argument(
        "--below", type=float, default=1.5, help="load average to wait for (default: 1.5)"
    )
    chosen = parser.parse_args()
    # Ended by a signal, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if told := obstacle():
        sys.stderr.write(f"{told}\n")
        return 2
    failed = run(chosen)
    if chosen.file == FILE and FILE.is_file():
        report.draw()
    for name in failed:
        sys.stderr.write(f"not measured: {name}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
