"""The image starts on the emulated board, registers, and can't be connected to."""

from __future__ import annotations

import re
import socket
import time

import pytest
from board.emulator.network import PHONE
from tests.emulation.telephone import Telephone
from tests.interop.lab.laboratory import Laboratory

SERVICES = ("offhook.service", "offhook-engine.service")


def test_it_registers_by_tls_with_its_own_certificate_check(
    registered: Telephone, lab: Laboratory
) -> None:
    (account,) = registered.status()["accounts"]
    assert account["registered"]
    assert account["signalling"]["tls_version"] == "TLSv1.3"
    assert account["signalling"]["peer_name"] == lab.stock.domain.name


def test_nobody_can_connect_to_it(registered: Telephone) -> None:
    told = registered.hands.run("ss", "-H", "-lntu")
    assert [line for line in told.splitlines() if line.startswith("tcp")] == []
    ports = {re.split(r"\s+", line)[4].rpartition(":")[2] for line in told.splitlines()}
    assert ports <= {"68"}, told


def test_who_knocks_hears_nothing(registered: Telephone) -> None:
    assert "policy drop" in registered.hands.run("nft", "list", "ruleset")
    for port in (22, 5060, 5061):
        with pytest.raises(TimeoutError), socket.create_connection((PHONE, port), 2):
            pass


def test_every_unit_started(registered: Telephone) -> None:
    told = registered.hands.run("systemctl", "--failed", "--no-legend", "--plain")
    assert told.strip() == ""


def test_a_clock_that_was_years_behind_is_right(registered: Telephone) -> None:
    told = registered.hands.run("journalctl", "-o", "cat", "-u", "offhook-clock.service")
    assert "2026-11-01" in told, "the clock was not set to the lower bound first"
    assert abs(int(registered.hands.run("date", "+%s")) - time.time()) < 5


def test_both_processes_fit_a_small_board(registered: Telephone) -> None:
    for unit in SERVICES:
        told = registered.hands.run("systemctl", "show", "--property=MainPID", "--value", unit)
        rollup = registered.hands.run("cat", f"/proc/{told.strip()}/smaps_rollup")
        found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
        assert found is not None
        mib = int(found[1]) / 1024
        registered.figures[f"{unit} PSS, MiB"] = round(mib, 1)
        assert mib < 128
