from __future__ import annotations

from pathlib import Path

import pytest

from offhook.base.schema.settings import LONGEST_DOCUMENT, SettingsInvalid
from offhook.shells.store.atomic import StoreError
from offhook.shells.store.randomness import SystemRandomness
from offhook.shells.store.settings_file import read_settings, read_trust

SETTINGS = """
[[accounts]]
name = "home"
user = "alice"
domain = "example.com"
[trust]
anchors = ["ca.pem", "second.pem"]
crls = ["ca.crl"]
client_certificate = "own.pem"
client_key = { file = "own.key" }
"""


def test_the_files_under_trust_are_read_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    for name in ("ca.pem", "second.pem", "ca.crl", "own.pem"):
        (tmp_path / name).write_text(name)
    settings = read_settings(tmp_path / "settings.toml")
    files = read_trust(settings, tmp_path)
    assert files.anchors == (b"ca.pem", b"second.pem")
    assert files.crls == (b"ca.crl",)
    assert files.client_certificate == b"own.pem"


def test_a_missing_anchor_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    (tmp_path / "ca.pem").write_text("ca")
    with pytest.raises(StoreError, match=r"second\.pem: No such file"):
        read_trust(read_settings(tmp_path / "settings.toml"), tmp_path)


def test_missing_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"settings\.toml: No such file"):
        read_settings(tmp_path / "settings.toml")


def test_settings_that_are_too_long_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"#" * (LONGEST_DOCUMENT + 1))
    with pytest.raises(SettingsInvalid):
        read_settings(path)
    path.write_bytes(b"#" * (LONGEST_DOCUMENT + 9))
    with pytest.raises(StoreError):
        read_settings(path)


def test_the_systems_randomness_does_not_repeat() -> None:
    source = SystemRandomness()
    assert source.octets(0) == b""
    assert len(source.octets(32)) == 32
    assert source.octets(32) != source.octets(32)
