"""RFC 3261 §21 to ITU-T E.182: what a person hears of a call that the other side did not take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.phone.line.states import Cue

ENDINGS: Final[Mapping[int, Cue]] = {
    404: Cue.NO_SUCH,
    410: Cue.NO_SUCH,
    484: Cue.NO_SUCH,
    604: Cue.NO_SUCH,
    486: Cue.REFUSED_BUSY,
    600: Cue.REFUSED_BUSY,
}
"""SIP status → what it is to the line. Every other one is a call that failed."""

MEANINGS: Final[Mapping[int, str]] = {
    404: "Not Found: there is no such number",
    410: "Gone: there is one no longer",
    484: "Address Incomplete",
    486: "Busy Here",
    600: "Busy Everywhere",
    604: "Does Not Exist Anywhere",
}


def ending(status: int | None) -> Cue:
    """The cue for a call placed here that ended with `status` before it was answered."""
    return Cue.FAILED if status is None else ENDINGS.get(status, Cue.FAILED)
