"""The emulated telephone's network has what a telephone needs, and is nobody else's."""

from __future__ import annotations

import socket
import struct
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from board.emulator.network import HOST, TAP, Network

NTP_EPOCH = 2_208_988_800


def alone(act: Callable[[], None]) -> None:
    """Do it in a thread of its own: the network is the thread's."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(act).result()


def devices() -> set[str]:
    told = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in told.stdout.splitlines()}


def test_it_is_seen_by_who_is_in_it_and_gone_afterwards(tmp_path: Path) -> None:
    def act() -> None:
        before = devices()
        with Network(tmp_path):
            assert {TAP, "lo"} <= devices()
            assert "eth0" not in devices()
        assert devices() == before

    alone(act)


def test_it_has_the_time(tmp_path: Path) -> None:
    def act() -> None:
        with Network(tmp_path), socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.sendto(b"\x23" + bytes(47), (HOST, 123))
            answer = client.recv(512)
            seconds, _ = struct.unpack("!II", answer[40:48])
            assert abs(seconds - NTP_EPOCH - time.time()) < 5

    alone(act)
