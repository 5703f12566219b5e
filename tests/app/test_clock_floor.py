"""The lower bound of the time: proven by the trunk's certificate, and set at boot."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from tests.app.practice_desk import PracticeDesk, practice_desk

from offhook.app import clock_floor
from offhook.app.build import witnessing
from offhook.app.commands.session import read_builder, registering_telephone
from offhook.app.console import Console
from offhook.base.clock_bounds import RELEASED
from offhook.base.vocabulary import PeerVerdict
from offhook.phone.call.account import Registered
from offhook.shells.store.atomic import StoreError
from offhook.shells.store.clock import WallClock, set_system_clock

LATER = RELEASED + 1000.0


def issued_of(folder: Path) -> float:
    certificates = [
        x509.load_pem_x509_certificates(path.read_bytes())[0]
        for path in folder.rglob("*.pem")
        if b"BEGIN CERTIFICATE" in path.read_bytes()
    ]
    leaf = next(each for each in certificates if each.subject != each.issuer)
    return leaf.not_valid_before_utc.timestamp()


async def registered(desk: PracticeDesk) -> None:
    async with registering_telephone(read_builder(desk.settings), Console()) as telephone:
        loop = asyncio.get_running_loop()
        while True:
            told = await telephone.next_event(loop.time() + 20)
            assert told is not None
            if isinstance(told.event, Registered):
                return


def test_a_verified_trunk_raises_the_bound_to_when_its_certificate_was_issued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.shells.store.clock.RELEASED", 0.0)

    async def run() -> None:
        async with practice_desk(tmp_path) as desk:
            await registered(desk)
            kept = WallClock(tmp_path / "state" / "clock-floor").floor
            assert kept == issued_of(tmp_path)
            assert kept > 1e9

    asyncio.run(run())


@pytest.mark.parametrize("accepted", [True, False])
def test_only_a_chain_that_was_accepted_is_a_witness(
    accepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.app.build.issued", lambda _chain: LATER)
    clock = WallClock(tmp_path / "floor")
    verdict = PeerVerdict(accepted=accepted, rule="dns-san", name="", detail="")
    judge = witnessing(lambda _chain, _name, _time: verdict, clock)
    assert judge((b"der",), "sip.example", 0.0) is verdict
    assert clock.floor == (LATER if accepted else RELEASED)


def test_a_store_that_can_not_be_written_refuses_no_trunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.app.build.issued", lambda _chain: LATER)
    verdict = PeerVerdict(accepted=True, rule="dns-san", name="", detail="")
    clock = WallClock(tmp_path / "nowhere" / "floor")
    assert witnessing(lambda _chain, _name, _time: verdict, clock)((b"",), "", 0.0).accepted


def test_two_clocks_on_one_file_never_lower_it(tmp_path: Path) -> None:
    one, other = WallClock(tmp_path / "floor"), WallClock(tmp_path / "floor")
    one.witness(LATER)
    other.witness(LATER - 500)
    assert WallClock(tmp_path / "floor").floor == LATER
    assert other.floor == LATER


def test_a_clock_that_is_behind_is_set_and_one_that_is_ahead_never() -> None:
    was_set: list[float] = []
    assert set_system_clock(LATER, lambda: 12.0, was_set.append) == LATER - 12.0
    assert set_system_clock(LATER, lambda: LATER, was_set.append) is None
    assert set_system_clock(LATER, lambda: LATER + 1e9, was_set.append) is None
    assert was_set == [LATER]


def test_without_the_right_to_set_it_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_at: float) -> None:
        raise PermissionError(1, "Operation not permitted")

    with pytest.raises(StoreError, match="Operation not permitted"):
        set_system_clock(LATER, lambda: 0.0, refused)

    def failing(floor: float) -> float | None:
        return set_system_clock(floor, lambda: 0.0, refused)

    monkeypatch.setattr(clock_floor, "set_system_clock", failing)
    assert clock_floor.main([str(tmp_path / "floor")]) == 1
    assert "can't set the system's clock" in capsys.readouterr().err


def test_at_boot_the_kept_bound_is_set_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    WallClock(tmp_path / "floor").witness(LATER)
    asked: list[float] = []

    def setting(floor: float) -> float | None:
        asked.append(floor)
        return 86400.0

    monkeypatch.setattr(clock_floor, "set_system_clock", setting)
    assert clock_floor.main([str(tmp_path / "floor")]) == 0
    assert asked == [LATER]
    told = time.strftime("%Y-%m-%d", time.gmtime(LATER))
    assert f"1.0 days behind: set to {told}" in capsys.readouterr().err


def test_it_runs_by_itself_and_imports_little(tmp_path: Path) -> None:
    """Where the clock is right already, nothing is set: so this needs no right."""
    program = (
        "import sys; from offhook.app import clock_floor; import offhook.shells.store.clock as c;"
        "c.RELEASED = 0.0; c.WallClock.floor = 0.0; status = clock_floor.main([sys.argv[1]]);"
        "heavy = {'asyncio', 'ssl', 'msgspec', 'cryptography'} & set(sys.modules);"
        "sys.exit(status or len(heavy))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "floor")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ended.returncode == 0
