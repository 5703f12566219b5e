"""Both ways of using PyAudio on a null sink: round trip, underruns, delay of the callback.

Each way runs alone and beside a process that parses and writes 500 SIP messages a second, at
engine periods of 20 and 10 ms. `holes` are breaks in a tone that came back through the sink.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.shells.audio.sound_server import DEVICE, SoundServer, missing

from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.serialise import serialise

ROOT = Path(__file__).parents[2]
MESSAGES_A_SECOND = 500
MESSAGE = ROOT / "tests" / "data" / "sip" / "sound-request.sip"
KEPT = (
    "round_trip_ms",
    "returned",
    "underruns",
    "holes",
    "overflows",
    "xruns",
    "dropped",
    "chunk_interval_ms",
    "period_gap_ms",
    "cpu_percent",
    "first_ms",
)


def signalling(seconds: float) -> None:
    """A process that is busy with SIP, at an even pace."""
    octets = MESSAGE.read_bytes()
    begun = time.monotonic()
    for number in range(int(seconds * MESSAGES_A_SECOND)):
        serialise(parse_message(octets))
        time.sleep(max(0.0, begun + number / MESSAGES_A_SECOND - time.monotonic()))


def measured(
    server: SoundServer, *, blocking: bool, busy: bool, period_ms: int, seconds: float
) -> dict[str, Any]:
    """One run of the card's program, with or without the busy process beside it."""
    environment = {**server.environment, "PYTHONPATH": "firmware:."}
    load = None
    if busy:
        command = [sys.executable, "-m", "tests.benchmarks.bench_audio", "--signal"]
        load = subprocess.Popen([*command, str(seconds + 3)], cwd=ROOT, env=environment)
        time.sleep(1)
    options = ["--device", DEVICE, "--seconds", str(seconds), "--period", str(period_ms)]
    command = [sys.executable, "-m", "tests.shells.audio.card_program", *options]
    try:
        done = subprocess.run(
            [*command, *(["--blocking"] if blocking else [])],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=seconds + 30,
        )
    finally:
        if load is not None:
            load.terminate()
            load.wait(10)
    told = json.loads(done.stdout)
    return {name: told[name] for name in KEPT}


def run(seconds: float = 10.0) -> dict[str, Any]:
    """The figures of every way, load and period; {"absent": …} where there is no PulseAudio."""
    if absent := missing():
        return {"absent": absent}
    results: dict[str, Any] = {"seconds": seconds}
    with tempfile.TemporaryDirectory() as folder, SoundServer(Path(folder)) as server:
        for period_ms in (20, 10):
            for busy in (False, True):
                for blocking in (False, True):
                    way = "blocking" if blocking else "callback"
                    load = "500 SIP messages/s" if busy else "idle"
                    results[f"{way}, {period_ms} ms, {load}"] = measured(
                        server,
                        blocking=blocking,
                        busy=busy,
                        period_ms=period_ms,
                        seconds=seconds,
                    )
    return results


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--signal", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.signal is not None:
        signalling(chosen.signal)
        return
    json.dump(run(chosen.seconds), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
