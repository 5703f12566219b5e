"""The hands at an emulated telephone: works its pins, runs programs, tells what happens.

Runs on the console of a test image, in the place of its shell: one JSON object a line, in with `id`
and `do`, out behind MARK. Everything else on the console is the kernel's and systemd's.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

MARK = "@workbench "
CONTROL = "/run/offhook/control.sock"
LONGEST_OUTPUT = 60_000
AGAIN_S = 0.5
KEPT_S = 0.02
CARRIED_S = 0.0007
ORDER_OCTETS = 64
PRIORITY = 30
"""Before the telephone's sound: a wire is never late."""


class Pins:
    """gpio-sim's lines as its sysfs shows them: `pull` is what is outside, `value` the level."""

    def __init__(self) -> None:
        (first,) = Path("/sys/devices/platform").glob("gpio-sim.*/gpiochip*/sim_gpio0")
        self._folder = first.parent
        self._values: dict[int, int] = {}
        self._pulls: dict[int, int] = {}

    def high(self, pin: int) -> bool:
        """The level that there is."""
        return os.pread(self._opened(self._values, pin, "value"), 2, 0)[:1] == b"1"

    def pulled_low(self, pin: int) -> bool:
        """Whether what is outside pulls it down."""
        return os.pread(self._opened(self._pulls, pin, "pull"), 16, 0).startswith(b"pull-down")

    def pull(self, pin: int, *, low: bool) -> None:
        """Pull it from outside."""
        text = b"pull-down" if low else b"pull-up"
        os.pwrite(self._opened(self._pulls, pin, "pull"), text, 0)

    def _opened(self, among: dict[int, int], pin: int, name: str) -> int:
        if pin not in among:
            among[pin] = os.open(self._folder / f"sim_gpio{pin}" / name, os.O_RDWR)
        return among[pin]


class Wires:
    """Contacts that a person closes: to ground, or a row of the keypad to a column.

    A process of its own carries a row's level to its columns for as long as a key is down, and
    keeps closed what is closed, whoever asks the kernel for another bias meanwhile. In a thread it
    would wait for the interpreter, and a column that is late is another key's.
    """

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._grounded: set[int] = set()
        self._keys: set[tuple[int, int]] = set()
        self._carried: dict[int, bool] = {}
        orders, self._orders = os.pipe()
        if os.fork():
            os.close(orders)
            return
        os.close(self._orders)
        self._run(orders)
        os._exit(0)

    def contact(self, pin: int, *, closed: bool) -> None:
        """Close a contact to ground, or open it."""
        self._order("_contact", pin, closed)

    def key(self, row: int, column: int, *, down: bool) -> None:
        """Press a key of the matrix, or let it go."""
        self._order("_key", row, column, down)

    def _order(self, *order: str | int) -> None:
        os.write(self._orders, json.dumps(order).encode().ljust(ORDER_OCTETS))

    def _run(self, orders: int) -> None:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        checked = 0.0
        while True:
            pause = CARRIED_S if self._keys else KEPT_S if self._grounded else None
            if select.select([orders], [], [], pause)[0]:
                order = os.read(orders, ORDER_OCTETS)
                if not order:
                    return
                name, *terms = json.loads(order)
                getattr(self, name)(*terms)
            self._carry()
            if (now := time.monotonic()) > checked + KEPT_S:
                checked = now
                self._keep()

    def _contact(self, pin: int, closed: bool) -> None:
        (self._grounded.add if closed else self._grounded.discard)(pin)
        self._pins.pull(pin, low=closed)

    def _key(self, row: int, column: int, down: bool) -> None:
        (self._keys.add if down else self._keys.discard)((row, column))
        if not down and column not in {each for _, each in self._keys}:
            self._carried.pop(column, None)
            self._pins.pull(column, low=False)

    def _keep(self) -> None:
        for pin in self._grounded:
            if not self._pins.pulled_low(pin):
                self._pins.pull(pin, low=True)

    def _carry(self) -> None:
        for column in {each for _, each in self._keys}:
            low = any(not self._pins.high(row) for row, each in self._keys if each == column)
            if low is not self._carried.get(column):
                self._carried[column] = low
                self._pins.pull(column, low=low)


