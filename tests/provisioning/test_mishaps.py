"""What befalls an operator: a full disk, a lost file, a wrong clock, a hand that wrote oddly."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.project.tree import ROOT
from tests.provisioning.conftest import PASSPHRASE, Office
from tests.provisioning.maker import DAY, NOW, Phone
from typer.testing import CliRunner

from offhook.base.errors import LocalError
from offhook.base.schema.ticket import read_ticket
from offhook.base.secret import Secret
from offhook_provisioning.cli.main import app
from offhook_provisioning.crypto.signing import verify
from offhook_provisioning.fleet.apply import apply
from offhook_provisioning.fleet.devices import lose, replace
from offhook_provisioning.fleet.enrolment import write_ticket
from offhook_provisioning.fleet.looking import export
from offhook_provisioning.media.medium import Folder
from offhook_provisioning.workspace.disk import Disk, DiskError
from offhook_provisioning.workspace.making import backup, make, restore
from offhook_provisioning.workspace.workspace import MARK

Furnished = tuple[Office, dict[str, Phone]]


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "ake room"), (errno.EROFS, "ount it")]
)
def test_a_write_that_fails_leaves_nothing_and_says_what_helps(
    tmp_path: Path, number: int, remedy: str
) -> None:
    def refuse(what: str, path: Path) -> None:
        if what == "fsync":
            raise OSError(number, os.strerror(number), str(path))

    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(DiskError, match=remedy):
        Disk(refuse).write(tmp_path / "file", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_where_nothing_can_be_written_a_command_says_so_and_looking_still_works(
    office: Office,
) -> None:
    office.add("desk-1")
    before = office.files()

    def says(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "offhook_provisioning.cli.main", *words, "-w", office.root],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'firmware'}:{ROOT / 'provisioning'}"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    assert says("device", "list").returncode == 0
    told = says("device", "lost", "desk-1")
    assert told.returncode == 1
    assert "ulimit" in told.stderr
    assert "Traceback" not in told.stderr
    assert {**office.files(), ".lock": b""} == {**before, ".lock": b""}


def test_a_stick_that_fills_up_holds_no_half_of_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LocalError, match="ake room"):
        Folder(tmp_path).write("offhook-ticket.json", b"ticket")
    assert list(tmp_path.iterdir()) == []


def test_keys_of_a_workspace_that_lost_its_mark_are_not_replaced(office: Office) -> None:
    office.add("desk-1")
    (office.root / MARK).unlink()
    before = office.files()
    with pytest.raises(LocalError, match="that lost"):
        make(office.root, "Example", Secret(PASSPHRASE), NOW, company=False, disk=Disk())
    assert office.files() == before


def test_of_two_inits_at_once_the_second_makes_no_keys(office: Office) -> None:
    before = office.files()
    with pytest.raises(LocalError, match="already"):
        make(office.root, "Example", Secret(PASSPHRASE), NOW, company=False, disk=Disk())
    assert office.files() == before


def test_a_restore_replaces_no_file_of_another(office: Office, tmp_path: Path) -> None:
    backup(office.workspace, tmp_path / "backup", Secret(PASSPHRASE))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitignore").write_text("mine\n")
    with pytest.raises(LocalError, match=r"home/\.gitignore is there"):
        restore(tmp_path / "backup", tmp_path / "home", Secret(PASSPHRASE), Disk())
    assert len(list((tmp_path / "home").iterdir())) == 1


def test_an_export_before_apply_withdraws_no_bundle(furnished: Furnished, tmp_path: Path) -> None:
    office, _ = furnished
    export(office.workspace, tmp_path / "web")
    office.workspace.disk.remove_folder(office.root / "out")
    with pytest.raises(LocalError, match="apply makes it anew"):
        export(office.workspace, tmp_path / "web")
    assert len(list((tmp_path / "web").glob("*/*.json"))) == 3


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("public/ca.pem", "expiry"),
        ("public/workspace.json", "status"),
        ("public/crl.pem", "expiry"),
    ],
)
def test_a_damaged_file_is_told_or_made_anew(furnished: Furnished, path: str, word: str) -> None:
    office, _ = furnished
    (office.root / path).write_bytes(b"\xff damaged")
    words = [word, "--json", "-w", str(office.root)]
    told = CliRunner().invoke(app, words)
    if path == "public/crl.pem":
        assert apply(office.keys, NOW).lines == ["CRL written to out/crl.pem"]
    else:
        assert "damaged" in json.loads(told.stdout)["error"]["message"]


@pytest.mark.parametrize("now", [0.0, 4_200_000_000.0])
def test_an_impossible_clock_makes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, now: float
) -> None:
    office.add("desk-1")
    before = office.files()
    monkeypatch.setattr(time, "time", lambda: now)
    told = CliRunner().invoke(app, ["device", "lost", "desk-1", "-w", str(office.root)])
    assert told.exit_code == 1
    assert "the clock" in told.output
    assert {**office.files(), ".lock": b""} == {**before, ".lock": b""}


def test_what_a_clock_that_ran_ahead_made_is_made_anew(office: Office) -> None:
    office.add("desk-1")
    ahead = NOW + 200 * DAY
    wrong = read_ticket(write_ticket(office.keys, "desk-1", ahead), verify, NOW)
    right = read_ticket(write_ticket(office.keys, "desk-1", NOW), verify, NOW)
    assert right.body.expires < wrong.body.expires
    assert right.token != wrong.token
    phone = office.enrol("desk-1")
    apply(office.keys, ahead)
    lines = apply(office.keys, NOW).lines
    assert "desk-1: certificate issued" in lines
    assert "CRL written to out/crl.pem" in lines
    office.accepted(phone, counter=1)


@pytest.mark.parametrize("line", ["status = 'active'", ' "status" = "active" # since May', "#"])
def test_however_an_operator_wrote_it_a_phone_gets_lost_or_replaced(
    office: Office, line: str
) -> None:
    office.add("desk-1")
    path = office.root / "devices" / "desk-1.toml"
    path.write_text(path.read_text().replace('status = "active"', line))
    replace(office.workspace, "desk-1", "desk-2", NOW)
    assert office.workspace.device("desk-2").replaces == "desk-1"
    assert not replace(office.workspace, "desk-1", "desk-2", NOW).changed
    lose(office.workspace, "desk-1", NOW)
    assert office.workspace.device("desk-1").status == "lost"


def test_a_place_is_taken_once(office: Office) -> None:
    office.add("desk-1")
    replace(office.workspace, "desk-1", "desk-2", NOW)
    with pytest.raises(LocalError, match="replace desk-2"):
        replace(office.workspace, "desk-1", "desk-3", NOW)
    assert office.workspace.device_names() == ["desk-1", "desk-2"]


def test_a_phone_is_lost_though_the_fleets_settings_are_wrong(furnished: Furnished) -> None:
    office, _ = furnished
    (office.root / "fleet.toml").write_text("broken")
    outcome = lose(office.workspace, "desk-1", NOW)
    assert "(home)" in outcome.data["not_reached"][0]
    assert office.workspace.device("desk-1").status == "lost"


def test_a_file_outside_of_the_folder_trust_goes_into_no_bundle(furnished: Furnished) -> None:
    office, _ = furnished
    path = office.root / "fleet.toml"
    anchor = "/etc/ssl/certs/ca-certificates.crt"
    path.write_text(path.read_text().replace(anchor, "trust/../private/identity.age"))
    with pytest.raises(LocalError, match=r"identity\.age is missing"):
        apply(office.keys, NOW)


def test_a_tokens_place_is_no_secrets(office: Office) -> None:
    office.add("desk-1")
    office.workspace.put_secret("desk-1", "ticket.token", Secret("of mine"))
    write_ticket(office.keys, "desk-1", NOW)
    assert office.keys.secret("desk-1", "ticket.token") == Secret("of mine")
    assert list(office.workspace.secrets()) == [("desk-1", "home"), ("desk-1", "ticket.token")]
