"""The recipe `recipe.toml` and the manifest `../manifest.toml` as values."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from board.image.partitions import Wanted
from board.image.tools import ROOT, BuildError

HERE: Final = Path(__file__).parent
RECIPE: Final = HERE / "recipe.toml"
MANIFEST: Final = HERE.parent / "manifest.toml"
WHEEL_LOCK: Final = ROOT / "locks" / "image.txt"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the image is made of."""

    release: str
    architecture: str
    components: tuple[str, ...]
    backports: tuple[str, ...]
    packages: Mapping[str, str]
    """Debian packages to install, each with its reason; apt adds what they depend on."""
    unpacked: Mapping[str, str]
    """Debian packages of which the build takes files."""
    wheels: Mapping[str, str]
    compiled: Mapping[str, str]
    left_out: tuple[str, ...]
    firmware: tuple[str, ...]
    modules: tuple[str, ...]
    test_modules: tuple[str, ...]
    early: tuple[str, ...]
    card_mib: int
    identity: int
    partitions: tuple[Wanted, ...]
    device_trees: tuple[str, ...]
    boot_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package of the manifest; `suite` is where it was found."""

    name: str
    version: str
    architecture: str
    suite: str
    size: int
    sha256: str
    installed: bool = True
    """False for what is only unpacked."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Exact versions and hashes of everything foreign. `epoch` is the time of all files, in s."""

    release: str
    epoch: int
    packages: tuple[Package, ...] = ()

    def named(self) -> dict[str, Package]:
        """The packages by their names."""
        return {each.name: each for each in self.packages}


@dataclass(frozen=True, slots=True)
class Locked:
    """A Python package of `locks/image.txt`."""

    name: str
    version: str
    hashes: tuple[str, ...] = field(default=())


def read_recipe(path: Path = RECIPE) -> Recipe:
    """The recipe. Raises KeyError or ValueError for one that isn't whole."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    debian, card = data["debian"], data["card"]
    return Recipe(
        release=debian["release"],
        architecture=debian["architecture"],
        components=tuple(debian["components"]),
        backports=tuple(debian["backports"]),
        packages={name: each["why"] for each in data["package"] for name in each["names"]},
        unpacked=_reasons(data["unpacked"]),
        wheels=_reasons(data["wheel"]),
        compiled=_reasons(data["compiled"]),
        left_out=tuple(path for each in data["left_out"] for path in each["paths"]),
        firmware=tuple(data["firmware"]["kept"]),
        modules=tuple(data["modules"]["kept"]),
        test_modules=tuple(data["modules"]["test"]),
        early=tuple(data["modules"]["early"]),
        card_mib=card["size_mib"],
        identity=int(card["identity"], 16),
        partitions=tuple(
            Wanted(each["name"], each["number"], each["size_mib"], int(each["type"], 16))
            for each in card["partition"]
        ),
        device_trees=tuple(data["boards"]["device_trees"]),
        boot_files=tuple(data["boards"]["boot_files"]),
    )


def _reasons(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {each["name"]: each["why"] for each in entries}


def read_manifest(path: Path = MANIFEST) -> Manifest:
    """The manifest. Raises BuildError where there is none."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise BuildError(f"there is no {path.name}: board/update-manifest makes it") from None
    packages = [
        Package(
            name,
            each["version"],
            each["architecture"],
            each["suite"],
            each["size"],
            each["sha256"],
            installed=each.get("installed", True),
        )
        for name, each in data["package"].items()
    ]
    return Manifest(data["release"], data["epoch"], tuple(packages))


def written_manifest(manifest: Manifest) -> str:
    """The manifest as TOML: one table a package, so that a change shows as a change of lines."""
    lines = [
        "# Every Debian package of the image with version and hash. board/update-manifest writes",
        "# this file. `epoch` is the time that all files of the image bear.",
        f"release = {_text(manifest.release)}",
        f"epoch = {manifest.epoch}",
    ]
    for each in sorted(manifest.packages, key=lambda package: package.name):
        lines += [
            "",
            f"[package.{_text(each.name)}]",
            f"version = {_text(each.version)}",
            f"architecture = {_text(each.architecture)}",
            f"suite = {_text(each.suite)}",
            f"size = {each.size}",
            f"sha256 = {_text(each.sha256)}",
        ]
        if not each.installed:
            lines.append("installed = false")
    return "\n".join(lines) + "\n"


def differences(old: Manifest, new: Manifest) -> list[str]:
    """What changed from one manifest to another, a line each."""
    before, after = old.named(), new.named()
    lines = [f"gone   {name} {before[name].version}" for name in sorted(before.keys() - after)]
    lines += [f"new    {name} {after[name].version}" for name in sorted(after.keys() - before)]
    for name in sorted(before.keys() & after):
        one, other = before[name], after[name]
        if one.version != other.version:
            lines.append(f"moved  {name} {one.version} → {other.version}")
        elif one.sha256 != other.sha256:
            lines.append(f"OTHER CONTENT  {name} {one.version}: same version, another hash")
    return lines


def read_lock(path: Path = WHEEL_LOCK) -> dict[str, Locked]:
    """The locked Python packages by name."""
    found: dict[str, Locked] = {}
    for block in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        words = block.split()
        if not words or words[0].startswith("#"):
            continue
        name, _, version = words[0].partition("==")
        hashes = [each.removeprefix("--hash=sha256:") for each in words if "sha256:" in each]
        found[name] = Locked(name, version, tuple(hashes))
    return found


def digest(*parts: object) -> str:
    """A short hash over values, to name what is made of them."""
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=True)
