from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from board.image.recipe import (
    MANIFEST,
    RECIPE,
    Manifest,
    Package,
    differences,
    read_lock,
    read_manifest,
    read_recipe,
    written_manifest,
)
from board.image.tools import HOST_PACKAGES, BuildError

RECIPE_READ = read_recipe()
MANIFEST_READ = read_manifest()


def package(name: str, version: str = "1", sha256: str = "a" * 64) -> Package:
    return Package(name, version, "arm64", "trixie", 10, sha256)


def test_every_package_of_the_recipe_is_in_the_manifest() -> None:
    there = MANIFEST_READ.named()
    assert RECIPE_READ.packages.keys() <= there.keys()
    assert all(there[name].installed for name in RECIPE_READ.packages)
    assert RECIPE_READ.unpacked.keys() <= there.keys()
    assert not any(there[name].installed for name in RECIPE_READ.unpacked)


def test_each_package_has_its_reason() -> None:
    data = tomllib.loads(RECIPE.read_text())
    for entry in (*data["package"], *data["unpacked"], *data["wheel"], *data["compiled"]):
        assert len(entry["why"]) > 15, entry
    for entry in data["left_out"]:
        assert entry["why"]
        assert entry["paths"]


def test_the_manifest_is_exact() -> None:
    assert MANIFEST_READ.release == RECIPE_READ.release
    assert len(MANIFEST_READ.packages) > 150
    for each in MANIFEST_READ.packages:
        assert re.fullmatch(r"[0-9a-f]{64}", each.sha256), each.name
        assert each.version
        assert each.size > 0
        assert each.architecture in {RECIPE_READ.architecture, "all"}
        assert each.suite.startswith(RECIPE_READ.release), each.name


def test_only_the_kernel_comes_from_backports() -> None:
    names = {each.name for each in MANIFEST_READ.packages if each.suite.endswith("-backports")}
    assert names
    assert all(name.startswith("linux-") for name in names), names


def test_nothing_that_lets_anybody_in_or_installs_is_in_the_manifest() -> None:
    names = {each.name for each in MANIFEST_READ.packages if each.installed}
    assert not names & {"openssh-server", "dropbear", "telnetd", "sudo", "apt", "login", "gcc"}


def test_the_manifest_reads_as_it_was_written() -> None:
    text = written_manifest(MANIFEST_READ)
    assert text == MANIFEST.read_text()


def test_what_moved_is_told() -> None:
    old = Manifest("trixie", 1, (package("gone"), package("moved"), package("same")))
    new = Manifest("trixie", 2, (package("moved", "2"), package("new"), package("same")))
    assert differences(old, new) == ["gone   gone 1", "new    new 1", "moved  moved 1 → 2"]


def test_another_content_under_the_same_version_is_shouted() -> None:
    old = Manifest("trixie", 1, (package("one"),))
    new = Manifest("trixie", 1, (package("one", sha256="b" * 64),))
    assert differences(old, new) == ["OTHER CONTENT  one 1: same version, another hash"]


def test_without_a_manifest_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="board/update-manifest"):
        read_manifest(tmp_path / "manifest.toml")


def test_each_foreign_python_package_is_locked_to_one_file() -> None:
    lock = read_lock()
    assert lock.keys() == {*RECIPE_READ.wheels, *RECIPE_READ.compiled}
    for each in lock.values():
        assert len(each.hashes) == 1, each.name
        assert re.fullmatch(r"[0-9a-f]{64}", each.hashes[0])
        assert each.version


def test_versions_of_python_packages_are_those_that_development_has() -> None:
    runtime = (MANIFEST.parents[1] / "locks" / "runtime.txt").read_text()
    for each in read_lock().values():
        if f"{each.name}==" in runtime:
            assert f"{each.name}=={each.version} " in runtime
            assert each.hashes[0] in runtime, each.name


def test_the_tools_of_a_build_are_debian_packages_named_once() -> None:
    assert len(set(HOST_PACKAGES)) == len(HOST_PACKAGES)
    assert list(HOST_PACKAGES) == sorted(HOST_PACKAGES)
