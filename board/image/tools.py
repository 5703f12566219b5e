"""The programs that a build runs, and how it speaks of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
"""The checkout."""

HOST_PACKAGES: Final = (
    "arch-test",
    "binfmt-support",
    "debian-archive-keyring",
    "dosfstools",
    "e2fsprogs",
    "espeak-ng",
    "gcc-aarch64-linux-gnu",
    "kmod",
    "libc6-dev-arm64-cross",
    "mmdebstrap",
    "mtools",
    "qemu-user-static",
    "squashfs-tools",
    "swig",
    "xz-utils",
)
"""Debian packages that a build needs on the machine that it runs on."""


class BuildError(Exception):
    """The image can't be built; the text says why and what helps."""


class MirrorMoved(BuildError):
    """The mirror no longer has a version that the manifest names."""


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Announce a step, and what it took in seconds."""
    started = time.monotonic()
    say(f"· {name}")
    yield
    took = time.monotonic() - started
    if took >= 1:
        say(f"  {took:.0f} s")


def run(
    *command: str | Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    log: Path | None = None,
    alone: bool = False,
) -> str:
    """Run a program to its end; its standard output. What it complains of goes to `log`.

    `alone`: of this machine's own environment it sees the proxy and nothing else.

    Raises BuildError where there is no such program, and with the end of its complaint where it
    fails.
    """
    words = [str(each) for each in command]
    around = _proxies() if alone else dict(os.environ)
    # Who isn't root has no path to an administrator's programs: mke2fs, debugfs, mkfs.fat.
    around["PATH"] = f"{around.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    try:
        done = subprocess.run(  # noqa: S603  programs and their arguments are this package's own
            words,
            cwd=folder,
            env={**around, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(f"{words[0]} can't be run: {error}") from None
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(words)}\n{done.stdout}{done.stderr}\n")
    if done.returncode:
        told = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise BuildError(f"{words[0]} ended with {done.returncode}:\n{told}")
    return done.stdout


def _proxies() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {**kept, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def in_root(root: Path, *command: str, epoch: int, log: Path | None = None) -> str:
    """Run a program of the target in its root, under emulation where that is needed.

    The mounts end with their own namespace. Raises BuildError where it fails.
    """
    settings = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"]
    clean = ["env", "-i", *settings, f"SOURCE_DATE_EPOCH={epoch}", *command]
    script = """
        set -e
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
        for name in null zero urandom; do
          touch "$root/dev/$name"
          mount --bind "/dev/$name" "$root/dev/$name"
        done
        mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
        exec chroot "$root" "$@"
    """
    alone = ("unshare", "--mount", "--propagation", "private")
    return run(*alone, "sh", "-c", script, "sh", root, *clean, log=log)


def obstacle() -> str | None:
    """Why no image can be built here, None if one can."""
    if os.geteuid() != 0:
        return "a root of another system is made with the rights of root"
    if missing := [
        each for each in ("mmdebstrap", "mksquashfs", "mcopy") if not shutil.which(each)
    ]:
        return f"missing: {', '.join(missing)}"
    return None


def ready_emulation() -> None:
    """See to it that programs for arm64 run here. Raises BuildError where they can't."""
    registered = Path("/proc/sys/fs/binfmt_misc")
    if not (registered / "status").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", registered)
    if _runs_arm64():
        return
    run("update-binfmts", "--enable", "qemu-aarch64")
    if not _runs_arm64():
        raise BuildError("programs for arm64 don't run here: is qemu-user-static installed?")


def _runs_arm64() -> bool:
    try:
        return "ok" in run("arch-test", "arm64")
    except BuildError:
        return False


if __name__ == "__main__":
    sys.stdout.write("\n".join(HOST_PACKAGES) + "\n")
