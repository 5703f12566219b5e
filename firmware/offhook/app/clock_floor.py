"""Sets the system's clock to the kept lower bound: `python -m offhook.app.clock_floor [FILE]`.

A board without a battery starts in the past, and so would everything that begins before the network
tells the time. Run once at boot, before any other service of ours, with CAP_SYS_TIME.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from offhook.shells.store.atomic import StoreError
from offhook.shells.store.clock import WallClock, set_system_clock

USUAL: Final = Path("/var/lib/offhook/clock-floor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 where the clock is right now, 1 where it could not be set."""
    named = sys.argv[1:] if arguments is None else arguments
    floor = WallClock(Path(named[0]) if named else USUAL).floor
    try:
        behind_s = set_system_clock(floor)
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if behind_s is not None:
        told = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(floor))
        sys.stderr.write(f"the clock was {behind_s / 86400:.1f} days behind: set to {told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
