"""The Debian root that the image begins with: exactly the manifest's packages, by mmdebstrap."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from board.image.archive import Archive, absent, preferences, proxy_options, sources
from board.image.recipe import Manifest, Recipe
from board.image.tools import BuildError, MirrorMoved, run

_NEVER_UNPACKED: Final = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/lib/modules/*/dtb/*",
)
"""What would only be deleted again; unpacking it takes its time."""
_UNPACKED_ALL_THE_SAME: Final = ("/usr/lib/modules/*/dtb/broadcom/*", "/usr/share/doc/*/copyright")

COMPILE: Final = (
    "python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3/dist-packages"
)

_LATER: Final = (
    "/usr/sbin/depmod",
    "/usr/sbin/update-initramfs",
    "/usr/bin/py3compile",
    "/usr/bin/systemd-hwdb",
)
"""What maintainer scripts would run again and again under emulation; the build does it once."""

_NOT_COMPILED: Final = ("numpy/*/tests", "numpy/tests", "numpy/f2py", "numpy/typing/tests")
"""Folders of Python packages that the image leaves out, and that take minutes to compile."""


def check_mirror(manifest: Manifest, archive: Archive) -> None:
    """Refuse where the mirror lacks what the manifest names. Raises MirrorMoved with the remedy."""
    if lacking := absent(manifest, archive):
        raise MirrorMoved(
            "The mirror no longer has what board/manifest.toml names:\n  "
            + "\n  ".join(lacking)
            + "\nboard/update-manifest moves the manifest to what is there, and shows what changed."
        )


def make_base(recipe: Recipe, manifest: Manifest, tar: Path, log: Path) -> None:
    """Write a tar of the root, with every package configured. Raises BuildError.

    The same manifest gives the same tar, bit by bit.
    """
    pinned = [f"{each.name}={each.version}" for each in manifest.packages if each.installed]
    options = [f"--dpkgopt=path-exclude={each}" for each in _NEVER_UNPACKED]
    options += [f"--dpkgopt=path-include={each}" for each in _UNPACKED_ALL_THE_SAME]
    python = '"$1/usr/lib/python3/dist-packages"'
    spared = " ".join(f"{python}/{each}" for each in _NOT_COMPILED)
    with tempfile.TemporaryDirectory() as folder:
        pin = Path(folder) / "offhook"
        pin.write_text(preferences(recipe), encoding="utf-8")
        run(
            "mmdebstrap",
            "--mode=root",
            "--variant=essential",
            "--format=tar",
            f"--architectures={recipe.architecture}",
            f"--include={','.join(pinned)}",
            *options,
            *proxy_options(),
            '--setup-hook=mkdir -p "$1/etc/apt/preferences.d"',
            f'--setup-hook=cp {pin} "$1/etc/apt/preferences.d/"',
            *(f"--essential-hook={_set_aside(name)}" for name in _LATER),
            *(f"--customize-hook={_put_back(name)}" for name in _LATER),
            f"--customize-hook=rm -rf {spared}",
            f'--customize-hook=chroot "$1" {COMPILE}',
            '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
            recipe.release,
            tar,
            *(each.line() for each in sources(recipe)),
            environment={"SOURCE_DATE_EPOCH": str(manifest.epoch)},
            alone=True,
            log=log,
        )


def _set_aside(name: str) -> str:
    """In a program's place put one that does nothing, before its package comes."""
    divert = f'chroot "$1" dpkg-divert --local --rename --add {name}'
    return f'{divert}; printf "#!/bin/sh\\nexit 0\\n" > "$1{name}"; chmod 0755 "$1{name}"'


def _put_back(name: str) -> str:
    return f'rm "$1{name}"; chroot "$1" dpkg-divert --local --rename --remove {name}'


def installed(root: Path) -> dict[str, str]:
    """Names and versions of what dpkg has installed in a root."""
    found, name = {}, ""
    for line in (root / "var/lib/dpkg/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("Package: "):
            name = line[9:]
        elif line.startswith("Version: "):
            found[name] = line[9:]
    return found


def check_installed(root: Path, manifest: Manifest) -> None:
    """Refuse a root that holds other packages than the manifest's. Raises BuildError."""
    wanted = {each.name: each.version for each in manifest.packages if each.installed}
    there = installed(root)
    if there != wanted:
        strange = sorted(set(there.items()) ^ set(wanted.items()))
        raise BuildError(f"the root isn't what the manifest says: {strange}")
