from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
from cryptography import x509
from tests.provisioning.conftest import Office
from tests.provisioning.maker import DAY, NOW, Phone

from offhook.base.errors import LocalError
from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.secret import Secret
from offhook_provisioning.fleet import apply as applying
from offhook_provisioning.fleet.apply import apply, diff, plan
from offhook_provisioning.fleet.devices import lose
from offhook_provisioning.fleet.enrolment import take_request
from offhook_provisioning.fleet.looking import expiry, export
from offhook_provisioning.fleet.rotation import (
    begin_operator,
    finish_operator,
    renew_certificates,
)

Furnished = tuple[Office, dict[str, Phone]]


def test_a_second_apply_over_a_hundred_devices_writes_nothing(office: Office) -> None:
    for number in range(100):
        office.add(f"desk-{number:03}")
        office.enrol(f"desk-{number:03}")
    first = office.again()
    assert apply(first.keys, NOW).changed
    assert sum(path.parent.parent.name == "out" for path in first.workspace.disk.changed) == 100
    second = office.again()
    before = office.files()
    assert not apply(second.keys, NOW + 60).changed
    assert second.workspace.disk.changed == []
    assert office.files() == before


def test_every_phone_takes_its_bundle_and_no_other_phones(furnished: Furnished) -> None:
    office, phones = furnished
    for name, phone in phones.items():
        bundle = office.accepted(phone)
        assert bundle.content.secrets == {"home": Secret("trunk password")}
        for other in set(phones) - {name}:
            (office.root / "out" / name).joinpath("offhook-bundle.json").write_bytes(
                office.bundle(other)
            )
            with pytest.raises(DocumentRefused) as caught:
                office.accepted(phone)
            assert caught.value.flaw is Flaw.WRONG_DEVICE
        apply(office.keys, NOW)


def test_a_changed_setting_makes_one_new_bundle_with_a_higher_number(furnished: Furnished) -> None:
    office, phones = furnished
    path = office.root / "devices" / "desk-2.toml"
    path.write_text(path.read_text().replace("+49301", "+49302"))
    assert any("+49302" in line for line in diff(office.keys, NOW).lines)
    outcome = apply(office.keys, NOW)
    assert outcome.lines == ["desk-2: bundle 2 written"]
    assert office.accepted(phones["desk-2"], counter=1).content.settings.accounts[0].user == (
        "+49302"
    )


def test_a_changed_secret_is_planned_and_never_shown(furnished: Furnished) -> None:
    office, phones = furnished
    office.workspace.put_secret("desk-1", "home", Secret("another password"))
    _, planned = plan(office.keys, NOW)
    assert planned.data["plan"] == {
        "desk-1": ["bundle to be made: settings, secrets or certificates changed"]
    }
    assert "another" not in str(diff(office.keys, NOW).lines)
    apply(office.keys, NOW)
    assert office.accepted(phones["desk-1"], 1).content.secrets["home"] == Secret(
        "another password"
    )


def test_a_bundle_that_was_touched_or_removed_is_made_anew(furnished: Furnished) -> None:
    office, phones = furnished
    path = office.root / "out" / "desk-1" / "offhook-bundle.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert apply(office.keys, NOW).lines == ["desk-1: bundle 2 written"]
    path.unlink()
    assert apply(office.keys, NOW).lines == ["desk-1: bundle 3 written"]
    office.accepted(phones["desk-1"], counter=2)


def test_what_is_wrong_with_one_device_stops_all_before_anything_is_written(
    furnished: Furnished,
) -> None:
    office, _ = furnished
    for name, spoilt in (("desk-1", "trunk = 3\n"), ("desk-3", "[settings.line]\ncountry = 'X'")):
        path = office.root / "devices" / f"{name}.toml"
        path.write_text(path.read_text() + spoilt)
    before = office.files()
    with pytest.raises(LocalError) as caught:
        apply(office.keys, NOW)
    assert "desk-1" in str(caught.value)
    assert "desk-3" in str(caught.value)
    assert "line.country" in str(caught.value)
    assert office.files() == before


