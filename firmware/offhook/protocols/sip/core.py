"""RFC 3261 §8: what the calls and the registration of one account share."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness, token
from offhook.protocols.sip.digest_challenge import DigestRefused
from offhook.protocols.sip.endpoint_events import (
    EndpointEvent,
    ResponseReceived,
    TransactionFailed,
    TransactionTimedOut,
)
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Request, Response
from offhook.protocols.sip.timers import Timers
from offhook.protocols.sip.uri import SipUri, Uri
from offhook.protocols.sip.values import CSeq, NameAddr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.protocols.sip.dialog import Dialog
    from offhook.protocols.sip.digest import DigestClient
    from offhook.protocols.sip.endpoint import Endpoint
    from offhook.protocols.sip.server_transactions import ServerTransaction

METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE")
SDP: Final = "application/sdp"
EXTENSIONS: Final[frozenset[str]] = frozenset()
"""Option tags that a Require of the peer's may name."""

Outcome: TypeAlias = Response | TransactionTimedOut | TransactionFailed


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account is in SIP. `contact_user` is random, new at each start of the phone."""

    aor: SipUri
    display_name: str
    contact_user: str
    user_agent: str


class Sending:
    """One request of ours under way; sent again with credentials if it is challenged.

    `request` and `transaction` are those of the latest attempt, `sent` is its request with the Via
    of its flow. `refusal` says why a challenge
    was not answered. A sending that is `abandoned` takes no challenge.
    """

    __slots__ = (
        "abandoned",
        "dialog",
        "handler",
        "refusal",
        "request",
        "resent",
        "sent",
        "transaction",
    )

    def __init__(
        self,
        request: Request,
        handler: Callable[[Outcome, float], None],
        dialog: Dialog | None,
        resent: Callable[[float], None] | None,
    ) -> None:
        self.request = request
        self.handler = handler
        self.dialog = dialog
        self.resent = resent
        self.transaction = ""
        self.sent = request
        self.refusal: DigestRefused | None = None
        self.abandoned = False


class Core:
    """One account's UA core, between its usages and the endpoint of the flow that is up.

    `endpoint` is None while there is no flow; `ready` is whether requests of ours should use the
    flow by now. `methods` are those that we answer.
    """

    def __init__(
        self,
        identity: Identity,
        randomness: Randomness,
        *,
        authorizer: DigestClient | None = None,
        timers: Timers | None = None,
        methods: Iterable[str] = METHODS,
    ) -> None:
        self.methods = tuple(methods)
        self.identity = identity
        self.randomness = randomness
        self.timers = timers or Timers()
        self.endpoint: Endpoint | None = None
        self.ready = False
        self._authorizer = authorizer
        self._sendings: dict[str, Sending] = {}
        self._homeless: list[ServerTransaction] = []
        self._owed: dict[str, Response] = {}
        self._lingering: deque[tuple[float, str]] = deque()

    def flow_opened(self, endpoint: Endpoint, now: float) -> None:
        """Use this endpoint from now on; what is owed to the peer goes out on it."""
        self.endpoint = endpoint
        endpoint.adopt(self._homeless)
        self._homeless = []
        owed, self._owed = self._owed, {}
        for transaction, response in owed.items():
            endpoint.respond(transaction, response, now)

    def flow_lost(self, reason: str, now: float) -> list[EndpointEvent]:
        """The flow is gone. Returns the events that its endpoint still holds."""
        endpoint, self.endpoint = self.endpoint, None
        self.ready = False
        if endpoint is None:
            return []
        endpoint.connection_lost(reason, now)
        self._homeless = endpoint.surrender(reason, now)
        events: list[EndpointEvent] = []
        while (event := endpoint.next_event()) is not None:
            events.append(event)
        return events

    @property
    def allow(self) -> str:
        """The Allow header field."""
        return ", ".join(self.methods)

    def contact(self, *, secure: bool = False) -> NameAddr:
        """Our Contact on this flow; a SIPS URI where the dialog is `secure` (RFC 5630 §5.1)."""
        if self.endpoint is None:
            raise LocalError("without a flow there is no Contact")
        host, port = self.endpoint.local
        user = self.identity.contact_user
        if secure:
            return NameAddr("", SipUri("sips", user, host, port))
        return NameAddr("", SipUri("sip", user, host, port, (("transport", "tls"),)))

    def new_request(self, method: str, target: Uri) -> Request:
        """A request outside of dialogs, without Via and body (§8.1.1).

        Header fields in `target` are for a person to approve, not for the Request-URI (§19.1.5).
        """
        if isinstance(target, SipUri):
            target = replace(target, headers=())
        headers = Headers([("Max-Forwards", "70")])
        local = NameAddr(self.identity.display_name, self.identity.aor)
        headers.add("From", str(local.with_tag(token(self.randomness, 8))))
        headers.add("To", str(NameAddr("", target)))
        headers.add("Call-ID", token(self.randomness, 16))
        headers.add("CSeq", str(CSeq(1, method)))
        return Request(method, target, headers)

    def capabilities(self) -> list[tuple[str, str]]:
        """What a 200 to OPTIONS tells (§11.2)."""
        return [
            ("Allow", self.allow),
            ("Accept", SDP),
            ("Accept-Encoding", "identity"),
            ("Accept-Language", "en"),
            ("Supported", ", ".join(sorted(EXTENSIONS))),
            ("User-Agent", self.identity.user_agent),
        ]

    def session_headers(self, *, secure: bool, body: bytes = b"") -> list[tuple[str, str]]:
        """Contact, what we are capable of, and the type of `body` if there is one."""
        headers = [("Contact", str(self.contact(secure=secure))), ("Allow", self.allow)]
        headers.append(("User-Agent", self.identity.user_agent))
        if body:
            headers.append(("Content-Type", SDP))
        return headers

    def send(
        self,
        request: Request,
        handler: Callable[[Outcome, float], None],
        now: float,
        dialog: Dialog | None = None,
        resent: Callable[[float], None] | None = None,
        *,
        authorized: bool = True,
    ) -> Sending:
        """Send a request; each response, time-out or failure goes to `handler`.

        Unless the sender sees to that himself (`authorized` False), 401 and 407 go to the
        authorizer first, and `resent` is called when it has given credentials. Raises LocalError
        without a flow.
        """
        if self._authorizer is not None and authorized:
            request = self._authorizer.preempt(request)
        sending = Sending(request, handler, dialog, resent)
        sending.abandoned = not authorized
        self._send(sending, now)
        return sending

    def send_ack(self, ack: Request, now: float) -> None:
        """Send the ACK of a 2xx; without a flow it waits for the peer's next retransmission."""
        if self.endpoint is not None:
            self.endpoint.send_ack(ack, now)

    def cancel(self, sending: Sending, now: float) -> None:
        """CANCEL an INVITE of ours that has had a provisional response."""
        sending.abandoned = True
        if self.endpoint is not None:
            self.endpoint.cancel(sending.transaction, now)

    def cancel_lost(self, sending: Sending, now: float) -> None:
        """CANCEL, on the flow that is up, an INVITE that was ringing when its own flow died."""
        if self.endpoint is not None and sending.sent.headers.get("Via"):
            self.endpoint.cancel_lost(sending.sent, now)

    def respond(self, transaction: str, response: Response, now: float) -> None:
        """Answer a request of the peer's; without a flow the final response waits for one."""
        if self.endpoint is not None:
            self.endpoint.respond(transaction, response, now)
        elif response.status >= 200 and any(t.id == transaction for t in self._homeless):
            self._owed[transaction] = response

    def dispatch(
        self, event: ResponseReceived | TransactionTimedOut | TransactionFailed, now: float
    ) -> None:
        """Bring the outcome of a request of ours to the one who sent it."""
        sending = self._sendings.get(event.transaction)
        if sending is None:
            return
        if not isinstance(event, ResponseReceived):
            del self._sendings[event.transaction]
            sending.handler(event, now)
            return
        response = event.response
        if 200 <= response.status < 300 and sending.request.method == "INVITE":
            self._lingering.append((now + self.timers.transaction, event.transaction))
        elif response.status >= 200:
            del self._sendings[event.transaction]
        if response.status in {401, 407} and self._again(sending, response, now):
            return
        if self._authorizer is not None and response.status >= 200 and not sending.abandoned:
            self._authorizer.answered(sending.request, response)
        sending.handler(response, now)

    def _again(self, sending: Sending, response: Response, now: float) -> bool:
        if self._authorizer is None or self.endpoint is None or sending.abandoned:
            return False
        dialog = sending.dialog
        number = None if dialog is None else dialog.local_cseq + 1
        again = self._authorizer.authorize(sending.request, response, cseq=number)
        if isinstance(again, DigestRefused):
            sending.refusal = again
            return False
        if dialog is not None:
            dialog.local_cseq = again.cseq.number
        sending.request = again
        self._send(sending, now)
        if sending.resent is not None:
            sending.resent(now)
        return True

    def _send(self, sending: Sending, now: float) -> None:
        if self.endpoint is None:
            raise LocalError("without a flow nothing can be sent")
        while self._lingering and self._lingering[0][0] <= now:
            self._sendings.pop(self._lingering.popleft()[1], None)
        sending.transaction = self.endpoint.send_request(sending.request, now)
        sending.sent = self.endpoint.sent_request(sending.transaction) or sending.request
        self._sendings[sending.transaction] = sending
