"""The project's own files, and the tools that stand beside the running Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def files(*suffixes: str, under: str = ".") -> list[Path]:
    """What is committed, or would be: relative to the root, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", under]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = sorted({Path(name) for name in told.split("\0") if name})
    return [
        each
        for each in names
        if (ROOT / each).is_file() and (not suffixes or each.suffix in suffixes)
    ]


def copy_of_sources(folder: Path) -> Path:
    """The two packages' sources and metadata in a folder of their own."""
    described = [name for name in files() if len(name.parts) == 1]
    for name in (*described, *files(under="firmware"), *files(under="provisioning")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return folder
