"""The other end of the workbench in a test image: hands at its pins, through the console."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from board.emulator.machine import EmulationError, Machine

MARK: Final = b"@workbench "
PROGRAM: Final = "/usr/lib/offhook-test/workbench.py"
SHELL: Final = b"debug-shell.service"
"""Once systemd has told of it, and not before: a serial line that is typed at while it is set up
stays deaf (QEMU's PL011)."""
KNOCK_S: Final = 3.0
"""Between two attempts to start the workbench, while the system comes up."""
PATIENCE_S: Final = 60.0


class Hands:
    """What a person and a technician do with the telephone in `machine`.

    `on_event` is called for each event of the phone's control socket, in a thread of ours, once
    `watch` was asked for. Every method raises EmulationError where the telephone can't or doesn't
    answer in time.
    """

    def __init__(
        self, machine: Machine, on_event: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> None:
        self._machine, self._on_event = machine, on_event
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any] | None] = {}
        """Of the requests that wait for one; any other answer came too late and is left out."""
        self._changed = threading.Condition()
        self._ready = self._shell = self._gone = False
        threading.Thread(target=self._read, name="console", daemon=True).start()

    def arrive(self, within_s: float) -> float:
        """Begin to work once there is a shell on the console; s since the machine's start."""
        end = time.monotonic() + within_s
        while not self._ready:
            if self._gone:
                raise EmulationError(f"the machine ended; {self._told()}")
            if time.monotonic() > end:
                raise EmulationError(f"no shell within {within_s:g} s; {self._told()}")
            if self._shell:
                self._send(f"exec python3 -I {PROGRAM}")
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._gone, KNOCK_S)
        return time.monotonic() - self._machine.started_at

    def ask(self, do: str, within_s: float = PATIENCE_S, **terms: object) -> Any:
        """One request to the workbench, and what it tells."""
        number = next(self._numbers)
        self._answers[number] = None
        try:
            self._send(json.dumps({"id": number, "do": do, **terms}))
            with self._changed:
                self._changed.wait_for(lambda: self._answers[number] or self._gone, within_s)
        finally:
            answer = self._answers.pop(number)
        if answer is None:
            raise EmulationError(f"no answer to {do} {terms}; {self._told()}")
        if "told" not in answer:
            raise EmulationError(f"{do} {terms}: {answer.get('error')}")
        return answer["told"]

    def run(self, *command: str, within_s: float = PATIENCE_S) -> str:
        """What a program says that ends with 0."""
        status, told = self.ask("run", within_s + PATIENCE_S, command=command, seconds=within_s)
        if status:
            raise EmulationError(f"{' '.join(command)} ended with {status}:\n{told}")
        return str(told)

    def contact(self, pin: int, *, closed: bool) -> None:
        """Close a contact to ground, or open it."""
        self.ask("contact", pin=pin, closed=closed)

    def press(self, keys: Sequence[tuple[int, int]], down_s: float, up_s: float) -> None:
        """Press keys of the matrix, each by its row's and its column's pin, one after the other."""
        took = len(keys) * (down_s + up_s)
        self.ask("press", took + PATIENCE_S, keys=keys, down_s=down_s, up_s=up_s)

    def look(self, *pins: int, for_s: float = 0.3) -> dict[int, tuple[float, int]]:
        """Of each pin the share of that time in which it was high, and how often it changed."""
        told = self.ask("look", for_s + PATIENCE_S, pins=pins, for_s=for_s)
        return {int(pin): (share, changes) for pin, (share, changes) in told.items()}

    def write(self, path: str, content: bytes) -> None:
        """A small file in the telephone."""
        self.ask("write", path=path, content=base64.b64encode(content).decode())

    def put(self, path: str, content: bytes, host: str) -> None:
        """A file in the telephone, by the network; `host` is our address in it."""
        with socket.create_server((host, 0)) as server:
            server.settimeout(PATIENCE_S)
            sender = threading.Thread(target=_give, args=(server, content), daemon=True)
            sender.start()
            self.ask("fetch", path=path, host=host, port=server.getsockname()[1])
            sender.join(PATIENCE_S)

    def get(self, path: str, host: str) -> bytes:
        """A file of the telephone, by the network; `host` is our address in it."""
        received: list[bytes] = []
        with socket.create_server((host, 0)) as server:
            server.settimeout(PATIENCE_S)
            taker = threading.Thread(target=_take, args=(server, received), daemon=True)
            taker.start()
            self.ask("send", path=path, host=host, port=server.getsockname()[1])
            taker.join(PATIENCE_S)
        if taker.is_alive():
            raise EmulationError(f"{path} came only in part within {PATIENCE_S:g} s")
        return b"".join(received)

    def _told(self) -> str:
        """Where to look, and what is there last: the log may be gone with its folder."""
        return f"see {self._machine.log}, which ends with: {self._machine.last_line()}"

    def _send(self, line: str) -> None:
        try:
            self._machine.console.sendall(line.encode() + b"\n")
        except OSError:
            raise EmulationError(f"the machine ended; {self._told()}") from None

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                received = self._machine.console.recv(65536)
            except OSError:
                received = b""
            if not received:
                break
            *lines, rest = (rest + received).split(b"\n")
            self._shell = self._shell or any(SHELL in line for line in lines)
            for line in lines:
                self._take(line)
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        told = _understood(line)
        if told is None:
            return
        if "event" in told:
            self._on_event(told["event"])
            return
        with self._changed:
            if "ready" in told:
                self._ready = True
            elif isinstance(number := told.get("id"), int) and number in self._answers:
                self._answers[number] = told
            self._changed.notify_all()


def _understood(line: bytes) -> dict[str, Any] | None:
    """What the workbench tells in a line of the console; None: the line is somebody else's."""
    if MARK not in line:
        return None
    try:
        told = json.loads(line.partition(MARK)[2])
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _give(server: socket.socket, content: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(content)


def _take(server: socket.socket, received: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(1 << 16):
            received.append(data)
