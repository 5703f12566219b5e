"""RFC 3261 §9.2, §13.3: the states of an INVITE of the peer's, as a table."""

from __future__ import annotations

from enum import Enum
from typing import Final

from offhook.protocols.sip.state_table import Table, step


class IncomingState(Enum):
    """Where an INVITE of the peer's stands."""

    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    CLOSING = "Closing"
    CONFIRMED = "Confirmed"
    ENDED = "Ended"


class IncomingEvent(Enum):
    """What it can meet."""

    RING = "ring"
    ACCEPT = "accept"
    REJECT = "reject"
    CANCELLED = "CANCEL, Expires or BYE of the caller's"
    ACK = "ACK"
    NO_ACK = "64*T1 without ACK"
    HANG_UP = "hang up"
    OVER = "dialog over"


class IncomingAction(Enum):
    """What it does about it."""

    SEND_PROVISIONAL = "send 1xx"
    SEND_SUCCESS = "send 2xx"
    SEND_FAILURE = "send 300-699"
    SEND_487 = "send 487"
    HANG_UP = "send BYE"
    TELL_CANCELLED = "tell cancelled"
    TELL_ESTABLISHED = "tell established"
    TELL_ENDED = "tell ended"


_S, _E, _A = IncomingState, IncomingEvent, IncomingAction

INCOMING: Final[Table[IncomingState, IncomingEvent, IncomingAction]] = {
    (_S.PROCEEDING, _E.RING): step(_S.PROCEEDING, _A.SEND_PROVISIONAL),
    (_S.PROCEEDING, _E.ACCEPT): step(_S.ACCEPTED, _A.SEND_SUCCESS),
    (_S.PROCEEDING, _E.REJECT): step(_S.ENDED, _A.SEND_FAILURE, _A.TELL_ENDED),
    (_S.PROCEEDING, _E.CANCELLED): step(_S.ENDED, _A.SEND_487, _A.TELL_CANCELLED),
    (_S.ACCEPTED, _E.ACK): step(_S.CONFIRMED, _A.TELL_ESTABLISHED),
    (_S.ACCEPTED, _E.NO_ACK): step(_S.ENDED, _A.HANG_UP, _A.TELL_ENDED),
    (_S.ACCEPTED, _E.HANG_UP): step(_S.CLOSING, _A.TELL_ENDED),
    (_S.ACCEPTED, _E.OVER): step(_S.ENDED, _A.TELL_ENDED),
    (_S.CLOSING, _E.ACK): step(_S.ENDED, _A.HANG_UP),
    (_S.CLOSING, _E.NO_ACK): step(_S.ENDED, _A.HANG_UP),
    (_S.CLOSING, _E.OVER): step(_S.ENDED),
    (_S.CONFIRMED, _E.HANG_UP): step(_S.ENDED, _A.HANG_UP, _A.TELL_ENDED),
    (_S.CONFIRMED, _E.OVER): step(_S.ENDED, _A.TELL_ENDED),
}
"""A pair that isn't here changes nothing. `state_table.render(INCOMING)` draws it."""
