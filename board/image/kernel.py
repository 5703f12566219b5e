"""Kernel, initramfs and device trees for the boot partition of a slot."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Final

from board.image.prune import remove
from board.image.recipe import Recipe
from board.image.tools import BuildError, in_root

_SETTINGS: Final = """\
MODULES=list
BUSYBOX=auto
KEYMAP=n
COMPRESS=zstd
COMPRESSLEVEL=6
FSTYPE=squashfs
RUNSIZE=10%
"""


def boot_files(
    root: Path, recipe: Recipe, version: str, target: Path, *, epoch: int, log: Path
) -> None:
    """Fill `target` with vmlinuz (packed), initrd.img and dtb/broadcom out of a root.

    Raises BuildError where the kernel's package has something else than it used to.
    """
    target.mkdir(parents=True)
    places = [root / "usr/lib/modules" / version / "vmlinuz", root / "boot" / f"vmlinuz-{version}"]
    kernel = next((each for each in places if each.is_file() and not each.is_symlink()), None)
    if kernel is None:
        raise BuildError(f"no kernel {version} in the root")
    (target / "vmlinuz").write_bytes(gzip.compress(kernel.read_bytes(), 9, mtime=0))
    trees = target / "dtb" / "broadcom"
    trees.mkdir(parents=True)
    for name in recipe.device_trees:
        shutil.copyfile(_tree(root, version, name), trees / name)
    _make_initramfs(root, recipe, version, epoch=epoch, log=log)
    shutil.copyfile(root / "boot" / "initrd.img", target / "initrd.img")


def _tree(root: Path, version: str, name: str) -> Path:
    modules, own = root / "usr/lib/modules" / version, root / "usr/lib" / f"linux-image-{version}"
    for folder in (modules / "dtb/broadcom", own / "broadcom"):
        if (folder / name).is_file():
            return folder / name
    raise BuildError(f"the kernel {version} brings no device tree {name}")


def _make_initramfs(root: Path, recipe: Recipe, version: str, *, epoch: int, log: Path) -> None:
    etc = root / "etc" / "initramfs-tools"
    drop_in = etc / "conf.d" / "offhook"
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(_SETTINGS, encoding="utf-8")
    (etc / "modules").write_text("\n".join(recipe.early) + "\n", encoding="utf-8")
    (root / "boot").mkdir(exist_ok=True)
    in_root(root, "mkinitramfs", "-o", "/boot/initrd.img", version, epoch=epoch, log=log)
    remove(etc)