def test_certificates_are_renewed_after_two_thirds_of_their_life(furnished: Furnished) -> None:
    office, phones = furnished
    assert not apply(office.keys, NOW + 60 * DAY).lines[0].startswith("desk-1: certificate")
    later = NOW + 244 * DAY
    lines = apply(office.keys, later).lines
    assert "desk-1: certificate issued" in lines
    office.accepted(phones["desk-1"], counter=1, now=NOW + 400 * DAY)
    assert not apply(office.keys, later).changed


def test_a_certificate_never_outlives_the_ca_and_is_renewed_in_time(furnished: Furnished) -> None:
    office, phones = furnished
    end = office.workspace.chain[0].not_valid_after_utc.timestamp()
    apply(office.keys, end - 90 * DAY)
    chain = office.accepted(phones["desk-1"], counter=1, now=end - 90 * DAY).content.certificate
    own = x509.load_der_x509_certificate(chain[0])
    assert own.not_valid_after_utc.timestamp() == end
    assert office.workspace.state("desk-1").renew_at < end - 29 * DAY
    with pytest.raises(LocalError, match="was good until"):
        apply(office.keys, end + DAY)


def test_certificates_are_renewed_when_asked(furnished: Furnished) -> None:
    office, phones = furnished
    before = office.accepted(phones["desk-2"]).content.certificate
    assert renew_certificates(office.workspace, ["desk-2"]).changed
    apply(office.keys, NOW)
    assert office.accepted(phones["desk-2"], counter=1).content.certificate != before


def test_the_crl_is_dated_anew_before_it_ends(furnished: Furnished) -> None:
    office, _ = furnished
    path = office.root / "out" / "crl.pem"
    first = path.read_bytes()
    apply(office.keys, NOW + 61 * DAY)
    assert path.read_bytes() != first


