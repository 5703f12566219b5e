"""A UDP relay that impairs: `python -m tests.benchmarks.voice.relay PORT PORT < terms.json`.

Two legs of an RTP and an RTCP port each. What comes to one leg goes out of the other, to where that
leg's telephone sends from (symmetric RTP, RFC 4961): no address is read, no packet opened. RTP is
impaired, RTCP and what has too short a header are passed on at once. Ends, and prints its counts,
at the end of its input.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.voice.impairment import Condition, fates
from tests.interop.lab.ports import HOST, free_ports

_ROOT = Path(__file__).parents[3]
_LARGEST = 2048
_END_S = 10.0
_IDLE_S = 0.5
RTCP_TYPES = range(192, 224)
"""RFC 5761 §4: in this range of the second octet it is RTCP."""


@dataclass
class Counts:
    """Of one direction. `late_ms` is by how much packets went out after their time."""

    received: int = 0
    lost: int = 0
    overtaken: int = 0
    not_sent: int = 0
    late_ms: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        told = asdict(self)
        late = sorted(told.pop("late_ms")) or [0.0]
        told["late_ms_median"] = round(late[len(late) // 2], 3)
        told["late_ms_p99"] = round(late[int(0.99 * (len(late) - 1))], 3)
        told["late_ms_most"] = round(late[-1], 3)
        return told


class _Leg:
    """The ports that face one telephone."""

    def __init__(self, port: int, condition: Condition, seed: str) -> None:
        self.sockets = []
        for each in (port, port + 1):
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            bound.setblocking(False)
            bound.bind((HOST, each))
            self.sockets.append(bound)
        self.telephone: list[tuple[str, int] | None] = [None, None]
        self.fates = fates(condition, seed)
        self.counts = Counts()
        self.newest = 0


class Relay:
    """Both legs and what is on its way between them."""

    def __init__(self, ports: tuple[int, int], condition: Condition, seed: str) -> None:
        self.legs = tuple(
            _Leg(port, condition, f"{seed} {number}") for number, port in enumerate(ports)
        )
        self._way: list[tuple[float, int, int, int, bool, bytes]] = []
        self._number = 0

    def run(self, ended: threading.Event) -> None:
        """Carries packets until told to end."""
        where = {
            bound: (number, kind)
            for number, leg in enumerate(self.legs)
            for kind, bound in enumerate(leg.sockets)
        }
        while not ended.is_set():
            wait = _IDLE_S if not self._way else max(0.0, self._way[0][0] - time.monotonic())
            for bound in select.select(list(where), [], [], min(wait, _IDLE_S))[0]:
                self._receive(bound, *where[bound])
            self._send_due()

    def _receive(self, bound: socket.socket, number: int, kind: int) -> None:
        leg = self.legs[number]
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    data, leg.telephone[kind] = bound.recvfrom(_LARGEST)
                except ConnectionError:
                    continue  # an ICMP error of something sent before
                now = time.monotonic()
                delay: float | None = 0.0
                impaired = kind == 0 and len(data) >= 12 and data[1] not in RTCP_TYPES
                if impaired:
                    leg.counts.received += 1
                    delay = next(leg.fates)
                if delay is None:
                    leg.counts.lost += 1
                    continue
                self._number += 1
                heapq.heappush(self._way, (now + delay, self._number, number, kind, impaired, data))

    def _send_due(self) -> None:
        while self._way and self._way[0][0] <= time.monotonic():
            due, order, number, kind, impaired, data = heapq.heappop(self._way)
            source, other = self.legs[number], self.legs[1 - number]
            telephone = other.telephone[kind]
            if telephone is None:
                source.counts.not_sent += 1
                continue
            with contextlib.suppress(OSError):
                other.sockets[kind].sendto(data, telephone)
            source.counts.late_ms.append(1000 * (time.monotonic() - due))
            if impaired:
                source.counts.overtaken += order < source.newest
                source.newest = max(order, source.newest)


class RunningRelay:
    """The relay as a process, from entering to leaving; `caller_port` is where the caller sends."""

    def __init__(self, ports: tuple[int, int]) -> None:
        self.caller_port, self.called_port = ports
        self._process: subprocess.Popen[str] | None = None
        self.counts: list[dict[str, Any]] = []
        """What came from the caller, what came from the called; when it has ended."""

    @staticmethod
    def free_ports() -> tuple[int, int]:
        """The RTP port of each leg."""
        first = free_ports(4, aligned=2).start
        return first, first + 2

    def start(self, condition: Condition, seed: str) -> None:
        command = [sys.executable, "-m", __spec__.name if __spec__ else __name__]
        self._process = subprocess.Popen(
            [*command, str(self.caller_port), str(self.called_port)],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": "firmware:."},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        terms = {"condition": condition.told(), "seed": seed}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(terms) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the relay did not start")

    def stop(self) -> None:
        if self._process is None:
            return
        with self._process as process:
            self._process = None
            try:
                told, _ = process.communicate(timeout=_END_S)
                self.counts = json.loads(told) if told else []
            finally:
                process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def main() -> None:
    """The process."""
    # The terminal's interrupt is for who started it: the end of the input is the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    terms = json.loads(sys.stdin.readline())
    ports = int(sys.argv[1]), int(sys.argv[2])
    relay = Relay(ports, Condition(**terms["condition"]), terms["seed"])
    with contextlib.suppress(OSError):
        os.nice(-10)  # an instrument: what it is late by would count as the telephones' delay
    ended = threading.Event()
    carrying = threading.Thread(target=relay.run, args=(ended,))
    carrying.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    ended.set()
    carrying.join()
    json.dump([leg.counts.told() for leg in relay.legs], sys.stdout)


if __name__ == "__main__":
    main()
