"""In the place of the sound that plays and records files: the telephone on the desk has none."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from offhook.base.errors import LocalError


class WavSound:
    """Stands where a sound of files would stand, and can't be made."""

    def __init__(self, play: Path | None, record: Path | None, *, loop: bool = False) -> None:
        """Raises LocalError, whatever it is asked for."""
        _refuse(play, record, loop)

    def __getattr__(self, name: str) -> NoReturn:
        """Never reached: there is no such object."""
        raise AttributeError(name)


def _refuse(*_asked: object) -> NoReturn:
    raise LocalError("this telephone neither plays nor records files; speak into the handset")
