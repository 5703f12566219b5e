"""A root of another Debian, also where this machine's own root is another's folder: a container."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.interop.lab.processes import PeerProcess
from tests.interop.lab.roots import DEBIAN_13

NESTED = """
    set -e
    mount --rbind / "$0"
    exec chroot "$0" "$@"
"""


@pytest.mark.parametrize("nested", [False, True], ids=["machine", "container"])
def test_who_joins_sees_what_who_entered_sees(
    more_peers: None,  # noqa: ARG001 - skips
    lab_directory: Path,
    *,
    nested: bool,
) -> None:
    shared, machine = lab_directory / "shared", lab_directory / "machine"
    for folder in (shared, machine):
        folder.mkdir()
    entering = DEBIAN_13.entering(
        shared, ["sh", "-c", f"echo shared > {shared}/here; echo in; exec sleep 60"]
    )
    if nested:
        alone = ("unshare", "--mount", "--propagation", "private", "bash", "-c", NESTED)
        entering = [*alone, str(machine), *entering]
    with PeerProcess("sleep", entering, lab_directory / "sleep.log") as process:
        process.wait_for_text("in", 10)
        seen = subprocess.run(
            DEBIAN_13.joining(process.pid, ["cat", f"{shared}/here", "/etc/debian_version"]),
            check=False,
            capture_output=True,
            text=True,
        )
    assert seen.stdout.splitlines()[:1] == ["shared"], seen
    assert seen.stdout.splitlines()[1].startswith("13")
