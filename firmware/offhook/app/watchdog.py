"""Feeds systemd's watchdog for as long as this process does its work (sd_notify(3), WATCHDOG=1).

Whether a trunk can be reached is never asked here: a restart of ours would not bring it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from offhook.shells.store.notify import ServiceManager

TICKS: Final = 4
"""Ticks in the watchdog's period: three may be late before a live process is killed."""

log = logging.getLogger(__name__)


class Watchdog:
    """Ticks on the running loop, and so only while the loop runs; each tick is a sign of life.

    `fault` is asked at each tick for what stands still, as a sentence; while it tells of one
    nothing is fed. Without a watchdog period nothing ticks.
    """

    def __init__(self, manager: ServiceManager, fault: Callable[[], str] = lambda: "") -> None:
        self._manager, self._fault = manager, fault
        self._timer: asyncio.TimerHandle | None = None
        self._told = ""

    def start(self) -> None:
        """Feed at once, and from now on."""
        if self._manager.watchdog_s is not None:
            self._tick()

    def stop(self) -> None:
        """Feed no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        period_s = self._manager.watchdog_s or 0.0
        self._timer = asyncio.get_running_loop().call_later(period_s / TICKS, self._tick)
        fault = self._fault()
        if not fault:
            self._manager.alive()
        elif fault != self._told:
            log.error("watchdog: %s", fault)
        self._told = fault
