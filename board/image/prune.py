"""Takes out of the root what a telephone has no use for, and what differs from build to build."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from board.image.recipe import Recipe
from board.image.tools import BuildError, run

_PYC_CHECKED: Final = 0b11
_PYC_UNCHECKED: Final = 0b01
EMPTY_AT_START: Final = ("dev", "proc", "sys", "run", "tmp", "mnt", "media", "srv", "home")


def leave_out(root: Path, patterns: Iterable[str], kept: Collection[str] = ()) -> None:
    """Delete what matches the recipe's patterns, relative to the root; but not what is `kept`."""
    for pattern in patterns:
        # A link that leads nowhere any more is found by nobody who looks for it by its whole name.
        dead = [root / pattern] if (root / pattern).is_symlink() else []
        for path in sorted(root.glob(pattern)) or dead:
            if path.relative_to(root).as_posix() not in kept:
                remove(path)


def remove(path: Path) -> None:
    """Delete a file or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def keep_firmware(root: Path, patterns: Sequence[str]) -> None:
    """Of usr/lib/firmware keep what matches, and the links that still lead somewhere."""
    folder = root / "usr/lib/firmware"
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if not any(fnmatch.fnmatch(name, each) for each in patterns):
            path.unlink()
    _drop_dead_links(root, folder)
    _drop_empty(folder)


def keep_modules(root: Path, recipe: Recipe, *, test: bool) -> str:
    """Keep the recipe's kernel modules and what they need; the kernel's version.

    Raises BuildError where one that the initramfs needs is neither there nor built in.
    """
    (folder,) = (root / "usr/lib/modules").iterdir()
    patterns = [*recipe.modules, *(recipe.test_modules if test else ())]
    run("depmod", "--basedir", root / "usr", folder.name)
    needs = _dependencies(folder / "modules.dep")
    wanted = {name for name in needs if _below(name.removeprefix("kernel/"), patterns)}
    todo = list(wanted)
    while todo:
        for each in needs[todo.pop()]:
            if each not in wanted:
                wanted.add(each)
                todo.append(each)
    for name in needs.keys() - wanted:
        (folder / name).unlink()
    _drop_empty(folder)
    run("depmod", "--basedir", root / "usr", folder.name)
    there = {_bare(name) for name in wanted}
    there |= {_bare(each) for each in (folder / "modules.builtin").read_text().split()}
    if lacking := [each for each in recipe.early if each.replace("-", "_") not in there]:
        raise BuildError(f"this kernel has no {', '.join(lacking)}, and the card can't be read")
    return folder.name


def _below(name: str, patterns: Sequence[str]) -> bool:
    parts = name.split("/")
    heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    return any(fnmatch.fnmatchcase(head, each) for each in patterns for head in heads)


def _bare(name: str) -> str:
    return re.sub(r"\.ko(\.\w+)?$", "", name.rsplit("/", 1)[-1]).replace("-", "_")


def _dependencies(file: Path) -> dict[str, list[str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {name: needs.split() for name, _, needs in (line.partition(":") for line in lines)}


def settle(root: Path, epoch: int) -> list[str]:
    """Make the root the same each time; the files that lost a set-user or set-group bit.

    No file is newer than `epoch`; compiled Python is taken without reading its source again.
    """
    for name in EMPTY_AT_START:
        folder = root / name
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            remove(path)
    (root / "etc/machine-id").write_text("")
    remove_if_there(root / "var/lib/dbus/machine-id")
    tamed = []
    for path in _all(root):
        state = path.lstat()
        if stat.S_ISREG(state.st_mode):
            if state.st_mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(state.st_mode & 0o777)
                tamed.append(path.relative_to(root).as_posix())
            if path.suffix == ".pyc":
                _trust_compiled(path)
        if state.st_mtime > epoch or path.suffix == ".pyc":
            os.utime(path, (epoch, epoch), follow_symlinks=False)
    return sorted(tamed)


def settle_times(folder: Path, epoch: int) -> None:
    """Give all in a folder, and itself, one time."""
    for path in (folder, *_all(folder)):
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def remove_if_there(path: Path) -> None:
    """Delete a file, a link or nothing."""
    if path.is_symlink() or path.exists():
        remove(path)


def _trust_compiled(path: Path) -> None:
    """PEP 552: from "checked hash" to "unchecked hash", for the root can't be written to."""
    content = bytearray(path.read_bytes())
    if content[4] == _PYC_CHECKED:
        content[4] = _PYC_UNCHECKED
        path.write_bytes(content)


def _files(folder: Path) -> list[Path]:
    return [each for each in _all(folder) if each.is_symlink() or each.is_file()]


def _all(folder: Path) -> Iterator[Path]:
    for above, folders, files in os.walk(folder):
        for name in sorted(folders + files):
            yield Path(above, name)


def _drop_dead_links(root: Path, folder: Path) -> None:
    while dead := [each for each in _all(folder) if each.is_symlink() and not _leads(root, each)]:
        for each in dead:
            each.unlink()


def _leads(root: Path, link: Path) -> bool:
    """Whether a link ends at something, as seen from within the root."""
    for _ in range(8):
        if not link.is_symlink():
            return link.exists()
        target = link.readlink()
        link = root / target.relative_to("/") if target.is_absolute() else link.parent / target
    return False


def _drop_empty(folder: Path) -> None:
    for above, _, _ in os.walk(folder, topdown=False):
        if not any(Path(above).iterdir()) and Path(above) != folder:
            Path(above).rmdir()
