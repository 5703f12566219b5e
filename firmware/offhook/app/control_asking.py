"""The commands' end of the control socket: a phone that runs is asked, and what it says is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offhook.app.control_lines import ASK_STATUS, ErrorLine, StatusLine, read_line
from offhook.app.report import StatusReport
from offhook.base.errors import LocalError, PeerError
from offhook.shells.control.client import ControlClient, NoPhone, Refused


@contextmanager
def asking(path: Path, request: bytes) -> Iterator[tuple[ControlClient, bytes]]:
    """A phone that was asked, and its first line.

    Raises NoPhone where none runs, Refused where it may not be asked; both tell the remedy.
    """
    try:
        client = ControlClient(path)
    except NoPhone as error:
        raise NoPhone(f"{error}: start one (offhook run), or name its socket (--socket)") from None
    with client:
        client.ask(request)
        first = client.next_line()
        if first is None:
            raise Refused(
                f"the phone at {path} closes without a word: "
                f"ask as its own user ({client.peer.uid}) or as root"
            )
        yield client, first


def ask_status(path: Path) -> StatusReport:
    """What the phone at `path` says of itself. Raises NoPhone, Refused or LocalError."""
    with asking(path, ASK_STATUS) as (_, first):
        try:
            line = read_line(first)
        except PeerError as error:
            raise LocalError(f"{path}: {error.reason}") from None
    if isinstance(line, StatusLine):
        return line.status
    why = line.error if isinstance(line, ErrorLine) else "another answer than its status"
    raise Refused(f"{path}: {why}")
