"""What a person hears who lifts the handset: recorded where the ear would be, from real engines."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scripts.lib.render_prompts import FOLDER, render
from tests.app.practice_desk import PATIENCE_S
from tests.app.terminal_desk import telephone_in_terminal

from offhook.base.schema.prompt_language import prompt_language

RATE = 48000
DIAL_HZ = 425
"""Germany's, which is the country where none is set."""
OWN_NUMBER = "*#01"
SPOKEN_HZ = 700


@pytest.fixture(scope="module")
def prompts() -> Path:
    render([prompt_language("en")])
    return FOLDER


@dataclass(frozen=True)
class Heard:
    """A recording of the ear, and where in it what was heard."""

    samples: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Heard:
        with wave.open(str(path)) as file:
            assert file.getframerate() == RATE
            return cls(np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768)

    def share(self, hz: int, width_s: float = 0.1) -> np.ndarray:
        """For each window, how much of its power lies within 30 Hz of `hz`; 0 where it is quiet."""
        size = int(RATE * width_s)
        windows = self.samples[: len(self.samples) // size * size].reshape(-1, size)
        powers = np.abs(np.fft.rfft(windows * np.hanning(size))) ** 2
        near = np.abs(np.fft.rfftfreq(size, 1 / RATE) - hz) <= 30
        loud = (windows**2).mean(axis=1) > 1e-6
        return np.where(loud, powers[:, near].sum(axis=1) / (powers.sum(axis=1) + 1e-9), 0.0)

    @property
    def loud(self) -> np.ndarray:
        size = RATE // 10
        windows = self.samples[: len(self.samples) // size * size].reshape(-1, size)
        return np.asarray((windows**2).mean(axis=1) > 1e-6)


def spoken(folder: Path) -> Path:
    """A file whose tone is heard again only where a call brings it back."""
    n = np.arange(60 * 16000)
    tone = (9000 * np.sin(2 * np.pi * SPOKEN_HZ * n / 16000)).astype(np.int16)
    path = folder / "mouth.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(tone.tobytes())
    return path


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110  another process sets no event of the loop's
            await asyncio.sleep(0.05)


async def longer(path: Path, seconds: float) -> None:
    """Wait until the recording has become this much longer."""

    def size() -> int:
        return path.stat().st_size if path.exists() else 0

    begun = size()
    await until(lambda: size() > begun + seconds * 2 * RATE)


async def let_go(pid: int, path: Path) -> None:
    """Wait until no child of this process has the file open: then the next one is begun."""
    children = Path(f"/proc/{pid}/task/{pid}/children")

    def held() -> bool:
        for child in children.read_text(encoding="ascii").split():
            for opened in Path(f"/proc/{child}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if opened.readlink() == path:
                        return True
        return False

    await until(lambda: not held())


def test_the_ear_hears_dial_tone_the_own_number_and_itself_in_a_call_but_not_while_muted(
    tmp_path: Path, prompts: Path
) -> None:
    ear = tmp_path / "ear.wav"
    options = ("--play", str(spoken(tmp_path)), "--record", str(ear), "--prompts", str(prompts))

    async def run() -> None:
        async with telephone_in_terminal(tmp_path, *options) as (_, terminal):
            terminal.press(" ")
            await terminal.until("dial tone")
            await longer(ear, 1.5)
            terminal.press(OWN_NUMBER)
            await terminal.until("own number")
            await terminal.until("dial tone")
            await longer(ear, 1.5)
            terminal.press(" ")
            await terminal.until("on the hook")
            await let_go(terminal.process.pid, ear)
            await terminal.call("600#")
            await terminal.until("talking  0:03")
            terminal.press("m")
            await terminal.until("muted")
            await terminal.until("talking  0:06")
            assert await terminal.leave() == 0

    asyncio.run(run())
    first = Heard.read(ear)
    dial = first.share(DIAL_HZ) > 0.9
    assert dial[:12].sum() >= 8
    words = first.loud & ~dial
    assert words.sum() >= 10, "a sentence of a second at least"
    assert dial[-14:].sum() >= 8, "and dial tone after it"

    call = Heard.read(tmp_path / "ear-2.wav")
    itself = call.share(SPOKEN_HZ) > 0.9
    assert 20 <= itself.sum() <= 45
    after = np.flatnonzero(itself)[-1]
    assert not call.loud[after + 3 : after + 18].any(), "while muted nothing comes back"
