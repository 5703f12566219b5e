"""Finds the GPIO chip by its label and loads the RPi.GPIO API for it.

The chip is asked by `GPIO_GET_CHIPINFO_IOCTL` (linux/gpio.h). The API is served by rpi-lgpio, which
takes the chip's number from RPI_LGPIO_CHIP when the numbering mode is set, and the board's revision
from RPI_LGPIO_REVISION when it is imported (its documentation, "Differences").
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import re
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

from offhook.base.errors import LocalError

CHIPINFO: Final = struct.Struct("=32s32sI")
"""struct gpiochip_info: name, label, number of lines."""
GPIO_GET_CHIPINFO_IOCTL: Final = 2 << 30 | CHIPINFO.size << 16 | 0xB4 << 8 | 0x01
"""_IOR(0xB4, 0x01, struct gpiochip_info)."""

REVISION_FILE: Final = Path("/proc/device-tree/system/linux,revision")
ASSUMED_REVISION: Final = "c03111"
"""A Pi 4B: told to the library where nothing else tells it, as on an emulated chip. It uses the
revision for nothing but its own report of the board."""

_NAME: Final = re.compile(r"gpiochip([0-9]+)")
_ELSEWHERE: Final = "or take the handset in the terminal"


class Pwm(Protocol):
    """A pin that is high for a share of each period (RPi.GPIO.PWM)."""

    def start(self, dc: float, /) -> None:
        """Begin; `dc` is the share in percent."""

    def ChangeDutyCycle(self, dc: float, /) -> None:  # noqa: N802  the API's name
        """From the next period on this share."""

    def stop(self) -> None:
        """End, and leave the pin low."""


class PinLibrary(Protocol):
    """What is used of the RPi.GPIO API."""

    BCM: int
    IN: int
    OUT: int
    PUD_UP: int
    BOTH: int

    def setmode(self, mode: int, /) -> None:
        """Number pins in this way."""

    def setwarnings(self, wanted: bool, /) -> None:
        """Whether it warns."""

    def setup(
        self, channel: int, direction: int, pull_up_down: int = ..., initial: int | None = ...
    ) -> None:
        """Claim a pin."""

    def input(self, channel: int, /) -> int:
        """The level."""

    def output(self, channel: int, value: int, /) -> None:
        """Set the level."""

    def add_event_detect(
        self, channel: int, edge: int, callback: Callable[[int], None] | None = ...
    ) -> None:
        """Have edges reported, in a thread of the library."""

    def remove_event_detect(self, channel: int, /) -> None:
        """No more edges."""

    def PWM(self, channel: int, frequency: float, /) -> Pwm:  # noqa: N802  the API's name
        """An object for an output, which stops when it is forgotten."""

    def cleanup(self) -> None:
        """Make every pin of this process an input, and let the chip go."""


@dataclass(frozen=True, slots=True)
class GpioChip:
    """One chip: its number N in /dev/gpiochipN, its label, how many lines it has."""

    number: int
    label: str
    lines: int


def chip_info(path: Path) -> GpioChip:
    """Ask the chip at `path`, whose name is gpiochipN. Raises OSError where it is none."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        answer = fcntl.ioctl(descriptor, GPIO_GET_CHIPINFO_IOCTL, bytes(CHIPINFO.size))
    finally:
        os.close(descriptor)
    _, label, lines = CHIPINFO.unpack(answer)
    return GpioChip(int(found[1]), label.split(b"\0")[0].decode("utf-8", "replace"), lines)


def find_chip(
    labels: Sequence[str],
    folder: Path = Path("/dev"),
    ask: Callable[[Path], GpioChip] = chip_info,
) -> GpioChip:
    """The chip with the first of these labels that there is; the lowest number of several.

    Raises LocalError, with what to do, where there is none or it may not be opened.
    """
    numbers = sorted(
        int(match[1]) for each in folder.iterdir() if (match := _NAME.fullmatch(each.name))
    )
    if not numbers:
        raise LocalError(
            f"this computer has no GPIO pins: there is no {folder}/gpiochip*; start Offhook on a "
            f"Raspberry Pi (or with the kernel module gpio-sim), {_ELSEWHERE}"
        )
    chips, refused = [], []
    for number in numbers:
        path = folder / f"gpiochip{number}"
        try:
            chips.append(ask(path))
        except PermissionError:
            refused.append(str(path))
        except OSError:
            # A dangling link or a file that is no chip: others may be.
            continue
    for label in labels:
        for chip in chips:
            if chip.label == label:
                return chip
    if refused:
        raise LocalError(
            f"{', '.join(refused)} may not be opened: add this user to the group gpio (usermod -aG "
            "gpio USER, then log in anew), or set DeviceAllow and Group in the service"
        )
    known = ", ".join(f"{chip.label} (gpiochip{chip.number})" for chip in chips) or "none"
    raise LocalError(
        f"there is no GPIO chip with the label {' or '.join(labels)}; the kernel has: {known}. "
        f"Name one of these in the profile's chips, {_ELSEWHERE}"
    )


def load_library(chip: GpioChip) -> PinLibrary:
    """The RPi.GPIO API on this chip, pins numbered as BCM does.

    Sets RPI_LGPIO_CHIP, and RPI_LGPIO_REVISION where nothing tells it. Raises LocalError with the
    remedy where the library is missing or can't have the chip.
    """
    os.environ["RPI_LGPIO_CHIP"] = str(chip.number)
    if not REVISION_FILE.exists():
        os.environ.setdefault("RPI_LGPIO_REVISION", ASSUMED_REVISION)
    try:
        with _own_folder():
            library = cast("PinLibrary", importlib.import_module("RPi.GPIO"))
    except ImportError as error:
        raise LocalError(
            f"there is no library for the pins ({error}): apt install python3-rpi-lgpio"
        ) from None
    except Exception as error:
        raise LocalError(
            f"the library for the pins can't be started ({error}): Offhook needs python3-rpi-lgpio,"
            " not the old RPi.GPIO"
        ) from error
    with reported(f"/dev/gpiochip{chip.number} can't be used"):
        library.setmode(library.BCM)
    library.setwarnings(False)
    return library


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Any error of the library as LocalError: lgpio's own derives from Exception alone."""
    try:
        yield
    except LocalError:
        raise
    except Exception as error:
        raise LocalError(f"{what}: {error}") from error


@contextmanager
def _own_folder() -> Iterator[None]:
    """A working folder for lgpio (LG_WD) while it is imported.

    It makes that folder the process's own and leaves a pipe in it, which is open by then.
    """
    before, set_before = Path.cwd(), os.environ.get("LG_WD")
    with tempfile.TemporaryDirectory(prefix="offhook-") as folder:
        os.environ["LG_WD"] = folder
        try:
            yield
        finally:
            os.chdir(before)
            if set_before is None:
                del os.environ["LG_WD"]
            else:
                os.environ["LG_WD"] = set_before
