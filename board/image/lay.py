"""Lays over the Debian root what is ours: services, the phone, prompts, profiles, mounts."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from board.image.partitions import partition_uuid
from board.image.recipe import Manifest, Recipe
from board.image.tools import ROOT, BuildError, in_root

ROOTFS: Final = ROOT / "board" / "rootfs"
SHARE: Final = "usr/share/offhook"
STATE: Final = "/var/lib/offhook"

_LAUNCHER: Final = """\
#!/usr/bin/python3 -IP
import sys

from offhook.app.cli import main

sys.exit(main())
"""

_FSTAB: Final = """\
# The kernel mounts the root, read only. What is written goes to memory, and what must stay to the
# data partition.
tmpfs /tmp tmpfs nosuid,nodev,noexec,mode=1777,size=32m 0 0
tmpfs /var tmpfs nosuid,nodev,noexec,mode=0755,size=64m 0 0
PARTUUID={data} {state} ext4 {options} 0 2
"""
_DATA_OPTIONS: Final = (
    "nosuid,nodev,noexec,noatime,errors=remount-ro,x-systemd.device-timeout=10min"
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder of files for the root, and what its TOML says of them.

    `files` has modes and owners of those that aren't 0644 (0755 where executable) and root's.
    """

    folder: Path
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()


def read_tree(folder: Path) -> Tree:
    """The tree `folder` with the TOML beside it. Raises BuildError for one that names no file."""
    described = folder.with_suffix(".toml")
    if not folder.is_dir():
        return Tree(folder)
    data: dict[str, Any] = {}
    if described.is_file():
        data = tomllib.loads(described.read_text(encoding="utf-8"))
    files = {each["path"].lstrip("/"): each for each in data.get("file", ())}
    units = data.get("units", {})
    return Tree(
        folder,
        files,
        tuple(units.get("enabled", ())),
        tuple(units.get("disabled", ())),
        tuple(units.get("masked", ())),
    )


def lay_tree(root: Path, tree: Tree) -> list[str]:
    """Copy a tree over the root; the paths that it laid, sorted."""
    laid = []
    for path in sorted(tree.folder.rglob("*")) if tree.folder.is_dir() else ():
        name = path.relative_to(tree.folder).as_posix()
        target = root / name
        if path.is_dir() and not path.is_symlink():
            target.mkdir(exist_ok=True, parents=True)
            continue
        if target.is_symlink() or target.exists():
            target.unlink()
        if path.is_symlink():
            target.symlink_to(path.readlink())
        else:
            shutil.copyfile(path, target)
            target.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        laid.append(name)
    return laid


def own_tree(root: Path, tree: Tree, *, epoch: int, log: Path) -> None:
    """Make users, enable units, set modes and owners as a tree's TOML says. Raises BuildError."""
    in_root(root, "systemd-sysusers", epoch=epoch, log=log)
    for verb, units in (
        ("enable", tree.enabled),
        ("disable", tree.disabled),
        ("mask", tree.masked),
    ):
        if units:
            in_root(root, "systemctl", "--root=/", verb, *units, epoch=epoch, log=log)
    users, groups = _ids(root / "etc/passwd"), _ids(root / "etc/group")
    for name, said in tree.files.items():
        path = root / name
        if not path.exists():
            if said.get("kind") != "folder":
                raise BuildError(f"{tree.folder.name}.toml speaks of {name}, which isn't there")
            path.mkdir(parents=True)
        os.chown(path, users[said.get("owner", "root")], groups[said.get("group", "root")])
        if "mode" in said:
            path.chmod(int(said["mode"], 8))


def _ids(file: Path) -> dict[str, int]:
    rows = [line.split(":") for line in file.read_text(encoding="utf-8").splitlines()]
    return {row[0]: int(row[2]) for row in rows}


def lay_phone(root: Path, prompts: Path) -> None:
    """The command, what it says, and how handsets may be wired."""
    launcher = root / "usr/bin/offhook"
    launcher.write_text(_LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)
    for name, source in (("prompts", prompts), ("profiles", ROOT / "board" / "profiles")):
        target = root / SHARE / name
        target.mkdir(parents=True, exist_ok=True)
        for each in sorted(source.iterdir()):
            if each.suffix in (".wav", ".json", ".toml"):
                shutil.copyfile(each, target / each.name)
                (target / each.name).chmod(0o644)


def lay_mounts(root: Path, recipe: Recipe) -> None:
    """fstab, and a tmpfiles.d that makes /var in memory what the packages expect it to be."""
    numbers = {each.name: each.number for each in recipe.partitions}
    data = partition_uuid(recipe.identity, numbers["data"])
    table = _FSTAB.format(data=data, state=STATE, options=_DATA_OPTIONS)
    (root / "etc/fstab").write_text(table, encoding="utf-8")
    made = root / "usr/lib/tmpfiles.d/offhook-var.conf"
    made.write_text(var_folders(root), encoding="utf-8")


def var_folders(root: Path) -> str:
    """tmpfiles.d lines for the folders of packages below /var, with their modes and owners."""
    users = {number: name for name, number in _ids(root / "etc/passwd").items()}
    groups = {number: name for name, number in _ids(root / "etc/group").items()}
    lines = ["# Folders that Debian's packages keep below /var, which is in memory."]
    for path in sorted((root / "var").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() or not path.is_dir() or name.startswith(_NOT_ON_BOARD):
            continue
        state = path.stat()
        owner, group = users[state.st_uid], groups[state.st_gid]
        lines.append(f"d /{name} {state.st_mode & 0o7777:04o} {owner} {group} -")
    return "\n".join(lines) + "\n"


_NOT_ON_BOARD: Final = (
    "var/lib/dpkg",
    "var/lib/apt",
    "var/cache/apt",
    "var/lib/ucf",
    "var/backups",
)


def lay_statement(root: Path, manifest: Manifest, versions: Sequence[str]) -> None:
    """What this image is, for the phone to say and for whoever looks: os-release and manifest."""
    release = root / "usr/lib/os-release"
    name = 'PRETTY_NAME="Offhook on Debian 13"\n'
    kept = [line for line in release.read_text().splitlines() if not line.startswith("PRETTY_NAME")]
    release.write_text(name + "\n".join(kept) + "\nVARIANT_ID=offhook\n", encoding="utf-8")
    packages = {each.name: each.version for each in manifest.packages if each.installed}
    told = {"epoch": manifest.epoch, "python": list(versions), "debian": packages}
    statement = root / SHARE / "image.json"
    statement.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
