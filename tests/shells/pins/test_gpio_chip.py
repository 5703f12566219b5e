from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offhook.base.errors import LocalError
from offhook.shells.pins import gpio_chip
from offhook.shells.pins.gpio_chip import (
    GPIO_GET_CHIPINFO_IOCTL,
    GpioChip,
    chip_info,
    find_chip,
    load_library,
)

LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
SERVED = """
import os
BCM, SEEN = 11, {name: os.environ.get(name) for name in ("RPI_LGPIO_CHIP", "RPI_LGPIO_REVISION")}
SEEN["LG_WD"] = os.environ["LG_WD"]
os.chdir(os.environ["LG_WD"])
open(".lgd-nfy0", "w").close()
def setmode(mode):
    SEEN["mode"] = mode
def setwarnings(wanted):
    SEEN["warnings"] = wanted
"""
"""What rpi-lgpio does with its surroundings."""


def kernel(chips: dict[int, str | OSError]) -> Callable[[Path], GpioChip]:
    def ask(path: Path) -> GpioChip:
        number = int(path.name.removeprefix("gpiochip"))
        label = chips[number]
        if isinstance(label, OSError):
            raise label
        return GpioChip(number, label, 54)

    return ask


def folder_of(tmp_path: Path, chips: dict[int, str | OSError]) -> Path:
    for number in chips:
        (tmp_path / f"gpiochip{number}").touch()
    (tmp_path / "gpiomem").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("chips", "number"),
    [
        ({0: "pinctrl-bcm2711", 1: "raspberrypi-exp-gpio"}, 0),
        ({0: "brcmvirt-gpio", 10: "gpio-brcmstb@107d517c00", 4: "pinctrl-rp1"}, 4),
        ({2: "pinctrl-rp1", 10: "pinctrl-rp1"}, 2),
        ({0: "pinctrl-bcm2711", 1: "pinctrl-bcm2835"}, 1),
        ({0: PermissionError(13, "no"), 1: "pinctrl-bcm2835"}, 1),
        ({0: OSError(errno.ENOTTY, "no chip"), 1: "pinctrl-bcm2835"}, 1),
    ],
)
def test_the_chip_is_found_by_its_label_whatever_its_number(
    tmp_path: Path, chips: dict[int, str | OSError], number: int
) -> None:
    assert find_chip(LABELS, folder_of(tmp_path, chips), kernel(chips)).number == number


def test_without_any_chip_it_says_that_this_computer_has_none(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"no GPIO pins: there is no .*gpiochip.*terminal"):
        find_chip(LABELS, tmp_path)


def test_an_unknown_label_is_told_beside_those_that_there_are(tmp_path: Path) -> None:
    chips: dict[int, str | OSError] = {0: "gpio-sim.0"}
    with pytest.raises(LocalError, match=r"pinctrl-rp1; the kernel has: gpio-sim\.0 \(gpiochip0\)"):
        find_chip(LABELS, folder_of(tmp_path, chips), kernel(chips))


def test_a_chip_that_may_not_be_opened_asks_for_the_group(tmp_path: Path) -> None:
    chips: dict[int, str | OSError] = {0: PermissionError(13, "no"), 1: "raspberrypi-exp-gpio"}
    with pytest.raises(LocalError, match=r"gpiochip0 may not be opened: .*group gpio"):
        find_chip(LABELS, folder_of(tmp_path, chips), kernel(chips))


@pytest.fixture(params=["file", "null", "pipe", "link to nothing"])
def impostor(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "gpiochip7"
    match request.param:
        case "file":
            path.write_bytes(b"x" * 200)
        case "null":
            path.symlink_to("/dev/null")
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to(tmp_path / "gone")
    return path


def test_what_is_no_chip_is_asked_without_harm(impostor: Path) -> None:
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match=r".") as caught:
        chip_info(impostor)
    assert caught.value.errno in {errno.ENOTTY, errno.ENOENT, errno.EINVAL}
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    with pytest.raises(LocalError, match="the kernel has: none"):
        find_chip(LABELS, impostor.parent)


def test_a_name_that_is_no_chips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such device"):
        chip_info(tmp_path / "gpiomem")


def test_the_kernels_answer_is_read_as_linux_gpio_h_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GPIO_GET_CHIPINFO_IOCTL == 0x8044B401
    asked: list[int] = []

    def ioctl(_: int, request: int, room: bytes) -> bytes:
        asked.append(request)
        assert len(room) == 68
        return b"gpiochip3".ljust(32, b"\0") + b"pinctrl-rp1".ljust(32, b"\0") + b"\x36\0\0\0"

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    path = tmp_path / "gpiochip3"
    path.touch()
    assert chip_info(path) == GpioChip(3, "pinctrl-rp1", 54)
    assert asked == [GPIO_GET_CHIPINFO_IOCTL]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A package RPi with this source as its GPIO module."""
    for name in ("RPI_LGPIO_CHIP", "RPI_LGPIO_REVISION", "LG_WD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(gpio_chip, "REVISION_FILE", tmp_path / "none")
    before = Path.cwd()

    def install(source: str) -> None:
        (tmp_path / "RPi").mkdir()
        (tmp_path / "RPi" / "__init__.py").touch()
        (tmp_path / "RPi" / "GPIO.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    assert Path.cwd() == before
    for name in ("RPi.GPIO", "RPi"):
        sys.modules.pop(name, None)


CHIP = GpioChip(4, "pinctrl-rp1", 54)


def test_the_library_gets_chip_and_revision_and_a_folder_that_doesnt_stay(
    installed: Callable[[str], None],
) -> None:
    installed(SERVED)
    library = load_library(CHIP)
    seen = library.SEEN  # type: ignore[attr-defined]
    assert seen["RPI_LGPIO_CHIP"] == "4"
    assert int(seen["RPI_LGPIO_REVISION"], 16) >> 23 & 1
    assert seen["mode"] == library.BCM
    assert seen["warnings"] is False
    assert not Path(seen["LG_WD"]).exists()
    assert "LG_WD" not in os.environ


def test_what_the_board_or_its_owner_says_of_the_revision_stands(
    installed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gpio_chip, "REVISION_FILE", tmp_path)
    monkeypatch.setenv("LG_WD", str(tmp_path / "elsewhere"))
    installed(SERVED)
    seen = load_library(CHIP).SEEN  # type: ignore[attr-defined]
    assert seen["RPI_LGPIO_REVISION"] is None
    assert os.environ["LG_WD"] == str(tmp_path / "elsewhere")


def test_a_missing_library_is_told_with_the_package_that_has_it(
    installed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    del installed
    monkeypatch.setitem(sys.modules, "RPi", None)
    with pytest.raises(LocalError, match="apt install python3-rpi-lgpio"):
        load_library(CHIP)


def test_a_library_that_refuses_this_computer_is_told(installed: Callable[[str], None]) -> None:
    installed("raise RuntimeError('This module can only be run on a Raspberry Pi!')")
    with pytest.raises(LocalError, match=r"only be run on a Raspberry Pi.*rpi-lgpio"):
        load_library(CHIP)


def test_a_chip_that_the_library_cant_open_is_told(installed: Callable[[str], None]) -> None:
    installed(SERVED + "    raise Exception(\"'can not open gpiochip'\")\nsetmode = setwarnings\n")
    with pytest.raises(LocalError, match="/dev/gpiochip4 can't be used: 'can not open gpiochip'"):
        load_library(CHIP)
