"""The interoperability tests' lab: skipped where its programs are missing, unless they must not."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from board.image.tools import BuildError
from tests.interop.lab import jssip
from tests.interop.lab.logs import logs_of, show_logs_of
from tests.interop.lab.processes import missing
from tests.interop.lab.roots import DEBIAN_13, SID
from tests.interop.lab.speech import ENGLISH, ENGLISH_CONTROL, FRENCH, FRENCH_CONTROL

# With it, a peer that isn't installed fails the tests that need it.
_TABLE = "OFFHOOK_KEYING_TABLE"
_STRICT = "OFFHOOK_REQUIRE_PEERS"


@pytest.fixture(scope="session")
def voices() -> None:
    """Both speakers' prompts are installed."""
    lacking = {
        speaker.package
        for speaker in (ENGLISH, ENGLISH_CONTROL, FRENCH, FRENCH_CONTROL)
        if not speaker.installed
    }
    _demand(", ".join(sorted(lacking)))


@pytest.fixture(scope="session")
def registrars() -> None:
    """Kamailio is installed."""
    _demand(missing("kamailio"))


@pytest.fixture(scope="session")
def peers(voices: None) -> None:  # noqa: ARG001 - a peer speaks with them
    """Kamailio, baresip and dumpcap are installed."""
    _demand(missing("kamailio", "baresip", "dumpcap", "stdbuf"))


@pytest.fixture(scope="session")
def more_peers(peers: None) -> None:  # noqa: ARG001 - more than those
    """Whoever else Offhook talks to is installed or fetched; networks and roots can be made."""
    programs = ("linphonec", "rtpengine", "turnserver", "turnutils_uclient", "chromium", "npm")
    _demand(missing(*programs, "mmdebstrap", "unshare", "nsenter", "ip"))
    _demand("" if os.geteuid() == 0 else "the rights of root")
    try:
        jssip.script()
        for root in (DEBIAN_13, SID):
            root.folder()
    except (OSError, BuildError, subprocess.CalledProcessError) as error:
        _demand(str(error))


@pytest.fixture(scope="session")
def keying_table(request: pytest.FixtureRequest) -> Iterator[list[dict[str, Any]]]:
    """A row for each keyed call; written as JSON to the file that OFFHOOK_KEYING_TABLE names."""
    rows: list[dict[str, Any]] = []
    yield rows
    file = os.environ.get(_TABLE)
    if file and not request.session.testsfailed:
        Path(file).write_text(json.dumps(rows, indent=1) + "\n")


@pytest.fixture
def lab_directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a test's peers keep their files; its logs are shown when the test fails."""
    show_logs_of(request.node, tmp_path)
    return tmp_path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += logs_of(item)
    return report


def _demand(lacking: str) -> None:
    if lacking and os.environ.get(_STRICT):
        pytest.fail(f"not installed: {lacking}")
    if lacking:
        pytest.skip(f"not installed: {lacking}")
