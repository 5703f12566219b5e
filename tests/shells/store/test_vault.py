from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from offhook.base.schema.secret_source import SecretSource
from offhook.base.secret import Secret
from offhook.shells.store.atomic import StoreError
from offhook.shells.store.vault import LONGEST_SECRET, FileVault, VaultRefused

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def secret_file(folder: Path, content: bytes, mode: int = 0o600, name: str = "home") -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_one_line_break_at_the_end_is_no_part_of_the_secret(tmp_path: Path, end: bytes) -> None:
    secret_file(tmp_path, b"hunter2 " + end)
    assert FileVault(tmp_path).fetch(SecretSource(file="home")) == Secret("hunter2 ")


def test_only_one_line_break_is_taken_off(tmp_path: Path) -> None:
    secret_file(tmp_path, b"a\n\n")
    assert FileVault(tmp_path).fetch(SecretSource(file="home")) == Secret("a\n")


def test_an_absolute_path_stands_by_itself(tmp_path: Path) -> None:
    path = secret_file(tmp_path, b"hunter2")
    assert FileVault(Path("/")).fetch(SecretSource(file=str(path))) == Secret("hunter2")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_a_secret_that_others_can_get_at_is_refused_with_the_remedy(
    tmp_path: Path, mode: int
) -> None:
    path = secret_file(tmp_path, b"hunter2", mode)
    with pytest.raises(VaultRefused, match=f"mode {mode:04o}.*chmod 600 {path}") as caught:
        FileVault(tmp_path).fetch(SecretSource(file="home"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_that_its_owner_alone_can_read_is_taken(tmp_path: Path, mode: int) -> None:
    secret_file(tmp_path, b"hunter2", mode)
    assert FileVault(tmp_path).fetch(SecretSource(file="home")) == Secret("hunter2")


@root_only
def test_a_secret_that_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(secret_file(tmp_path, b"hunter2"), 12345, 12345)
    with pytest.raises(VaultRefused, match="uid 12345"):
        FileVault(tmp_path).fetch(SecretSource(file="home"))


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "empty"), (b"\n", "empty"), (b"x" * (LONGEST_SECRET + 1), "longer than")],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    secret_file(tmp_path, content)
    with pytest.raises(VaultRefused, match=why):
        FileVault(tmp_path).fetch(SecretSource(file="home"))


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir()
    for name, why in (
        ("pipe", "no regular file"),
        ("folder", "Is a directory|no regular file"),
        ("nothing", "No such file"),
    ):
        with pytest.raises(VaultRefused, match=why):
            FileVault(tmp_path).fetch(SecretSource(file=name))


def test_a_credential_comes_from_systemds_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_file(tmp_path, b"hunter2", 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert FileVault(Path("/")).fetch(SecretSource(credential="home")) == Secret("hunter2")


def test_a_credential_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    secret_file(tmp_path, b"hunter2", 0o444)
    with pytest.raises(VaultRefused, match="mode 0444"):
        FileVault(Path("/"), credentials=tmp_path).fetch(SecretSource(credential="home"))


def test_a_credential_without_systemd_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(VaultRefused, match="LoadCredential=home"):
        FileVault(tmp_path).fetch(SecretSource(credential="home"))


def test_what_is_kept_is_recalled_octet_for_octet_and_forgotten(tmp_path: Path) -> None:
    vault = FileVault(tmp_path, kept=tmp_path / "state" / "vault")
    assert vault.recall("device.key") is None
    vault.keep("device.key", Secret(b"\x00key\n"))
    path = tmp_path / "state" / "vault" / "device.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert vault.recall("device.key") == Secret(b"\x00key\n")
    vault.keep("device.key", Secret(b"next"))
    assert vault.recall("device.key") == Secret(b"next")
    vault.forget("device.key")
    vault.forget("device.key")
    assert vault.recall("device.key") is None


def test_a_store_that_can_not_be_looked_into_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    vault = FileVault(tmp_path, kept=tmp_path / ("x" * 300))
    with pytest.raises(VaultRefused):
        vault.recall("zrtp.secret")


@pytest.mark.parametrize("name", ["", "../home", "a/b", ".hidden", "A", "a\n", "x" * 65])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(VaultRefused):
        FileVault(tmp_path, kept=tmp_path).keep(name, Secret(b"x"))


def test_a_vault_without_a_folder_of_its_own_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(VaultRefused):
        FileVault(tmp_path).keep("a", Secret(b"x"))


def test_a_folder_that_can_not_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        FileVault(tmp_path, kept=tmp_path / "file" / "vault").keep("a", Secret(b"x"))
