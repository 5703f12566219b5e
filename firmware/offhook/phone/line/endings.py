"""RFC 3261 §21 to ITU-T E.182: what a person hears of a call that the other side did not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.phone.line.states import Cue

ENDINGS: Final[Mapping[int, tuple[Cue, str]]] = {
    404: (Cue.NO_SUCH, "Not Found: there is no such number"),
    410: (Cue.NO_SUCH, "Gone: there is one no longer"),
    484: (Cue.NO_SUCH, "Address Incomplete"),
    486: (Cue.REFUSED_BUSY, "Busy Here"),
    600: (Cue.REFUSED_BUSY, "Busy Everywhere"),
    604: (Cue.NO_SUCH, "Does Not Exist Anywhere"),
}
"""SIP status → what it is to the line, and means. Every other one is a call that failed."""


def ending(status: int | None) -> Cue:
    """The cue for a call placed here that ended with `status` before it was answered."""
    known = None if status is None else ENDINGS.get(status)
    return Cue.FAILED if known is None else known[0]
