"""`board/update-manifest`: moves the manifest to what the mirror has now, and says what changed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from board.image.archive import Archive, current_manifest
from board.image.build import CACHE, Order, build
from board.image.recipe import (
    MANIFEST,
    Manifest,
    differences,
    read_manifest,
    read_recipe,
    written_manifest,
)
from board.image.tools import BuildError, MirrorMoved, say


def moved(manifest: Path, written: Path) -> list[str]:
    """Write to `written` what the mirror has now; the differences from `manifest`.

    Raises BuildError where a package of the recipe is absent.
    """
    recipe = read_recipe()
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(recipe, Path(folder))
        archive.update()
        new = current_manifest(recipe, archive)
    old = read_manifest(manifest) if manifest.is_file() else Manifest(recipe.release, 0)
    changed = differences(old, new)
    if changed or old.release != new.release:
        written.write_text(written_manifest(new), encoding="utf-8")
    elif written != manifest:
        written.write_text(manifest.read_text(encoding="utf-8"), encoding="utf-8")
    return changed


def build_anyway(order: Order) -> Path:
    """`build` for tests: where the mirror has moved on, by a copy of the manifest that follows it.

    What changed is printed. Raises BuildError.
    """
    try:
        return build(order)
    except MirrorMoved as error:
        say(f"{error}\nA copy of the manifest follows the mirror, for this test alone:")
    copy = CACHE / "moved-manifest.toml"
    say("\n".join(moved(order.manifest, copy)))
    return build(replace(order, manifest=copy))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the manifest was written or needed no change."""
    parser = argparse.ArgumentParser(
        "board/update-manifest",
        description="Moves board/manifest.toml to what the Debian mirror has now.",
    )
    parser.add_argument("--output", type=Path, default=MANIFEST, help="write another file instead")
    chosen = parser.parse_args(arguments)
    try:
        changed = moved(MANIFEST, chosen.output)
    except BuildError as error:
        say(f"update-manifest: {error}")
        return 1
    say("\n".join(changed) if changed else "The mirror has exactly what the manifest says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
