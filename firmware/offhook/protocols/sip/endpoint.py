"""RFC 3261 §17, §18 and RFC 5626 §4.4.1: one flow's framing, transactions and pings."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.client_layer import ClientLayer
from offhook.protocols.sip.endpoint_events import BadBytes, EndpointEvent, FlowFailed
from offhook.protocols.sip.framer import FramingLost, Ping, Pong, StreamFramer
from offhook.protocols.sip.message import Request, Response, response_to
from offhook.protocols.sip.parse import BadMessage
from offhook.protocols.sip.serialise import serialise
from offhook.protocols.sip.server_layer import ServerLayer
from offhook.protocols.sip.timers import Timers
from offhook.protocols.sip.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.base.randomness import Randomness
    from offhook.base.vocabulary import PathAddress
    from offhook.protocols.sip.keepalive import KeepAlive
    from offhook.protocols.sip.message import Message
    from offhook.protocols.sip.server_transactions import ServerTransaction

PING: Final = b"\r\n\r\n"
PONG: Final = b"\r\n"
MESSAGE_TIME: Final = 10.0
"""Seconds within which a message that has begun must be complete."""


_ECHOED: Final = ("Via", "From", "To", "Call-ID", "CSeq")
"""What a response repeats of its request: without one of them there can't be one (§8.2.6.2)."""


