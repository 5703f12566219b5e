"""How the bell rings: the cadence of each reason to ring.

A call rings as the country's exchanges ring, which is what the caller hears as ring-back tone
(ITU-T E.180 supplement 2: the two run in step); a recall has a cadence of Offhook's own choice.
"""

from __future__ import annotations

from typing import Final

from offhook.base.schema.tone_plan import tone_plan
from offhook.base.vocabulary import Ring

RECALL_MS: Final = (300, 200, 300, 200, 300, 2700)
"""Assumed: no source has a cadence for a call that waited; three short rings are no country's."""


def ring_cadence(ring: Ring, country: str) -> tuple[int, ...]:
    """On, off, on, off … in ms, repeated, for a reason to ring and an ISO 3166-1 country.

    Raises LocalError where the country's tones aren't known.
    """
    segments = tone_plan(country).ringback.cadence
    if ring is Ring.RECALL:
        return RECALL_MS
    return tuple(segment.ms for segment in segments if segment.ms is not None)
