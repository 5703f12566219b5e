from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.shells.store.notify import LONGEST_STATUS, ServiceManager


def listening(address: str | bytes) -> socket.socket:
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    taken.settimeout(5.0)
    taken.bind(address)
    return taken


def told(taken: socket.socket) -> str:
    return taken.recv(4096).decode()


def test_a_manager_at_a_path_is_told_of_everything(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as taken:
        manager = ServiceManager(
            {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "15000000"}
        )
        assert manager.present
        assert manager.watchdog_s == 15.0
        manager.ready()
        manager.alive()
        manager.status("registered as 7@sip.example")
        manager.extend(2.5)
        manager.stopping()
        assert [told(taken) for _ in range(5)] == [
            "READY=1",
            "WATCHDOG=1",
            "STATUS=registered as 7@sip.example",
            "EXTEND_TIMEOUT_USEC=2500000",
            "STOPPING=1",
        ]


def test_what_a_busy_manager_has_no_room_for_is_told_as_soon_as_it_has(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as taken:
        manager = ServiceManager(
            {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "15000000"}
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as crowd:
            crowd.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    crowd.sendto(b"X", str(tmp_path / "notify"))
        manager.status("starting")
        manager.ready()
        manager.alive()
        manager.extend(2.5)
        manager.status("registered")
        taken.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                assert told(taken) == "X"
        manager.alive()
        assert told(taken).split("\n") == ["STATUS=registered", "READY=1", "WATCHDOG=1"]
        manager.alive()
        assert told(taken) == "WATCHDOG=1"


def test_a_manager_with_an_abstract_name_is_told_too() -> None:
    name = f"offhook-test-{os.getpid()}"
    with listening(b"\0" + name.encode()) as taken:
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert told(taken) == "READY=1"


def test_without_a_manager_nobody_is_told_and_nothing_fails(tmp_path: Path) -> None:
    for environment in (
        {},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "vsock:2:1"},
        {"NOTIFY_SOCKET": str(tmp_path / "nobody")},
        {"NOTIFY_SOCKET": "/" + "x" * 200},
    ):
        manager = ServiceManager(environment)
        manager.ready()
        manager.alive()
        manager.status("still here")
    assert not ServiceManager({}).present


def test_a_manager_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")):
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for number in range(5000):
            manager.status(f"line {number}")


@pytest.mark.parametrize(
    ("environment", "period_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getppid())}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_the_watchdog_s_period_is_for_the_process_that_is_meant(
    environment: dict[str, str], period_s: float | None
) -> None:
    assert ServiceManager(environment).watchdog_s == period_s


def test_no_sign_of_life_where_nobody_watches(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as taken:
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        manager.alive()
        manager.ready()
        assert told(taken) == "READY=1"


@given(st.text(max_size=2 * LONGEST_STATUS))
def test_whatever_a_peer_said_stays_one_field(text: str) -> None:
    sent: list[str] = []

    class Heard(ServiceManager):
        def _tell(self, state: str) -> None:
            sent.append(state)

    manager = Heard({})
    manager.status(f"not registered: {text}\nMAINPID=1\rREADY=1")
    (message,) = sent
    assert message.startswith("STATUS=not registered: ")
    assert len(message.splitlines()) == 1
    assert len(message) <= LONGEST_STATUS + len("STATUS=")
    manager.status(f"not registered: {text}\nMAINPID=1\rREADY=1")
    assert len(sent) == 1
