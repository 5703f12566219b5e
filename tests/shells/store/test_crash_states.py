"""Power cuts: after each of them vault and settings are whole, the old ones or the new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.shells.store.crash_model import (
    Image,
    Recorder,
    Returned,
    Writer,
    crash_states,
    forgetful,
    hasty,
    truncating,
)

from offhook.base.secret import Secret
from offhook.shells.store import atomic
from offhook.shells.store.settings_file import read_settings
from offhook.shells.store.vault import FileVault

SETTINGS = """\
[[accounts]]
name = "home"
user = "+49{number}"
domain = "sip.example.com"

[trust]
anchors = ["ca.pem"]
{padding}"""
ROUNDS = 72
FEW = 10
"""Rounds of a control."""


def contents(round_: int) -> dict[str, bytes]:
    """What is written in one round: a short secret, a key of some sectors, settings of more."""
    key = bytes([65 + round_]) * (300 + 700 * (round_ % 5))
    padding = "".join(f"# {round_} {line}\n" for line in range(60 * (round_ % 6)))
    settings = SETTINGS.format(number=round_, padding=padding)
    return {
        "kept/password": f"password {round_}".encode(),
        "kept/device.key": key,
        "settings.toml": settings.encode(),
    }


def record(folder: Path, monkeypatch: pytest.MonkeyPatch, writer: Writer | None) -> Recorder:
    """The log of all rounds by the phone's own writer, or of a few by another."""
    recorder = Recorder()
    vault = FileVault(folder, folder / "kept")
    (folder / "kept").mkdir(parents=True)
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "os", recorder)
        patched.setattr(Path, "replace", recorder.replace_method)
        for round_ in range(ROUNDS if writer is None else FEW):
            for name, content in contents(round_).items():
                path = folder / name
                if writer is not None:
                    writer(recorder, path, content)
                elif path.parent.name == "kept":
                    vault.keep(path.name, Secret(content))
                else:
                    atomic.write_atomically(path, content)
                recorder.log.append(Returned(str(path), content))
    return recorder


def verdicts(recorder: Recorder, folder: Path) -> Iterator[str]:
    """Of every crash state and file: whole, absent (before it was ever there), or what is wrong."""
    allowed: dict[str, list[bytes]] = {}
    for round_ in range(ROUNDS):
        for name, content in contents(round_).items():
            allowed.setdefault(str(folder / name), []).append(content)
    for image, promised in crash_states(recorder.log):
        yield "state"
        for path, versions in allowed.items():
            yield verdict(image.content(path), versions, promised.get(path))


def verdict(found: bytes | None, versions: list[bytes], promised: bytes | None) -> str:
    if found is None:
        return "absent" if promised is None else "lost"
    if found not in versions:
        return "torn" if found.strip(b"\0") else "empty"
    old = promised is not None and versions.index(found) < versions.index(promised)
    return "lost" if old else "whole"


def test_no_crash_leaves_a_file_torn_empty_or_older_than_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record(tmp_path, monkeypatch, None)
    count = Counter(verdicts(recorder, tmp_path))
    assert count["state"] >= 2000
    assert {name for name in count if count[name]} == {"state", "whole", "absent"}


def test_what_a_crash_left_is_read_by_the_phones_own_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = record(tmp_path / "live", monkeypatch, None)
    for number, (image, _) in enumerate(crash_states(recorder.log)):
        if number % 20:
            continue
        after = laid_out(image, tmp_path / "live", tmp_path / f"after-{number}")
        atomic.sweep(after / "kept")
        atomic.sweep(after)
        vault = FileVault(after, after / "kept")
        for name in ("password", "device.key"):
            kept = vault.recall(name)
            assert kept is None or kept.reveal() in [
                contents(round_)[f"kept/{name}"] for round_ in range(ROUNDS)
            ]
        if (after / "settings.toml").exists():
            assert read_settings(after / "settings.toml").accounts[0].name == "home"
        left = {path.name for path in after.rglob("*") if path.is_file()}
        assert left <= {"password", "device.key", "settings.toml"}


def laid_out(image: Image, live: Path, after: Path) -> Path:
    (after / "kept").mkdir(parents=True)
    for name in image.names:
        path = after / Path(name).relative_to(live)
        path.write_bytes(image.content(name) or b"")
        path.chmod(0o600)
    return after


@pytest.mark.parametrize(
    ("writer", "faults"),
    [(truncating, {"torn", "empty", "lost"}), (hasty, {"torn", "empty", "lost"})],
)
def test_control_naive_writers_leave_torn_and_empty_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: Writer, faults: set[str]
) -> None:
    count = Counter(verdicts(record(tmp_path, monkeypatch, writer), tmp_path))
    assert all(count[fault] > 10 for fault in faults), count


def test_control_without_fsync_of_the_folder_what_was_promised_gets_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = Counter(verdicts(record(tmp_path, monkeypatch, forgetful), tmp_path))
    assert count["lost"] > 10
    assert not count["torn"]
    assert not count["empty"]
