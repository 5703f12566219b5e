from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from board.image.partitions import Wanted, place, table_sectors
from tests.provisioning.conftest import Office
from tests.provisioning.maker import DAY, NOW, Phone

from offhook.base.errors import LocalError
from offhook.base.schema.bundle import BUNDLE_FILE, Holder, accept_bundle
from offhook.base.schema.document_flaws import DocumentRefused, Flaw
from offhook.base.schema.enrolment_request import REQUEST_FILE, write_request
from offhook.base.schema.ticket import TICKET_FILE, read_ticket
from offhook.base.secret import Secret
from offhook_provisioning.crypto.authority import load_key, public_octets
from offhook_provisioning.crypto.signing import verify
from offhook_provisioning.fleet.enrolment import take_request, write_ticket
from offhook_provisioning.fleet.load import load
from offhook_provisioning.media.medium import FatPartition, Folder, Medium, card
from offhook_provisioning.workspace.inventory import FLEET

MKFS = shutil.which("mkfs.fat", path="/usr/sbin:/sbin:/usr/bin")
MTOOLS = pytest.mark.skipif(
    MKFS is None or shutil.which("mcopy") is None, reason="mtools and dosfstools are not installed"
)
WIFI = """
[ticket.network.wifi]
ssid = "Office"
country = "DE"
passphrase = { file = "secrets/wifi" }
"""


def image(folder: Path, *names: str) -> Path:
    """A card of our layout with an empty FAT, but for files of these names."""
    placed = place([Wanted("firmware", 1, 40, 0x0C), Wanted("boot_a", 5, 2, 0x83)], 64)
    fat, path = folder / "fat", folder / "card.img"
    with fat.open("wb") as file:
        file.truncate(placed[0].size)
    subprocess.run([str(MKFS), "-F", "32", str(fat)], check=True, capture_output=True)
    for name in names:
        (folder / name).write_bytes(b"x")
        subprocess.run(["mcopy", "-i", fat, folder / name, "::/"], check=True)
    with path.open("wb") as file:
        file.truncate(64 << 20)
        for sector, content in table_sectors(placed, 1).items():
            file.seek(sector * 512)
            file.write(content)
        file.seek(placed[0].offset)
        file.write(fat.read_bytes())
    return path


@pytest.fixture(params=["stick", pytest.param("image", marks=MTOOLS)])
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Medium:
    if request.param == "image":
        return FatPartition(image(tmp_path, "boot.scr"))
    (tmp_path / "stick").mkdir()
    return Folder(tmp_path / "stick")


def first_start(medium: Medium, phone: Phone) -> None:
    """What the phone does with its ticket. A stand-in for the device's own program."""
    ticket = read_ticket(medium.read(TICKET_FILE) or b"", verify, NOW)
    recipient = phone.identity.recipient
    medium.write(REQUEST_FILE, write_request(ticket.device, phone.csr_der, recipient, ticket.token))


def test_ticket_request_bundle_two_trips_and_no_server(office: Office, medium: Medium) -> None:
    office.add("desk-1")
    assert load(office.keys, "desk-1", medium, NOW).changed
    assert not load(office.again().keys, "desk-1", medium, NOW + DAY).changed
    octets = medium.read(TICKET_FILE) or b""
    ticket = read_ticket(octets, verify, NOW)
    phone = Phone("desk-1")
    first_start(medium, phone)
    assert load(office.keys, "desk-1", medium, NOW).changed
    assert medium.read(TICKET_FILE) is None
    spki = public_octets(load_key(phone.key).public_key())
    holder = Holder("desk-1", ticket.operator_keys, phone.identity.recipient, spki)
    bundle = accept_bundle(medium.read(BUNDLE_FILE) or b"", holder, phone.means, NOW)
    assert bundle.content.secrets == {"home": Secret("trunk password")}
    assert not load(office.again().keys, "desk-1", medium, NOW).changed


def test_a_new_ticket_voids_what_the_device_had(office: Office, medium: Medium) -> None:
    office.add("desk-1")
    load(office.keys, "desk-1", medium, NOW)
    first_start(medium, Phone("desk-1"))
    load(office.keys, "desk-1", medium, NOW)
    load(office.keys, "desk-1", medium, NOW, anew=True)
    assert medium.read(BUNDLE_FILE) is None
    assert medium.read(REQUEST_FILE) is None
    assert not office.workspace.state("desk-1").enrolled
    assert len(office.workspace.revocations.serials) == 1
    first_start(medium, Phone("desk-1"))
    assert load(office.keys, "desk-1", medium, NOW).changed


