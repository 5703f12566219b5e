"""Two user agents, a flow between them and a clock: what the tests of calls are made of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.sip.agent import Identity, UserAgent
from offhook.protocols.sip.agent_events import AgentEvent, CallEvent, IncomingCall
from offhook.protocols.sip.invite_server import IncomingInvite
from offhook.protocols.sip.message import Message, Request, Response
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.uri import SipUri

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.protocols.sip.invite_client import OutgoingInvite
    from offhook.protocols.sip.invite_events import InviteEvent

OFFER = b"v=0\r\noffer\r\n"
ANSWER = b"v=0\r\nanswer\r\n"
DELAY = 0.01

_E = TypeVar("_E")


def identity(user: str) -> Identity:
    return Identity(
        SipUri("sip", user, "example.net"), user.capitalize(), f"{user}-device", "Offhook/test"
    )


@dataclass
class Side:
    """One user agent with what it has said and sent."""

    name: str
    agent: UserAgent
    address: PathAddress
    events: list[AgentEvent] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    on_event: Callable[[AgentEvent], None] | None = None

    def of(self, kind: type[_E]) -> list[_E]:
        """The events of this kind, those inside a CallEvent included."""
        inner = [e.event if isinstance(e, CallEvent) else e for e in self.events]
        return [event for event in inner if isinstance(event, kind)]

    def call_events(self, call: OutgoingInvite | IncomingInvite) -> list[InviteEvent]:
        return [e.event for e in self.events if isinstance(e, CallEvent) and e.invite is call]

    def incoming(self) -> IncomingInvite:
        """The last call that came in."""
        return [e for e in self.events if isinstance(e, IncomingCall)][-1].invite

    def requests(self, method: str) -> list[Request]:
        return [m for m in self.sent if isinstance(m, Request) and m.method == method]

    def statuses(self, method: str) -> list[int]:
        return [m.status for m in self.sent if isinstance(m, Response) and m.cseq.method == method]


class Link:
    """A flow from `a` to `b` with a delay of 10 ms each way, which may lose messages or break."""

    def __init__(self, a: UserAgent, b: UserAgent) -> None:
        self.a = Side("a", a, PathAddress("192.0.2.1", 40001))
        self.b = Side("b", b, PathAddress("192.0.2.2", 5061))
        self.now = 1000.0
        self.up = False
        self.lose: Callable[[Side, Message], bool] = lambda _side, _message: False
        self._wire: deque[tuple[float, Side, bytes]] = deque()

    def open(self) -> None:
        self.up = True
        self.a.agent.flow_opened(self.a.address, self.b.address, self.now)
        self.b.agent.flow_opened(self.b.address, self.a.address, self.now)
        self._pump()

    def close(self, reason: str = "connection reset") -> None:
        self.up = False
        self._wire.clear()
        self.a.agent.flow_lost(reason, self.now)
        self.b.agent.flow_lost(reason, self.now)
        self._pump()

    def run(self, seconds: float) -> None:
        """Let everything happen that is due within `seconds`."""
        end = self.now + seconds
        self._pump()
        while (due := self._next()) is not None and due <= end:
            self.now = max(self.now, due)
            if self._wire and self._wire[0][0] <= self.now:
                _, side, data = self._wire.popleft()
                side.agent.receive(data, self.now)
            else:
                for side in (self.a, self.b):
                    side.agent.tick(self.now)
            self._pump()
        self.now = end

    def inject(self, side: Side, data: bytes) -> list[Message]:
        """Give `side` octets as from the flow; what it says at once in reply."""
        before = len(side.sent)
        side.agent.receive(data, self.now)
        self._pump()
        return side.sent[before:]

    def _next(self) -> float | None:
        times = [side.agent.deadline() for side in (self.a, self.b)]
        times.append(self._wire[0][0] if self._wire else None)
        return min((time for time in times if time is not None), default=None)

    def _pump(self) -> None:
        for side, other in ((self.a, self.b), (self.b, self.a)):
            while (event := side.agent.next_event()) is not None:
                side.events.append(event)
                if side.on_event is not None:
                    side.on_event(event)
            for data in side.agent.data_to_send():
                message = parse_message(data) if data.strip() else None
                if message is not None:
                    side.sent.append(message)
                if self.up and (message is None or not self.lose(side, message)):
                    self._wire.append((self.now + DELAY, other, data))


def two_phones() -> Link:
    """Two agents without registrar, the flow open."""
    link = Link(
        UserAgent(identity("alice"), None, SeededRandomness("alice")),
        UserAgent(identity("bob"), None, SeededRandomness("bob")),
    )
    link.open()
    return link


def established(link: Link) -> tuple[OutgoingInvite, IncomingInvite]:
    """A call from `a` to `b`, answered and acknowledged."""
    out = link.a.agent.invite(SipUri("sip", "bob", "example.net"), OFFER, link.now)
    link.run(0.1)
    incoming = link.b.incoming()
    incoming.accept(ANSWER, link.now)
    link.run(0.1)
    return out, incoming


class Solo(Side):
    """One user agent whose peer is written by hand."""

    def __init__(self, agent: UserAgent | None = None) -> None:
        super().__init__(
            "solo",
            agent or UserAgent(identity("alice"), None, SeededRandomness("solo")),
            PathAddress("192.0.2.1", 40001),
        )
        self.now = 0.0
        self.open()

    def open(self) -> list[Message]:
        self.agent.flow_opened(self.address, PathAddress("192.0.2.2", 5061), self.now)
        return self.drain()

    def close(self) -> None:
        self.agent.flow_lost("connection reset", self.now)
        self.drain()

    def feed(self, data: bytes) -> list[Message]:
        """Give octets to the agent; what it says at once."""
        self.agent.receive(data, self.now)
        return self.drain()

    def at(self, now: float) -> list[Message]:
        """Let the time pass up to `now`, deadline by deadline; what is said meanwhile."""
        said: list[Message] = []
        while (due := self.agent.deadline()) is not None and due <= now:
            self.now = max(self.now, due)
            self.agent.tick(self.now)
            said += self.drain()
        self.now = now
        return said

    def call(self, user: str = "bob") -> tuple[OutgoingInvite, Request]:
        """A call of ours and its INVITE."""
        call = self.agent.invite(SipUri("sip", user, "example.net"), OFFER, self.now)
        (request,) = self.drain()
        assert isinstance(request, Request)
        return call, request

    def drain(self) -> list[Message]:
        """What was said, as (re)parsed from the octets; events go to `events`."""
        said = [parse_message(data) for data in self.agent.data_to_send() if data.strip()]
        self.sent += said
        while (event := self.agent.next_event()) is not None:
            self.events.append(event)
        return said


def methods(messages: list[Message]) -> list[str | int]:
    """Methods of requests and statuses of responses, in order."""
    return [m.method if isinstance(m, Request) else m.status for m in messages]
