"""The voice report's instruments on material whose answer is known."""

from __future__ import annotations

import importlib.util
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from board.image.tools import BuildError
from tests.benchmarks import bench_voice
from tests.benchmarks.voice import voices
from tests.benchmarks.voice.clocks import Clock, FileTimes, clock_of_reads, clock_of_writes
from tests.benchmarks.voice.impairment import CLEAN, CONDITIONS, CONTROL, Condition, fates
from tests.benchmarks.voice.listening import _best, _silent
from tests.benchmarks.voice.relay import RunningRelay
from tests.interop.lab import wideband
from tests.interop.lab.ports import HOST
from tests.interop.lab.processes import wait_until
from tests.interop.lab.roots import Root
from tests.interop.lab.speech import Samples, with_silence, write_wav

MANY = 200_000
BY_NAME = {condition.name: condition for condition in CONDITIONS}
DELAY_PERIODS = 3
PATIENCE_S = 10.0
REPORT, GOODBYE = b"\x80\xc8" + bytes(26), b"\x80\xcb" + bytes(6)
"""RTCP, to which nothing happens."""

# A telephone for one: it hears itself DELAY_PERIODS later. 8 kHz, 20 ms.
LOOP = """
import sys, time
source, sink = open(sys.argv[1], "rb"), open(sys.argv[2], "wb")
sink.write(source.read(44))
way = [bytes(320)] * int(sys.argv[3])
begun = time.monotonic()
for n in range(100):
    time.sleep(max(0, begun + n * 0.02 - time.monotonic()))
    way.append(source.read(320))
    sink.write(way.pop(0))
    sink.flush()
"""


def fate_of(condition: Condition, seed: str = "s") -> list[float | None]:
    return list(itertools.islice(fates(condition, seed), MANY))


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda each: each.name)
def test_as_many_packets_are_lost_as_the_condition_says(condition: Condition) -> None:
    lost = sum(each is None for each in fate_of(condition)) / MANY
    assert lost == pytest.approx(condition.loss, abs=0.004)


@pytest.mark.parametrize(("name", "mean"), [("5 % random", 1.05), ("10 % bursty", 3.0)])
def test_losses_come_in_bursts_of_that_length(name: str, mean: float) -> None:
    runs = [
        sum(1 for _ in run)
        for lost, run in itertools.groupby(fate_of(BY_NAME[name]), lambda each: each is None)
        if lost
    ]
    assert statistics.mean(runs) == pytest.approx(mean, rel=0.03)


@pytest.mark.parametrize(("name", "mean", "share"), [("20", 0.020, 0.14), ("50", 0.050, 0.31)])
def test_jitter_has_that_mean_and_reorders(name: str, mean: float, share: float) -> None:
    delays = [each for each in fate_of(BY_NAME[f"jitter {name} ms"]) if each is not None]
    assert statistics.mean(delays) == pytest.approx(mean, rel=0.02)
    overtaken = sum(one > 0.020 + other for one, other in itertools.pairwise(delays))
    assert overtaken / len(delays) == pytest.approx(share, abs=0.01)


def test_the_same_seed_has_the_same_fates_and_another_has_others() -> None:
    condition = BY_NAME["10 % bursty"]
    assert fate_of(condition) == fate_of(condition)
    assert fate_of(condition) != fate_of(condition, "t")


def rtp(number: int) -> bytes:
    return bytes([0x80, 0]) + number.to_bytes(2, "big") + bytes(20)


