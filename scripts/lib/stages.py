"""The stages of `scripts/test`: what each runs, how long it may take, what it needs."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from board.emulator import needs
from board.emulator.network import HOST
from board.image.tools import HOST_PACKAGES
from scripts.lib import absences, target

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
NO_RIGHT: Final = 77
"""Exit status of `ensure_packages` where something is missing and may not be installed."""

_CARD_LOCK: Final = ("--no-build-isolation", "--requirement", "locks/card.txt")
_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes")
_PESQ_LOCKS: Final = (
    ("--requirement", "locks/voice-build.txt"),
    ("--no-deps", "--no-build-isolation", "--requirement", "locks/voice.txt"),
)
"""What compiles pesq, then pesq."""
_COMPILER: Final = ("gcc", "libc6-dev", "python3-dev")
_PEERS: Final = (
    "asterisk-core-sounds-en-g722",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-fr-wav",
    "baresip-core",
    "iproute2",
    "kamailio",
    "kamailio-extra-modules",
    "kamailio-tls-modules",
    "libbzrtp0",
    "libopus0",
)
_OTHER_PEERS: Final = (
    "chromium",
    "coturn",
    "debian-archive-keyring",
    "kamailio-websocket-modules",
    "linphone-cli",
    "mmdebstrap",
    "rtpengine-daemon",
)
"""What only the interoperability tests talk to, and what makes their Debian roots."""
_IMPORTED: Final = "firmware:provisioning"
_SLOW: Final = ("-o", "faulthandler_timeout=1800")
"""A test's fixture builds an image, or waits for one to start."""
_ASKED_FOR: Final = ("image", "emulation", "raspi3b", "target")
"""Stages that run only when they are named."""
_APART: Final = ("board", "interop", "benchmarks", "emulation")
"""Folders of tests that are no unit tests."""
_CARD: Final = ("shells/audio/test_card.py", "app/engine/test_handset_card.py")
"""What needs PyAudio, which has to be compiled, and a sound server."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Commands that run one after the other, all of them even if one fails.

    `seconds` bounds the whole stage; `packages` are Debian's; `obstacle` tells why the stage
    can't run on this machine, None if it can.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    seconds: float
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    obstacle: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended: `fault` is None where it passed or may be absent."""

    name: str
    took: float
    told: str
    fault: str | None = None


def all_stages(*, long: bool) -> dict[str, Stage]:
    """Every stage there is, by name; `long` adds the tests that run for minutes."""
    chosen = () if long else ("-m", "not long")
    python = str(BIN / "python")
    unit = (*(f"--ignore=tests/{place}" for place in (*_APART, *_CARD)), *chosen)
    stages = [
        Stage(
            "lint",
            (
                (str(BIN / "ruff"), "check", "."),
                (str(BIN / "ruff"), "format", "--check", "."),
                (python, "-m", "mypy"),
                (python, "-m", "mypy", "tests", "scripts", "board"),
                (str(BIN / "lint-imports"), "--no-logo"),
                ("shellcheck", "--external-sources", *_shell_scripts()),
            ),
            600,
            ("shellcheck",),
            {"PYTHONPATH": _IMPORTED},
        ),
        Stage(
            "unit",
            (
                (python, "-m", "scripts.lib.render_prompts"),
                (python, "-m", "pytest", *unit),
            ),
            3600 if long else 1500,
            (
                "asterisk-core-sounds-en-wav",
                "coturn",
                "dosfstools",
                "espeak-ng",
                "git",
                "iproute2",
                "libopus0",
                "mtools",
                "nftables",
                "openssl",
            ),
        ),
        Stage(
            "board",
            ((python, "-m", "pytest", "tests/board", *chosen),),
            3600 if long else 600,
            # The long ones look into an image, and build it where there is none.
            ("systemd", *(HOST_PACKAGES if long else ("dosfstools", "e2fsprogs", "mtools"))),
        ),
        Stage(
            "card",
            (
                (python, *_PIP, *_CARD_LOCK),
                (python, "-m", "pytest", *(f"tests/{each}" for each in _CARD)),
            ),
            600,
            (
                *_COMPILER,
                "libasound2-plugins",
                "portaudio19-dev",
                "pulseaudio",
                "pulseaudio-utils",
            ),
        ),
        Stage(
            "interop",
            (
                *((python, *_PIP, *lock) for lock in _PESQ_LOCKS),
                (python, "-m", "pytest", "tests/interop", *chosen),
            ),
            3600 if long else 2000,
            (*_PEERS, *_OTHER_PEERS, *_npm(), *_COMPILER, "tshark"),
            {"OFFHOOK_REQUIRE_PEERS": "1"},
        ),
        Stage("demo", (("scripts/run", "--demo", "--yes"),), 300),
        Stage(
            "image",
            # A release's, which is built where the cache has none of these sources.
            ((python, "-m", "pytest", *_SLOW, "tests/board/test_image.py"),),
            1800,
            HOST_PACKAGES,
            obstacle=needs.building_obstacle,
        ),
        Stage(
            "emulation",
            # A test image, likewise.
            ((python, "-m", "pytest", *_SLOW, "tests/emulation", *chosen),),
            1800,
            (*needs.HOST_PACKAGES, *_PEERS, "nftables"),
            {"OFFHOOK_LAB_HOST": HOST},
            needs.obstacle,
        ),
        Stage(
            "raspi3b",
            ((python, "-m", "pytest", *_SLOW, "tests/emulation/test_boot.py"),),
            3600,
            (*needs.HOST_PACKAGES, *_PEERS),
            {"OFFHOOK_LAB_HOST": HOST, "OFFHOOK_EMULATED_BOARD": "raspi3b"},
            needs.obstacle,
        ),
        Stage(
            "target",
            (
                (python, "-m", "scripts.lib.target", *unit),
                # Both sides there have the OpenSSL that the image has.
                (python, "-m", "scripts.lib.target", "tests/interop/test_key_exchange.py"),
            ),
            2400,
            target.HOST_PACKAGES,
            obstacle=target.obstacle,
        ),
    ]
    return {stage.name: stage for stage in stages}


