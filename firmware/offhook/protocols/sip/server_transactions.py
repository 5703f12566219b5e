"""RFC 3261 §17.2 and RFC 6026 §7.1: server transactions on a reliable transport, as two tables.

`INVITE_SERVER` is RFC 6026's Figure 7 without timer G, `NON_INVITE_SERVER` RFC 3261's Figure 8. A
pair of state and event that a table doesn't hold changes nothing. To see a table as a diagram:
`state_table.render(INVITE_SERVER)`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from offhook.protocols.sip.state_table import Table, TimedMachine, step

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Request, Response
    from offhook.protocols.sip.timers import Timers

MAGIC_COOKIE: Final = "z9hG4bK"


class ServerState(Enum):
    """The states of Figures 7 and 8; INITIAL is the time before the request was read."""

    INITIAL = "Initial"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class ServerEvent(Enum):
    """What a server transaction can meet; responses come from the TU, requests from the peer."""

    REQUEST = "request"
    ACK = "ACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TIMER_100 = "200 ms"
    TIMER_H = "timer H"
    TIMER_I = "timer I"
    TIMER_J = "timer J"
    TIMER_L = "timer L"
    TRANSPORT_ERROR = "transport error"


class ServerAction(Enum):
    """What a step asks of the transaction layer."""

    PASS_REQUEST = "request to TU"  # noqa: S105  # no password: RFC 3261's "pass to the TU"
    PASS_ACK = "ACK to TU"  # noqa: S105  # as above
    SEND_RESPONSE = "send response"
    SEND_TRYING = "send 100"
    RESEND = "send last response"
    INFORM_FAILURE = "failure to TU"
    STOP_TIMER = "stop timer"
    START_100 = "start 200 ms"
    START_H = "start H"
    START_I = "start I"
    START_J = "start J"
    START_L = "start L"


_S, _E, _A = ServerState, ServerEvent, ServerAction

ServerTable = Table[ServerState, ServerEvent, ServerAction]

INVITE_SERVER: Final[ServerTable] = {
    (_S.INITIAL, _E.REQUEST): step(_S.PROCEEDING, _A.PASS_REQUEST, _A.START_100),
    (_S.PROCEEDING, _E.TIMER_100): step(_S.PROCEEDING, _A.SEND_TRYING),
    (_S.PROCEEDING, _E.REQUEST): step(_S.PROCEEDING, _A.RESEND),
    (_S.PROCEEDING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.STOP_TIMER, _A.SEND_RESPONSE),
    (_S.PROCEEDING, _E.SUCCESS): step(_S.ACCEPTED, _A.SEND_RESPONSE, _A.START_L),
    (_S.PROCEEDING, _E.FAILURE): step(_S.COMPLETED, _A.SEND_RESPONSE, _A.START_H),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): step(_S.PROCEEDING, _A.INFORM_FAILURE),
    (_S.ACCEPTED, _E.REQUEST): step(_S.ACCEPTED),
    (_S.ACCEPTED, _E.SUCCESS): step(_S.ACCEPTED, _A.SEND_RESPONSE),
    (_S.ACCEPTED, _E.ACK): step(_S.ACCEPTED, _A.PASS_ACK),
    (_S.ACCEPTED, _E.TIMER_L): step(_S.TERMINATED),
    (_S.ACCEPTED, _E.TRANSPORT_ERROR): step(_S.ACCEPTED, _A.INFORM_FAILURE),
    (_S.COMPLETED, _E.REQUEST): step(_S.COMPLETED, _A.RESEND),
    (_S.COMPLETED, _E.ACK): step(_S.CONFIRMED, _A.START_I),
    (_S.COMPLETED, _E.TIMER_H): step(_S.TERMINATED),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): step(_S.COMPLETED, _A.INFORM_FAILURE),
    (_S.CONFIRMED, _E.TIMER_I): step(_S.TERMINATED),
}

NON_INVITE_SERVER: Final[ServerTable] = {
    (_S.INITIAL, _E.REQUEST): step(_S.TRYING, _A.PASS_REQUEST),
    (_S.TRYING, _E.REQUEST): step(_S.TRYING),
    (_S.TRYING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.SEND_RESPONSE),
    (_S.TRYING, _E.SUCCESS): step(_S.COMPLETED, _A.SEND_RESPONSE, _A.START_J),
    (_S.TRYING, _E.FAILURE): step(_S.COMPLETED, _A.SEND_RESPONSE, _A.START_J),
    (_S.TRYING, _E.TRANSPORT_ERROR): step(_S.TRYING, _A.INFORM_FAILURE),
    (_S.PROCEEDING, _E.REQUEST): step(_S.PROCEEDING, _A.RESEND),
    (_S.PROCEEDING, _E.PROVISIONAL): step(_S.PROCEEDING, _A.SEND_RESPONSE),
    (_S.PROCEEDING, _E.SUCCESS): step(_S.COMPLETED, _A.SEND_RESPONSE, _A.START_J),
    (_S.PROCEEDING, _E.FAILURE): step(_S.COMPLETED, _A.SEND_RESPONSE, _A.START_J),
    (_S.PROCEEDING, _E.TRANSPORT_ERROR): step(_S.PROCEEDING, _A.INFORM_FAILURE),
    (_S.COMPLETED, _E.REQUEST): step(_S.COMPLETED, _A.RESEND),
    (_S.COMPLETED, _E.TIMER_J): step(_S.TERMINATED),
    (_S.COMPLETED, _E.TRANSPORT_ERROR): step(_S.COMPLETED, _A.INFORM_FAILURE),
}


class TransactionKey(NamedTuple):
    """What §17.2.3 matches a request by; ACK and CANCEL are matched as the INVITE they mean."""

    branch: str
    sent_by: str
    method: str
    rfc2543: tuple[str, ...] = ()


def transaction_key(request: Request, method: str | None = None) -> TransactionKey:
    """The key under which §17.2.3 looks for a server transaction of `request`.

    `method` replaces the request's own (a CANCEL looks for its INVITE). A branch without the magic
    cookie is RFC 2543's, and the Request-URI, From tag, Call-ID and CSeq number decide.
    """
    via = request.vias[0]
    port = "" if via.port is None else f":{via.port}"
    sent_by = f"{via.host.lower()}{port}"
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    branch = via.branch or ""
    if branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE):
        return TransactionKey(branch, sent_by, method)
    fields = (request.from_.tag or "", request.call_id, str(request.cseq.number), str(request.uri))
    return TransactionKey(branch, sent_by, method, fields)


class ServerTransaction(TimedMachine[ServerState, ServerEvent, ServerAction]):
    """One request of the peer's and the state of its transaction.

    `to_tag` is the tag our responses carry; `last_response` what was sent last.
    """

    __slots__ = ("id", "key", "last_response", "request", "to_tag")

    def __init__(
        self, transaction: str, key: TransactionKey, request: Request, to_tag: str, timers: Timers
    ) -> None:
        long, absorb = timers.transaction, timers.absorb
        super().__init__(
            INVITE_SERVER if request.method == "INVITE" else NON_INVITE_SERVER,
            ServerState.INITIAL,
            {
                _A.START_100: (_E.TIMER_100, timers.trying),
                _A.START_H: (_E.TIMER_H, long),
                _A.START_L: (_E.TIMER_L, long),
                _A.START_I: (_E.TIMER_I, absorb),
                _A.START_J: (_E.TIMER_J, absorb),
            },
            _A.STOP_TIMER,
        )
        self.id = transaction
        self.key = key
        self.request = request
        self.to_tag = to_tag
        self.last_response: Response | None = None

    @property
    def answered(self) -> bool:
        """Whether a final response went out."""
        return self.state not in {ServerState.INITIAL, ServerState.TRYING, ServerState.PROCEEDING}


def event_of_status(status: int) -> ServerEvent:
    """The event that a response of ours with this status is."""
    if status < 200:
        return ServerEvent.PROVISIONAL
    return ServerEvent.SUCCESS if status < 300 else ServerEvent.FAILURE
