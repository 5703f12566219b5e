"""RFC 3261 §9.1, §13.2: the states of an INVITE of ours, as a table."""

from __future__ import annotations

from enum import Enum
from typing import Final

from offhook.protocols.sip.state_table import Table, step


class OutgoingState(Enum):
    """Where an INVITE of ours stands."""

    WAITING = "WaitingForFlow"
    CALLING = "Calling"
    PROCEEDING = "Proceeding"
    STOPPING = "Stopping"
    CANCELLING = "Cancelling"
    CONFIRMED = "Confirmed"
    ENDED = "Ended"


class OutgoingEvent(Enum):
    """What it can meet."""

    FLOW = "flow opened"
    FLOW_LOST = "flow lost"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    UNANSWERED = "64*T1 without an answer"
    CHALLENGED = "sent again with credentials"
    HANG_UP = "hang up"
    OVER = "dialog over"


class OutgoingAction(Enum):
    """What it does about it."""

    SEND_INVITE = "send INVITE"
    TELL_PROGRESS = "tell progress"
    TELL_REFUSED = "tell refused"
    TELL_ENDED = "tell ended"
    CONFIRM = "ACK, tell answered"
    ACKNOWLEDGE = "ACK again, BYE a fork"
    RELEASE = "ACK and BYE"
    CANCEL = "send CANCEL"
    CANCEL_LATER = "CANCEL on the next flow"
    HANG_UP = "send BYE"


_S, _E, _A = OutgoingState, OutgoingEvent, OutgoingAction

OUTGOING: Final[Table[OutgoingState, OutgoingEvent, OutgoingAction]] = {
    (_S.WAITING, _E.FLOW): step(_S.CALLING, _A.SEND_INVITE),
    (_S.WAITING, _E.UNANSWERED): step(_S.ENDED, _A.TELL_REFUSED),
    (_S.WAITING, _E.HANG_UP): step(_S.ENDED, _A.TELL_ENDED),
    (_S.CALLING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.TELL_PROGRESS),
    (_S.CALLING, _E.SUCCESS): step(_S.CONFIRMED, _A.CONFIRM),
    (_S.CALLING, _E.FAILURE): step(_S.ENDED, _A.TELL_REFUSED),
    (_S.CALLING, _E.UNANSWERED): step(_S.ENDED, _A.TELL_REFUSED),
    (_S.CALLING, _E.FLOW_LOST): step(_S.WAITING),
    (_S.CALLING, _E.HANG_UP): step(_S.STOPPING, _A.TELL_ENDED),
    (_S.PROCEEDING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.TELL_PROGRESS),
    (_S.PROCEEDING, _E.SUCCESS): step(_S.CONFIRMED, _A.CONFIRM),
    (_S.PROCEEDING, _E.FAILURE): step(_S.ENDED, _A.TELL_REFUSED),
    (_S.PROCEEDING, _E.UNANSWERED): step(_S.ENDED, _A.TELL_REFUSED),
    (_S.PROCEEDING, _E.FLOW_LOST): step(_S.ENDED, _A.TELL_REFUSED, _A.CANCEL_LATER),
    (_S.PROCEEDING, _E.CHALLENGED): step(_S.CALLING),
    (_S.PROCEEDING, _E.HANG_UP): step(_S.CANCELLING, _A.TELL_ENDED, _A.CANCEL),
    (_S.STOPPING, _E.PROVISIONAL): step(_S.CANCELLING, _A.CANCEL),
    (_S.STOPPING, _E.SUCCESS): step(_S.ENDED, _A.RELEASE),
    (_S.STOPPING, _E.FAILURE): step(_S.ENDED),
    (_S.STOPPING, _E.UNANSWERED): step(_S.ENDED),
    (_S.STOPPING, _E.FLOW_LOST): step(_S.ENDED),
    (_S.CANCELLING, _E.SUCCESS): step(_S.ENDED, _A.RELEASE),
    (_S.CANCELLING, _E.FAILURE): step(_S.ENDED),
    (_S.CANCELLING, _E.UNANSWERED): step(_S.ENDED),
    (_S.CANCELLING, _E.FLOW_LOST): step(_S.ENDED, _A.CANCEL_LATER),
    (_S.CONFIRMED, _E.SUCCESS): step(_S.CONFIRMED, _A.ACKNOWLEDGE),
    (_S.CONFIRMED, _E.HANG_UP): step(_S.ENDED, _A.HANG_UP, _A.TELL_ENDED),
    (_S.CONFIRMED, _E.OVER): step(_S.ENDED, _A.TELL_ENDED),
    (_S.ENDED, _E.SUCCESS): step(_S.ENDED, _A.ACKNOWLEDGE),
}
"""A pair that isn't here changes nothing. `state_table.render(OUTGOING)` draws it."""
