"""What emulating needs on the machine that it runs on; as a program, prints it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from board.image import tools

HOST_PACKAGES: Final = (
    *tools.HOST_PACKAGES,
    "chrony",
    "dnsmasq-base",
    "iproute2",
    "qemu-system-arm",
)
"""Debian packages, those that the image is built with among them."""


_BINFMT: Final = Path("/proc/sys/fs/binfmt_misc")


def obstacle(*, building: bool = True) -> str | None:
    """Why nothing can be emulated here, None if it can; `building`: with an image yet to build.

    A container's root may have less than root's rights: what is needed is tried.
    """
    if os.geteuid() != 0:
        return "a network of its own, and an image, are made with the rights of root"
    if not Path("/dev/net/tun").exists():
        return "the kernel has no /dev/net/tun"
    tap = "ip tuntap add dev tap0 mode tap"
    if shutil.which("ip") and not _allowed("unshare", "--net", "sh", "-c", tap):
        return "this root may not make a network of its own with a tap in it"
    return building_obstacle() if building else None


def building_obstacle() -> str | None:
    """Why no image can be built here, None if one can once HOST_PACKAGES are there."""
    if os.geteuid() != 0:
        return "a root of another system is made with the rights of root"
    if not _allowed("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"):
        return "this root may not mount anything"
    if (_BINFMT / "status").exists():
        return None
    if not _allowed("unshare", "--mount", "mount", "-t", "binfmt_misc", "binfmt_misc", _BINFMT):
        return "binfmt_misc, by which programs for arm64 run in a build, can't be mounted"
    return None


def _allowed(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.stdout.write("\n".join(HOST_PACKAGES) + "\n")
