"""What lies beside an image: its hash, what takes the space, and the list for Pi Imager."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Final

from board.image.tools import run

_DEVICES: Final = ["pi3-64bit", "pi4-64bit", "pi5-64bit"]
"""Tags of Raspberry Pi Imager's own list of boards; Zero 2 W is one of "pi3-64bit"."""


def sha256(file: Path) -> str:
    """The hash of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def compress(image: Path) -> Path:
    """`image` with .xz beside it, the same for the same image."""
    packed = image.with_name(image.name + ".xz")
    # A fixed block size makes the result independent of how many cores there are.
    run("xz", "-6", "--keep", "--force", "--threads=0", "--block-size=64MiB", image)
    return packed


def largest(root: Path, depth: int = 3, count: int = 40) -> list[tuple[str, int]]:
    """Folders of a root, `depth` deep, by how many octets of files are below them."""
    sizes: Counter[str] = Counter()
    for above, _, files in os.walk(root):
        parts = Path(above).relative_to(root).parts[:depth]
        place = "/".join(parts) or "/"
        sizes[place] += sum(Path(above, name).lstat().st_size for name in files)
    return sizes.most_common(count)


def imager_list(image: Path, packed: Path, *, name: str, version: str, epoch: int) -> str:
    """A repository JSON for Raspberry Pi Imager, with addresses relative to itself.

    Whoever publishes an image puts the address of its folder before `url`.
    """
    when = dt.datetime.fromtimestamp(epoch, dt.UTC).date().isoformat()
    entry = {
        "name": name,
        "description": "Secure desk phone. Untried on real boards so far",
        "url": packed.name,
        "release_date": when,
        "extract_size": image.stat().st_size,
        "extract_sha256": sha256(image),
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": sha256(packed),
        "devices": _DEVICES,
        "init_format": "none",
        "version": version,
    }
    return json.dumps({"os_list": [entry]}, indent=1) + "\n"
