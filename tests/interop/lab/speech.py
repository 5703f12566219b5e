"""Two speakers' sentences out of Debian's prompt packages, as 8 kHz mono 16-bit WAV files."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]

RATE = 8000
_SOUNDS = Path("/usr/share/asterisk/sounds")
_LEVEL_DBOV = -26.0
_PAUSE_S = 0.12
_FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: Debian's `package`, its `folder` of prompts, and the `prompts` in their order."""

    package: str
    folder: str
    prompts: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        return [_SOUNDS / self.folder / f"{prompt}.wav" for prompt in self.prompts]

    @property
    def installed(self) -> bool:
        return all(file.is_file() for file in self.files)


ENGLISH = Speaker(
    "asterisk-core-sounds-en-wav",
    "en_US_f_Allison",
    ("demo-moreinfo", "tt-allbusy", "queue-periodic-announce"),
)
FRENCH = Speaker(
    "asterisk-core-sounds-fr-wav",
    "fr_CA_f_June",
    ("vm-forwardoptions", "tt-allbusy", "confbridge-lock-extended"),
)
# A second text of each voice, for controls that must not match.
ENGLISH_CONTROL = Speaker(ENGLISH.package, ENGLISH.folder, ("demo-nogo", "vm-review"))
FRENCH_CONTROL = Speaker(FRENCH.package, FRENCH.folder, ("demo-nogo", "vm-opts"))


def speech(speaker: Speaker, seconds: float) -> Samples:
    """`seconds` of the speaker's sentences at -26 dBov RMS; raises ValueError if there are less."""
    pause = np.zeros(round(_PAUSE_S * RATE))
    parts: list[NDArray[np.float64]] = []
    for file in speaker.files:
        parts += [read_wav(file).astype(np.float64), pause]
    wanted = round(seconds * RATE)
    joined = np.concatenate(parts)
    if len(joined) < wanted:
        raise ValueError(f"{speaker.folder} speaks for {len(joined) / RATE:.1f} s only")
    return levelled(joined[:wanted])


def levelled(samples: NDArray[np.float64]) -> Samples:
    """At -26 dBov RMS."""
    gain = _FULL_SCALE * 10 ** (_LEVEL_DBOV / 20) / np.sqrt(np.mean(samples**2))
    made: Samples = np.clip(samples * gain, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    return made


def with_silence(samples: Samples, *, before_s: float = 0.0, after_s: float = 0.0) -> Samples:
    """The samples between two stretches of digital silence."""
    return np.pad(samples, (round(before_s * RATE), round(after_s * RATE)))


def read_wav(file: Path) -> Samples:
    """The samples of an 8 kHz mono 16-bit file; raises ValueError for any other."""
    with wave.open(str(file), "rb") as reader:
        shape = reader.getframerate(), reader.getnchannels(), reader.getsampwidth()
        if shape != (RATE, 1, 2):
            raise ValueError(f"{file}: rate, channels, octets are {shape}")
        content = reader.readframes(reader.getnframes())
    return np.frombuffer(content, dtype="<i2").astype(np.int16)


def write_wav(file: Path, samples: Samples) -> Path:
    """Writes the samples as 8 kHz mono 16-bit; hands the path back."""
    with wave.open(str(file), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file
