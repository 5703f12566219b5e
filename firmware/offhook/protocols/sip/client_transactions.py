"""RFC 3261 §17.1 and RFC 6026 §7.2: client transactions on a reliable transport, as two tables.

`INVITE_CLIENT` is RFC 6026's Figure 5 without timer A, `NON_INVITE_CLIENT` RFC 3261's Figure 6
without timer E. A pair of state and event that a table doesn't hold changes nothing. To see a
table as a diagram: `state_table.render(INVITE_CLIENT)`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from offhook.protocols.sip.state_table import Table, TimedMachine, step

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Request
    from offhook.protocols.sip.timers import Timers


class ClientState(Enum):
    """The states of Figures 5 and 6; INITIAL is the time before the request went out."""

    INITIAL = "Initial"
    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"


class ClientEvent(Enum):
    """What a client transaction can meet; FAILURE is any final response but 2xx."""

    REQUEST = "request"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    CANCELLED = "CANCEL sent"
    TIMER_B = "timer B"
    TIMER_F = "timer F"
    TIMER_M = "timer M"
    TIMER_D = "timer D"
    TIMER_K = "timer K"
    TIMER_CANCEL = "64*T1 after CANCEL"
    TRANSPORT_ERROR = "transport error"


class ClientAction(Enum):
    """What a step asks of the transaction layer."""

    SEND_REQUEST = "send request"
    SEND_ACK = "send ACK"
    PASS_RESPONSE = "response to TU"  # noqa: S105  # no password: RFC 3261's "pass to the TU"
    INFORM_TIMEOUT = "timeout to TU"
    INFORM_FAILURE = "failure to TU"
    STOP_TIMER = "stop timer"
    START_B = "start B"
    START_F = "start F"
    START_M = "start M"
    START_D = "start D"
    START_K = "start K"
    START_CANCEL = "start 64*T1"


_S, _E, _A = ClientState, ClientEvent, ClientAction

ClientTable = Table[ClientState, ClientEvent, ClientAction]

INVITE_CLIENT: Final[ClientTable] = {
    (_S.INITIAL, _E.REQUEST): step(_S.CALLING, _A.SEND_REQUEST, _A.START_B),
    (_S.CALLING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.STOP_TIMER, _A.PASS_RESPONSE),
    (_S.CALLING, _E.SUCCESS): step(_S.ACCEPTED, _A.PASS_RESPONSE, _A.START_M),
    (_S.CALLING, _E.FAILURE): step(_S.COMPLETED, _A.SEND_ACK, _A.PASS_RESPONSE, _A.START_D),
    (_S.CALLING, _E.TIMER_B): step(_S.TERMINATED, _A.INFORM_TIMEOUT),
    (_S.CALLING, _E.TRANSPORT_ERROR): step(_S.TERMINATED, _A.INFORM_FAILURE),
    (_S.PROCEEDING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.PASS_RESPONSE),
    (_S.PROCEEDING, _E.SUCCESS): step(_S.ACCEPTED, _A.PASS_RESPONSE, _A.START_M),
    (_S.PROCEEDING, _E.FAILURE): step(_S.COMPLETED, _A.SEND_ACK, _A.PASS_RESPONSE, _A.START_D),
    (_S.PROCEEDING, _E.CANCELLED): step(_S.PROCEEDING, _A.START_CANCEL),
    (_S.PROCEEDING, _E.TIMER_CANCEL): step(_S.TERMINATED, _A.INFORM_TIMEOUT),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): step(_S.TERMINATED, _A.INFORM_FAILURE),
    (_S.ACCEPTED, _E.SUCCESS): step(_S.ACCEPTED, _A.PASS_RESPONSE),
    (_S.ACCEPTED, _E.TIMER_M): step(_S.TERMINATED),
    (_S.ACCEPTED, _E.TRANSPORT_ERROR): step(_S.TERMINATED),
    (_S.COMPLETED, _E.FAILURE): step(_S.COMPLETED, _A.SEND_ACK),
    (_S.COMPLETED, _E.TIMER_D): step(_S.TERMINATED),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): step(_S.TERMINATED),
}

NON_INVITE_CLIENT: Final[ClientTable] = {
    (_S.INITIAL, _E.REQUEST): step(_S.TRYING, _A.SEND_REQUEST, _A.START_F),
    (_S.TRYING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.PASS_RESPONSE),
    (_S.TRYING, _E.SUCCESS): step(_S.COMPLETED, _A.PASS_RESPONSE, _A.START_K),
    (_S.TRYING, _E.FAILURE): step(_S.COMPLETED, _A.PASS_RESPONSE, _A.START_K),
    (_S.TRYING, _E.TIMER_F): step(_S.TERMINATED, _A.INFORM_TIMEOUT),
    (_S.TRYING, _E.TRANSPORT_ERROR): step(_S.TERMINATED, _A.INFORM_FAILURE),
    (_S.PROCEEDING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.PASS_RESPONSE),
    (_S.PROCEEDING, _E.SUCCESS): step(_S.COMPLETED, _A.PASS_RESPONSE, _A.START_K),
    (_S.PROCEEDING, _E.FAILURE): step(_S.COMPLETED, _A.PASS_RESPONSE, _A.START_K),
    (_S.PROCEEDING, _E.TIMER_F): step(_S.TERMINATED, _A.INFORM_TIMEOUT),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): step(_S.TERMINATED, _A.INFORM_FAILURE),
    (_S.COMPLETED, _E.TIMER_K): step(_S.TERMINATED),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): step(_S.TERMINATED),
}


class ClientTransaction(TimedMachine[ClientState, ClientEvent, ClientAction]):
    """One request of ours and the state of its transaction; `request` carries our Via."""

    __slots__ = ("id", "request")

    def __init__(self, transaction: str, request: Request, timers: Timers) -> None:
        long, absorb = timers.transaction, timers.absorb
        super().__init__(
            INVITE_CLIENT if request.method == "INVITE" else NON_INVITE_CLIENT,
            ClientState.INITIAL,
            {
                _A.START_B: (_E.TIMER_B, long),
                _A.START_F: (_E.TIMER_F, long),
                _A.START_M: (_E.TIMER_M, long),
                _A.START_CANCEL: (_E.TIMER_CANCEL, long),
                _A.START_D: (_E.TIMER_D, absorb),
                _A.START_K: (_E.TIMER_K, absorb),
            },
            _A.STOP_TIMER,
        )
        self.id = transaction
        self.request = request


def event_of_status(status: int) -> ClientEvent:
    """The event that a response with this status is."""
    if status < 200:
        return ClientEvent.PROVISIONAL
    return ClientEvent.SUCCESS if status < 300 else ClientEvent.FAILURE
