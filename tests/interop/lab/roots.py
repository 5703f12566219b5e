"""Roots of other Debian suites for peers that this machine's suite lacks, or has older.

A root is made once by mmdebstrap from the mirror that apt is set up with, and kept under
~/.cache/offhook until what it is made of changes.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from board.image import archive
from scripts.lib import target

_HOSTS = '--customize-hook=printf "127.0.0.1 localhost\\n" > "$1/etc/hosts"'


@dataclass(frozen=True, slots=True)
class Root:
    """A minimal Debian of one `suite` with `packages`; `options` are apt's while it is made."""

    suite: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()

    def folder(self) -> Path:
        """The finished root; makes it if need be.

        Raises CalledProcessError, or BuildError where apt is set up with no Debian archive.
        """
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook"
        key = " ".join((self.suite, platform.machine(), *self.packages, *self.options, _HOSTS))
        made = cache / f"{self.suite}-peer-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        if made.is_dir():
            return made
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{self.suite}-peer-unfinished-", dir=cache))
        try:
            subprocess.run(self._recipe(unfinished), check=True)
            unfinished.chmod(0o755)
            unfinished.rename(made)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return made

    def version(self, package: str) -> str:
        """Of a package in the root."""
        query = ["dpkg-query", f"--admindir={self.folder()}/var/lib/dpkg", "--show"]
        return subprocess.run(
            [*query, "--showformat=${Version}", package], check=True, capture_output=True, text=True
        ).stdout

    def entering(self, shared: Path, command: Sequence[str]) -> list[str]:
        """What runs `command` within the root, with the folder `shared` at its own place there.

        The mounts end with their own namespace, and with them what is in the root's /tmp; the
        command is the process itself. The machine is called localhost in it, which has an
        address without asking anybody.
        """
        folder = self.folder()
        script = f"""
            set -e
            echo localhost > /proc/sys/kernel/hostname
            mount -t tmpfs -o mode=1777 tmpfs {folder / "tmp"}
            mkdir -p {folder}{shared}
            mount --bind {shared} {folder}{shared}
            mount -t proc proc {folder}/proc
            mount --rbind /dev {folder}/dev
            exec chroot {folder} {shlex.join(command)}
        """
        return ["unshare", "--mount", "--uts", "--propagation", "private", "bash", "-c", script]

    def joining(self, pid: int, command: Sequence[str]) -> list[str]:
        """What runs `command` beside the process `pid` that entered the root before."""
        return ["nsenter", f"--target={pid}", "--mount", "--root", "--wd", *command]

    def _recipe(self, folder: Path) -> list[str]:
        return [
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"),
            *(f"--include={','.join(self.packages)}", f"--keyring={target.KEYRING}"),
            *(f"--aptopt={option}" for option in self.options),
            _HOSTS,
            *(*archive.proxy_options(), self.suite, str(folder), target.mirror()),
        ]


DEBIAN_13 = Root(target.SUITE, ("baresip-core",))
SID = Root(
    "sid",
    ("asterisk", "asterisk-modules"),
    # The archive's sid may be older than its Release is valid for; the signature still counts.
    ('Acquire::Check-Valid-Until "false"',),
)
