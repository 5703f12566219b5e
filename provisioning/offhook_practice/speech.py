"""Recorded speech for the demonstration, and how much of it came back. 16-bit mono at 8 kHz."""

from __future__ import annotations

import array
import itertools
import math
import operator
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from offhook.base.errors import LocalError

Samples: TypeAlias = "array.array[int]"

RATE: Final = 8000
SOUNDS: Final = Path("/usr/share/asterisk/sounds")
SENTENCES: Final = (
    "demo-congrats.wav",
    "demo-instruct.wav",
    "demo-thanks.wav",
    "vm-goodbye.wav",
)
PROBE: Final = RATE // 2
SEGMENT: Final = RATE // 4
"""What is aligned on its own: in few of them the playout buffer changes its delay."""
COARSE: Final = 4
"""Samples between two places tried first: speech on the telephone changes more slowly."""
SWAY_MS: Final = 60.0
AUDIBLE: Final = 0.3
"""Below it, the delay that fits best means nothing."""
QUIET: Final = 50
"""Segments whose samples stay below this on average hold no speech."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How well a recording holds what was played: `delay_ms` is where it fits best."""

    correlation: float
    delay_ms: float


def find_speech() -> list[Path]:
    """Installed recordings of speech. LocalError names the package where there are none."""
    folders = sorted(SOUNDS.glob("en*"))
    found = [folder / name for folder in folders for name in SENTENCES]
    present = [path for path in found if path.exists()]
    if not present:
        raise LocalError(
            "no recorded speech is installed: apt install asterisk-core-sounds-en-wav, "
            "or name a file by --play"
        )
    return present


def read_wav(path: Path) -> Samples:
    """The samples of a WAV file. LocalError where it is something else."""
    try:
        with wave.open(str(path), "rb") as file:
            shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            if shape != (RATE, 1, 2):
                raise LocalError(f"{path} is not 8 kHz mono with 16 bits")
            return array.array("h", file.readframes(file.getnframes()))
    except (OSError, EOFError, wave.Error) as error:
        raise LocalError(f"can't read {path}: {error}") from None


def write_wav(path: Path, samples: Samples) -> None:
    """Write `samples` as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


def compose(seconds: float) -> Samples:
    """About `seconds` of installed speech."""
    speech: Samples = array.array("h")
    for path in find_speech():
        speech.extend(read_wav(path))
    return speech[: int(seconds * RATE)]


def compare(played: Samples, recorded: Samples, most_ms: float) -> Likeness:
    """How alike `recorded` is to `played`, and how late, up to `most_ms`.

    A playout buffer may change its delay between words, so each SEGMENT is aligned on its own,
    within `SWAY_MS` of the delay at the loudest place; the correlation is that of the waveforms,
    weighted by the energy of each. The delay is that of the last one that holds speech.
    """
    heard = _Heard(recorded)
    probe = _loudest(played, PROBE)
    _, found = heard.fit(played[probe : probe + PROBE], range(probe, probe + _lag(most_ms), COARSE))
    usual = max(0, found - probe)
    sway = _lag(SWAY_MS)
    energies, scores, delay = [], [], usual
    for start in range(0, len(played) - SEGMENT + 1, SEGMENT):
        segment = played[start : start + SEGMENT]
        energy = sum(map(operator.mul, segment, segment))
        if energy < SEGMENT * QUIET**2:
            continue
        begin = start + usual
        _, near = heard.fit(segment, range(max(0, begin - sway), begin + sway + 1, COARSE))
        score, place = heard.fit(segment, range(max(0, near - COARSE), near + COARSE + 1))
        energies.append(energy)
        scores.append(score)
        delay = place - start
    if not scores:
        return Likeness(0.0, 0.0)
    weighed = sum(map(operator.mul, energies, scores)) / sum(energies)
    return Likeness(weighed, delay * 1000 / RATE)


class _Heard:
    """A recording in which one looks for a piece of speech."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        squares = map(operator.mul, samples, samples)
        self._energy = list(itertools.accumulate(squares, initial=0))

    def fit(self, piece: Samples, places: range) -> tuple[float, int]:
        """The best correlation of `piece` at one of `places`, and where that is."""
        length = len(piece)
        own = sum(map(operator.mul, piece, piece))
        best = (0.0, places.start)
        for at in places:
            if at + length > len(self._samples):
                break
            there = self._energy[at + length] - self._energy[at]
            if own and there:
                product = sum(map(operator.mul, piece, self._samples[at : at + length]))
                best = max(best, (product / math.sqrt(own * there), at))
        return best


def _lag(milliseconds: float) -> int:
    return int(milliseconds * RATE / 1000)


def _loudest(samples: Samples, length: int) -> int:
    starts = range(0, max(1, len(samples) - length), length // 2)
    return max(starts, key=lambda at: sum(map(abs, samples[at : at + length])))