def test_a_lost_phone_is_revoked_withdrawn_and_told_what_was_not_reached(
    furnished: Furnished, tmp_path: Path
) -> None:
    office, phones = furnished
    export(office.workspace, tmp_path / "web")
    serial = x509.load_der_x509_certificate(
        office.accepted(phones["desk-2"]).content.certificate[0]
    ).serial_number
    outcome = lose(office.workspace, "desk-2", NOW)
    assert any("the trunk" in each for each in outcome.data["not_reached"])
    apply(office.keys, NOW)
    crl = x509.load_pem_x509_crl((office.root / "out" / "crl.pem").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
    assert not (office.root / "out" / "desk-2").exists()
    assert (
        "desk-2/offhook-bundle.json withdrawn" in export(office.workspace, tmp_path / "web").lines
    )
    assert not export(office.workspace, tmp_path / "web").changed
    assert not lose(office.workspace, "desk-2", NOW + 9).changed


def test_a_phone_that_is_written_down_as_lost_by_hand_is_withdrawn_by_apply(
    furnished: Furnished,
) -> None:
    office, _ = furnished
    path = office.root / "devices" / "desk-2.toml"
    path.write_text(path.read_text().replace('"active"', '"lost"'))
    assert "desk-2: to be withdrawn and revoked" in plan(office.keys, NOW)[1].lines
    apply(office.keys, NOW)
    crl = x509.load_pem_x509_crl((office.root / "out" / "crl.pem").read_bytes())
    assert len(crl) == 1
    assert not (office.root / "out" / "desk-2").exists()
    assert not apply(office.keys, NOW).changed


def test_signing_keys_overlap_while_one_replaces_the_other(furnished: Furnished) -> None:
    office, phones = furnished
    phone = phones["desk-1"]
    old = office.workspace.operator_keys
    begin_operator(office.keys)
    assert not begin_operator(office.keys).changed
    apply(office.keys, NOW)
    both = office.workspace.operator_keys
    assert len(both) == 2
    told = office.accepted(phone, counter=1).content.binding.operator_keys
    assert told == both
    finish_operator(office.keys)
    apply(office.keys, NOW)
    assert office.workspace.operator_keys == both[1:]
    assert office.accepted(phone, counter=2).content.binding.operator_keys == both[1:]
    assert old[0] not in both[1:]
    assert not finish_operator(office.keys).changed


def test_what_ends_soon_is_told_soonest_first(furnished: Furnished) -> None:
    office, _ = furnished
    assert not expiry(office.workspace, 30, NOW).changed
    soon = expiry(office.workspace, 30, NOW + 340 * DAY)
    names = [each["what"] for each in soon.data["expiring"]]
    assert names[0] == "CRL"
    assert "certificate of desk-1" in names


def test_a_phone_that_is_not_enrolled_waits_and_hinders_nobody(furnished: Furnished) -> None:
    office, _ = furnished
    office.add("desk-4")
    outcome = apply(office.keys, NOW)
    assert not outcome.changed
    assert outcome.data["waiting"] == ["desk-4"]


class PowerCut(BaseException):
    """The machine stops here."""


class Fuse:
    """Cuts the power before the n-th single act on the disk; None: never."""

    def __init__(self, at: int | None) -> None:
        self.acts = 0
        self._at = at

    def __call__(self, _what: str, _path: Path) -> None:
        self.acts += 1
        if self._at is not None and self.acts > self._at:
            raise PowerCut


class Afternoon:
    """What an operator does in an afternoon, from the same beginning each time."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.newcomers = {name: Phone(name) for name in NEWCOMERS}
        for name in NEWCOMERS:
            office.add(name)
        self._requests = [office.request(name, each) for name, each in self.newcomers.items()]
        self._start = office.files()
        self.seen: dict[tuple[str, int], str] = {}

    def begin(self) -> None:
        """As it was in the morning."""
        self.seen = {}
        for path in sorted(self.office.root.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        for name, octets in self._start.items():
            path = self.office.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(octets)
            path.chmod(0o600 if name.startswith(("private", "state")) else 0o644)

    def work(self, fuse: Fuse) -> None:
        """Lose one phone, enrol five, change another's number, apply."""
        office = self.office.again(fuse)
        try:
            for each in self._requests:
                take_request(office.keys, each, NOW)
            lose(office.workspace, "desk-2", NOW)
            path = office.root / "devices" / "desk-3.toml"
            office.workspace.disk.write(path, path.read_bytes().replace(b"+49301", b"+49309"))
            apply(office.keys, NOW)
        finally:
            self._note()

    def _note(self) -> None:
        """Two bundles of one number would be a phone that refuses the right one."""
        for path in (self.office.root / "out").glob("*/*.json"):
            octets = path.read_bytes()
            counter = json.loads(base64.b64decode(json.loads(octets)["payload"]))["counter"]
            digest = hashlib.sha256(octets).hexdigest()
            assert self.seen.setdefault((path.parent.name, counter), digest) == digest


NEWCOMERS = ("desk-4", "desk-5", "desk-6", "desk-7", "desk-8")


@pytest.mark.parametrize("each", [9, pytest.param(1, marks=pytest.mark.long)])
def test_cut_at_every_act_of_the_disk_a_second_run_brings_it_to_its_end(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    # This process dies, not the machine: what reached the kernel stays without fsync.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    office, phones = furnished
    afternoon = Afternoon(office)
    afternoon.begin()
    whole = Fuse(None)
    afternoon.work(whole)
    assert whole.acts >= 200
    for at in range(0, whole.acts, each):
        afternoon.begin()
        with pytest.raises(PowerCut):
            afternoon.work(Fuse(at))
        afternoon.work(Fuse(None))
        last = office.again()
        assert not apply(last.keys, NOW).changed, at
        assert last.workspace.disk.changed == []
        for name, phone in afternoon.newcomers.items():
            assert office.accepted(phone).header.device == name
        assert office.accepted(phones["desk-3"], 1).content.settings.accounts[0].user == "+49309"
        assert not (office.root / "out" / "desk-2").exists()
        crl = x509.load_pem_x509_crl((office.root / "out" / "crl.pem").read_bytes())
        assert len(crl) == 1
        assert not list(office.root.rglob(".offhook-*"))


def test_a_counter_is_used_up_before_its_bundle_is_made(
    furnished: Furnished, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, _ = furnished

    def cut(*_: object) -> bytes:
        raise PowerCut

    office.workspace.put_secret("desk-1", "home", Secret("changed"))
    monkeypatch.setattr(applying, "make_bundle", cut)
    with pytest.raises(PowerCut):
        apply(office.keys, NOW)
    assert office.again().workspace.state("desk-1").counter == 2
