"""The voice report's instruments on material whose answer is known."""

from __future__ import annotations

import itertools
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks.voice.clocks import Clock, FileTimes, clock_of_reads, clock_of_writes
from tests.benchmarks.voice.impairment import CLEAN, CONDITIONS, CONTROL, Condition, fates
from tests.benchmarks.voice.listening import _best, _lag, _silent
from tests.benchmarks.voice.relay import RunningRelay
from tests.interop.lab.ports import LOOPBACK
from tests.interop.lab.processes import wait_until
from tests.interop.lab.speech import Samples, with_silence, write_wav

MANY = 200_000
BY_NAME = {condition.name: condition for condition in CONDITIONS}
DELAY_PERIODS = 3

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


@pytest.mark.parametrize("condition", [CLEAN, CONTROL], ids=lambda each: each.name)
def test_the_relay_carries_both_ways_after_the_time_it_is_told(condition: Condition) -> None:
    ports = RunningRelay.free_ports()
    with (
        RunningRelay(ports) as relay,
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        relay.start(condition, "s")
        for end, port in ((one, ports[0]), (other, ports[1])):
            end.bind((LOOPBACK, 0))
            end.settimeout(5)
            end.sendto(rtp(0), (LOOPBACK, port))
        time.sleep(condition.delay_ms / 1000 + 0.2)
        other.setblocking(False)
        while True:  # whether the first one arrived depends on who sent first
            try:
                other.recv(2048)
            except BlockingIOError:
                break
        other.settimeout(5)
        took = []
        for number in range(1, 21):
            sent = time.monotonic()
            one.sendto(rtp(number), (LOOPBACK, ports[0]))
            assert other.recv(2048) == rtp(number)
            took.append(1000 * (time.monotonic() - sent))
        sent = time.monotonic()
        one.sendto(b"\x80\xc8" + bytes(26), (LOOPBACK, ports[0]))
        assert other.recv(2048)[1] == 0xC8
        report_took = 1000 * (time.monotonic() - sent)
    assert statistics.median(took) == pytest.approx(condition.delay_ms, abs=3)
    assert report_took < 50, "RTCP is not impaired"
    assert relay.counts[0]["received"] == 21


def test_the_relay_loses_what_the_fates_say() -> None:
    condition = BY_NAME["10 % bursty"]
    ports = RunningRelay.free_ports()
    with (
        RunningRelay(ports) as relay,
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        relay.start(condition, "s")
        other.bind((LOOPBACK, 0))
        other.settimeout(1)
        other.sendto(b"\x80\xc8", (LOOPBACK, ports[1]))
        time.sleep(0.2)
        for number in range(200):
            one.sendto(rtp(number), (LOOPBACK, ports[0]))
            time.sleep(0.001)
        arrived = set()
        try:
            while True:
                arrived.add(int.from_bytes(other.recv(2048)[2:4], "big"))
        except TimeoutError:
            pass
    expected = itertools.islice(fates(condition, "s 0"), 200)
    assert arrived == {number for number, fate in enumerate(expected) if fate is not None}
    assert relay.counts[0]["lost"] == 200 - len(arrived)


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
    assert _lag(said, heard) == later
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
