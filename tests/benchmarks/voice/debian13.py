"""A Debian 13 root with its baresip, 1.1.0: made once by mmdebstrap and kept in ~/.cache."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from board.image import archive
from scripts.lib import target

PACKAGES = ("baresip-core",)


def root() -> Path:
    """The folder of the finished root; makes it if need be.

    Raises CalledProcessError, or BuildError where apt is set up with no Debian archive.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook"
    key = " ".join((target.SUITE, platform.machine(), *PACKAGES))
    made = cache / f"{target.SUITE}-voice-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if made.is_dir():
        return made
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.SUITE}-voice-unfinished-", dir=cache))
    try:
        subprocess.run(_recipe(unfinished), check=True)
        unfinished.chmod(0o755)
        unfinished.rename(made)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return made


def _recipe(folder: Path) -> list[str]:
    return [
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
        *(f"--include={','.join(PACKAGES)}", f"--keyring={target.KEYRING}"),
        *(*archive.proxy_options(), target.SUITE, str(folder), target.mirror()),
    ]


def version(package: str) -> str:
    """Of a package in the root."""
    query = ["dpkg-query", f"--admindir={root()}/var/lib/dpkg", "--show"]
    return subprocess.run(
        [*query, "--showformat=${Version}", package], check=True, capture_output=True, text=True
    ).stdout


def entering(shared: Path, command: Sequence[str]) -> list[str]:
    """What runs `command` within the root, with the folder `shared` at its own place there.

    The mounts end with their own namespace, and with them what is in the root's /tmp; the command
    is the process itself.
    """
    folder = root()
    script = f"""
        set -e
        mount -t tmpfs -o mode=1777 tmpfs {folder / "tmp"}
        mkdir -p {folder}{shared}
        mount --bind {shared} {folder}{shared}
        mount -t proc proc {folder}/proc
        mount --rbind /dev {folder}/dev
        exec chroot {folder} {shlex.join(command)}
    """
    return ["unshare", "--mount", "--propagation", "private", "bash", "-c", script]
