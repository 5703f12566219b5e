"""The telephone as a service: when it is ready, how it stands, and that it lives (sd_notify(3))."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from offhook.app.telephone import Telephone
from offhook.app.watchdog import Watchdog
from offhook.shells.store.notify import ServiceManager

ENGINE_PATIENCE_S: Final = 30.0
"""Ready without a media engine after so long: to start the telephone anew would bring none."""
NO_ENGINE: Final = "no media engine"


class Service:
    """Speaks for `telephone`, whose line and pins are open, on the running loop.

    Ready is: settings read, line open, the media engine linked. Registered is no part of it: a
    telephone without its trunk is up, and says so to whoever lifts it.
    """

    def __init__(self, telephone: Telephone, manager: ServiceManager | None = None) -> None:
        self._telephone = telephone
        self._manager = manager or ServiceManager()
        self._watchdog = Watchdog(self._manager)
        self._accounts = "starting"
        self._ready = False
        self._patience: asyncio.TimerHandle | None = None

    @contextmanager
    def attended(self) -> Iterator[None]:
        """While it works."""
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(ENGINE_PATIENCE_S, self._be_ready)
        self._telephone.on_engine_change = self._engine_changed
        self._watchdog.start()
        self._engine_changed()
        try:
            yield
        finally:
            self._patience.cancel()
            self._manager.stopping()
            self._watchdog.stop()

    def stands(self, accounts: str) -> None:
        """How the accounts stand now, for a person: "registered as …", "not registered: …"."""
        self._accounts = accounts
        self._show()

    def _engine_changed(self) -> None:
        if self._telephone.engine_there:
            self._be_ready()
        self._show()

    def _be_ready(self) -> None:
        if not self._ready:
            self._ready = True
            self._manager.ready()

    def _show(self) -> None:
        there = self._telephone.engine_there
        self._manager.status(self._accounts if there else f"{NO_ENGINE}; {self._accounts}")
