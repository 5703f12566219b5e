"""What an image depends on, as one short hash: the same inputs, the same image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from board.image.recipe import MANIFEST, WHEEL_LOCK, Manifest, Recipe, digest
from board.image.tools import HOST_PACKAGES, ROOT, BuildError, run
from board.image.wheels import phone_files

_FOLDERS = ("board/image", "board/rootfs", "board/profiles", "firmware/offhook/base/schema/prompts")
_FILES = (
    "board/rootfs.toml",
    "pyproject.toml",
    "LICENSE",
    "locks/runtime.txt",
    "scripts/lib/render_prompts.py",
    "firmware/offhook/phone/prompts/fragments.py",
)
_TEST = ("board/test",)


def base_key(recipe: Recipe, manifest: Manifest) -> str:
    """The hash of what the Debian root depends on."""
    own = [_content(Path(__file__).with_name(name)) for name in ("base.py",)]
    return digest(manifest, recipe.backports, recipe.components, own)


def image_key(manifest: Path = MANIFEST, *, test: bool) -> str:
    """The hash of all that an image depends on, the build's own tools included."""
    parts = [(str(path.relative_to(ROOT)), _content(path)) for path in _inputs(test=test)]
    parts += [(name, _content(file)) for name, file in sorted(phone_files().items())]
    return digest(parts, _content(manifest), _content(WHEEL_LOCK), _tools(), test)


def _inputs(*, test: bool) -> Iterator[Path]:
    for name in (*_FILES, *_FOLDERS, *(_TEST if test else ())):
        path = ROOT / name
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if (each.is_file() or each.is_symlink()) and "__pycache__" not in each.parts:
                yield each


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"→ {path.readlink()}"
    try:
        executable = bool(path.stat().st_mode & 0o100)
        return f"{hashlib.sha256(path.read_bytes()).hexdigest()} {executable}"
    except FileNotFoundError:
        return "absent"


def _tools() -> list[str]:
    """The versions of the programs that make the image: another compiler, another image."""
    try:
        query = ("dpkg-query", "--show", "--showformat", "${Package} ${Version}\n")
        return run(*query, *HOST_PACKAGES).splitlines()
    except BuildError:
        return []