def run(stage: Stage, allowed: Mapping[str, str], *, yes: bool) -> Outcome:
    """Run one stage to its end or its time limit."""
    started = time.monotonic()
    print(f"\n=== {stage.name}", flush=True)
    obstacle = stage.obstacle() or _lacking(stage, yes=yes)
    if obstacle is not None:
        reason = allowed.get(stage.name)
        told = f"can't run: {obstacle}" + (f" (allowed: {reason})" if reason else "")
        return Outcome(stage.name, 0.0, told, None if reason else obstacle)
    environment = {**os.environ, **stage.environment, "OFFHOOK_STRICT_ABSENCES": "1"}
    faults = []
    for command in stage.commands:
        left = stage.seconds - (time.monotonic() - started)
        fault = _fault_of(command, environment, left)
        if fault is not None:
            faults.append(f"{Path(command[0]).name} {' '.join(command[1:4])}: {fault}")
    took = time.monotonic() - started
    return Outcome(stage.name, took, "; ".join(faults) or "passed", "; ".join(faults) or None)


def _fault_of(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> str | None:
    """What went wrong with a command, None if it exited 0. At the limit its group is ended."""
    if seconds <= 0:
        return "no time left for it"
    print("$", *command, flush=True)
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        return f"ended after {seconds:.0f} s"
    except BaseException:
        _end(process)
        raise
    return f"exit status {status}" if status else None


def _end(process: subprocess.Popen[bytes]) -> None:
    for force in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, force)
            process.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


def _lacking(stage: Stage, *, yes: bool) -> str | None:
    if not stage.packages:
        return None
    ask = '. scripts/lib/machine.sh; ensure_packages "$@"'
    command = ["bash", "-c", ask, "scripts/test", "yes" if yes else "no", *stage.packages]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    return "Debian packages are missing" if status else None


def _npm() -> tuple[str, ...]:
    """Debian's npm, which can't be beside a Node.js of somebody else that brings its own."""
    return () if shutil.which("npm") else ("npm",)


def _shell_scripts() -> tuple[str, ...]:
    """The entries that are written for bash, and what they source."""
    entries = [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run", *(ROOT / "board").iterdir()]
    shell = [
        each
        for each in entries
        if each.is_file() and each.read_bytes().startswith(b"#!/usr/bin/env bash")
    ]
    return tuple(str(each.relative_to(ROOT)) for each in sorted(shell))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen stages, print a table of times; 0 if all passed or may be absent."""
    parser = argparse.ArgumentParser(
        "scripts/test",
        description="Runs the tests in stages. Without options: all but the last four.",
    )
    names = list(all_stages(long=False))
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="lint and unit only")
    parser.add_argument(
        "--target",
        action="store_true",
        help="only the unit tests, in a Debian 13 root with Debian's own packages",
    )
    parser.add_argument(
        "--emulation",
        action="store_true",
        help="only the image in QEMU, and once more on raspi3b, from U-Boot on",
    )
    parser.add_argument("--long", action="store_true", help="also what runs for minutes")
    parser.add_argument("--yes", action="store_true", help="install what is missing unasked")
    parser.add_argument(
        "--packages", metavar="STAGE", choices=names, help="print a stage's Debian packages"
    )
    chosen = parser.parse_args(arguments)
    if chosen.packages:
        print("\n".join(all_stages(long=False)[chosen.packages].packages))
        return 0
    if unknown := [name for name in chosen.stages if name not in names]:
        parser.error(f"there is no stage {unknown[0]}; stages: {', '.join(names)}")
    if chosen.quick:
        wanted = ["lint", "unit"]
    elif chosen.target:
        wanted = ["target"]
    elif chosen.emulation:
        wanted = ["emulation", "raspi3b"]
    else:
        wanted = chosen.stages or [name for name in names if name not in _ASKED_FOR]

    stages, allowed = all_stages(long=chosen.long), absences.read().stages
    outcomes = [run(stages[name], allowed, yes=chosen.yes) for name in wanted]
    print("\n=== stages")
    for outcome in outcomes:
        print(f"{outcome.name:10}{outcome.took:8.1f} s  {outcome.told}")
    failed = sum(outcome.fault is not None for outcome in outcomes)
    print(f"stages: {len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
