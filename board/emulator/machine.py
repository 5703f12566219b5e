"""QEMU with a card in it: the generic board `virt` for speed, `raspi3b` for the boot chain.

What QEMU's raspi3b can't do is start from the Pi's ROM and GPU: it begins at U-Boot, which is taken
from the card as it is.
"""

from __future__ import annotations

import enum
import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from board.emulator.card import Card
from offhook.app.render import plain

WITH_US: Final = ("setpriv", "--pdeathsig", "TERM", "--")
"""Before a command: it ends when who started it ends, however that was."""
END_S: Final = 10.0
PATIENCE_S: Final = 15.0
_TREE: Final = "bcm2837-rpi-3-b.dtb"
_MAC: Final = "52:54:00:0f:f4:01"
_NETWORK: Final = "n0"
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class EmulationError(Exception):
    """The emulator can't be started, or the telephone in it doesn't do in time what it should."""


class Board(enum.Enum):
    """What is emulated."""

    VIRT = "virt"
    """QEMU's generic board: two Cortex-A72, virtio, a clock; the kernel is started directly."""
    RASPI3B = "raspi3b"
    """A Raspberry Pi 3B from U-Boot on: four Cortex-A53, SD card, USB network, no clock."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a machine is started: `tap` is the network device that it is on.

    `rtc`: when virt's clock begins (ISO 8601, UTC), None: now.
    """

    board: Board
    tap: str
    rtc: str | None = None


class Machine:
    """A running QEMU; its files are in `folder`, its console's whole text in `console.log`."""

    def __init__(self, card: Card, folder: Path, terms: Terms) -> None:
        """Start it. Raises EmulationError, or BuildError for a card that isn't ours."""
        self.folder, self.log = folder, folder / "console.log"
        self._monitor_path = folder / "monitor.sock"
        self._console_path = folder / "console.sock"
        self.started_at = time.monotonic()
        with (folder / "qemu.log").open("wb") as complaints:
            self._process = subprocess.Popen(
                self._command(card, terms),
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._connections = ExitStack()
        with ExitStack() as failing:
            failing.callback(self.close)
            self.console = self._connected(self._console_path)
            self._monitor = self._connected(self._monitor_path)
            self._answers = self._connections.enter_context(self._monitor.makefile("rb"))
            self._answers.readline()
            self._ask("qmp_capabilities")
            failing.pop_all()

    @property
    def pid(self) -> int:
        """The emulator's process."""
        return self._process.pid

    def last_line(self) -> str:
        """What the console said last."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 2000))
                told = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [plain(_ESCAPES.sub("", line)).strip() for line in told.splitlines()]
        return next((line for line in reversed(lines) if line), "")[:100]

    def set_network(self, *, plugged: bool) -> None:
        """Pull the network's cable out, or put it in."""
        self._ask("set_link", name=_NETWORK, up=plugged)

    def reset(self) -> None:
        """Press the reset button."""
        self._ask("system_reset")

    def go_first(self) -> None:
        """Go before all else on this machine from now on, where that is allowed.

        A person's telephone has its processor for itself: one that is late because this machine is
        busy tells nothing of it.
        """
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            # The first thread has the clock: the processors wait for it, never it for them.
            priority = 2 if thread.name == str(self.pid) else 1
            with suppress(OSError):
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(priority))

    def close(self) -> None:
        """Switch it off."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._connections.close()

    def _command(self, card: Card, terms: Terms) -> list[str]:
        common = [
            *WITH_US,
            "qemu-system-aarch64",
            *("-display", "none", "-monitor", "none"),
            *("-qmp", f"unix:{self._monitor_path},server=on,wait=off"),
            *("-chardev", self._console_device()),
            *("-netdev", f"tap,id={_NETWORK},ifname={terms.tap},script=no,downscript=no"),
        ]
        if terms.board is Board.RASPI3B:
            return [*common, *self._raspi3b(card)]
        return [*common, *self._virt(card, terms.rtc)]

    def _console_device(self) -> str:
        return f"socket,id=console,path={self._console_path},server=on,wait=off,logfile={self.log}"

    def _virt(self, card: Card, rtc: str | None) -> list[str]:
        files = card.kernel_files(self.folder)
        return [
            *("-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024"),
            *("-accel", "tcg,thread=multi,tb-size=256"),
            *("-kernel", str(files.kernel), "-initrd", str(files.initrd)),
            *("-append", f"console=ttyAMA0 {files.arguments}"),
            *("-drive", f"if=none,id=card,file={card.path},format=raw"),
            *("-device", "virtio-blk-pci,drive=card"),
            *("-device", f"virtio-net-pci,netdev={_NETWORK},mac={_MAC},romfile="),
            *("-device", "virtio-rng-pci"),
            *("-rtc", f"base={rtc or 'utc'}"),
            *("-serial", "chardev:console"),
        ]

    def _raspi3b(self, card: Card) -> list[str]:
        return [
            *("-M", "raspi3b", "-accel", "tcg,thread=multi,tb-size=256"),
            *("-kernel", str(card.firmware_file("u-boot.bin", self.folder))),
            *("-dtb", str(card.firmware_file(_TREE, self.folder))),
            *("-drive", f"if=sd,file={card.path},format=raw"),
            *("-device", f"usb-net,netdev={_NETWORK},mac={_MAC}"),
            *("-serial", "null", "-serial", "chardev:console"),
        ]

    def _connected(self, path: Path) -> socket.socket:
        end = time.monotonic() + PATIENCE_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
            except OSError as error:
                connection.close()
                if self._process.poll() is not None or time.monotonic() > end:
                    told = (self.folder / "qemu.log").read_text(errors="replace").strip()
                    raise EmulationError(f"QEMU doesn't start: {told or error}") from None
                time.sleep(0.05)
            else:
                return self._connections.enter_context(connection)

    def _ask(self, command: str, **arguments: object) -> Any:
        line = json.dumps({"execute": command, "arguments": arguments})
        with suppress(OSError):
            self._monitor.sendall(line.encode() + b"\n")
            for answer in self._answers:
                told = json.loads(answer)
                if "error" in told:
                    raise EmulationError(f"{command}: {told['error'].get('desc')}")
                if "return" in told:
                    return told["return"]
        raise EmulationError(f"{command}: the emulator is gone")
