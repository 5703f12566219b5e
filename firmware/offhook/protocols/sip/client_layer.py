"""RFC 3261 §17.1: the client transactions of one flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offhook.base.randomness import Randomness, token
from offhook.protocols.sip.client_transactions import (
    ClientAction,
    ClientEvent,
    ClientState,
    ClientTransaction,
    event_of_status,
)
from offhook.protocols.sip.derived_requests import ack_of_failure, cancel_of
from offhook.protocols.sip.endpoint_events import (
    EndpointEvent,
    ResponseReceived,
    TransactionFailed,
    TransactionTimedOut,
)
from offhook.protocols.sip.message import Request, Response
from offhook.protocols.sip.values import BRANCH_COOKIE, Via

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.base.vocabulary import PathAddress
    from offhook.protocols.sip.message import Message
    from offhook.protocols.sip.timers import Timers

MAX_CLIENT_TRANSACTIONS: Final = 64


class ClientLayer:
    """Sends our requests and brings their responses home. At most 64 transactions at once."""

    def __init__(
        self,
        sent_by: PathAddress,
        randomness: Randomness,
        timers: Timers,
        send: Callable[[Message], None],
        emit: Callable[[EndpointEvent], None],
    ) -> None:
        self._sent_by = sent_by
        self._randomness = randomness
        self._timers = timers
        self._send = send
        self._emit = emit
        self._transactions: dict[str, ClientTransaction] = {}

    def with_via(self, request: Request) -> Request:
        """A copy of `request` with our Via of a new branch on top."""
        branch = BRANCH_COOKIE + token(self._randomness)
        via = Via("TLS", self._sent_by.host, self._sent_by.port, (("branch", branch),))
        headers = request.headers.copy()
        headers.prepend("Via", str(via))
        return Request(request.method, request.uri, headers, request.body)

    def start(self, request: Request, now: float) -> str:
        """Send `request` in a new transaction and return the transaction's id."""
        sent = self.with_via(request)
        identity = sent.vias[0].branch or ""
        self._start(identity, sent, now)
        return identity

    def cancel(self, transaction: str, now: float) -> str | None:
        """CANCEL a pending INVITE; the CANCEL's own id, or None where §9.1 forbids it.

        It is forbidden before a provisional response and after a final one.
        """
        invite = self._transactions.get(transaction)
        if invite is None or invite.request.method != "INVITE":
            return None
        if not invite.handle(ClientEvent.CANCELLED, now):
            return None
        identity = f"{transaction} CANCEL"
        self._start(identity, cancel_of(invite.request), now)
        return identity

    def request(self, transaction: str) -> Request | None:
        """The request of a transaction that is not over."""
        found = self._transactions.get(transaction)
        return None if found is None else found.request

    def cancel_lost(self, invite: Request, now: float) -> None:
        """CANCEL an INVITE whose own transaction died with another flow."""
        self._start(f"{invite.vias[0].branch} CANCEL", cancel_of(invite), now)

    def receive(self, response: Response, now: float) -> bool:
        """Give a validated response to its transaction (§17.1.3); False if none wants it."""
        if len(response.vias) != 1:
            return False
        identity = response.vias[0].branch or ""
        method = response.cseq.method
        if method == "CANCEL":
            identity += " CANCEL"
        transaction = self._transactions.get(identity)
        if transaction is None or not _answers(transaction.request, response):
            return False
        actions = transaction.handle(event_of_status(response.status), now)
        self._act(transaction, actions, response, "")
        return bool(actions)

    def fail_all(self, reason: str, now: float) -> None:
        """The flow is gone, and every transaction with it."""
        for transaction in list(self._transactions.values()):
            actions = transaction.handle(ClientEvent.TRANSPORT_ERROR, now)
            self._act(transaction, actions, None, reason)
        self._transactions.clear()

    def deadline(self) -> float | None:
        """The time of the next timer."""
        times = (t.deadline for t in self._transactions.values())
        return min((t for t in times if t is not None), default=None)

    def tick(self, now: float) -> None:
        """Let the timers fire whose time has come."""
        for transaction in list(self._transactions.values()):
            self._act(transaction, transaction.expire(now), None, "")

    def _start(self, identity: str, request: Request, now: float) -> None:
        if len(self._transactions) >= MAX_CLIENT_TRANSACTIONS:
            self._emit(TransactionFailed(identity, "too many transactions at once"))
            return
        transaction = ClientTransaction(identity, request, self._timers)
        self._transactions[identity] = transaction
        self._act(transaction, transaction.handle(ClientEvent.REQUEST, now), None, "")

    def _act(
        self,
        transaction: ClientTransaction,
        actions: tuple[ClientAction, ...],
        response: Response | None,
        reason: str,
    ) -> None:
        identity = transaction.id
        for action in actions:
            if action is ClientAction.SEND_REQUEST:
                self._send(transaction.request)
            elif action is ClientAction.SEND_ACK and response is not None:
                self._send(ack_of_failure(transaction.request, response))
            elif action is ClientAction.PASS_RESPONSE and response is not None:
                self._emit(ResponseReceived(identity, response))
            elif action is ClientAction.INFORM_TIMEOUT:
                self._emit(TransactionTimedOut(identity, transaction.request.method))
            elif action is ClientAction.INFORM_FAILURE:
                self._emit(TransactionFailed(identity, reason))
        if transaction.state is ClientState.TERMINATED:
            self._transactions.pop(identity, None)


def _answers(request: Request, response: Response) -> bool:
    """Whether the response is one to this very request, beyond its branch (§8.2.6.2)."""
    return (
        response.cseq == request.cseq
        and response.call_id == request.call_id
        and response.from_.tag == request.from_.tag
    )
