"""How alike two pieces of speech are, wherever the one begins in the other."""

from __future__ import annotations

import numpy as np


def correlation(spoken: bytes, heard: bytes) -> tuple[float, int]:
    """The best normalised correlation and the delay in samples at which it was found."""
    a = np.frombuffer(spoken, "<i2").astype(float)
    b = np.frombuffer(heard, "<i2").astype(float)
    size = 1 << (len(a) + len(b)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    shift = int(np.argmax(crossed[: len(b)]))
    length = min(len(a), len(b) - shift)
    one, other = a[:length], b[shift : shift + length]
    norm = float(np.sqrt((one @ one) * (other @ other)))
    return (float(one @ other) / norm if norm else 0.0), shift


def piecewise(spoken: bytes, heard: bytes, octets: int = 4800) -> list[tuple[float, int]]:
    """`correlation` of each 300 ms of speech: a slip of the sound costs the piece it falls in."""
    pieces = []
    for start in range(0, len(spoken) - octets + 1, octets):
        likeness, shift = correlation(spoken[start : start + octets], heard)
        pieces.append((likeness, shift - start // 2))
    return pieces
