"""The life of a registration as a table (RFC 3261 §10.2, RFC 5626 §4.2 and §4.5).

To see it as a diagram: `state_table.render(REGISTRATION)`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from offhook.protocols.sip.state_table import Table, step


class RegistrationState(Enum):
    """Where a registration stands; whether the last binding still holds is a matter of time."""

    OFFLINE = "Offline"
    DUE = "Due"
    PENDING = "Pending"
    BOUND = "Bound"
    HOLDING = "Holding"
    ABANDONED = "Abandoned"
    LEAVING = "Leaving"
    RELEASING = "Releasing"
    RETURNING = "Returning"
    RELEASED = "Released"


class RegistrationInput(Enum):
    """What a registration can meet."""

    FLOW_OPENED = "flow opened"
    FLOW_EARLY = "flow opened before the retry is due"
    FLOW_UNWANTED = "flow opened, no binding wanted"
    FLOW_LOST = "flow lost"
    WANTED = "register"
    UNWANTED = "unregister"
    SENT = "REGISTER sent"
    ACCEPTED = "binding accepted"
    AGAIN = "challenge or Min-Expires met"
    FAILED = "may work later"
    REFUSED = "refused"
    TIMER = "timer"


class RegistrationAction(Enum):
    """What a step does beside its change of state."""

    HOLD_BINDING = "hold binding"
    START_RETRY = "start back-off"
    START_LONG_RETRY = "start long retry"
    RESUME_RETRY = "resume back-off"
    STOP_TIMER = "stop timer"
    DROP_REQUEST = "drop request"
    REPORT_FAILURE = "report failure"
    DROP_BINDING = "drop binding"
    REPORT_RELEASED = "report release"


_S, _I, _A = RegistrationState, RegistrationInput, RegistrationAction

RegistrationTable = Table[RegistrationState, RegistrationInput, RegistrationAction]

_lost: Final = step(_S.OFFLINE, _A.STOP_TIMER, _A.DROP_REQUEST, _A.DROP_BINDING)

REGISTRATION: Final[RegistrationTable] = {
    (_S.OFFLINE, _I.FLOW_OPENED): step(_S.DUE),
    (_S.OFFLINE, _I.FLOW_EARLY): step(_S.HOLDING, _A.RESUME_RETRY),
    (_S.OFFLINE, _I.FLOW_UNWANTED): step(_S.RELEASED),
    (_S.DUE, _I.SENT): step(_S.PENDING),
    (_S.DUE, _I.UNWANTED): step(_S.LEAVING, _A.DROP_REQUEST),
    (_S.DUE, _I.FLOW_LOST): _lost,
    (_S.PENDING, _I.ACCEPTED): step(_S.BOUND, _A.HOLD_BINDING),
    (_S.PENDING, _I.AGAIN): step(_S.DUE),
    (_S.PENDING, _I.FAILED): step(_S.HOLDING, _A.START_RETRY, _A.REPORT_FAILURE),
    (_S.PENDING, _I.REFUSED): step(_S.HOLDING, _A.START_LONG_RETRY, _A.REPORT_FAILURE),
    (_S.PENDING, _I.UNWANTED): step(_S.ABANDONED),
    (_S.PENDING, _I.FLOW_LOST): _lost,
    (_S.BOUND, _I.TIMER): step(_S.DUE),
    (_S.BOUND, _I.UNWANTED): step(_S.LEAVING, _A.STOP_TIMER),
    (_S.BOUND, _I.FLOW_LOST): _lost,
    (_S.HOLDING, _I.TIMER): step(_S.DUE),
    (_S.HOLDING, _I.UNWANTED): step(_S.LEAVING, _A.STOP_TIMER),
    (_S.HOLDING, _I.FLOW_LOST): _lost,
    (_S.ABANDONED, _I.ACCEPTED): step(_S.LEAVING),
    (_S.ABANDONED, _I.AGAIN): step(_S.LEAVING, _A.DROP_REQUEST),
    (_S.ABANDONED, _I.FAILED): step(_S.LEAVING),
    (_S.ABANDONED, _I.REFUSED): step(_S.LEAVING),
    (_S.ABANDONED, _I.WANTED): step(_S.PENDING),
    (_S.ABANDONED, _I.FLOW_LOST): _lost,
    (_S.LEAVING, _I.SENT): step(_S.RELEASING),
    (_S.LEAVING, _I.WANTED): step(_S.DUE, _A.DROP_REQUEST),
    (_S.LEAVING, _I.FLOW_LOST): _lost,
    (_S.RELEASING, _I.ACCEPTED): step(_S.RELEASED, _A.REPORT_RELEASED),
    (_S.RELEASING, _I.AGAIN): step(_S.LEAVING),
    (_S.RELEASING, _I.FAILED): step(_S.RELEASED, _A.REPORT_RELEASED),
    (_S.RELEASING, _I.REFUSED): step(_S.RELEASED, _A.REPORT_RELEASED),
    (_S.RELEASING, _I.WANTED): step(_S.RETURNING),
    (_S.RELEASING, _I.FLOW_LOST): _lost,
    (_S.RETURNING, _I.ACCEPTED): step(_S.DUE, _A.DROP_BINDING),
    (_S.RETURNING, _I.AGAIN): step(_S.DUE, _A.DROP_REQUEST),
    (_S.RETURNING, _I.FAILED): step(_S.DUE),
    (_S.RETURNING, _I.REFUSED): step(_S.DUE),
    (_S.RETURNING, _I.UNWANTED): step(_S.RELEASING),
    (_S.RETURNING, _I.FLOW_LOST): _lost,
    (_S.RELEASED, _I.WANTED): step(_S.DUE),
    (_S.RELEASED, _I.FLOW_LOST): step(_S.OFFLINE),
}
"""A pair of state and input that isn't here changes nothing."""
