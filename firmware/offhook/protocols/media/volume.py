"""Ear, ringer and side tone: levels of 16-bit mono PCM in dB (side tone: ITU-T P.310)."""

from __future__ import annotations

import math
import warnings
from typing import Final

from offhook.base.errors import LocalError

with warnings.catch_warnings():
    # Python 3.11 and 3.12 announce the removal; from 3.13 on audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

EAR_DB: Final = (-24.0, -20.0, -16.0, -12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)
"""Gain of each step of the ear volume, of step 1 first (assumed)."""
RINGER_DB: Final = (None, -36.0, -30.0, -25.0, -20.0, -16.0, -12.0, -8.0, -4.0, 0.0)
"""Gain of each step of the ringer volume, of step 0, which is silent, first (assumed)."""
SIDE_TONE_DB: Final = -18.0
"""Gain from microphone to ear that a handset begins with (assumed)."""


LOUDEST_DB: Final = 60.0
"""A gain that makes a sine of 1/1000 of full scale one of full scale: more is a mistake."""
FULL_SCALE: Final = 32768
QUIETEST_DB: Final = -96.0
"""Below a sine of one bit."""


def ear_gain_db(step: int) -> float:
    """The gain of a step of the ear volume, 1 the lowest. LocalError where there is none."""
    if not 1 <= step <= len(EAR_DB):
        raise LocalError(f"the ear volume has the steps 1 to {len(EAR_DB)}")
    return EAR_DB[step - 1]


def ringer_gain_db(step: int) -> float | None:
    """The gain of a step of the ringer volume, None for silence. LocalError where there is none."""
    if not 0 <= step < len(RINGER_DB):
        raise LocalError(f"the ringer volume has the steps 0 to {len(RINGER_DB) - 1}")
    return RINGER_DB[step]


def check_gain(gain_db: float | None) -> None:
    """Raises LocalError for what is neither a gain up to LOUDEST_DB (dB) nor None."""
    if gain_db is not None and not -math.inf < gain_db <= LOUDEST_DB:
        raise LocalError(f"{gain_db} dB is no gain of a handset's")


def amplified(pcm: bytes, gain_db: float | None) -> bytes:
    """The samples `gain_db` louder, held at full scale where they pass it; None: silence."""
    if gain_db is None:
        return bytes(len(pcm))
    return pcm if gain_db == 0 else audioop.mul(pcm, 2, 10 ** (gain_db / 20))


def mixed(one: bytes, other: bytes) -> bytes:
    """The sum of both, held at full scale; the longer one goes on where the other has ended."""
    length = max(len(one), len(other))
    return audioop.add(one.ljust(length, b"\0"), other.ljust(length, b"\0"), 2)


def power(pcm: bytes) -> float:
    """The mean square of the samples as a share of full scale's, 0 to 1."""
    return (audioop.rms(pcm, 2) / FULL_SCALE) ** 2


def level_db(mean_square: float) -> float:
    """What `power` gives, in dB of a full-scale square wave, QUIETEST_DB at least."""
    return max(QUIETEST_DB, 10 * math.log10(mean_square)) if mean_square > 0 else QUIETEST_DB
