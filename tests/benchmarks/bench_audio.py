"""Both ways of using PyAudio on a null sink, and the times that a person feels.

`bare` is the card alone at 48 kHz and periods of 10 ms; `idle` and `busy` are a call of the whole
telephone with SRTP both ways, the engine in its own process, alone and while the signalling
process answers 500 SIP messages a second. `held_up` is such a call whose engine is stopped for
80 ms some times. `felt` are times from a person's deed to the sound.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from scripts.lib.render_prompts import SYNTHESISER
from tests.benchmarks.audio import feel, load
from tests.interop.lab import processes
from tests.shells.audio.sound_server import DEVICE, PROGRAMS, SoundServer

ROOT: Final = Path(__file__).parents[2]
WAYS: Final = ("callback", "blocking")


def bare(server: SoundServer, seconds: float, *, blocking: bool) -> dict[str, Any]:
    """The card without a telephone about it."""
    options = ("--device", DEVICE, "--rate", "48000", "--period", "10", "--seconds", str(seconds))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.shells.audio.card_program", *options),
            *(["--blocking"] if blocking else []),
        ],
        cwd=ROOT,
        env={**server.environment, "PYTHONPATH": "firmware:."},
        capture_output=True,
        check=True,
        text=True,
        timeout=seconds + 60,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    kept = ("underruns", "overflows", "xruns", "dropped", "callback_late_ms", "round_trip_ms")
    return {name: told[name] for name in kept} | {
        "alsa_underruns": done.stderr.count(load.UNDERRUN),
        "holes_captured": told["holes"],
        "cpu_percent": {"engine": told["cpu_percent"]},
    }


def about(seconds: float, rounds: int) -> dict[str, Any]:
    """What these figures were taken of, and on what."""
    import pyaudio  # noqa: PLC0415  only here is its version asked for

    def first_line(*command: str) -> str:
        if processes.missing(command[0]):
            return ""
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
        return done.stdout.partition("\n")[0]

    return {
        "command": (
            f"python -m tests.benchmarks.bench_audio --seconds {seconds:g} --rounds {rounds}"
        ),
        "commit": first_line("git", "describe", "--always", "--dirty"),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "load_average": [round(each, 2) for each in os.getloadavg()],
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "pyaudio": pyaudio.__version__,
        "portaudio": pyaudio.get_portaudio_version_text(),
        "pulseaudio": first_line("pulseaudio", "--version"),
        "kernel": platform.release(),
    }


def lacking() -> str:
    """What of the bench's needs this machine has not; empty if it has them all."""
    programs = processes.missing(*PROGRAMS, SYNTHESISER)
    module = "" if importlib.util.find_spec("pyaudio") else "PyAudio"
    return ", ".join(filter(None, (programs, module)))


def run(seconds: float, rounds: int) -> dict[str, Any]:
    """All figures."""
    results: dict[str, Any] = {"seconds": seconds}
    with tempfile.TemporaryDirectory() as folder, SoundServer(Path(folder), first=True) as server:
        for way in WAYS:
            blocking = way == "blocking"
            told = results[way] = {"bare": bare(server, seconds, blocking=blocking)}
            for busy in (False, True):
                name = "busy" if busy else "idle"
                told[name] = load.measured(server, seconds, busy=busy, blocking=blocking)
            told["held_up"] = load.held_up(server, blocking=blocking)
        if rounds:
            results["felt"] = feel.measured(server, rounds)
    return results


def main() -> int:
    """Print the figures as JSON, or write them to a file; 2 where something is not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run (default: 30)")
    parser.add_argument("--rounds", type=int, default=20, help="of each deed (default: 20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    chosen = parser.parse_args()
    if absent := lacking():
        sys.stderr.write(f"not installed: {absent}\n")
        return 2
    # Ended by a signal, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    told = about(chosen.seconds, chosen.rounds)
    text = json.dumps({"about": told, **run(chosen.seconds, chosen.rounds)}, indent=1)
    if chosen.json is None:
        sys.stdout.write(text + "\n")
    else:
        chosen.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
