"""What a build works with, and what it tells of an image: bills, sizes, files, hashes."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from board.image import bom, outputs
from board.image.recipe import Manifest, Recipe, read_lock
from board.image.tools import ROOT, say

TEST_TREE: Final = ROOT / "board" / "test" / "rootfs"


@dataclass(frozen=True, slots=True)
class Work:
    """Where a build keeps what, and what it is by."""

    recipe: Recipe
    manifest: Manifest
    folder: Path
    log: Path

    @property
    def root(self) -> Path:
        """The root under work."""
        return self.folder / "root"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a build did that its report names."""

    laid: list[str]
    tamed: list[str]
    manifest: Path
    test: bool


def tell(work: Work, out: Path, image: Path, noted: Noted) -> None:
    """Write bills of material, sizes, the list of files and the hash beside an image."""
    recipe, manifest, root = work.recipe, work.manifest, work.root
    hashed = outputs.sha256(image)
    lock = read_lock()
    locked = [lock[name] for name in (*recipe.wheels, *recipe.compiled)]
    parts = bom.components(manifest, locked, phone_version())
    (out / "offhook.cdx.json").write_text(
        bom.cyclonedx(parts, "offhook.img", hashed, manifest.epoch), encoding="utf-8"
    )
    (out / "offhook.spdx.json").write_text(
        bom.spdx(parts, "offhook.img", hashed, manifest.epoch), encoding="utf-8"
    )
    shutil.copyfile(noted.manifest, out / "manifest.toml")
    files = sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()
    )
    (out / "files.txt").write_text("\n".join(files) + "\n", encoding="utf-8")
    sizes = {
        "root, octets": (work.folder / "root_a.part").stat().st_size,
        "largest folders of the root before compression": outputs.largest(root),
        "boot": {
            each.relative_to(work.folder / "boot").as_posix(): each.stat().st_size
            for each in sorted((work.folder / "boot").rglob("*"))
            if each.is_file()
        },
        "lost their set-user or set-group bit": noted.tamed,
        "only in a test image": noted.laid,
    }
    (out / "sizes.json").write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")
    if noted.test:
        say("In this test image and in no release:")
        terms = test_terms()
        beside = (*terms.get("kept", []), *terms.get("kernel_arguments", []))
        for line in (*noted.laid, *beside, *recipe.test_modules):
            say(f"  {line}")
    (out / "offhook.img.sha256").write_text(f"{hashed}  offhook.img\n", encoding="utf-8")
    say(f"  {hashed}  offhook.img")


def write_sums(out: Path) -> None:
    """Write SHA256SUMS over all that lies in `out`."""
    lines = [
        f"{outputs.sha256(each)}  {each.name}"
        for each in sorted(out.iterdir())
        if each.name != "SHA256SUMS"
    ]
    (out / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_terms() -> dict[str, list[str]]:
    """What the test image's TOML says beside its files."""
    described = TEST_TREE.with_suffix(".toml")
    data = tomllib.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}
    terms: dict[str, list[str]] = data.get("test", {})
    return terms


def phone_version() -> str:
    """The version of this checkout."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version: str = data["project"]["version"]
    return version