def test_a_token_serves_one_enrolment(office: Office, tmp_path: Path) -> None:
    office.add("desk-1")
    octets = write_ticket(office.keys, "desk-1", NOW)
    for phone in (Phone("desk-1"), Phone("desk-1")):
        stick = Folder(tmp_path)
        stick.write(TICKET_FILE, octets)
        first_start(stick, phone)
        if phone is not None and not office.workspace.state("desk-1").enrolled:
            load(office.keys, "desk-1", stick, NOW)
            continue
        before = office.files()
        with pytest.raises(DocumentRefused) as caught:
            load(office.keys, "desk-1", stick, NOW)
        assert caught.value.flaw is Flaw.TOKEN_REUSED
        assert office.files() == before


def test_a_request_of_another_device_or_token_or_too_late_is_refused(office: Office) -> None:
    office.add("desk-1")
    office.add("desk-2")
    good = office.request("desk-1")
    office.request("desk-2")
    for octets, terms, flaw in (
        (good, {"only": "desk-2"}, Flaw.WRONG_DEVICE),
        (good.replace(b"desk-1", b"desk-2"), {}, Flaw.WRONG_TOKEN),
    ):
        before = office.files()
        with pytest.raises(DocumentRefused) as caught:
            take_request(office.keys, octets, NOW, **terms)
        assert caught.value.flaw is flaw
        assert office.files() == before
    with pytest.raises(DocumentRefused) as caught:
        take_request(office.keys, good, NOW + 15 * DAY)
    assert caught.value.flaw is Flaw.EXPIRED


def test_a_ticket_has_the_networks_passphrase_and_no_trunks_password(
    office: Office, tmp_path: Path
) -> None:
    office.add("desk-1")
    fleet = office.root / "fleet.toml"
    fleet.write_text(fleet.read_text() + WIFI)
    with pytest.raises(LocalError, match="secret set wifi"):
        load(office.keys, "desk-1", Folder(tmp_path), NOW)
    office.workspace.put_secret(FLEET, "wifi", Secret("air words"))
    outcome = load(office.keys, "desk-1", Folder(tmp_path), NOW)
    assert any("passphrase" in each for each in outcome.warnings)
    ticket = read_ticket((tmp_path / TICKET_FILE).read_bytes(), verify, NOW)
    assert ticket.network_secrets == {"wifi": Secret("air words")}


def test_a_ticket_that_would_show_a_trunks_password_is_not_laid(
    office: Office, tmp_path: Path
) -> None:
    office.add("desk-1")
    fleet = office.root / "fleet.toml"
    fleet.write_text(fleet.read_text() + WIFI)
    office.workspace.put_secret(FLEET, "wifi", Secret("trunk password"))
    with pytest.raises(LocalError, match="secret home of desk-1"):
        load(office.keys, "desk-1", Folder(tmp_path), NOW)
    assert not (tmp_path / TICKET_FILE).exists()


def test_a_lost_phone_gets_nothing(office: Office, tmp_path: Path) -> None:
    office.add("desk-1")
    path = office.root / "devices" / "desk-1.toml"
    path.write_text(path.read_text().replace("active", "lost"))
    with pytest.raises(LocalError, match="is lost"):
        load(office.keys, "desk-1", Folder(tmp_path), NOW)


@MTOOLS
def test_an_image_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"no boot\.scr"):
        FatPartition(image(tmp_path))
    (tmp_path / "zeros").write_bytes(bytes(4096))
    with pytest.raises(LocalError, match="no partition table"):
        FatPartition(tmp_path / "zeros")


@MTOOLS
def test_what_is_laid_on_an_image_lies_beside_what_it_had(tmp_path: Path) -> None:
    path = image(tmp_path, "boot.scr", "config.txt")
    fat = FatPartition(path)
    assert fat.write(TICKET_FILE, b"one")
    assert not fat.write(TICKET_FILE, b"one")
    assert fat.write(TICKET_FILE, b"two")
    assert FatPartition(path).read(TICKET_FILE) == b"two"
    assert fat.read("config.txt") == b"x"
    assert fat.remove(TICKET_FILE)
    assert not fat.remove(TICKET_FILE)


def test_a_file_is_no_card_and_a_missing_stick_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(LocalError, match="no block device"):
        card(tmp_path / "x")
    with pytest.raises(LocalError, match="mount the stick"):
        Folder(tmp_path / "nowhere")
