"""The image of these sources, built where the cache has none: its table, files; nobody gets in."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from pathlib import Path

import pytest
from board.image.build import Order
from board.image.firmware import boot_script
from board.image.partitions import MIB, SECTOR, place, table_sectors
from board.image.recipe import read_manifest, read_recipe
from board.image.tools import run
from board.image.uboot import read_environment, script_text
from board.image.update import build_anyway
from board.image.wheels import PACKAGES, phone_files

RECIPE = read_recipe()
pytestmark = pytest.mark.long
PLACED = {each.name: each for each in place(RECIPE.partitions, RECIPE.card_mib)}


@pytest.fixture(scope="module")
def folder() -> Path:
    return build_anyway(Order(packed=False))


@pytest.fixture(scope="module")
def image(folder: Path) -> Path:
    return folder / "offhook.img"


def cut(image: Path, name: str, target: Path) -> Path:
    place = PLACED[name]
    with image.open("rb") as source, target.open("wb") as out:
        source.seek(place.offset)
        out.write(source.read(place.size))
    return target


@pytest.fixture(scope="module")
def root(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("image")
    packed = cut(image, "root_a", work / "root_a")
    unpacked = work / "root"
    run("unsquashfs", "-quiet", "-no-progress", "-dest", unpacked, packed)
    return unpacked


def files(root: Path) -> list[Path]:
    return [each for each in root.rglob("*") if not each.is_dir() or each.is_symlink()]


def test_the_table_on_the_card_is_the_recipes(image: Path) -> None:
    assert image.stat().st_size == RECIPE.card_mib * MIB
    with image.open("rb") as card:
        for sector, content in table_sectors(list(PLACED.values()), RECIPE.identity).items():
            card.seek(sector * SECTOR)
            assert card.read(SECTOR) == content


def test_sums_and_bills_are_of_this_image(folder: Path, image: Path) -> None:
    with image.open("rb") as content:
        hashed = hashlib.file_digest(content, "sha256").hexdigest()
    assert (folder / "offhook.img.sha256").read_text().split()[0] == hashed
    cyclonedx = json.loads((folder / "offhook.cdx.json").read_text())
    assert cyclonedx["metadata"]["component"]["hashes"][0]["content"] == hashed
    spdx = json.loads((folder / "offhook.spdx.json").read_text())
    assert spdx["packages"][0]["checksums"][0]["checksumValue"] == hashed
    if (folder / "rpi-imager.json").is_file():
        (entry,) = json.loads((folder / "rpi-imager.json").read_text())["os_list"]
        assert entry["extract_sha256"] == hashed
        assert entry["image_download_size"] <= 200_000_000


def test_slot_b_is_empty(image: Path) -> None:
    for name in ("boot_b", "root_b"):
        with image.open("rb") as card:
            card.seek(PLACED[name].offset)
            assert not any(card.read(MIB))


def test_fat_has_what_the_boards_read(image: Path, tmp_path: Path) -> None:
    fat = cut(image, "firmware", tmp_path / "fat")
    out = tmp_path / "out"
    out.mkdir()
    run("mcopy", "-s", "-i", fat, "::/*", out)
    there = {each.name.lower() for each in out.iterdir()}
    needed = {"config.txt", "boot.scr", "uboot.env", "u-boot.bin", "bootcode.bin", "start4.elf"}
    assert needed | set(RECIPE.device_trees) <= there
    assert script_text((out / "boot.scr").read_bytes()) == boot_script(RECIPE)
    environment = read_environment((out / "uboot.env").read_bytes())
    assert environment["preboot"] == "true"
    assert environment["bootcmd"] == "bootflow scan"
    assert environment["BOOT_ORDER"] == "A"


def test_the_boot_partition_has_kernel_initramfs_and_trees(image: Path, tmp_path: Path) -> None:
    boot = cut(image, "boot_a", tmp_path / "boot")
    told = run("debugfs", "-R", "ls -p /dtb/broadcom", boot)
    assert all(f"/{name}/" in told for name in RECIPE.device_trees)
    top = run("debugfs", "-R", "ls -p /", boot)
    sizes = {row.split("/")[5]: row.split("/")[6] for row in top.split("\n") if row}
    assert 8 * MIB < int(sizes["vmlinuz"]) < 32 * MIB
    assert MIB < int(sizes["initrd.img"]) < 32 * MIB
    assert "slot.env" in sizes


def test_of_ours_only_the_phone_is_there(root: Path) -> None:
    place = root / PACKAGES
    there = {
        each.relative_to(place).as_posix()
        for each in (place / "offhook").rglob("*")
        if each.is_file() and each.suffix != ".pyc"
    }
    assert there == phone_files().keys()
    assert not [each for each in files(root) if re.search("offhook_(practice|prov)", str(each))]


def test_the_phone_is_compiled_and_nothing_is_compiled_at_each_start(root: Path) -> None:
    for source in (root / PACKAGES / "offhook").rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert compiled.is_file(), source
        assert compiled.read_bytes()[4] == 1, source


def test_nobody_has_a_password_and_nobody_a_key(root: Path) -> None:
    for line in (root / "etc/shadow").read_text().splitlines():
        assert line.split(":")[1] in {"*", "!", "!*"}, line.split(":")[0]
    names = [each.relative_to(root).as_posix() for each in files(root)]
    assert not [name for name in names if re.search(r"ssh_host|authorized_keys|/sshd$", name)]
    private = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}")
    for each in files(root):
        if each.is_file() and not each.is_symlink() and each.stat().st_size < MIB:
            assert not private.search(each.read_bytes()), each


def test_the_board_gets_its_own_identity(root: Path) -> None:
    assert (root / "etc/machine-id").read_text() == ""
    assert not (root / "var/lib/dbus/machine-id").exists()
    assert not (root / "etc/hostname").exists()
    assert not (root / "var/lib/systemd/random-seed").exists()


def test_nothing_tells_of_the_machine_that_built_it(root: Path) -> None:
    assert [each.name for each in (root / "etc").iterdir() if "resolv.conf" in each.name] == [
        "resolv.conf"
    ]
    assert (root / "etc/resolv.conf").is_symlink()


def test_no_program_is_there_that_records(root: Path, folder: Path) -> None:
    names = {each.name for each in files(root)}
    assert {"amixer", "alsactl"} <= names
    recording = r"arecord.*|aplay.*|alsaloop|alsabat.*|axfer|amidi|aseq.*|parec.*|sox|rec|ffmpeg"
    assert [name for name in sorted(names) if re.fullmatch(recording, name)] == []
    listed = (folder / "files.txt").read_text().splitlines()
    assert not {"usr/bin/arecord", "usr/bin/aplay", "usr/bin/alsaloop"} & set(listed)


def test_no_program_lifts_rights(root: Path) -> None:
    lifting = stat.S_ISUID | stat.S_ISGID
    assert [each for each in files(root) if each.lstat().st_mode & lifting] == []


def test_nothing_is_writable_by_everybody(root: Path) -> None:
    open_to_all = [
        each
        for each in root.rglob("*")
        if not each.is_symlink()
        and each.lstat().st_mode & stat.S_IWOTH
        and not (each.is_dir() and each.lstat().st_mode & stat.S_ISVTX)
    ]
    assert open_to_all == []


def test_the_root_says_what_it_is_made_of(root: Path, folder: Path) -> None:
    told = json.loads((root / "usr/share/offhook/image.json").read_text())
    manifest = read_manifest(folder / "manifest.toml")
    assert told["debian"] == {
        each.name: each.version for each in manifest.packages if each.installed
    }
    assert told["epoch"] == manifest.epoch


def test_the_licences_of_all_that_is_installed_are_there(root: Path, folder: Path) -> None:
    with_terms = [each.parent.name for each in root.glob("usr/share/doc/*/copyright")]
    assert len(with_terms) > len(read_manifest(folder / "manifest.toml").packages) * 0.6


def test_what_is_written_goes_to_memory_or_to_data(root: Path) -> None:
    rows = [line.split() for line in (root / "etc/fstab").read_text().splitlines()]
    mounts = {row[1]: row for row in rows if not row[0].startswith("#")}
    assert [row[2] for place, row in mounts.items() if place != "/var/lib/offhook"] == ["tmpfs"] * 2
    data = mounts["/var/lib/offhook"]
    assert data[0] == f"PARTUUID={RECIPE.identity:08x}-{PLACED['data'].number:02x}"
    assert {"noatime", "nosuid", "nodev", "noexec"} <= set(data[3].split(","))
    assert data[5] == "2"


def test_prompts_and_profiles_are_there(root: Path) -> None:
    share = root / "usr/share/offhook"
    for language in ("de", "en"):
        index = json.loads((share / "prompts" / f"{language}.json").read_text())
        assert all((share / "prompts" / name).is_file() for name in index["fragments"].values())
    assert (share / "profiles" / "keypad-3x4.toml").is_file()


def test_the_kernel_has_the_boards_drivers_and_no_others(root: Path) -> None:
    names = {each.name.split(".ko")[0] for each in root.glob("usr/lib/modules/*/kernel/**/*.ko*")}
    assert {"smsc95xx", "lan78xx", "genet", "brcmfmac", "snd-usb-audio"} <= names
    assert {"bcm2835_wdt", "pwm-bcm2835", "i2c-bcm2835", "virtio_net"} <= names
    assert not names & {"amdgpu", "btusb", "uvcvideo", "nfs", "gpio-sim", "snd-aloop"}
