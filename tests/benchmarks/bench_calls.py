"""Call set-up, registration, CPU and memory of Offhook beside baresip, in one run of one Kamailio.

Both telephones have accounts at the same registrar, which challenges with MD5, as baresip 1.0.0
needs it; Offhook's accounts allow that here. Times are the registrar's: one instrument for both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.interop.lab.baresip import Baresip
from tests.interop.lab.laboratory import Laboratory
from tests.interop.lab.offhook import Offhook
from tests.interop.lab.processes import missing, wait_until
from tests.interop.lab.timing import CallSetup, call_setups, start_to_registered_ms
from tests.interop.lab.usage import cpu_seconds, family, pss_mib

TALK_S = 0.3
LOAD_S = 10.0
CALLER, CALLED = "alice", "bob"
ADDRESS = f"sip:{CALLED}@stock.test"


@dataclass
class Figures:
    """One telephone's figures: times in ms, CPU in s per s of a call, memory in MiB."""

    start_to_registered: list[float] = field(default_factory=list)
    first_invite_to_200: list[float] = field(default_factory=list)
    invite_to_180: list[float] = field(default_factory=list)
    invite_to_200: list[float] = field(default_factory=list)
    own_invite_to_200: list[float] = field(default_factory=list)
    cpu_calling: float | None = None
    cpu_called: float | None = None
    memory_calling: float | None = None
    memory_called: float | None = None

    def add(self, setups: list[CallSetup]) -> None:
        self.first_invite_to_200 += [setup.first_invite_to_200 for setup in setups]
        self.invite_to_180 += [setup.invite_to_180 for setup in setups if setup.invite_to_180]
        self.invite_to_200 += [setup.invite_to_200 for setup in setups]

    def add_load(self, calling: int, called: int) -> None:
        """Watches both ends of a running call for a while."""
        ends = family(calling), family(called)
        before = [cpu_seconds(pids) for pids in ends]
        time.sleep(LOAD_S)
        self.cpu_calling, self.cpu_called = (
            (cpu_seconds(pids) - spent) / LOAD_S for pids, spent in zip(ends, before, strict=True)
        )
        self.memory_calling, self.memory_called = (pss_mib(pids) for pids in ends)


def measure_baresip(lab: Laboratory, rounds: int) -> Figures:
    """baresip calls baresip."""
    figures = Figures()

    def telephone(user: str) -> Baresip:
        return lab.telephone(lab.stock, user, lab.english_wav)

    for _ in range(rounds):
        with telephone(CALLER) as phone:
            figures.start_to_registered.append(
                start_to_registered_ms(phone.process, lab.stock, CALLER)
            )
    known = len(call_setups(lab.stock))
    with telephone(CALLED) as called, telephone(CALLER) as calling:
        for _ in range(rounds):
            since = len(calling.control.events)
            dialled = time.monotonic()
            calling.dial(ADDRESS)
            calling.wait_established(since)
            figures.own_invite_to_200.append((time.monotonic() - dialled) * 1000)
            time.sleep(TALK_S)
            calling.hang_up()
            calling.wait_closed(since)
        calling.dial(ADDRESS)
        calling.wait_established(len(calling.control.events))
        figures.add_load(calling.process.pid, called.process.pid)
        calling.hang_up()
    figures.add(call_setups(lab.stock)[known : known + rounds])
    return figures


def measure_offhook(lab: Laboratory, rounds: int) -> Figures:
    """Offhook calls Offhook."""
    figures = Figures()

    def desk(user: str) -> Offhook:
        return lab.desk(user, registrar=lab.stock, digest=("SHA-256", "MD5"))

    caller, called = desk(CALLER), desk(CALLED)
    play = ("--play", str(lab.english_wav))
    for _ in range(rounds):
        with caller.run("status") as command:
            figures.start_to_registered.append(
                start_to_registered_ms(command.process, lab.stock, CALLER)
            )
            command.end()
    known = len(call_setups(lab.stock))
    with called.run("answer", "--calls", str(rounds + 1), *play) as answering:
        answering.wait_registered(lab.stock, CALLED)
        for _ in range(rounds):
            with caller.run("call", ADDRESS, *play, "--seconds", str(TALK_S)) as command:
                report = command.end().report
                figures.own_invite_to_200.append(report["timing_ms"]["invite_to_200"])
        with caller.run("call", ADDRESS, *play, "--seconds", str(LOAD_S + 4)) as command:
            wait_until(
                lambda: len(call_setups(lab.stock)) > known + rounds, 15.0, "no call to watch"
            )
            figures.add_load(command.process.pid, answering.process.pid)
            command.end()
        answering.end()
    figures.add(call_setups(lab.stock)[known : known + rounds])
    return figures


MEASURED: dict[str, Callable[[Laboratory, int], Figures]] = {
    "baresip": measure_baresip,
    "offhook": measure_offhook,
}


def summary(figures: Figures) -> dict[str, str]:
    """Medians with the least and the greatest; single values as they are."""
    lines = {}
    for name, value in asdict(figures).items():
        if isinstance(value, list) and value:
            lines[name] = (
                f"{statistics.median(value):8.1f} ({min(value):.1f} - {max(value):.1f}, "
                f"n={len(value)})"
            )
        elif isinstance(value, float):
            lines[name] = f"{value:8.3f}"
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of each kind (default: 20)")
    parser.add_argument("--only", choices=MEASURED, help="one telephone only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    options = parser.parse_args()
    lacking = missing("kamailio", "baresip", "stdbuf")
    if lacking:
        sys.stderr.write(f"not installed: {lacking}\n")
        return 2
    results: dict[str, Figures] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-calls-") as directory,
        Laboratory(Path(directory) / "lab") as lab,
    ):
        for name in [options.only] if options.only else MEASURED:
            results[name] = MEASURED[name](lab, options.rounds)
    for name, figures in results.items():
        sys.stdout.write(f"{name} calls {name}\n")
        for what, value in summary(figures).items():
            sys.stdout.write(f"  {what:22}{value}\n")
    if options.json is not None:
        options.json.write_text(
            json.dumps({name: asdict(figures) for name, figures in results.items()}, indent=2)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
