"""16-bit mono PCM: level, seams, pitch (after ITU-T G.711 Appendix I); the one user of audioop."""

from __future__ import annotations

import array
import warnings

with warnings.catch_warnings():
    # Python 3.11 and 3.12 announce the removal; from 3.13 on audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

lin2alaw, alaw2lin = audioop.lin2alaw, audioop.alaw2lin
lin2ulaw, ulaw2lin = audioop.lin2ulaw, audioop.ulaw2lin


def scaled(pcm: bytes, factor: float) -> bytes:
    """The samples times `factor`, clipped to 16 bits."""
    return audioop.mul(pcm, 2, factor)


def loudness(pcm: bytes) -> int:
    """The root mean square of the samples."""
    return audioop.rms(pcm, 2)


def crossfaded(old: bytes, new: bytes) -> bytes:
    """`new`, over as many samples as both have coming out of `old` in even steps."""
    before, after = array.array("h", old), array.array("h", new)
    count = min(len(before), len(after))
    for n in range(count):
        after[n] = (before[n] * (count - n) + after[n] * n) // count
    return after.tobytes()


def faded(pcm: bytes, begin: float, end: float) -> bytes:
    """The samples at a level that runs evenly from `begin` to `end`, both from 0 to 1."""
    if begin == end:
        return pcm if begin == 1 else scaled(pcm, begin)
    samples = array.array("h", pcm)
    slope = (end - begin) / max(1, len(samples))
    for n, sample in enumerate(samples):
        samples[n] = int(sample * (begin + slope * n))
    return samples.tobytes()


def pitch_period(history: bytes, shortest: int, longest: int, template: int) -> int:
    """The lag in samples at which the last `template` samples are most like what was before them.

    From `shortest` to `longest`, or twice that where they are most like it turned upside down.
    `longest` where the history is too short to tell.
    """
    start = len(history) - 2 * (longest + template)
    if start < 0:
        return longest
    offset, factor = audioop.findfit(
        history[start : len(history) - 2 * shortest], history[len(history) - 2 * template :]
    )
    lag = longest - offset
    return 2 * lag if factor < 0 else lag
