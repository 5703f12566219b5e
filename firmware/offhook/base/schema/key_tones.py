"""What a key sounds like to the one who presses it: two frequencies (ITU-T Q.23)."""

from __future__ import annotations

from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.tone_plan import ToneSegment, ToneShape

ROWS_HZ: Final = (697, 770, 852, 941)
COLUMNS_HZ: Final = (1209, 1336, 1477, 1633)
KEYS: Final = ("123A", "456B", "789C", "*0#D")
LENGTH_MS: Final = 80
LEVEL_DBM0: Final = -16.0
"""Assumed: softer than dial tone, for it answers a finger."""


def key_tone(symbol: str) -> ToneShape:
    """The tone of a key, "0" to "9", "*", "#", "A" to "D". LocalError for another."""
    for row_hz, keys in zip(ROWS_HZ, KEYS, strict=True):
        if symbol in keys and len(symbol) == 1:
            hz = (row_hz, COLUMNS_HZ[keys.index(symbol)])
            return ToneShape(once=(ToneSegment(hz, LENGTH_MS),), level_dbm0=LEVEL_DBM0)
    raise LocalError(f"there is no tone of {symbol!r}")
