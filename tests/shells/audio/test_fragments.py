from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from offhook.base.errors import LocalError
from offhook.shells.audio.fragments import LONGEST_PAUSE_MS, FragmentFolder


def tone(hz: float, rate: int, seconds: float = 0.2) -> np.ndarray:
    wave_form = 8000 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)
    return wave_form.astype(np.int16)


def written(path: Path, samples: np.ndarray, rate: int, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((channels, 2, rate, 0, "NONE", ""))
        out.writeframes(samples.tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / "a.wav", tone(400, 16000), 16000)
    written(tmp_path / "b.wav", tone(1000, 16000), 16000)
    written(tmp_path / "stereo.wav", tone(1000, 16000), 16000, channels=2)
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    fragments = {name: f"{name}.wav" for name in ("a", "b", "gone", "stereo", "torn")}
    fragments["outside"] = "../a.wav"
    (tmp_path / "en.json").write_text(json.dumps({"fragments": fragments}))
    return tmp_path


def pitch(pcm: bytes, rate: int) -> float:
    samples = np.frombuffer(pcm, np.int16).astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))


def test_fragments_follow_one_another_with_their_pauses(folder: Path) -> None:
    speech = FragmentFolder(folder, "en").speech([("a", 100), ("b", 0), ("a", 50)], 16000)
    assert len(speech) == 2 * (3 * 3200 + 1600 + 800)
    assert not any(speech[6400:9600])
    assert pitch(speech[:6400], 16000) == pytest.approx(400, abs=5)
    assert pitch(speech[9600:16000], 16000) == pytest.approx(1000, abs=5)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_fragment_is_had_at_any_rate(folder: Path, rate: int) -> None:
    pcm = FragmentFolder(folder, "en").pcm("a", rate)
    assert len(pcm) == pytest.approx(2 * rate * 0.2, abs=4)
    assert pitch(pcm, rate) == pytest.approx(400, abs=5)


def test_a_fragment_is_read_once(folder: Path) -> None:
    fragments = FragmentFolder(folder, "en")
    first = fragments.pcm("a", 8000)
    (folder / "a.wav").unlink()
    assert fragments.pcm("a", 8000) is first


@pytest.mark.parametrize("name", ["none", "gone", "torn", "stereo", "outside"])
def test_a_fragment_that_cannot_be_had_is_a_local_error(folder: Path, name: str) -> None:
    with pytest.raises(LocalError):
        FragmentFolder(folder, "en").pcm(name, 16000)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"fragments": 1}', "\udcff"])
def test_a_folder_without_an_index_is_refused_with_the_remedy(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "en.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(LocalError, match="render_prompts"):
        FragmentFolder(tmp_path, "en")


@pytest.mark.parametrize("pause_ms", [-1, LONGEST_PAUSE_MS + 1, 2**62])
def test_a_pause_that_is_none_is_told(folder: Path, pause_ms: int) -> None:
    with pytest.raises(LocalError, match="no pause between words"):
        FragmentFolder(folder, "en").speech([("a", pause_ms)], 16000)


def test_a_language_is_no_path(folder: Path) -> None:
    (folder / "inner").mkdir()
    with pytest.raises(LocalError, match="no language"):
        FragmentFolder(folder / "inner", "../en")
