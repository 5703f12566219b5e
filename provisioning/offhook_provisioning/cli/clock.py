"""The clock of the operator's machine, as far as it may be believed."""

from __future__ import annotations

import datetime as dt
import time

from offhook.base.clock_bounds import LATEST, RELEASED
from offhook.base.errors import LocalError


def wall_time() -> float:
    """Unix seconds. Raises LocalError for a clock that can't be right.

    Certificates and tickets made by such a one would be refused, or be good for decades.
    """
    now = time.time()
    if not RELEASED <= now <= LATEST:
        shown = dt.datetime.fromtimestamp(now, dt.UTC)
        raise LocalError(
            f"the clock of this machine says {shown:%Y-%m-%d}, which can't be: "
            "nothing was changed. Set it, then say this again"
        )
    return now