class Endpoint:
    """One TLS flow as SIP sees it: octets and the time in; messages, events and a deadline out.

    `local` is the flow's own address and port and stands in our Via; `peer` is the other end's,
    noted in the top Via of its requests where that differs (§18.2.1). The owner drains
    `data_to_send()` (one SIP message, ping or pong per element) and `next_event()` after each
    call. After FlowFailed or `connection_lost` nothing is read or sent any more.

    `counters` counts what was refused or dropped: "bad messages", "stray responses", and "busy",
    "overload", "merged" and "unmatched CANCEL" for what the caps and the transactions refused.
    """

    def __init__(
        self,
        local: PathAddress,
        randomness: Randomness,
        *,
        peer: PathAddress | None = None,
        timers: Timers | None = None,
        keepalive: KeepAlive | None = None,
    ) -> None:
        self.local = local
        self._peer = peer
        self.timers = timers or Timers()
        self.counters: Counter[str] = Counter()
        self._framer = StreamFramer()
        self._keepalive = keepalive
        self._closed = False
        self._begun_at: float | None = None
        self._output: deque[bytes] = deque()
        self._events: deque[EndpointEvent] = deque()
        emit = self._events.append
        self._clients = ClientLayer(local, randomness, self.timers, self._send, emit)
        self._servers = ServerLayer(randomness, self.timers, self._send, emit, self.counters)

    @property
    def closed(self) -> bool:
        """Whether the flow has failed or was lost."""
        return self._closed

    def receive(self, data: bytes, now: float) -> None:
        """Octets from the flow, at the time `now` (s)."""
        if self._closed:
            return
        items = self._framer.receive(data)
        for item in items:
            if isinstance(item, Request):
                self._receive_request(item, now)
            elif isinstance(item, Response):
                self._receive_response(item, now)
            elif isinstance(item, Ping):
                self._output.append(PONG)
            elif isinstance(item, Pong):
                if self._keepalive is not None:
                    self._keepalive.pong(now)
            else:
                self._refuse_bytes(item)
        if not self._framer.incomplete:
            self._begun_at = None
        elif items or self._begun_at is None:
            self._begun_at = now

    def connection_lost(self, reason: str, now: float) -> None:
        """The connection is gone: requests of ours fail; the peer's wait for `surrender`."""
        self._closed = True
        self._output.clear()
        self._clients.fail_all(reason, now)

    def surrender(self, reason: str, now: float) -> list[ServerTransaction]:
        """Give up the server transactions, for the endpoint of the next flow to `adopt`."""
        return self._servers.surrender(reason, now)

    def adopt(self, transactions: Iterable[ServerTransaction]) -> None:
        """Carry on with the server transactions of a flow that was lost (§18.2.2)."""
        self._servers.adopt(transactions)

    def send_request(self, request: Request, now: float) -> str:
        """Send a request without a Via in a new transaction; returns the transaction's id.

        Raises LocalError if the request can't be put into bytes or is an ACK or CANCEL.
        """
        if request.method in {"ACK", "CANCEL"}:
            raise LocalError(f"{request.method} has no transaction of its own making")
        return self._clients.start(request, now)

    def cancel(self, transaction: str, now: float) -> str | None:
        """CANCEL our INVITE `transaction`; None if §9.1 forbids it: no provisional yet, or over."""
        return self._clients.cancel(transaction, now)

    def sent_request(self, transaction: str) -> Request | None:
        """The request of a transaction of ours as it was sent, with its Via; None if it is over."""
        return self._clients.request(transaction)

    def cancel_lost(self, invite: Request, now: float) -> None:
        """CANCEL an INVITE (with its Via) that went out on a flow that is gone (§9.1)."""
        self._clients.cancel_lost(invite, now)

    def send_ack(self, ack: Request, now: float) -> None:  # noqa: ARG002  # one shape for all
        """Send the ACK of a 2xx, which has no transaction (§13.2.2.4)."""
        self._send(self._clients.with_via(ack))

    def respond(self, transaction: str, response: Response, now: float) -> bool:
        """Answer a request of the peer's; False if it is over or has its final response."""
        return self._servers.respond(transaction, response, now)

    def data_to_send(self) -> list[bytes]:
        """What is to be written now, one message per element."""
        drained = list(self._output)
        self._output.clear()
        return drained

    def next_event(self) -> EndpointEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    def deadline(self) -> float | None:
        """When `tick` is due (s), or None."""
        if self._closed:
            return None
        times = [self._clients.deadline(), self._servers.deadline()]
        if self._keepalive is not None:
            times.append(self._keepalive.deadline())
        if self._begun_at is not None:
            times.append(self._begun_at + MESSAGE_TIME)
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> None:
        """Let everything happen whose time has come."""
        if self._closed:
            return
        self._clients.tick(now)
        self._servers.tick(now)
        if self._begun_at is not None and now >= self._begun_at + MESSAGE_TIME:
            self._fail(f"a message was not complete within {MESSAGE_TIME:.0f} s")
        elif self._keepalive is not None:
            if self._keepalive.ping_due(now):
                self._output.append(PING)
            elif self._keepalive.failed:
                self._fail("the pong is missing")

    def _receive_request(self, request: Request, now: float) -> None:
        try:
            validate(request)
        except PeerError as error:
            self._bad(f"{request.method} refused: {error.reason}")
            if request.method != "ACK" and all(map(request.headers.get, _ECHOED)):
                status = error.status or 400
                self._send(response_to(request, status, _phrase(status, error.reason)))
            return
        if self._peer is not None:
            note_source(request, self._peer)
        self._servers.receive(request, now)

    def _receive_response(self, response: Response, now: float) -> None:
        try:
            validate(response)
            matched = self._clients.receive(response, now)
        except PeerError as error:
            self._bad(f"response dropped: {error.reason}")
            return
        if not matched:
            self.counters["stray responses"] += 1

    def _refuse_bytes(self, item: BadMessage | FramingLost) -> None:
        self._bad(item.reason)
        if item.response_basis is not None and item.status is not None:
            phrase = _phrase(item.status, item.reason)
            self._send(response_to(item.response_basis, item.status, phrase))
        if isinstance(item, FramingLost):
            self._fail(item.reason)

    def _bad(self, reason: str) -> None:
        self.counters["bad messages"] += 1
        self._events.append(BadBytes(reason))

    def _fail(self, reason: str) -> None:
        self._closed = True
        self._events.append(FlowFailed(reason))

    def _send(self, message: Message) -> None:
        if not self._closed:
            self._output.append(serialise(message))


def note_source(request: Request, peer: PathAddress) -> None:
    """Put `received` into the top Via, and `rport` where it is asked for (§18.2.1, RFC 3581)."""
    vias = request.vias
    top = vias[0]
    asked = top.parameter("rport") == ""
    if top.host == peer.host and not asked:
        return
    kept = tuple(p for p in top.parameters if p[0].lower() not in {"received", "rport"})
    noted = (("received", peer.host), *((("rport", str(peer.port)),) if asked else ()))
    request.headers.remove("Via")
    for via in reversed([replace(top, parameters=(*kept, *noted)), *vias[1:]]):
        request.headers.prepend("Via", str(via))


def _phrase(status: int, reason: str) -> str | None:
    """The reason phrase that names the defect of a 400 (§21.4.1); None elsewhere."""
    return f"Bad Request: {reason}" if status == 400 else None
