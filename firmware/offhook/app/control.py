"""The control socket: a phone that runs tells its own user how it is, and what changes.

Lines of JSON both ways, described in docs/control.md. Whoever asks can only look.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from offhook.app.control_events import Event, LevelsMeasured, changes
from offhook.app.control_lines import ErrorLine, StatusLine, WantStatus, read_request, written
from offhook.app.report import StatusReport
from offhook.base.errors import PeerError
from offhook.shells.control.connection import Client, Limits
from offhook.shells.control.peer import Allowed
from offhook.shells.control.server import ControlServer

SYSTEM_SOCKET: Final = Path("/run/offhook/control.sock")


def default_socket() -> Path:
    """Where phone and commands meet: $XDG_RUNTIME_DIR for a person's own, /run for the system's."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if os.geteuid() != 0 and runtime.is_absolute():
        return runtime / "offhook" / "control.sock"
    return SYSTEM_SOCKET


class Control:
    """The control socket of one phone, on the running loop.

    `snapshot` reads off the phone as it is; call `refresh` after anything happened to it: that
    costs nothing while nobody watches. `on_levels` is told when somebody begins to want levels,
    and when nobody does any more; hand them in by `publish` meanwhile.
    """

    def __init__(
        self,
        path: Path,
        snapshot: Callable[[], StatusReport],
        *,
        allowed: Allowed = Allowed(),  # noqa: B008  frozen
        limits: Limits = Limits(),  # noqa: B008  frozen
        on_levels: Callable[[bool], None] = lambda _wanted: None,
    ) -> None:
        self.too_long = written(ErrorLine(f"a request has at most {limits.line} octets"))
        self.too_many = written(ErrorLine(f"{limits.clients} clients are here already"))
        self.server = ControlServer(path, self, allowed, limits)
        self._snapshot = snapshot
        self._on_levels = on_levels
        self._watching: dict[Client, bool] = {}
        """Who watches, and whether levels too."""
        self._known: StatusReport | None = None
        """What the watchers know; None while there are none."""

    def open(self) -> None:
        """Listen. Raises LocalError with the remedy where that can't be."""
        self.server.open()

    def close(self) -> None:
        """Tell nobody anything any more, and leave no file. Harmless where it isn't open."""
        self.server.close()

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watching)

    def refresh(self) -> None:
        """Something may have happened: tell the watchers what is different now."""
        if self._known is None:
            return
        before, after = self._known, self._snapshot()
        self._known = after
        for event in changes(before, after):
            self.publish(event)

    def publish(self, event: Event) -> None:
        """Tell this to the watchers; levels only to those who want them."""
        levels = isinstance(event, LevelsMeasured)
        line = b""
        for client, wants_levels in list(self._watching.items()):
            if wants_levels or not levels:
                line = line or written(event)
                client.send(line)

    # What clients do

    def asked(self, client: Client, line: bytes) -> None:
        """A request."""
        try:
            request = read_request(line)
        except PeerError as error:
            client.send(written(ErrorLine(error.reason)))
            return
        if isinstance(request, WantStatus):
            client.send(written(StatusLine(self._snapshot())))
        else:
            self._watch(client, levels=request.levels)

    def gone(self, client: Client) -> None:
        """It is closed."""
        levelled = self._levelled
        self._watching.pop(client, None)
        if not self._watching:
            self._known = None
        if levelled and not self._levelled:
            self._on_levels(False)

    def _watch(self, client: Client, *, levels: bool) -> None:
        self.refresh()
        if client.closed:
            # It watched before, and had not read.
            return
        if self._known is None:
            self._known = self._snapshot()
        levelled = self._levelled
        self._watching[client] = levels
        client.stay()
        if levelled != self._levelled:
            self._on_levels(levels)
        client.send(written(StatusLine(self._known)))

    @property
    def _levelled(self) -> bool:
        return any(self._watching.values())
