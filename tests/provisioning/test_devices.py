from __future__ import annotations

from pathlib import Path

import pytest
from tests.provisioning.conftest import Office
from tests.provisioning.maker import NOW, Phone

from offhook.base.errors import LocalError
from offhook.base.secret import Secret
from offhook_provisioning.fleet.apply import apply
from offhook_provisioning.fleet.devices import NewDevice, add, import_csv, listing, lose, replace
from offhook_provisioning.fleet.revocation import revoke

Furnished = tuple[Office, dict[str, Phone]]
HEAD = "device,user,domain,password\n"


def csv_of(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "phones.csv"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_device_is_added_once_and_told_to_be_there_after(office: Office) -> None:
    new = NewDevice("desk-1", "+49301", "sip.example.com", password=Secret("a password"))
    assert add(office.workspace, new).changed
    again = NewDevice("desk-1", "+49301", "sip.example.com")
    assert not add(office.workspace, again).changed
    assert "a password" not in (office.root / "devices" / "desk-1.toml").read_text()


@pytest.mark.parametrize(
    ("name", "user", "domain"),
    [("Desk 1", "1", "a.example"), ("desk", "a b", "a.example"), ("desk", "1", "not a host")],
)
def test_a_device_that_no_phone_would_take_is_refused(
    office: Office, name: str, user: str, domain: str
) -> None:
    before = office.files()
    with pytest.raises(LocalError):
        add(office.workspace, NewDevice(name, user, domain, password=Secret("secret word")))
    assert office.files() == before


def test_a_hardware_address_for_a_name_is_advised_against(office: Office) -> None:
    outcome = add(office.workspace, NewDevice("b827eb123456", "1", "a.example"))
    assert any("hardware address" in each for each in outcome.warnings)


def test_hundreds_come_from_a_csv_file_and_a_second_import_changes_nothing(
    office: Office, tmp_path: Path
) -> None:
    rows = "".join(f"desk-{n:03},+4930{n},sip.example.com,pass-{n:03}\n" for n in range(300))
    path = csv_of(tmp_path, HEAD + rows)
    assert import_csv(office.workspace, path).lines == ["300 of 300 devices added or completed"]
    assert not import_csv(office.again().workspace, path).changed
    assert office.keys.secret("desk-123", "home") == Secret("pass-123")


@pytest.mark.parametrize(
    "text",
    [
        "desk-1,1,a.example,x\ndesk-1,2,a.example,y\n",
        "desk-1,1,a.example,x\ndesk-2,,a.example,x\n",
        "desk-1,1,a.example,x\ndesk-2,1,a.example\n",
        "desk-1,1,a.example,x\ndesk-2,1,a.example,x,x\n",
    ],
    ids=["twice", "no user", "too few", "too many"],
)
def test_of_a_csv_file_with_one_wrong_line_nothing_is_taken(
    office: Office, tmp_path: Path, text: str
) -> None:
    before = office.files()
    with pytest.raises(LocalError):
        import_csv(office.workspace, csv_of(tmp_path, HEAD + text))
    assert office.files() == before


def test_a_csv_file_with_passwords_that_others_can_read_is_refused(
    office: Office, tmp_path: Path
) -> None:
    path = csv_of(tmp_path, HEAD + "desk-1,1,a.example,open word\n", 0o644)
    with pytest.raises(LocalError, match="chmod 600") as caught:
        import_csv(office.workspace, path)
    assert "open word" not in str(caught.value)


def test_an_unknown_column_is_told_with_those_that_there_are(
    office: Office, tmp_path: Path
) -> None:
    with pytest.raises(LocalError, match="device, user, domain"):
        import_csv(office.workspace, csv_of(tmp_path, "device,user,domain,mac\n"))


def test_a_dead_phones_place_is_taken_with_number_and_password(furnished: Furnished) -> None:
    office, _ = furnished
    assert replace(office.workspace, "desk-1", "desk-9", NOW).changed
    assert office.workspace.device("desk-1").status == "replaced"
    new = office.workspace.device("desk-9")
    assert new.replaces == "desk-1"
    assert new.accounts == office.workspace.device("desk-1").accounts
    phone = office.enrol("desk-9")
    apply(office.keys, NOW)
    assert office.accepted(phone).content.secrets["home"] == Secret("trunk password")
    assert not (office.root / "out" / "desk-1").exists()
    assert not replace(office.workspace, "desk-1", "desk-9", NOW).changed
    assert office.workspace.state("desk-9").enrolled


def test_a_lost_phones_password_is_not_handed_on(furnished: Furnished) -> None:
    office, _ = furnished
    lose(office.workspace, "desk-1", NOW)
    with pytest.raises(LocalError, match="device add desk-9"):
        replace(office.workspace, "desk-1", "desk-9", NOW)


def test_an_operators_remarks_in_a_devices_file_outlive_its_loss(furnished: Furnished) -> None:
    office, _ = furnished
    path = office.root / "devices" / "desk-1.toml"
    path.write_text("# by the window\n" + path.read_text())
    lose(office.workspace, "desk-1", NOW)
    assert path.read_text().startswith('# by the window\nstatus = "lost"\n')


def test_a_revoked_phone_stays_and_has_to_enrol_anew(furnished: Furnished) -> None:
    office, _ = furnished
    assert revoke(office.workspace, "desk-1", NOW).changed
    assert not revoke(office.workspace, "desk-1", NOW).changed
    assert apply(office.keys, NOW).data["waiting"] == ["desk-1"]
    phone = office.enrol("desk-1")
    apply(office.keys, NOW)
    assert office.accepted(phone, counter=1).header.counter == 2


def test_each_stage_is_listed(furnished: Furnished) -> None:
    office, _ = furnished
    office.add("desk-4")
    office.add("desk-5")
    office.request("desk-5")
    lose(office.workspace, "desk-2", NOW)
    rows = {
        each["device"]: each["stage"] for each in listing(office.workspace, NOW).data["devices"]
    }
    assert rows == {
        "desk-1": "enrolled, bundle 1",
        "desk-2": "lost",
        "desk-3": "enrolled, bundle 1",
        "desk-4": "no ticket",
        "desk-5": "ticket laid, not enrolled",
    }


def test_a_device_that_isnt_there_is_told_with_those_that_are(furnished: Furnished) -> None:
    office, _ = furnished
    with pytest.raises(LocalError, match="desk-1, desk-2, desk-3"):
        lose(office.workspace, "desk-8", NOW)
