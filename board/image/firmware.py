"""The FAT partition: what the boards' ROM and GPU read, U-Boot, its script and its environment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from board.image import uboot
from board.image.partitions import partition_uuid
from board.image.recipe import Recipe

_HERE: Final = Path(__file__).parent
_PROGRAM: Final = "usr/lib/u-boot/rpi_arm64/u-boot.bin"

CHANGED: Final = {
    # The kernel must find the USB host untouched, and nothing on the serial line stops the start.
    "preboot": "true",
    "bootdelay": "-2",
    "boot_targets": "mmc",
    "stdin": "serial",
    "stdout": "serial",
    "stderr": "serial",
    "BOOT_ORDER": "A",
    "BOOT_A_LEFT": "3",
    "BOOT_B_LEFT": "0",
}
"""What our environment says otherwise than the one that U-Boot was built with, or in addition."""


def fill(folder: Path, recipe: Recipe, taken: Mapping[str, Path], boot: Path, epoch: int) -> None:
    """Put into `folder` all that p1 holds. `taken` are unpacked Debian packages by name."""
    folder.mkdir()
    blobs = taken["raspi-firmware"] / "usr/lib/raspi-firmware"
    for name in recipe.boot_files:
        shutil.copyfile(blobs / name, folder / name)
    for name in recipe.device_trees:
        shutil.copyfile(boot / "dtb/broadcom" / name, folder / name)
    program = (taken["u-boot-rpi"] / _PROGRAM).read_bytes()
    (folder / "u-boot.bin").write_bytes(program)
    environment = {**uboot.built_in_environment(program), **CHANGED}
    (folder / "uboot.env").write_bytes(uboot.environment_file(environment))
    script = uboot.script_image(boot_script(recipe), "Offhook", epoch)
    (folder / "boot.scr").write_bytes(script)
    shutil.copyfile(_HERE / "config.txt", folder / "config.txt")
    for name in ("raspi-firmware", "u-boot-rpi"):
        terms = taken[name] / "usr/share/doc" / name / "copyright"
        shutil.copyfile(terms, folder / f"LICENCE.{name}")


def boot_script(recipe: Recipe) -> str:
    """The boot script with the recipe's partitions in it, without comments."""
    text = (_HERE / "boot.cmd").read_text(encoding="utf-8")
    numbers = {each.name: each.number for each in recipe.partitions}
    text = text.replace("@order@", CHANGED["BOOT_ORDER"])
    text = text.replace("@identity@", partition_uuid(recipe.identity, 0)[:8])
    for name, number in numbers.items():
        text = text.replace(f"@{name}@", f"{number:x}")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return "\n".join(lines) + "\n"


def lay_radio_settings(root: Path, package: Path) -> None:
    """Settings of the boards' radios, which Debian keeps beside the GPU's firmware."""
    source, target = (each / "usr/lib/firmware/brcm" for each in (package, root))
    target.mkdir(parents=True, exist_ok=True)
    for each in sorted(source.iterdir()):
        shutil.copyfile(each, target / each.name)
