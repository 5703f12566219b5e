"""WAV files as a sound card."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.sound import Pacer
from offhook.shells.audio.wav import WavReader, WavSound, WavWriter

FORMAT = PcmFormat(8000, 20)
FAST = PcmFormat(8000, 1)


def write_wav(
    path: Path, pcm: bytes, *, rate: int = 8000, channels: int = 1, width: int = 2
) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


def read_wav(path: Path, rate: int = 8000) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, 1, 2)
        return file.readframes(file.getnframes())


class Loopback:
    """A call that answers each period with the one before it, and knows when it was asked."""

    def __init__(self, wanted: int, octets: int) -> None:
        self.times: list[float] = []
        self.spoken: list[bytes] = []
        self.done = threading.Event()
        self._wanted = wanted
        self._last = bytes(octets)

    def __call__(self, captured: bytes) -> bytes:
        self.times.append(time.monotonic())
        self.spoken.append(captured)
        if len(self.times) >= self._wanted:
            self.done.set()
        played, self._last = self._last, captured.ljust(len(self._last), b"\0")
        return played


def run(sound: WavSound, pcm_format: PcmFormat, periods: int) -> Loopback:
    loopback = Loopback(periods, pcm_format.octets)
    sound.open(pcm_format, loopback)
    assert loopback.done.wait(10)
    sound.close()
    return loopback


def test_what_is_recorded_is_shifted_by_the_true_delay(tmp_path: Path) -> None:
    said = os.urandom(FAST.octets * 100)
    play = write_wav(tmp_path / "in.wav", said)
    run(WavSound(play, tmp_path / "out.wav"), FAST, 110)
    heard = read_wav(tmp_path / "out.wav")
    assert heard[FAST.octets : FAST.octets * 101] == said


def test_after_the_end_of_the_file_silence_is_spoken(tmp_path: Path) -> None:
    play = write_wav(tmp_path / "in.wav", b"\1\2" * (FAST.samples * 3 + 2))
    sound = WavSound(play)
    spoken = run(sound, FAST, 8).spoken
    assert b"".join(spoken).startswith(b"\1\2" * (FAST.samples * 3 + 2) + bytes(20))
    assert spoken[4] == bytes(FAST.octets)
    assert sound.played_out.is_set()


def test_with_loop_the_file_is_spoken_again_without_a_seam(tmp_path: Path) -> None:
    for samples in (FAST.samples + 3, FAST.samples, 3, 1):
        said = os.urandom(2 * samples)
        play = write_wav(tmp_path / "in.wav", said)
        spoken = b"".join(run(WavSound(play, loop=True), FAST, 12).spoken)
        assert spoken[: FAST.octets * 12] == (said * 120)[: FAST.octets * 12]


def test_an_empty_file_is_silence_also_in_a_loop(tmp_path: Path) -> None:
    play = write_wav(tmp_path / "in.wav", b"")
    assert set(run(WavSound(play, loop=True), FAST, 5).spoken) == {bytes(FAST.octets)}


def test_without_files_silence_is_spoken_and_nothing_kept() -> None:
    assert set(run(WavSound(), FAST, 5).spoken) == {bytes(FAST.octets)}


def test_the_pace_has_no_drift() -> None:
    loopback = run(WavSound(), FORMAT, 60)
    elapsed = loopback.times[59] - loopback.times[0]
    assert elapsed == pytest.approx(59 * 0.02, abs=0.03)


def test_a_slow_step_is_made_up_for() -> None:
    times: list[float] = []
    done = threading.Event()

    def step(lost: bool) -> None:
        assert not lost
        times.append(time.monotonic())
        if len(times) == 3:
            time.sleep(0.05)
        if len(times) == 20:
            done.set()

    pacer = Pacer(0.01, step, "test")
    pacer.start()
    assert done.wait(5)
    pacer.stop()
    assert times[19] - times[0] == pytest.approx(0.19, abs=0.03)


def test_after_a_long_stall_what_was_missed_counts_as_lost() -> None:
    lost: list[bool] = []
    done = threading.Event()

    def step(missed: bool) -> None:
        lost.append(missed)
        if len(lost) == 3:
            time.sleep(0.4)
        if len(lost) == 60:
            done.set()

    pacer = Pacer(0.01, step, "test")
    pacer.start()
    assert done.wait(5)
    pacer.stop()
    assert not any(lost[:3])
    assert 20 <= sum(lost) <= 35
    assert not lost[-1]


@pytest.mark.parametrize(
    ("rate", "channels", "width", "found"),
    [
        (16000, 2, 2, "16000 Hz, 2 channel"),
        (8000, 2, 2, "8000 Hz, 2 channel"),
        (8000, 1, 1, "8 bit"),
        (44100, 2, 2, "44100 Hz"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_remedy(
    tmp_path: Path, rate: int, channels: int, width: int, found: str
) -> None:
    play = write_wav(tmp_path / "in.wav", bytes(400), rate=rate, channels=channels, width=width)
    with pytest.raises(LocalError) as caught:
        WavSound(play).open(FORMAT, bytes)
    assert found in str(caught.value)
    assert f"sox {play} -r 8000 -c 1 -b 16 out.wav" in str(caught.value)


def tone(rate: int, seconds: float, hz: int = 440) -> bytes:
    at = np.arange(int(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * hz * at)).astype("<i2").tobytes()


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_file_of_the_sessions_rate_is_played_and_recorded_as_it_is(
    tmp_path: Path, rate: int
) -> None:
    pcm_format = PcmFormat(rate, 1)
    said = os.urandom(pcm_format.octets * 20)
    play = write_wav(tmp_path / "in.wav", said, rate=rate)
    run(WavSound(play, tmp_path / "out.wav"), pcm_format, 30)
    heard = read_wav(tmp_path / "out.wav", rate)
    assert heard[pcm_format.octets : pcm_format.octets * 21] == said


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("found", [8000, 11025, 16000, 44100, 48000])
def test_a_file_of_another_rate_is_resampled(tmp_path: Path, found: int, rate: int) -> None:
    pytest.importorskip("soxr")
    play = write_wav(tmp_path / "in.wav", tone(found, 1.0), rate=found)
    reader = WavReader(play, PcmFormat(rate, 20))
    heard = b""
    while piece := reader.read(PcmFormat(rate, 20).octets):
        heard += piece
    reader.close()
    assert len(heard) == pytest.approx(2 * rate, abs=2 * rate // 1000)
    expected, got = (
        np.frombuffer(pcm, "<i2")[:rate].astype(float) for pcm in (tone(rate, 1), heard)
    )
    length = min(len(expected), len(got))
    difference = expected[:length] - got[:length]
    assert np.abs(difference[rate // 20 : -rate // 20]).max() < 80


def test_a_resampled_file_is_looped_without_an_end(tmp_path: Path) -> None:
    pytest.importorskip("soxr")
    play = write_wav(tmp_path / "in.wav", tone(16000, 0.01, 400), rate=16000)
    spoken = b"".join(run(WavSound(play, loop=True), FAST, 60).spoken)
    levels = np.abs(np.frombuffer(spoken, "<i2")[: 8 * 55].astype(int))
    assert all(levels[at : at + 40].max() > 6000 for at in range(0, 8 * 50, 40))


@pytest.mark.parametrize("seconds", [0, 0.0001])
def test_a_resampled_file_of_next_to_nothing_is_silence_also_in_a_loop(
    tmp_path: Path, seconds: float
) -> None:
    pytest.importorskip("soxr")
    play = write_wav(tmp_path / "in.wav", bytes(2 * int(seconds * 16000)), rate=16000)
    spoken = b"".join(run(WavSound(play, loop=True), FAST, 20).spoken)
    assert abs(np.frombuffer(spoken, "<i2")).max() <= 2  # soxr dithers


def test_without_soxr_a_file_of_another_rate_is_refused_with_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    play = write_wav(tmp_path / "in.wav", tone(16000, 0.1), rate=16000)
    with pytest.raises(LocalError) as caught:
        WavSound(play).open(FORMAT, bytes)
    for told in ("16000 Hz", "pip install soxr", f"sox {play} -r 8000 -c 1 -b 16 out.wav"):
        assert told in str(caught.value)
    same = write_wav(tmp_path / "same.wav", tone(8000, 0.1))
    assert run(WavSound(same), FAST, 3).spoken


@pytest.mark.parametrize("content", [b"", b"RIFF", b"OggS" * 20, b"RIFF\xff\xff\xff\xffWAVEfmt "])
def test_a_file_that_is_no_wav_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    play = tmp_path / "in.wav"
    play.write_bytes(content)
    with pytest.raises(LocalError, match="sox"):
        WavSound(play).open(FORMAT, bytes)


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"none\.wav can't be read"):
        WavSound(tmp_path / "none.wav").open(FORMAT, bytes)
    with pytest.raises(LocalError, match=r"out\.wav can't be written"):
        WavSound(record=tmp_path / "none" / "out.wav").open(FORMAT, bytes)


def test_a_recording_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    record = tmp_path / "out.wav"
    record.write_bytes(b"old")
    record.chmod(0o644)
    run(WavSound(record=record), FAST, 3)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path: Path) -> None:
    writer = WavWriter(Path("/dev/full"), FAST)
    for _ in range(2000):
        writer.write(bytes(FAST.octets * 100))
    writer.close()
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys, time
from pathlib import Path
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.wav import WavSound
WavSound(record=Path(sys.argv[1])).open(PcmFormat(8000, 1), lambda captured: b"\\1\\2" * 8)
print("recording", flush=True)
time.sleep(60)
"""


def test_the_header_is_right_when_the_process_is_killed(tmp_path: Path) -> None:
    record = tmp_path / "out.wav"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(record)], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
    heard = read_wav(record)
    assert len(heard) >= FAST.octets * 100
    assert heard == b"\1\2" * (len(heard) // 2)


def test_a_sound_is_not_opened_twice_and_may_be_closed_twice() -> None:
    sound = WavSound()
    sound.open(FAST, lambda captured: captured)
    with pytest.raises(LocalError, match="open already"):
        sound.open(FAST, lambda captured: captured)
    sound.close()
    sound.close()
