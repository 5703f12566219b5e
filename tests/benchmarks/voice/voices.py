"""64 s of wideband speech: two speakers in segments of 8 s, each at -26 dBov, at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.interop.lab.speech import Samples, levelled
from tests.interop.lab.wideband import RATE

from offhook.protocols.media.g722 import G722Codec

SEGMENT_S = 8
SEGMENTS = 8
"""Of one direction: 64 s."""

_SOUNDS = Path("/usr/share/asterisk/sounds")
_PAUSE_S = 0.25
_LONG_ENOUGH_S = 2.0
_SILENT = 0.01
"""Of the loudest: what counts as the silence around a prompt."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker's prompts: Debian's `package` and its `folder`."""

    name: str
    package: str
    folder: str


VOICES = (
    Voice("English, a woman", "asterisk-core-sounds-en-g722", "en_US_f_Allison"),
    Voice("Italian, a man", "asterisk-core-sounds-it-g722", "it_IT_m_Carlo"),
)


def missing() -> str:
    """The packages of those voices that this machine lacks; empty if it has them all."""
    return ", ".join(voice.package for voice in VOICES if not _prompts(voice))


def sentences(voice: Voice) -> list[NDArray[np.float64]]:
    """Those of the voice's prompts that are sentences, without the silence around them."""
    found = []
    for file in _prompts(voice):
        if file.stat().st_size < _LONG_ENOUGH_S * RATE / 2:
            continue
        decoded = np.frombuffer(G722Codec().decode(file.read_bytes()), "<i2").astype(float)
        loud = np.flatnonzero(abs(decoded) > _SILENT * abs(decoded).max())
        found.append(decoded[loud[0] : loud[-1] + 1])
    return found


def _prompts(voice: Voice) -> list[Path]:
    return sorted((_SOUNDS / voice.folder).glob("*.g722"))


def segments(voice: Voice, count: int, skip: int = 0) -> list[Samples]:
    """`count` segments of speech, after `skip` others; ValueError where there is less of it."""
    length, pause = SEGMENT_S * RATE, np.zeros(round(_PAUSE_S * RATE))
    joined = np.concatenate([part for each in sentences(voice) for part in (each, pause)])
    if len(joined) < (skip + count) * length:
        raise ValueError(f"{voice.folder} speaks for {len(joined) / RATE:.0f} s only")
    return [
        levelled(joined[number * length : (number + 1) * length])
        for number in range(skip, skip + count)
    ]


def spoken(direction: int, count: int = SEGMENTS) -> list[Samples]:
    """What the caller (0) or the called (1) says: the voices take turns, no segment comes twice."""
    halves = [(count + 1) // 2, count // 2]
    by_voice = [
        segments(voice, half, skip=direction * half)
        for voice, half in zip(VOICES, halves, strict=True)
    ]
    return [by_voice[number % 2][number // 2] for number in range(count)]
