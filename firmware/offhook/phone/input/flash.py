"""How long the hook must be pressed to be a flash, by country.

An exchange of the European kind looks for a break of about 100 ms, which a key of the telephone
makes; one of the North American kind for the time of a finger on the hook. This telephone hears
only its own hook, so a European window here reaches from the key's break to a quick finger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ASSUMED: Final = "assumed"
"""How the source of a value begins that no document was found for."""


@dataclass(frozen=True, slots=True)
class FlashWindow:
    """A press of at least `shortest_s` and less than `longest_s` (s) is a flash.

    One that lasts hangs up, a shorter one is nothing. `source` says where the two come from.
    """

    shortest_s: float
    longest_s: float
    source: str = "set by the owner"


_EUROPE: Final = FlashWindow(
    0.070,
    0.500,
    f"{ASSUMED}: European exchanges take a break of 100 or 120 ms (Wikipedia, Hook flash);"
    " the upper bound leaves room for a finger",
)
_AMERICA: Final = FlashWindow(
    0.300, 1.000, "Wikipedia, Hook flash: American exchanges take 300 to 1000 ms"
)

FLASH_WINDOWS: Final[Mapping[str, FlashWindow]] = {
    "AT": _EUROPE,
    "AU": FlashWindow(0.070, 0.500, f"{ASSUMED}: as in Europe"),
    "CH": _EUROPE,
    "DE": FlashWindow(
        0.070,
        0.310,
        "Wikipedia (de), Rückfragetaste: flash 70 to 90 ms, hook flash 170 to 310 ms;"
        " one window holds both",
    ),
    "ES": _EUROPE,
    "FI": FlashWindow(0.090, 0.500, "Finnish practice: 90 to 500 ms"),
    "FR": _EUROPE,
    "IT": _EUROPE,
    "JP": FlashWindow(0.300, 1.000, f"{ASSUMED}: as in North America"),
    "NL": _EUROPE,
    "SE": _EUROPE,
    "GB": FlashWindow(
        0.070,
        0.500,
        "NEC SL2100 Quick Install Guide: timed break 90 to 120 ms, found from 70 ms;"
        f" upper bound {ASSUMED}: room for a finger",
    ),
    "US": _AMERICA,
}
"""By ISO 3166 code, as the tones have them; Finland beside those."""

ADAPTERS: Final = FlashWindow(0.300, 0.700, "what many analogue telephone adapters are set to")
"""For a telephone whose country isn't listed."""


def flash_window(country: str) -> FlashWindow:
    """The country's window, or that of most adapters."""
    return FLASH_WINDOWS.get(country.upper(), ADAPTERS)