class Workbench:
    """What can be asked for; each method's arguments are those of the line."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._pins = Pins()
        self._wires = Wires(self._pins)
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def hello(self) -> str:
        """The kernel's release."""
        return os.uname().release

    def contact(self, pin: int, closed: bool) -> None:
        """Close a contact to ground, or open it."""
        self._wires.contact(pin, closed=closed)

    def press(self, keys: list[tuple[int, int]], down_s: float, up_s: float) -> None:
        """Press keys (row and column) of the matrix one after the other."""
        for row, column in keys:
            self._wires.key(row, column, down=True)
            time.sleep(down_s)
            self._wires.key(row, column, down=False)
            time.sleep(up_s)

    def tap(self, pin: int, closed: bool, for_s: float) -> None:
        """Close a contact or open it for a while."""
        self._wires.contact(pin, closed=closed)
        time.sleep(for_s)
        self._wires.contact(pin, closed=not closed)

    def look(self, pins: list[int], for_s: float) -> dict[str, tuple[float, int]]:
        """Of each pin the share of the time in which it was high, and how often it changed."""
        seen: dict[int, list[bool]] = {pin: [] for pin in pins}
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            for pin, levels in seen.items():
                levels.append(self._pins.high(pin))
        return {
            str(pin): (sum(levels) / len(levels), sum(map(int.__ne__, levels, levels[1:])))
            for pin, levels in seen.items()
        }

    def run(self, command: list[str], seconds: float) -> tuple[int, str]:
        """A program's exit status, and all that it said."""
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return 127, str(error)
        return done.returncode, done.stdout.decode("utf-8", "replace")[-LONGEST_OUTPUT:]

    def start(self, command: list[str]) -> int:
        """A program that goes on; its process id."""
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._started[started.pid] = started
        return started.pid

    def stop(self, process: int) -> int:
        """Interrupt a program that was started; its exit status."""
        started = self._started.pop(process)
        if started.poll() is None:
            started.send_signal(signal.SIGINT)
        return started.wait(20)

    def write(self, path: str, content: str) -> None:
        """A file of this content (base64)."""
        Path(path).write_bytes(base64.b64decode(content))

    def send(self, path: str, host: str, port: int) -> int:
        """A file to who listens there; its octets."""
        content = Path(path).read_bytes()
        with socket.create_connection((host, port), 30) as peer:
            peer.sendall(content)
        return len(content)

    def fetch(self, path: str, host: str, port: int) -> int:
        """A file from who listens there; its octets."""
        with socket.create_connection((host, port), 30) as peer, Path(path).open("wb") as file:
            while received := peer.recv(1 << 16):
                file.write(received)
            return file.tell()

    def status(self) -> Any:
        """What the phone says of itself."""
        with socket.socket(socket.AF_UNIX) as phone:
            phone.settimeout(20)
            phone.connect(CONTROL)
            phone.sendall(b'{"want":"status"}\n')
            return json.loads(phone.makefile("rb").readline())["status"]

    def watch(self) -> None:
        """Tell from now on what the phone tells its watchers, whenever there is a phone."""
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as phone:
                    phone.connect(CONTROL)
                    phone.sendall(b'{"want":"watch"}\n')
                    for line in phone.makefile("rb"):
                        self._tell({"event": json.loads(line), "at": time.monotonic()})
            except (OSError, ValueError):
                pass
            self._tell({"event": {"event": "no phone"}, "at": time.monotonic()})
            time.sleep(AGAIN_S)


def requests(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    """The requests among what comes in: the shell before us may have left something else."""
    for line in lines:
        try:
            request = json.loads(line)
        except ValueError:
            continue
        if isinstance(request, dict) and "do" in request:
            yield request


def main() -> None:
    """Serve until the console ends."""
    tty.setraw(sys.stdin.fileno())
    out = threading.Lock()

    def tell(told: dict[str, Any]) -> None:
        with out:
            sys.stdout.write(f"\r\n{MARK}{json.dumps(told)}\r\n")
            sys.stdout.flush()

    bench = Workbench(tell)
    tell({"ready": os.getpid()})
    for request in requests(sys.stdin.buffer):
        name = request.pop("id", None)

        def answer(name: object = name, request: dict[str, Any] = request) -> None:
            try:
                told = getattr(bench, request.pop("do"))(**request)
                tell({"id": name, "told": told})
            except Exception as error:
                tell({"id": name, "error": f"{type(error).__name__}: {error}"})

        threading.Thread(target=answer, daemon=True).start()


if __name__ == "__main__":
    main()
