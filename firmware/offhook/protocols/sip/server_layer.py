"""RFC 3261 §17.2, §8.2.2.2, §8.2.7: the server transactions of one flow, bounded."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2s
from typing import TYPE_CHECKING, Final, NamedTuple

from offhook.base.randomness import Randomness, token
from offhook.protocols.sip.endpoint_events import (
    AckReceived,
    EndpointEvent,
    InviteCancelled,
    RequestReceived,
    TransactionFailed,
)
from offhook.protocols.sip.message import response_to
from offhook.protocols.sip.server_transactions import (
    ServerAction,
    ServerEvent,
    ServerState,
    ServerTransaction,
    TransactionKey,
    event_of_status,
    transaction_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.message import Message, Request, Response
    from offhook.protocols.sip.timers import Timers

MAX_PENDING_INVITES: Final = 2
MAX_SERVER_TRANSACTIONS: Final = 64
"""For requests outside of dialogs; as many again are kept for requests that claim one."""


_SENDING: Final = frozenset({ServerAction.SEND_RESPONSE, ServerAction.RESEND})


class _Identity(NamedTuple):
    """What makes two requests the same one, whatever way they took (§8.2.2.2)."""

    call_id: str
    from_tag: str
    cseq: int
    method: str


class ServerLayer:
    """Receives requests, keeps their transactions and sends our responses.

    What is refused here (busy, overload, merged, unmatched CANCEL) is answered without a
    transaction, so that a flood holds no memory: on a reliable transport nothing is repeated, and
    the ACK of such a refusal is a stray one.
    """

    def __init__(
        self,
        randomness: Randomness,
        timers: Timers,
        send: Callable[[Message], None],
        emit: Callable[[EndpointEvent], None],
        counters: Counter[str],
    ) -> None:
        self._randomness = randomness
        self._timers = timers
        self._send = send
        self._emit = emit
        self._counters = counters
        self._tag_key = randomness.octets(32)
        self._transactions: dict[TransactionKey, ServerTransaction] = {}
        self._keys: dict[str, TransactionKey] = {}
        self._identities: dict[_Identity, TransactionKey] = {}

    def __len__(self) -> int:
        return len(self._transactions)

    def receive(self, request: Request, now: float) -> None:
        """Take a request that was validated."""
        key = transaction_key(request)
        transaction = self._transactions.get(key)
        if request.method == "ACK":
            self._ack(request, transaction, now)
        elif transaction is not None:
            self._act(transaction, transaction.handle(ServerEvent.REQUEST, now))
        elif request.method == "CANCEL":
            self._cancel(request)
        else:
            self._open(key, request, now)

    def respond(self, transaction: str, response: Response, now: float) -> bool:
        """Send a response of the core; False if the transaction is over or has its final one."""
        key = self._keys.get(transaction)
        if key is None:
            return False
        found = self._transactions[key]
        event = event_of_status(response.status)
        previous, found.last_response = found.last_response, response
        actions = found.handle(event, now)
        if ServerAction.SEND_RESPONSE not in actions:
            found.last_response = previous
            return False
        self._act(found, actions)
        return True

    def surrender(self, reason: str, now: float) -> list[ServerTransaction]:
        """The flow is gone: give up the transactions, for the flow that follows to adopt."""
        given = list(self._transactions.values())
        for transaction in given:
            if ServerAction.INFORM_FAILURE in transaction.handle(ServerEvent.TRANSPORT_ERROR, now):
                self._emit(TransactionFailed(transaction.id, reason))
        self._transactions.clear()
        self._keys.clear()
        self._identities.clear()
        return given

    def adopt(self, transactions: Iterable[ServerTransaction]) -> None:
        """Carry on with another flow's transactions (§18.2.2: a new connection to the sender)."""
        for transaction in transactions:
            self._remember(transaction)

    def deadline(self) -> float | None:
        """The time of the next timer."""
        times = (t.deadline for t in self._transactions.values())
        return min((t for t in times if t is not None), default=None)

    def tick(self, now: float) -> None:
        """Let the timers fire whose time has come."""
        for transaction in list(self._transactions.values()):
            self._act(transaction, transaction.expire(now))

    def _open(self, key: TransactionKey, request: Request, now: float) -> None:
        claims_dialog = request.to.tag is not None
        room = MAX_SERVER_TRANSACTIONS * (2 if claims_dialog else 1)
        if not claims_dialog and _identity(request) in self._identities:
            self._refuse(request, 482, "merged")
        elif len(self._transactions) >= room:
            self._refuse(request, 503, "overload", [("Retry-After", "10")])
        elif not claims_dialog and request.method == "INVITE" and self._busy():
            self._refuse(request, 486, "busy")
        else:
            transaction = ServerTransaction(
                token(self._randomness, 8), key, request, self._to_tag(request), self._timers
            )
            self._remember(transaction)
            self._act(transaction, transaction.handle(ServerEvent.REQUEST, now))

    def _refuse(
        self,
        request: Request,
        status: int,
        counted: str,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Answer without a transaction (§8.2.7)."""
        self._counters[counted] += 1
        self._send(response_to(request, status, to_tag=self._to_tag(request), headers=headers))

    def _busy(self) -> bool:
        pending = sum(
            t.request.method == "INVITE" and not t.answered and t.request.to.tag is None
            for t in self._transactions.values()
        )
        return pending >= MAX_PENDING_INVITES

    def _ack(self, ack: Request, transaction: ServerTransaction | None, now: float) -> None:
        if transaction is None:
            self._emit(AckReceived(ack))
            return
        actions = transaction.handle(ServerEvent.ACK, now)
        if ServerAction.PASS_ACK in actions:
            self._emit(AckReceived(ack))
        self._act(transaction, actions)

    def _cancel(self, cancel: Request) -> None:
        invite = self._transactions.get(transaction_key(cancel, "INVITE"))
        if (
            invite is None
            or invite.request.call_id != cancel.call_id
            or invite.request.from_.tag != cancel.from_.tag
            or invite.request.cseq.number != cancel.cseq.number
        ):
            self._refuse(cancel, 481, "unmatched CANCEL")
            return
        self._send(response_to(cancel, 200, to_tag=invite.to_tag))
        if not invite.answered:
            self._emit(InviteCancelled(invite.id, cancel))

    def _remember(self, transaction: ServerTransaction) -> None:
        self._transactions[transaction.key] = transaction
        self._keys[transaction.id] = transaction.key
        if transaction.request.to.tag is None:
            self._identities[_identity(transaction.request)] = transaction.key

    def _forget(self, transaction: ServerTransaction) -> None:
        self._transactions.pop(transaction.key, None)
        self._keys.pop(transaction.id, None)
        if transaction.request.to.tag is None:
            self._identities.pop(_identity(transaction.request), None)

    def _act(self, transaction: ServerTransaction, actions: tuple[ServerAction, ...]) -> None:
        for action in actions:
            if action is ServerAction.PASS_REQUEST:
                self._emit(RequestReceived(transaction.id, transaction.request, transaction.to_tag))
            elif action is ServerAction.SEND_TRYING:
                transaction.last_response = response_to(transaction.request, 100)
                self._send(transaction.last_response)
            elif action in _SENDING and transaction.last_response is not None:
                self._send(transaction.last_response)
        if transaction.state is ServerState.TERMINATED:
            self._forget(transaction)

    def _to_tag(self, request: Request) -> str:
        """The peer's own if the request has one; else the same for the same request (§8.2.7)."""
        tag = request.to.tag
        if tag is not None:
            return tag
        key = transaction_key(request, "INVITE" if request.method == "CANCEL" else None)
        seed = "\n".join([*key[:3], *key.rfc2543, request.call_id]).encode()
        return blake2s(seed, key=self._tag_key, digest_size=12).hexdigest()


def _identity(request: Request) -> _Identity:
    cseq = request.cseq
    return _Identity(request.call_id, request.from_.tag or "", cseq.number, cseq.method)
