"""What calls leave in the phone's store: read in the next run, private, and never in the way."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from offhook.app.keepsakes import CallKeepsakes
from offhook.app.reset import erase_learned
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.phone.call.record import CallRecord, Direction
from offhook.phone.line.reset import JOURNAL, LEARNED, ZRTP
from offhook.protocols.media.keying_messages import ZrtpRetain
from offhook.shells.store.atomic import read_document
from offhook.shells.store.vault import FileVault

ZID = b"a peer's zid"
RETAIN = ZrtpRetain(1, ZID, Secret(b"r" * 32), None, verified=True, lifetime_s=None)
RECORD = CallRecord(Direction.OUTGOING, "sip:a@x", reason="hung up here")


def keepsakes(store: Path, seed: str = "one") -> CallKeepsakes:
    return CallKeepsakes(store, FileVault(store, store), SeededRandomness(seed), lambda: 1.8e9)


def fill(kept: CallKeepsakes) -> None:
    zrtp = kept.of_calls.zrtp
    assert zrtp is not None
    zrtp.retain(RETAIN)
    kept.of_calls.learned.worked("home", "sip:a@x", "combined")
    kept.note("home", RECORD)


def knows_peer(kept: CallKeepsakes) -> bool:
    zrtp = kept.of_calls.zrtp
    return zrtp is not None and zrtp.recall(1, ZID).verified


def test_the_next_run_knows_what_this_one_left(tmp_path: Path) -> None:
    first = keepsakes(tmp_path)
    fill(first)
    again = keepsakes(tmp_path, "two")
    assert knows_peer(again)
    assert again.of_calls.zrtp is not None
    assert first.of_calls.zrtp is not None
    assert again.of_calls.zrtp.own == first.of_calls.zrtp.own
    assert again.of_calls.learned.form("home", "sip:a@x") == "combined"
    again.note("home", replace(RECORD, peer="sip:b@x"))
    document = read_document(tmp_path / JOURNAL.name, 1 << 20)
    assert isinstance(document, dict)
    assert [each["peer"] for each in document["calls"]] == ["sip:b@x", "sip:a@x"]


def test_only_the_phones_own_user_can_read_any_of_it(tmp_path: Path) -> None:
    fill(keepsakes(tmp_path))
    for entry in (ZRTP, LEARNED, JOURNAL):
        assert stat.S_IMODE((tmp_path / entry.name).stat().st_mode) == 0o600


def test_a_reset_leaves_nothing_of_it_on_the_disk_or_in_hand(tmp_path: Path) -> None:
    kept = keepsakes(tmp_path)
    fill(kept)
    kept.erase()
    erase_learned(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not knows_peer(kept)
    assert kept.of_calls.learned.form("home", "sip:a@x") is None
    kept.note("home", replace(RECORD, peer="sip:b@x"))
    assert "sip:a@x" not in (tmp_path / JOURNAL.name).read_text()
    assert not knows_peer(keepsakes(tmp_path, "two"))


def test_without_a_store_that_can_be_written_calls_go_on_and_that_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "a file, no folder"
    nowhere.write_text("")
    kept = keepsakes(nowhere)
    fill(kept)
    fill(kept)
    assert knows_peer(kept)
    said = capsys.readouterr().err
    assert said.count("strangers next time") == 1
    assert "r" * 32 not in said


def test_what_is_damaged_is_said_and_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for entry in (ZRTP, LEARNED, JOURNAL):
        (tmp_path / entry.name).write_text("{")
        (tmp_path / entry.name).chmod(0o600)
    kept = keepsakes(tmp_path)
    assert not knows_peer(kept)
    fill(kept)
    assert knows_peer(keepsakes(tmp_path, "two"))
    said = capsys.readouterr().err
    assert "strangers again" in said
    assert said.count("begins anew") == 2


def test_secrets_that_others_could_read_are_not_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(keepsakes(tmp_path))
    (tmp_path / ZRTP.name).chmod(0o644)
    assert not knows_peer(keepsakes(tmp_path, "two"))
    assert "chmod 600" in capsys.readouterr().err
