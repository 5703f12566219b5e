"""The peers' logs in the report of a failed test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

_LINES = 60
_directory = pytest.StashKey[Path]()


def show_logs_of(node: pytest.Item | pytest.Collector, directory: Path) -> None:
    """From now on the node's failed tests are reported with the logs below `directory`."""
    node.stash[_directory] = directory


def logs_of(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """Name and last lines of each log of the test's lab, and of the lab that its module shares."""
    for node in item.listchain():
        directory = node.stash.get(_directory, None)
        if directory is None:
            continue
        for log in sorted(directory.rglob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-_LINES:]
            yield str(log.relative_to(directory)), "\n".join(lines)
