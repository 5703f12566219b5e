"""Builds the card's image: `python3 -m board.image.build`; scripts/build-image asks first."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from board.image import filesystems, firmware, kernel, lay, outputs, prune, wheels
from board.image.archive import Archive
from board.image.base import COMPILE, check_installed, check_mirror, make_base
from board.image.inputs import base_key, image_key
from board.image.partitions import MIB, place, table_sectors
from board.image.recipe import MANIFEST, read_lock, read_manifest, read_recipe
from board.image.tell import (
    TEST_TREE,
    Noted,
    Work,
    phone_version,
    tell,
    test_terms,
    write_sums,
)
from board.image.tools import ROOT, BuildError, in_root, obstacle, ready_emulation, run, say, step

CACHE: Final = ROOT / ".cache" / "image"
"""Finished images of this checkout."""
SHARED: Final = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook" / "image"
)
"""What every checkout may use: Debian roots by their key, packages and wheels by their hash."""
KEPT: Final = 3
"""Images and roots of a kind that stay in the cache; older ones go."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built, and from what."""

    manifest: Path = MANIFEST
    test: bool = False
    fresh: bool = False
    """Make the Debian root anew, even if it is in the cache."""
    packed: bool = True


def build(order: Order) -> Path:
    """The folder of a finished image by the order; builds it if the cache has none.

    Raises BuildError.
    """
    recipe, manifest = read_recipe(), read_manifest(order.manifest)
    key = image_key(order.manifest, test=order.test)
    finished = CACHE / f"{'test' if order.test else 'offhook'}-{key}"
    if _there(finished, order):
        return finished
    to_pack = finished.is_dir() and not order.fresh
    if not to_pack and (reason := obstacle()):
        raise BuildError(f"no image can be built here: {reason}")
    for folder in (CACHE, SHARED):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone():
        # Whoever was waited for may have done the same.
        if _there(finished, order):
            return finished
        if finished.is_dir() and not order.fresh:
            _pack(finished, manifest.epoch)
            return finished
        with tempfile.TemporaryDirectory(prefix="work-", dir=CACHE) as made:
            work = Work(recipe, manifest, Path(made), CACHE / "build.log")
            work.log.write_text("", encoding="utf-8")
            out = work.folder / "out"
            out.mkdir()
            started = time.monotonic()
            _make(work, out, order)
            say(f"Built in {time.monotonic() - started:.0f} s")
            if image_key(order.manifest, test=order.test) != key:
                raise BuildError("sources changed while the image was made; build it again")
            if finished.exists():
                shutil.rmtree(finished)
            out.rename(finished)
        _forget_old()
    return finished


def _there(finished: Path, order: Order) -> bool:
    """Whether the cache has what is ordered, and in the form in which it is."""
    packed = (finished / "rpi-imager.json").is_file() or not order.packed
    if order.fresh or not finished.is_dir() or not packed:
        return False
    say(f"Nothing changed: {finished.relative_to(ROOT)}")
    finished.touch()
    return True


