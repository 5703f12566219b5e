"""What became of the speech: PESQ, delay, and silence where somebody spoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.voice.clocks import Clock
from tests.interop.lab import wideband
from tests.interop.lab.speech import Samples
from tests.interop.lab.wideband import RATE

SWAY_S = 0.6
"""A segment is looked for within this of where the whole is."""
WINDOW_S = 1.0
"""The delay is measured over so much speech at a time."""
_TICK_S = 0.010
_SPEECH = 150.0
"""Root mean square of 10 ms in which somebody speaks: about -47 dBov."""
_SILENT = 8.0
_ALIKE = 0.5
"""Correlation below which a second counts as not found."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One direction of one call."""

    pesq: tuple[float, ...]
    """Per segment; 1.0 where PESQ finds no utterance."""
    delays_ms: tuple[float, ...]
    """Per second of speech, until it is given to the sound."""
    card_delays_ms: tuple[float, ...]
    """The same until a card plays it that leaves nothing out."""
    silent_ms_per_minute: float
    """Digital silence inside speech."""


def listen(
    said: Sequence[Samples],
    recorded: Samples,
    *,
    lead_s: float,
    mouth: Clock,
    ear: Clock,
    wide: bool = True,
) -> Heard:
    """`recorded` is the whole file, `said` the segments that the other's file holds after `lead_s`.

    All at 16 kHz.
    """
    whole = np.concatenate(list(said))
    around = wideband.lag(whole, recorded)
    scores: list[float] = []
    delays: list[float] = []
    card_delays: list[float] = []
    silent = spoken = 0
    for number, segment in enumerate(said):
        begin = number * len(segment)
        shift = around + _best(segment, recorded, begin + around, SWAY_S)[0]
        piece = _cut(recorded, begin + shift, len(segment))
        scores.append(score(segment, piece, wide=wide))
        one, two = _silent(segment, piece)
        silent, spoken = silent + one, spoken + two
        step = round(WINDOW_S * RATE)
        for start in range(0, len(segment) - step + 1, step):
            window = segment[start : start + step]
            sway, likeness = _best(window, recorded, begin + start + shift, SWAY_S / 2)
            if likeness >= _ALIKE:
                middle = start + begin + step // 2
                taken = mouth.at(lead_s + middle / RATE)
                found = (middle + shift + sway) / RATE
                delays.append(1000 * (ear.at(found) - taken))
                card_delays.append(1000 * (ear.evenly(found) - taken))
    return Heard(tuple(scores), tuple(delays), tuple(card_delays), 60_000 * silent / max(1, spoken))


def score(said: Samples, heard: Samples, *, wide: bool) -> float:
    """PESQ-WB (ITU-T P.862.2) of a segment; narrowband (P.862.1) where `wide` is not so."""
    import pesq  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  only the report has it, the instruments' tests have not

    if not heard.any():
        return 1.0
    rate = RATE if wide else RATE // 2
    pair = [each if wide else wideband.halved(each) for each in (said, heard)]
    try:
        return float(pesq.pesq(rate, *pair, "wb" if wide else "nb"))
    except pesq.NoUtterancesError:
        return 1.0


def _best(piece: Samples, recorded: Samples, expected: int, sway_s: float) -> tuple[int, float]:
    """How far from `expected` the piece is found, and its correlation with what is there."""
    sway = round(sway_s * RATE)
    window = _cut(recorded, expected - sway, len(piece) + 2 * sway).astype(float)
    size = 1 << (len(window) + len(piece)).bit_length()
    product = np.fft.rfft(window, size) * np.conj(np.fft.rfft(piece.astype(float), size))
    matches = np.fft.irfft(product, size)[: 2 * sway + 1]
    best = int(np.argmax(matches))
    there = window[best : best + len(piece)]
    level = np.sqrt((there**2).sum() * (piece.astype(float) ** 2).sum())
    return best - sway, float(matches[best] / level) if level else 0.0


def _cut(samples: Samples, begin: int, length: int) -> Samples:
    """As long as asked for, with silence where there is nothing."""
    before = max(0, -begin)
    piece = samples[max(0, begin) : max(0, begin + length)]
    made: Samples = np.pad(piece, (before, max(0, length - before - len(piece))))[:length]
    return made


def _silent(said: Samples, heard: Samples) -> tuple[int, int]:
    """Ticks of 10 ms that are silent although something is said, and all in which it is."""
    loud, quiet = _levels(said) > _SPEECH, _levels(heard) < _SILENT
    return int((loud & quiet).sum()), int(loud.sum())


def _levels(samples: Samples) -> NDArray[np.float64]:
    length = round(_TICK_S * RATE)
    ticks = samples[: len(samples) // length * length].reshape(-1, length).astype(float)
    levels: NDArray[np.float64] = np.sqrt((ticks**2).mean(axis=1))
    return levels
