"""The results of the voice report: one JSON file that grows cell by cell."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from tests.benchmarks.voice.cell import Cell
from tests.benchmarks.voice.linphone import Linphone
from tests.interop.lab.roots import DEBIAN_13

ROOT = Path(__file__).parents[3]
FILE = ROOT / "firmware" / "docs" / "data" / "voice.json"


class Results:
    """What is measured of one seed; what another seed or length gave is not kept."""

    def __init__(self, file: Path, seed: str, segments: int) -> None:
        self._file = file
        self.content: dict[str, Any] = {"seed": seed, "segments": segments, "cells": {}}
        if file.is_file():
            found = json.loads(file.read_text())
            if (found["seed"], found["segments"]) == (seed, segments):
                self.content = found

    def __contains__(self, name: str) -> bool:
        return name in self.content["cells"]

    def keep(self, cell: Cell, figures: dict[str, Any]) -> None:
        """Adds a cell's figures, and of what they are; the file is whole at any time."""
        self.content["machine"] = machine()
        self.content["versions"] = versions()
        self.content["cells"][cell.name] = {
            **figures,
            "commit": commit(),
            "command": "scripts/bench voice",
            "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_text(written(self.content))
        unfinished.replace(self._file)


def written(content: dict[str, Any]) -> str:
    """As JSON, each cell in a line of its own."""
    lines = [f'  "{name}": {json.dumps(cell)}' for name, cell in content["cells"].items()]
    cells = "{\n" + ",\n".join(lines) + "\n }"
    rest = {name: value for name, value in content.items() if name != "cells"}
    return json.dumps(rest, indent=1)[:-2] + f',\n "cells": {cells}\n}}\n'


def machine() -> str:
    """What it was measured on."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line for line in info.splitlines() if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores, {model.partition(': ')[2]}, Python {platform.python_version()}"


def versions() -> dict[str, str]:
    """Of the telephones and of what else is between."""
    query = ["dpkg-query", "--show", "--showformat=${Version}"]
    return {
        "baresip": DEBIAN_13.version("baresip-core"),
        "linphonec": Linphone.version(),
        **{
            name: subprocess.run([*query, name], check=True, capture_output=True, text=True).stdout
            for name in ("kamailio", "libopus0")
        },
    }


def commit() -> str:
    """Of the tree, with a + where what is measured or measures has changes; "" without git."""
    measured = ["firmware/offhook", "tests/benchmarks", "tests/interop"]
    return _git("rev-parse", "--short=12", "HEAD") + (
        "+" if _git("status", "--porcelain", "--", *measured) else ""
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], check=False, capture_output=True, text=True
    )
    return done.stdout.strip()
