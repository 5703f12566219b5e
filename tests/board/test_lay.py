"""What is laid over the root: the trees of board/, and what their TOML says."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from board.image import lay
from board.image.recipe import read_recipe
from board.image.tell import TEST_TREE


def test_files_are_laid_with_their_modes_over_what_was_there(tmp_path: Path) -> None:
    tree, root = tmp_path / "tree", tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    (root / "etc").mkdir(parents=True)
    (tree / "etc/plain").write_text("new")
    (tree / "etc/tool").write_text("#!")
    (tree / "etc/tool").chmod(0o700)
    (tree / "etc/link").symlink_to("../run/elsewhere")
    (root / "etc/plain").symlink_to("/etc/passwd")
    assert lay.lay_tree(root, lay.read_tree(tree)) == ["etc/link", "etc/plain", "etc/tool"]
    assert not (root / "etc/plain").is_symlink()
    assert (root / "etc/plain").read_text() == "new"
    assert (root / "etc/plain").stat().st_mode & 0o777 == 0o644
    assert (root / "etc/tool").stat().st_mode & 0o777 == 0o755
    assert str((root / "etc/link").readlink()) == "../run/elsewhere"


def test_a_tree_that_is_not_there_is_empty(tmp_path: Path) -> None:
    tree = lay.read_tree(tmp_path / "absent")
    assert lay.lay_tree(tmp_path, tree) == []


@pytest.mark.parametrize("folder", [lay.ROOTFS, TEST_TREE])
def test_our_trees_name_only_files_that_they_have(folder: Path) -> None:
    tree = lay.read_tree(folder)
    for name, said in tree.files.items():
        there = (folder / name).exists() or (folder / name).is_symlink()
        assert there or said.get("kind") == "folder", name


def test_what_a_test_image_has_more_opens_only_a_test_image() -> None:
    described = tomllib.loads(TEST_TREE.with_suffix(".toml").read_text())
    assert "systemd.debug_shell=console" in described["test"]["kernel_arguments"]
    assert (TEST_TREE / "usr/share/offhook/TEST-IMAGE").is_file()


def test_folders_below_var_come_back_with_their_owners(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(f"_chrony:x:{os.getuid()}:102::/:/bin/false\n")
    (tmp_path / "etc/group").write_text(f"_chrony:x:{os.getgid()}:\n")
    (tmp_path / "var/lib/chrony").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    (tmp_path / "var/lib/chrony").chmod(0o750)
    text = lay.var_folders(tmp_path)
    assert "d /var/lib/chrony 0750 _chrony _chrony -\n" in text
    assert "dpkg" not in text


def test_the_data_partition_is_found_by_the_disks_identity(tmp_path: Path) -> None:
    for name in ("etc", "usr/lib/tmpfiles.d", "var"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).write_text("root:x:0:0\n")
    lay.lay_mounts(tmp_path, read_recipe())
    table = (tmp_path / "etc/fstab").read_text()
    assert "PARTUUID=0ff4001c-09 /var/lib/offhook ext4 " in table
    assert "offhook-var" in next(iter((tmp_path / "usr/lib/tmpfiles.d").iterdir())).name
