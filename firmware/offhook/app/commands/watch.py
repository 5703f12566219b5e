"""`offhook watch`: what happens to the phone that runs here, as it happens."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from offhook.app.console import complain, result
from offhook.app.control import default_socket
from offhook.app.control_asking import asking
from offhook.app.control_lines import ASK_LEVELS, ASK_WATCH, ErrorLine, Line, read_line
from offhook.app.control_words import words
from offhook.app.exit_status import ExitStatus
from offhook.app.render import plain
from offhook.base.errors import PeerError
from offhook.shells.control.client import ControlClient, NoPhone, Refused


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What the command line says."""

    socket: Path | None
    """None: the usual one."""
    levels: bool
    as_data: bool
    """The phone's own lines instead of words."""


def watch(options: WatchOptions) -> ExitStatus:
    """Print until the person has had enough (DONE), or there is no phone any more (FAILED)."""
    path = options.socket or default_socket()
    try:
        with asking(path, ASK_LEVELS if options.levels else ASK_WATCH) as (phone, first):
            return _follow(phone, first, options)
    except (NoPhone, Refused) as error:
        complain(str(error))
        return ExitStatus.FAILED
    except KeyboardInterrupt:
        return ExitStatus.DONE
    except BrokenPipeError:
        # Whoever read has gone, as `head` does; nothing may be flushed to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE


def _follow(phone: ControlClient, first: bytes, options: WatchOptions) -> ExitStatus:
    told: bytes | None = first
    while told is not None:
        line, text = _understood(told), told.decode("utf-8", "replace")
        if options.as_data:
            result(text)
        else:
            result(f"{time.strftime('%H:%M:%S')}  {plain(text) if line is None else words(line)}")
        if isinstance(line, ErrorLine):
            return ExitStatus.FAILED
        told = phone.next_line(None)
    complain("the phone has ended")
    return ExitStatus.FAILED


def _understood(told: bytes) -> Line | None:
    """None: a phone of another version has events of its own."""
    try:
        return read_line(told)
    except PeerError:
        return None
