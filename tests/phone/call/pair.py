"""Two telephones of ours on one connection in virtual time: every SIP message is a real one.

The media engines are stand-ins that open a path, make keys and announce what they are asked for;
what an engine does with them is tested in its own room. A test plays their reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from tests.phone.call.desk import StandInEngine

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import FlowReport, PathAddress, PeerVerdict
from offhook.phone.call import account as phone
from offhook.phone.call.call import Call
from offhook.phone.call.incoming import IncomingCall
from offhook.phone.call.learned import Learned
from offhook.phone.call.outgoing import OutgoingCall
from offhook.phone.call.zrtp_memory import ZrtpMemory
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import MediaPolicy
from offhook.protocols.sip.agent import Identity, UserAgent
from offhook.protocols.sip.uri import SipUri

DOMAIN = "trunk.example"
WALL = 1.8e9
ALL = MediaPolicy(dtls=True, zrtp=True)


class AnyKeyingEngine(StandInEngine):
    """Announces each keying that it is made ready for."""

    def _ready(self, command: engine.Prepare) -> engine.LocalReady:
        ready = super()._ready(command)
        digest = self.randomness.octets(32)
        return replace(
            ready,
            fingerprint=Fingerprint("sha-256", digest) if command.dtls else None,
            tls_id=self.randomness.octets(20).hex() if command.dtls else "",
            zrtp_hash=f"1.10 {digest.hex()}" if command.zrtp is not None else "",
        )


class Engine(Protocol):
    """What a telephone needs of its engine."""

    def post(self, command: engine.SessionCommand) -> None: ...

    def work(self) -> bool: ...

    def posted(self, kind: type[engine.SessionCommand]) -> list[engine.SessionCommand]: ...


@dataclass
class End:
    """One telephone."""

    name: str
    host: str
    policy: MediaPolicy
    group: str = "x25519"
    kept: list[Secret] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        randomness = SeededRandomness(self.name)
        self.now = 1000.0
        self.learned = Learned(lambda: WALL + self.now)
        self.zrtp = ZrtpMemory(randomness, lambda: WALL + self.now, self.kept.append)
        self.engine: Engine = AnyKeyingEngine(self.host, self._report, randomness)
        terms = phone.AccountTerms(
            name="trunk",
            domain=DOMAIN,
            server=("192.0.2.1", 5061),
            policy=self.policy,
            media_host=None,
            media_dscp=46,
            user=self.name,
            register=False,
        )
        agent = UserAgent(
            Identity(SipUri("sip", self.name, DOMAIN), "", self.name, "Offhook/test"),
            None,
            randomness,
        )
        keepsakes = phone.Keepsakes(self.learned, self.zrtp)
        self.account = phone.Account(terms, agent, randomness, itertools.count(1), keepsakes)

    def open(self) -> None:
        self.account.start(self.now)
        self.flow()

    def flow(self) -> None:
        """The flow that the account seeks is there."""
        here, there = PathAddress(self.host, 40000), PathAddress("192.0.2.1", 5061)
        verdict = PeerVerdict(accepted=True, rule="uri-san", name=DOMAIN, detail="")
        self.account.actions()
        self.account.flow_opened(
            FlowReport(
                "TLSv1.3",
                "TLS_AES_256_GCM_SHA384",
                self.group,
                verdict,
                resumed=False,
                local=here,
                peer=there,
                connect_ms=1.0,
                handshake_ms=1.0,
            ),
            self.now,
        )

    @property
    def call(self) -> Call:
        (call,) = self.account.calls
        return call

    def told(self, kind: type) -> list[object]:
        return [each for each in self.events if isinstance(each, kind)]

    def _report(self, report: engine.SessionReport) -> None:
        self.account.receive_report(report, self.now)


class Pair:
    """Two of them; what one sends the other receives, and `patch` may change it on its way."""

    def __init__(self, alice: MediaPolicy = ALL, bob: MediaPolicy = ALL) -> None:
        self.alice = End("alice", "192.0.2.7", alice)
        self.bob = End("bob", "192.0.2.8", bob)
        self.decide: Callable[[IncomingCall], int | bytes | None] = lambda _call: None
        """What becomes of a call that arrives: a status, an answer made by hand, None: accepted."""
        self.alice.open()
        self.bob.open()

    @property
    def now(self) -> float:
        return self.alice.now

    def call(self, *, hurried: bool = False) -> OutgoingCall:
        call = self.alice.account.dial("bob", self.now, hurried=hurried)
        self.settle()
        return call

    def settle(self) -> None:
        busy = True
        while busy:
            busy = self._step(self.alice, self.bob) | self._step(self.bob, self.alice)

    def report(self, end: End, report: engine.SessionReport) -> None:
        end.account.receive_report(report, self.now)
        self.settle()

    def _step(self, end: End, other: End) -> bool:
        busy = end.engine.work()
        end.account.settle(self.now)
        for data in end.account.data_to_send():
            busy = True
            end.sent.append(data)
            other.account.receive(data, self.now)
        for command in end.account.commands_to_send():
            busy = True
            end.engine.post(command)
        while (event := end.account.next_event()) is not None:
            busy = True
            end.events.append(event.event if isinstance(event, phone.CallChanged) else event)
            if isinstance(event, phone.CallArrived):
                self._decide(event.call)
        return busy

    def _decide(self, call: IncomingCall) -> None:
        match self.decide(call):
            case bytes() as answer:
                call.invite.accept(answer, self.now)
            case int() as status:
                call.reject(status, "so it was wanted", self.now)
            case None:
                call.accept(self.now)
