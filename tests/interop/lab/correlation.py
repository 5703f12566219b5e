"""Did this speech arrive? Correlation after alignment, tolerant of a drifting sampling clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.interop.lab.speech import RATE, Samples

Signal = NDArray[np.float64]


_SEGMENT_S = 0.2
_SHORTEST_OVERLAP_S = 1.0
# A clock that is wrong by 100 ppm moves a 10 s recording by 1 ms.
_DRIFT_SEARCH_S = 0.0025
# Frames that a jitter buffer dropped or repeated move it by multiples of 20 ms.
_SLIP_SEARCH_S = 0.065
_SLIPPED_BELOW = 0.5
# Root mean squares; and a likeness that other words of the same voice don't come near.
_VOICED, _FAINT = 300.0, 2.5
_ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a recording matches a reference.

    `coefficient`: Pearson's, -1 … 1, over all aligned segments together; 0 when either is silent.
    `lag_ms`: how much later than the reference the recording runs.
    `drift_ms`: how far the segments' own lags lie apart.
    `overlap_s`: seconds of the reference that the recording covers.
    """

    coefficient: float
    lag_ms: float
    drift_ms: float
    overlap_s: float


_NOTHING = Alignment(0.0, 0.0, 0.0, 0.0)


def align(reference: Samples, recording: Samples) -> Alignment:
    """Finds the reference in the recording, both 8 kHz."""
    said, heard = _centred(reference), _centred(recording)
    if not said.any() or not heard.any():
        return _NOTHING
    lag = _best_lag(said, heard)
    first, last = max(0, -lag), min(len(said), len(heard) - lag)
    if last - first < _SHORTEST_OVERLAP_S * RATE:
        return _NOTHING
    pieces: list[tuple[Signal, Signal]] = []
    lags: list[int] = []
    local = lag
    for begin in range(first, last, round(_SEGMENT_S * RATE)):
        piece = said[begin : min(begin + round(_SEGMENT_S * RATE), last)]
        local = _local_lag(piece, heard, begin + local) - begin
        matched = _window(heard, begin + local, len(piece))
        pieces.append((piece, matched))
        if piece.any() and matched.any():
            lags.append(local)
    coefficient = _pearson(
        np.concatenate([piece for piece, _ in pieces]),
        np.concatenate([matched for _, matched in pieces]),
    )
    drift = max(lags) - min(lags) if lags else 0
    return Alignment(coefficient, _ms(lag), _ms(drift), (last - first) / RATE)


def share_heard(reference: Samples, recording: Samples) -> float:
    """How much of the reference's speech is somewhere in the recording, 0 … 1; both 8 kHz.

    Each fifth of a second with a voice in it counts as heard where its like is found, wherever
    that is: a machine too busy to send in time moves words and loses some, but makes up none.
    """
    length = round(_SEGMENT_S * RATE)
    heard = recording.astype(np.float64)
    if len(heard) < length:
        return 0.0
    energies = _window_energies(heard, length)
    size = 1 << (len(heard) + length).bit_length()
    spectrum = np.fft.rfft(heard, size)
    found = []
    for begin in range(0, len(reference) - length + 1, length):
        piece = _centred(reference[begin : begin + length])
        if piece.std() < _VOICED:
            continue
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)
        likeness = products[: len(energies)] / np.sqrt(energies * (piece @ piece))
        found.append(float(likeness.max()) >= _ALIKE)
    return sum(found) / len(found) if found else 0.0


def _window_energies(signal: Signal, length: int) -> Signal:
    """Of every run of that length, about its own mean; never less than that of faint noise."""
    sums = np.cumsum(np.concatenate([[0.0], signal]))
    squares = np.cumsum(np.concatenate([[0.0], signal**2]))
    totals = sums[length:] - sums[:-length]
    energies: Signal = squares[length:] - squares[:-length] - totals**2 / length
    return np.maximum(energies, length * _FAINT**2)


def _centred(samples: Samples) -> Signal:
    signal = samples.astype(np.float64)
    return signal - signal.mean() if len(signal) else signal


def _best_lag(said: Signal, heard: Signal) -> int:
    """The shift of `heard` with the greatest cross-correlation, by FFT."""
    size = 1 << (len(said) + len(heard) - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    correlation = np.fft.irfft(spectrum, size)
    # Negative lags stand at the end of the circular result.
    in_order = np.concatenate([correlation[-(len(said) - 1) :], correlation[: len(heard)]])
    return int(np.argmax(in_order)) - (len(said) - 1)


def _local_lag(piece: Signal, heard: Signal, around: int) -> int:
    near = _searched(piece, heard, around, round(_DRIFT_SEARCH_S * RATE))
    if _pearson(piece, _window(heard, near, len(piece))) >= _SLIPPED_BELOW:
        return near
    far = _searched(piece, heard, around, round(_SLIP_SEARCH_S * RATE))
    # Without a clear winner (a pause, other speech) the clock is taken to run on.
    return far if _pearson(piece, _window(heard, far, len(piece))) >= _SLIPPED_BELOW else near


def _searched(piece: Signal, heard: Signal, around: int, reach: int) -> int:
    window = _window(heard, around - reach, len(piece) + 2 * reach)
    scores = np.correlate(window, piece, mode="valid")
    return around + (int(np.argmax(scores)) - reach if scores.max() > 0 else 0)


def _window(signal: Signal, begin: int, length: int) -> Signal:
    """`length` samples from `begin`, zeros where there are none."""
    window = np.zeros(length)
    source = signal[max(0, begin) : max(0, begin + length)]
    offset = max(0, -begin)
    window[offset : offset + len(source)] = source
    return window


def _pearson(one: Signal, other: Signal) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale else 0.0


def _ms(samples: int) -> float:
    return samples * 1000 / RATE
