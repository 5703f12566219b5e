"""The audio bench's instruments without a card: what the probe notes, and what is read off it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from tests.benchmarks import bench_audio
from tests.benchmarks.audio.figures import RATE, holes, round_trips_ms
from tests.benchmarks.audio.probe import RECORDING, Probe, interpreter

from offhook.app.engine.client import EngineOptions, EngineProcess
from offhook.app.engine.mixer import SILENCE, Mixer
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.blocking import BlockingDrive
from offhook.shells.audio.card import CardSound
from offhook.shells.audio.drives import CallbackDrive, Counts, Drive
from offhook.shells.audio.portaudio import PortAudio, Terms
from offhook.shells.audio.sound import OnPeriod

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0

# A bench that is in the middle of its work.
BUSY = """
import time
from tests.benchmarks import bench_audio

def run(seconds, rounds):
    with bench_audio.tempfile.TemporaryDirectory() as folder:
        print(folder, flush=True)
        time.sleep(60)

bench_audio.lacking = str
bench_audio.about = lambda seconds, rounds: {}
bench_audio.run = run
bench_audio.main()
"""


class StillDrive(Drive):
    """A drive without a card."""

    def _start(self, host: PortAudio) -> None:
        pass

    def _stop(self) -> bool:
        return True


@pytest.mark.parametrize("channels", [1, 2])
def test_the_probe_notes_the_first_channel_of_what_the_card_moves(
    channels: int, tmp_path: Path
) -> None:
    terms = Terms("still", 0, 0, RATE, channels)
    mouth, ear = (np.random.default_rng(each).integers(-9, 9, terms.frames) for each in (1, 2))
    spread = [np.repeat(each.astype(np.int16), channels).tobytes() for each in (mouth, ear)]
    probe = Probe(blocking=True)
    with probe.attached():
        drive = StillDrive(mock.create_autospec(PortAudio), terms, Counts(), 0)
        drive._exchanged(spread[0])
        drive.give(spread[1])
        assert drive._exchanged(spread[0]) == spread[1]
        drive.close()
    probe.write(tmp_path / RECORDING)
    with np.load(tmp_path / RECORDING) as noted:
        assert (noted["card_captured"] == np.concatenate([mouth, mouth])).all()
        assert (noted["card_played"] == np.concatenate([0 * ear, ear])).all()


@pytest.mark.parametrize("blocking", [True, False])
def test_the_probe_chooses_how_the_card_is_used_and_watches_the_turns(
    monkeypatch: pytest.MonkeyPatch, *, blocking: bool
) -> None:
    opened: list[OnPeriod] = []

    def opens(_sound: CardSound, _format: PcmFormat, on_period: OnPeriod) -> None:
        opened.append(on_period)

    monkeypatch.setattr(CardSound, "open", opens)
    probe = Probe(blocking=blocking)
    with probe.attached():
        mixer = Mixer(lambda _said: None, lambda: None, lambda _mouth, _ear: None)
        sound = CardSound("still", patient=True, on_presence=lambda _found, _told: None)
        sound.open(PcmFormat(RATE, 10), mixer.turn)
        mixer.say(7, b"\1\0" * 480)
        heard = opened[0](b"")
        mixer.hush()
        opened[0](b"")
    assert sound._make is (BlockingDrive if blocking else CallbackDrive)
    assert probe._sounds == [sound.counts]
    assert probe._engine.played[0] == heard == b"\1\0" * 480
    assert probe._engine.captured[0] == SILENCE
    assert [words for _, words in probe._begun] == [True]


def test_what_was_watched_is_itself_again() -> None:
    before = Drive._exchanged, Mixer._say, CardSound.open
    with Probe(blocking=True).attached():
        assert Drive._exchanged is not before[0]
    assert (Drive._exchanged, Mixer._say, CardSound.open) == before


def test_the_telephone_starts_the_probe_in_the_engines_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(ROOT))

    async def lived() -> None:
        engine = EngineProcess(EngineOptions(), lambda _report: None, lambda _reason: None)
        watched = str(interpreter(tmp_path, blocking=True))
        with mock.patch.object(sys, "executable", watched):
            await engine.start()
        await engine.close()

    asyncio.run(lived())
    with np.load(tmp_path / RECORDING) as noted:
        assert {"told", "card_played", "engine_captured", "sent", "begun"} <= set(noted.files)


def test_a_burst_is_found_where_it_comes_back() -> None:
    played = np.zeros(4 * RATE, np.int16)
    burst = np.random.default_rng(1).uniform(-9000, 9000, RATE // 50).astype(np.int16)
    for begin in (RATE // 2, 2 * RATE):
        played[begin : begin + len(burst)] = burst
    assert round_trips_ms(played, np.roll(played, RATE // 20)) == [50.0, 50.0]
    assert round_trips_ms(played, np.zeros_like(played)) == []


def test_holes_in_a_tone_are_counted() -> None:
    tone = (5000 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)).astype(np.int16)
    assert holes(tone) == 0
    tone[1000:1480] = tone[9000:9480] = 0
    assert holes(tone) == 2
    assert holes(np.zeros_like(tone)) == 0


def test_without_its_programs_the_bench_says_so_and_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "figures.json"
    kept.write_text("{}")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["bench_audio", "--json", str(kept)])
    assert bench_audio.main() == 2
    assert "pulseaudio" in capsys.readouterr().err
    assert kept.read_text() == "{}"


def test_ended_by_a_signal_the_bench_leaves_nothing_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUSY],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "firmware:provisioning:."},
        stdout=subprocess.PIPE,
        text=True,
    ) as bench:
        assert bench.stdout is not None
        folder = Path(bench.stdout.readline().strip())
        assert folder.is_dir()
        bench.send_signal(signal.SIGTERM)
        until = time.monotonic() + PATIENCE_S
        while bench.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        bench.kill()
    assert bench.returncode == 143
    assert not folder.exists()