@contextmanager
def relayed(
    condition: Condition,
) -> Iterator[tuple[RunningRelay, socket.socket, socket.socket, tuple[int, int]]]:
    """A relay that knows where both ends send from, they, and where they send to."""
    ports = RunningRelay.free_ports()
    with (
        RunningRelay(ports) as relay,
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        relay.start(condition, "s")
        deaf = [one, other]
        for end in deaf:
            end.bind((HOST, 0))
            end.settimeout(0.05)

        def met() -> bool:
            for end, port in ((one, ports[0]), (other, ports[1])):
                end.sendto(REPORT, (HOST, port))
            for end in list(deaf):
                with suppress(TimeoutError):
                    end.recv(2048)
                    deaf.remove(end)
            return not deaf

        wait_until(met, PATIENCE_S, "the relay carries nothing")
        for end in (one, other):
            end.settimeout(PATIENCE_S)
        yield relay, one, other, ports


def received(end: socket.socket) -> bytes:
    """What comes next and is none of the first reports."""
    while (data := end.recv(2048)) == REPORT:
        pass
    return data


@pytest.mark.parametrize("condition", [CLEAN, CONTROL], ids=lambda each: each.name)
def test_the_relay_carries_both_ways_after_the_time_it_is_told(condition: Condition) -> None:
    with relayed(condition) as (relay, one, other, ports):
        took = []
        for number in range(20):
            sent = time.monotonic()
            one.sendto(rtp(number), (HOST, ports[0]))
            assert received(other) == rtp(number)
            took.append(1000 * (time.monotonic() - sent))
        other.sendto(rtp(20), (HOST, ports[1]))
        assert received(one) == rtp(20)
    assert min(took) >= condition.delay_ms
    assert statistics.median(took) == pytest.approx(condition.delay_ms, abs=3)
    assert [each["received"] for each in relay.counts] == [20, 1]


def test_rtcp_is_not_impaired_and_overtakes() -> None:
    with relayed(CONTROL) as (_, one, other, ports):
        for data in (rtp(1), GOODBYE):
            one.sendto(data, (HOST, ports[0]))
        assert [received(other), received(other)] == [GOODBYE, rtp(1)]


def test_an_interrupt_at_the_terminal_leaves_the_relay_to_who_started_it() -> None:
    with relayed(CLEAN) as (relay, one, other, ports):
        assert relay._process is not None
        os.kill(relay._process.pid, signal.SIGINT)
        one.sendto(rtp(1), (HOST, ports[0]))
        assert received(other) == rtp(1)
    assert relay.counts[0]["received"] == 1


def test_the_relay_loses_what_the_fates_say() -> None:
    condition = BY_NAME["10 % bursty"]
    with relayed(condition) as (relay, one, other, ports):
        for number in range(200):
            one.sendto(rtp(number), (HOST, ports[0]))
            time.sleep(0.001)
        one.sendto(GOODBYE, (HOST, ports[0]))
        came = iter(lambda: received(other), GOODBYE)
        there = {int.from_bytes(each[2:4], "big") for each in came}
    expected = itertools.islice(fates(condition, "s 0"), 200)
    assert there == {number for number, fate in enumerate(expected) if fate is not None}
    assert relay.counts[0]["lost"] == 200 - len(there)


def noise(seconds: float, rate: int = 8000, seed: int = 1) -> Samples:
    dice = np.random.default_rng(seed)
    made: Samples = (3000 * dice.standard_normal(int(seconds * rate))).astype(np.int16)
    return made


@pytest.mark.parametrize("periods", [0, DELAY_PERIODS])
def test_a_files_times_tell_the_delay_of_a_telephone(tmp_path: Path, periods: int) -> None:
    source = write_wav(tmp_path / "source.wav", with_silence(noise(2.5)))
    sink = tmp_path / "sink.wav"
    command = [sys.executable, "-c", LOOP, str(source), str(sink), str(periods)]
    pids: list[int] = []
    with FileTimes(tmp_path, lambda _: pids[0] if pids else None) as times:
        process = subprocess.Popen(command)
        pids.append(process.pid)
        assert process.wait(20) == 0
        wait_until(lambda: times.written.get("sink.wav"), 5, "nothing was noted")
    mouth = clock_of_reads(times.read["source.wav"], 16000, 0.020)
    ear = clock_of_writes(times.written["sink.wav"], 16000, 0.020)
    # What is said at 1 s is found `periods` frames later.
    took = ear.at(1 + periods * 0.02) - mouth.at(1)
    assert 1000 * took == pytest.approx(20 * periods, abs=5)


def test_a_card_that_gets_more_than_it_can_play_plays_it_later() -> None:
    # A second is given in half a second: the rest has to wait.
    positions = np.array([0.0, 1.0, 2.0, 3.0])
    clock = Clock(positions, np.array([10.0, 10.0, 9.5, 9.5]))
    assert clock.at(3.0) == pytest.approx(12.5)
    assert clock.evenly(3.0) == pytest.approx(13.0)


@pytest.mark.parametrize("later", [0, 777, 16000])
def test_speech_is_found_where_it_is(later: int) -> None:
    said = noise(4, 16000)
    heard = np.concatenate([np.zeros(later), said, np.zeros(8000)]).astype(np.int16)
    assert wideband.lag(said, heard) == later
    piece = said[16000:32000]
    sway, likeness = _best(piece, heard, 16000 + later - 100, 0.3)
    assert (sway, round(likeness, 3)) == (100, 1.0)
    assert _best(noise(1, 16000, seed=2), heard, 16000, 0.3)[1] < 0.2


def test_silence_is_counted_where_something_was_said() -> None:
    said = noise(1, 16000)
    heard = said.copy()
    heard[4000:6400] = 0
    said[12000:] = 0
    assert _silent(said, heard) == (15, 75)


def has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which the voice report can be made, but for a root of Debian 13."""
    monkeypatch.setattr(bench_voice, "missing", lambda *_: "")
    monkeypatch.setattr(voices, "missing", str)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_the_report_names_all_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(voices, "_SOUNDS", tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bench_voice"])
    assert bench_voice.main() == 2
    assert capsys.readouterr().err == (
        "not installed: kamailio, linphonec, mmdebstrap, asterisk-core-sounds-en-g722, "
        "asterisk-core-sounds-it-g722, pesq\n"
    )


def test_the_report_needs_the_rights_of_root(monkeypatch: pytest.MonkeyPatch) -> None:
    has_all(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "rights of root" in (bench_voice.obstacle() or "")


@pytest.mark.parametrize(
    "error",
    [
        subprocess.CalledProcessError(25, ["mmdebstrap"]),
        BuildError("apt is set up with no Debian archive"),
        PermissionError(13, "Permission denied"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_debian_that_cant_be_fetched_is_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_all(monkeypatch)
    monkeypatch.setattr(Root, "folder", Mock(side_effect=error))
    told = bench_voice.obstacle()
    assert told is not None
    assert told.startswith("there is no Debian 13 with baresip 1.1.0: ")
    assert str(error) in told