@contextmanager
def _alone() -> Iterator[None]:
    with (SHARED / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _forget_old() -> None:
    for folder, kind in ((CACHE, "offhook-*"), (CACHE, "test-*"), (SHARED, "base-*.tar")):
        found = sorted(folder.glob(kind), key=lambda each: each.stat().st_mtime, reverse=True)
        for each in found[KEPT:]:
            prune.remove(each)


def _make(work: Work, out: Path, order: Order) -> None:
    recipe, manifest, epoch = work.recipe, work.manifest, work.manifest.epoch
    ready_emulation()
    archive = Archive(recipe, CACHE / "apt")
    base = SHARED / f"base-{base_key(recipe, manifest)}.tar"
    with step("Indexes of the Debian mirror"):
        archive.update()
        if order.fresh or not base.is_file():
            check_mirror(manifest, archive)
    if order.fresh or not base.is_file():
        with step("Debian root, by mmdebstrap under emulation (10 to 15 minutes)"):
            unfinished = base.with_suffix(".unfinished.tar")
            make_base(recipe, manifest, unfinished, work.log)
            unfinished.rename(base)
    with step("Unpacking the root"):
        work.root.mkdir()
        base.touch()
        run("tar", "--extract", "--file", base, "--directory", work.root, "--numeric-owner")
        check_installed(work.root, manifest)
    with step("Packages of which files are taken"):
        taken = _take(work, archive)
    with step("Python packages and the phone"):
        versions = _python(work, taken)
    with step("Prompts, services, mounts"):
        laid = _lay(work, versions, order)
    with step("Kernel modules and initramfs (under emulation)"):
        boot = _kernel(work, order)
    with step("Leaving out what a telephone doesn't use"):
        kept = test_terms().get("kept", []) if order.test else []
        prune.leave_out(work.root, recipe.left_out, kept)
        wheels.check_imports(work.root, epoch, work.log)
        tamed = prune.settle(work.root, epoch)
    with step("File systems"):
        image = _card(work, out, boot, taken)
    with step("Bills of material, sizes, hashes"):
        tell(work, out, image, Noted(laid, tamed, order.manifest, order.test))
    if order.packed:
        _pack(out, epoch)


def _pack(out: Path, epoch: int) -> None:
    with step("Compressing"):
        image = out / "offhook.img"
        packed = outputs.compress(image)
        told = outputs.imager_list(
            image, packed, name="Offhook", version=phone_version(), epoch=epoch
        )
        (out / "rpi-imager.json").write_text(told, encoding="utf-8")
        write_sums(out)


def _take(work: Work, archive: Archive) -> dict[str, Path]:
    taken = {}
    for name in work.recipe.unpacked:
        package = archive.download(work.manifest.named()[name], SHARED / "debs")
        taken[name] = work.folder / name
        run("dpkg-deb", "--extract", package, taken[name])
    return taken


def _python(work: Work, taken: dict[str, Path]) -> list[str]:
    files = wheels.fetch(work.recipe, SHARED / "wheels", work.log)
    for name in work.recipe.wheels:
        wheels.unpack(files[name], work.root)
    headers = taken["libpython3.13-dev"]
    for name in work.recipe.compiled:
        wheels.compile_lgpio(files[name], headers, work.root, work.folder / name, work.log)
    phone = wheels.build_phone(work.folder / "phone", work.manifest.epoch, work.log)
    wheels.unpack(phone, work.root)
    in_root(work.root, *COMPILE.split(), epoch=work.manifest.epoch, log=work.log)
    lock = read_lock()
    locked = [f"{name} {lock[name].version}" for name in files]
    return [*locked, f"offhook {phone_version()}"]


def _lay(work: Work, versions: list[str], order: Order) -> list[str]:
    root, epoch = work.root, work.manifest.epoch
    prompts = work.folder / "prompts"
    run(
        *(sys.executable, "-m", "scripts.lib.render_prompts", "--folder", prompts),
        folder=ROOT,
        environment={"PYTHONPATH": f"{ROOT / 'firmware'}:{ROOT}"},
        log=work.log,
    )
    lay.lay_phone(root, prompts)
    firmware.lay_radio_settings(root, work.folder / "raspi-firmware")
    prune.keep_firmware(root, work.recipe.firmware)
    trees = [lay.read_tree(lay.ROOTFS), *([lay.read_tree(TEST_TREE)] if order.test else [])]
    laid: list[str] = []
    for tree in trees:
        laid = lay.lay_tree(root, tree)
    for tree in trees:
        lay.own_tree(root, tree, epoch=epoch, log=work.log)
    lay.lay_mounts(root, work.recipe)
    lay.lay_statement(root, work.manifest, versions)
    return laid if order.test else []


def _kernel(work: Work, order: Order) -> Path:
    version = prune.keep_modules(work.root, work.recipe, test=order.test)
    boot = work.folder / "boot"
    epoch = work.manifest.epoch
    kernel.boot_files(work.root, work.recipe, version, boot, epoch=epoch, log=work.log)
    arguments = " ".join(test_terms().get("kernel_arguments", [])) if order.test else ""
    (boot / "slot.env").write_text(f"slot_arguments={arguments}\n", encoding="utf-8")
    prune.settle_times(boot, epoch)
    return boot


def _card(work: Work, out: Path, boot: Path, taken: dict[str, Path]) -> Path:
    recipe, epoch = work.recipe, work.manifest.epoch
    placed = place(recipe.partitions, recipe.card_mib)
    sizes = {each.name: each.size for each in placed}
    parts = {
        name: work.folder / f"{name}.part" for name in ("firmware", "boot_a", "root_a", "data")
    }
    fat = work.folder / "fat"
    firmware.fill(fat, recipe, taken, boot, epoch)
    filesystems.make_fat(parts["firmware"], sizes["firmware"], fat, recipe.identity, epoch)
    filesystems.make_ext4(parts["boot_a"], sizes["boot_a"], "boot_a", epoch, boot)
    filesystems.make_squashfs(work.root, parts["root_a"], epoch, limit=sizes["root_a"])
    filesystems.make_ext4(parts["data"], sizes["data"], "data", epoch)
    image = out / "offhook.img"
    table = table_sectors(placed, recipe.identity)
    filesystems.assemble(image, recipe.card_mib * MIB, table, parts, placed)
    return image


def main(arguments: Sequence[str] | None = None) -> int:
    """Build; 0 where there is an image, its folder on standard output."""
    parser = argparse.ArgumentParser("scripts/build-image", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=MANIFEST, help="versions by another file")
    parser.add_argument("--test", action="store_true", help="add the files of board/test")
    parser.add_argument("--fresh", action="store_true", help="make the Debian root anew too")
    parser.add_argument("--unpacked", action="store_true", help="make no .img.xz")
    chosen = parser.parse_args(arguments)
    order = Order(chosen.manifest, chosen.test, chosen.fresh, not chosen.unpacked)
    os.umask(0o022)
    try:
        folder = build(order)
    except BuildError as error:
        say(f"build-image: {error}")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
