"""The target's system on this machine: a Debian 13 root in which the unit tests run.

The phone's Python packages in it are Debian's own, as in the image. The root is made once by
mmdebstrap from the mirror that apt is set up with, kept under ~/.cache/offhook, and made anew
when what it is made of changes. Nothing is written into the tree: it is mounted read-only, with
a `.cache` of its own in memory.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from board.image import archive

ROOT: Final = Path(__file__).parents[2]
SUITE: Final = "trixie"
HOST_PACKAGES: Final = ("mmdebstrap", "debian-archive-keyring")
KEYRING: Final = archive.KEYRING
PACKAGES: Final = (
    "asterisk-core-sounds-en-wav",
    "coturn",
    "espeak-ng",
    "git",
    "iproute2",
    "kamailio",
    "kamailio-extra-modules",
    "kamailio-tls-modules",
    "libopus0",
    "nftables",
    "openssl",
    "python3",
    "python3-aioice",
    "python3-audioop-lts",
    "python3-cryptography",
    "python3-dnspython",
    "python3-hypothesis",
    "python3-jsonschema",
    "python3-msgspec",
    "python3-numpy",
    "python3-openssl",
    "python3-pylibsrtp",
    "python3-pytest",
    "python3-rich",
    "python3-soxr",
)
WHEELS: Final = ("g722", "opuslib-next")
"""What Debian 13 has no package of: wheels out of locks/runtime.txt, as in the image."""
WHEELS_FOLDER: Final = "opt/wheels"

_HOOKS: Final = (
    # Loopback has its name.
    '--customize-hook=printf "127.0.0.1 localhost\\n::1 localhost\\n" > "$1/etc/hosts"',
)

_NEEDS_TOOLS: Final = ("--ignore=tests/project", "--ignore=tests/provisioning")
"""Tests about the project itself need linters and builders, those of the administrator's tool its
own packages: the target has no use for either."""

_ENVIRONMENT: Final = {
    # The tree may belong to somebody else than root.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "/project",
    "HOME": "/tmp",
    "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
    "LANG": "C.UTF-8",
    "OFFHOOK_REQUIRE_PEERS": "1",
    "OFFHOOK_STRICT_ABSENCES": "1",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": f"/project/firmware:/project/provisioning:/{WHEELS_FOLDER}",
}


def obstacle() -> str | None:
    """Why no root can be entered here, None if it can."""
    if os.geteuid() != 0:
        return "entering a Debian root needs the rights of root"
    return None


def ready_root() -> Path:
    """The folder of a finished root; makes it if need be. Raises CalledProcessError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook"
    root = cache / f"{SUITE}-{_key()}"
    if root.is_dir():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{SUITE}-unfinished-", dir=cache))
    try:
        subprocess.run(_recipe(unfinished), check=True)
        _add_wheels(unfinished / WHEELS_FOLDER)
        unfinished.chmod(0o755)
        unfinished.rename(root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return root


def _add_wheels(folder: Path) -> None:
    """Unpack the locked wheels for the target's Python. Raises CalledProcessError."""
    machine = platform.machine()
    platforms = [f"--platform=manylinux{tag}_{machine}" for tag in ("_2_28", "2014", "_2_17")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as chosen:
        chosen.write("\n".join(_locked(name) for name in WHEELS))
        chosen.flush()
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        wanted = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version=3.13"]
        place = [f"--target={folder}", f"--requirement={chosen.name}"]
        subprocess.run([*pip, *wanted, *platforms, *place], check=True)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _locked(name: str) -> str:
    """The requirement of one package with its hashes, as the lock has it."""
    lines = (ROOT / "locks" / "runtime.txt").read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next(
        (i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines)
    )
    return "\n".join(lines[start:end])


def enter(root: Path, pytest_arguments: Sequence[str]) -> int:
    """Run pytest within `root`; its exit status. The mounts end with their own namespace."""
    pytest = ["python3", "-m", "pytest", "-p", "no:cacheprovider", *_NEEDS_TOOLS]
    inside = shlex.join([*pytest, *pytest_arguments])
    settings = shlex.join(f"{name}={value}" for name, value in _ENVIRONMENT.items())
    (ROOT / ".cache").mkdir(exist_ok=True)
    script = f"""
        set -e
        mkdir -p {root}/project
        mount --bind -o ro {ROOT} {root}/project
        mount -o remount,bind,ro {root}/project
        mount -t tmpfs tmpfs {root}/project/.cache
        mount -t proc proc {root}/proc
        mount --rbind /dev {root}/dev
        mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
        exec chroot {root} /usr/bin/env -i {settings} sh -c 'cd /project && exec "$@"' sh {inside}
    """
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", script]
    return subprocess.run(command, check=False).returncode


def mirror() -> str:
    """The address of the Debian archive that this machine's apt is set up with.

    Raises BuildError if apt knows of none.
    """
    return archive.mirrors()["Debian"]


def _recipe(folder: Path) -> list[str]:
    return [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        f"--keyring={KEYRING}",
        *archive.proxy_options(),
        *_HOOKS,
        SUITE,
        str(folder),
        mirror(),
    ]


def _key() -> str:
    made_of = [SUITE, platform.machine(), *PACKAGES, *_HOOKS, *map(_locked, WHEELS)]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(enter(ready_root(), sys.argv[1:]))
