"""Exit statuses of `offhook`: 0 is a completed, encrypted call, and nothing else is."""

from __future__ import annotations

from enum import IntEnum

from offhook.phone.call.record import Outcome


class ExitStatus(IntEnum):
    """Why the process ended."""

    DONE = 0
    FAILED = 1
    """The network or the engine gave way."""
    USAGE = 2
    """Wrong arguments or settings; every defect is named."""
    UNTRUSTED = 3
    """The server's certificate, or the way to it, was refused."""
    UNREGISTERED = 4
    """The registrar refused, or nothing answered."""
    REFUSED = 5
    """The other side said no, or nobody answered."""
    INSECURE = 6
    """Refused by us: the call would not have been encrypted."""
    NO_MEDIA = 7
    """Answered, but no authenticated speech came."""


OF_OUTCOME = {
    Outcome.COMPLETED: ExitStatus.DONE,
    Outcome.REFUSED: ExitStatus.REFUSED,
    Outcome.CANCELLED: ExitStatus.REFUSED,
    Outcome.INSECURE: ExitStatus.INSECURE,
    Outcome.NO_MEDIA: ExitStatus.NO_MEDIA,
    Outcome.FAILED: ExitStatus.FAILED,
}
