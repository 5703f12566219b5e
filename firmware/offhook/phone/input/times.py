"""How long contacts must last: settings of a handset, their bounds and where both come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from offhook.phone.input.flash import FLASH_WINDOWS, FlashWindow


@dataclass(frozen=True, slots=True)
class HandsetTimes:
    """Times of one handset, all in seconds. `RANGES` has the bounds and the reasons."""

    hook_up_s: float = 0.020
    hook_down_s: float = 0.030
    flash: FlashWindow | None = FLASH_WINDOWS["DE"]
    """None: no flash, laying down counts at once."""
    key_closed_s: float = 0.010
    key_open_s: float = 0.020
    crowd_s: float = 0.030
    row_s: float = 0.002
    pulse_s: float = 0.008
    dial_away_s: float = 0.008
    dial_rest_s: float = 0.020
    pulse_pause_s: float = 0.250


@dataclass(frozen=True, slots=True)
class Range:
    """The bounds of a time (s, both included), what it is for and where its value comes from."""

    lowest: float
    highest: float
    meaning: str
    source: str


_PRACTICE: Final = "assumed, not measured: 20 to 30 ms for a hook"
_KEYS: Final = "assumed, not measured: 10 to 20 ms for keys"
_DIAL: Final = "assumed: at most 8 ms, since a dial's shortest make is about 23 ms"

RANGES: Final[Mapping[str, Range]] = {
    "hook_up_s": Range(0.010, 0.060, "lifted for this long is lifted", _PRACTICE),
    "hook_down_s": Range(0.010, 0.060, "down for this long is no bounce", _PRACTICE),
    "key_closed_s": Range(0.005, 0.050, "a key down for this long is pressed", _KEYS),
    "key_open_s": Range(0.012, 0.050, "a key up for this long is let go", _KEYS),
    "crowd_s": Range(
        0.030,
        0.100,
        "as `key_closed_s` beside another key of the row: 15 ms of bounce and a whole scan",
        "follows from the scan",
    ),
    "row_s": Range(
        0.0005,
        0.003,
        "how long a row is driven before the columns are read; four rows within 15 ms",
        "assumed: pull-ups of 50 kΩ and a metre of wire settle within 50 µs",
    ),
    "pulse_s": Range(
        0.005,
        0.010,
        "nsi open or closed for this long is no bounce; below 8 ms only for dials that bounce less",
        _DIAL,
    ),
    "dial_away_s": Range(0.003, 0.030, "nsa closed for this long is away", _DIAL),
    "dial_rest_s": Range(
        0.010, 0.050, "nsa open for this long is rest", "assumed: rests last far longer"
    ),
    "pulse_pause_s": Range(
        0.200, 1.0, "no pulse for this long ends a digit", "practice: 200 to 250 ms"
    ),
}

FLASH_BOUNDS: Final = Range(
    0.050, 1.5, "how long a flash lasts", "settable from 80 to 1000 ms in most telephones"
)


def faults(times: HandsetTimes) -> tuple[str, ...]:
    """What is wrong with these times, one sentence each; empty if they may be used."""
    found = []
    for field in fields(times):
        bounds, value = RANGES.get(field.name), getattr(times, field.name)
        if bounds is not None and not bounds.lowest <= value <= bounds.highest:
            found.append(
                f"{field.name} is {value} s, allowed are {bounds.lowest} to {bounds.highest} s"
            )
    if times.flash is not None:
        found.extend(_flash_faults(times.flash, times.hook_down_s))
    return tuple(found)


def _flash_faults(window: FlashWindow, hook_down_s: float) -> list[str]:
    found = []
    if not window.shortest_s < window.longest_s:
        found.append("the flash window is empty")
    if window.shortest_s < FLASH_BOUNDS.lowest or window.longest_s > FLASH_BOUNDS.highest:
        found.append(f"the flash window leaves {FLASH_BOUNDS.lowest} to {FLASH_BOUNDS.highest} s")
    if window.shortest_s <= hook_down_s:
        found.append("a flash may be shorter than hook_down_s: it could not be told from bounce")
    return found
