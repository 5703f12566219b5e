"""What emulating needs on the machine that it runs on; as a program, prints it."""

from __future__ import annotations

import os
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


def obstacle(*, building: bool = True) -> str | None:
    """Why nothing can be emulated here, None if it can; `building`: with an image yet to build."""
    if os.geteuid() != 0:
        return "a network of its own, and an image, are made with the rights of root"
    if not Path("/dev/net/tun").exists():
        return "the kernel has no /dev/net/tun"
    if building and "binfmt_misc" not in Path("/proc/filesystems").read_text(encoding="utf-8"):
        return "the kernel has no binfmt_misc, by which programs for arm64 run in a build"
    return None


if __name__ == "__main__":
    sys.stdout.write("\n".join(HOST_PACKAGES) + "\n")
