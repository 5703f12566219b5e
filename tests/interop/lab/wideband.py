"""Wideband speech out of Debian's G.722 prompts, and what became of it: 16 kHz throughout."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import soxr  # type: ignore[import-not-found,import-untyped,unused-ignore]
from numpy.typing import NDArray
from tests.interop.lab.speech import ENGLISH, Samples, Speaker, levelled

from offhook.protocols.media.g722 import G722Codec

RATE = 16000
OURS = replace(ENGLISH, package="asterisk-core-sounds-en-g722")
THEIRS = replace(OURS, prompts=("demo-instruct", "vm-review"))
"""Other sentences of the same voice."""
GOOD: Final = 3.5
"""PESQ-WB, from 1 to 4.64, that a clean path must have."""

_PAUSE_S = 0.12
_SEGMENT_S = 0.2
_SWAY_S: Final = 0.065
_SILENT = 50.0
"""Root mean square of a segment without speech."""


def files(speaker: Speaker) -> list[Path]:
    """The speaker's prompts in G.722."""
    return [file.with_suffix(".g722") for file in speaker.files]


def wide_speech(speaker: Speaker, seconds: float) -> Samples:
    """`seconds` of the speaker's sentences at -26 dBov; raises ValueError if there are less."""
    pause = np.zeros(round(_PAUSE_S * RATE))
    parts: list[NDArray[np.float64]] = []
    for file in files(speaker):
        decoded = G722Codec().decode(file.read_bytes())
        parts += [np.frombuffer(decoded, "<i2").astype(np.float64), pause]
    joined = np.concatenate(parts)[: round(seconds * RATE)]
    if len(joined) < round(seconds * RATE):
        raise ValueError(f"{speaker.folder} speaks for {len(joined) / RATE:.1f} s only")
    return levelled(joined)


def halved(samples: Samples) -> Samples:
    """At 8 kHz."""
    made: Samples = soxr.resample(samples, RATE, RATE // 2).astype(np.int16)
    return made


def narrowed(samples: Samples) -> Samples:
    """At 16 kHz still, but without what 8 kHz can't hold."""
    made: Samples = soxr.resample(halved(samples), RATE // 2, RATE).astype(np.int16)
    return np.pad(made, (0, max(0, len(samples) - len(made))))[: len(samples)]


def write_wav(
    file: Path, samples: Samples, *, rate: int, channels: int, before_s: float, after_s: float
) -> Path:
    """Writes wideband samples between silences at that rate, the same in every channel."""
    padded = np.pad(samples, (round(before_s * RATE), round(after_s * RATE)))
    made = padded if rate == RATE else soxr.resample(padded, RATE, rate)
    with wave.open(str(file), "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(np.repeat(made, channels).astype("<i2").tobytes())
    return file


def read_wav(file: Path) -> tuple[Samples, int]:
    """The first channel at 16 kHz, and the file's own rate."""
    with wave.open(str(file), "rb") as reader:
        rate, channels = reader.getframerate(), reader.getnchannels()
        content = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    one = content[::channels].astype(np.int16)
    samples: Samples = one if rate == RATE else soxr.resample(one, rate, RATE)
    return samples, rate


def lag(said: Samples, heard: Samples) -> int:
    """How many samples later than `said` the whole of `heard` runs."""
    size = 1 << (len(said) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard.astype(float), size) * np.conj(
        np.fft.rfft(said.astype(float), size)
    )
    return int(np.argmax(np.fft.irfft(spectrum, size)[: len(heard)]))


def aligned(said: Samples, heard: Samples) -> Samples:
    """`heard` where `said` is, as long as it."""
    begin = lag(said, heard)
    piece = heard[begin : begin + len(said)]
    padded: Samples = np.pad(piece, (0, len(said) - len(piece)))
    return padded


def correlation(said: Samples, heard: Samples) -> float:
    """Pearson's coefficient over the segments that hold speech, each aligned anew by ±65 ms.

    A playout buffer may change its delay between words.
    """
    around = lag(said, heard)
    sway, length = round(_SWAY_S * RATE), round(_SEGMENT_S * RATE)
    pieces, matches = [], []
    for begin in range(0, len(said) - length + 1, length):
        piece = said[begin : begin + length].astype(float)
        start = begin + around - sway
        window = heard[max(0, start) : start + length + 2 * sway].astype(float)
        if np.sqrt((piece**2).mean()) < _SILENT or len(window) < length:
            continue
        best = int(np.argmax(np.correlate(window, piece, "valid")))
        pieces.append(piece)
        matches.append(window[best : best + length])
    if not pieces:
        return 0.0
    one, other = np.concatenate(pieces), np.concatenate(matches)
    return float(np.corrcoef(one, other)[0, 1]) if other.any() else 0.0


def upper_band(samples: Samples) -> Samples:
    """What telephones without wideband have not: all above 4 kHz."""
    spectrum = np.fft.rfft(samples.astype(float))
    spectrum[: round(len(spectrum) * 4000 / (RATE / 2))] = 0
    high: Samples = np.clip(np.fft.irfft(spectrum, len(samples)), -32768, 32767).astype(np.int16)
    return high


def envelope_correlation(said: Samples, heard: Samples) -> float:
    """How alike the loudness of 20 ms windows runs: a stand-in where PESQ can't be had.

    Each second is aligned anew by ±65 ms, as PESQ does with utterances: a playout buffer may
    change its delay between words.
    """
    begin = lag(said, heard)
    one, other = _envelope(said), _envelope(heard[begin:])
    sway, length = round(_SWAY_S * RATE / _HOP), RATE // _HOP
    pieces, matches = [], []
    for start in range(0, len(one) - length + 1, length):
        piece = one[start : start + length]
        places = range(max(0, start - sway), min(start + sway, len(other) - length) + 1)
        if not places or not piece.any():
            continue
        fits = [float(_alike(piece, other[at : at + length])) for at in places]
        best = places[int(np.argmax(fits))]
        pieces.append(piece)
        matches.append(other[best : best + length])
    if not pieces:
        return 0.0
    return _alike(np.concatenate(pieces), np.concatenate(matches))


_HOP: Final = 80
"""Samples from one window of an envelope to the next: 5 ms."""
_WINDOW: Final = 320


def _envelope(samples: Samples) -> np.typing.NDArray[np.float64]:
    power = np.convolve(samples.astype(float) ** 2, np.full(_WINDOW, 1 / _WINDOW), "valid")
    envelope: np.typing.NDArray[np.float64] = np.sqrt(np.maximum(power[::_HOP], 0.0))
    return envelope


def _alike(one: np.typing.NDArray[np.float64], other: np.typing.NDArray[np.float64]) -> float:
    if not one.std() or not other.std():
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
