"""Two phones that agree by ZRTP over a simulated path, in virtual time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import dh, ec, x448, x25519

from offhook.base.randomness import Randomness, SeededRandomness
from offhook.protocols.keying.zrtp.agreement import PRIME, KeyMaker, KeyPair
from offhook.protocols.keying.zrtp.algorithms import KeyAgreement
from offhook.protocols.keying.zrtp.events import Retain, SecretsWanted, Secured, ZrtpEvent
from offhook.protocols.keying.zrtp.messages import Message
from offhook.protocols.keying.zrtp.packet import ZrtpPacket, parse_packet, serialise_packet
from offhook.protocols.keying.zrtp.reading import parse
from offhook.protocols.keying.zrtp.retained import Remembered
from offhook.protocols.keying.zrtp.session import ZrtpSession, ZrtpSettings
from offhook.protocols.keying.zrtp.states import ZrtpState
from offhook.protocols.keying.zrtp.stream import ZrtpStream

_E = TypeVar("_E")

Meddler = Callable[["Agent", bytes], list[bytes]]
"""What becomes of a datagram that this agent sends."""


@dataclass
class Agent:
    """One phone: its stream, its memory of peers and what it reported."""

    name: str
    stream: ZrtpStream
    session: ZrtpSession
    memory: dict[bytes, Remembered] = field(default_factory=dict)
    events: list[ZrtpEvent] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    attentive: bool = True

    def of(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def secured(self) -> Secured:
        (found,) = self.of(Secured)
        return found

    @property
    def secure(self) -> bool:
        return self.stream.state is ZrtpState.SECURE

    def messages(self) -> list[Message]:
        return [parse(parse_packet(each).message) for each in self.sent]

    def types(self) -> list[str]:
        return [parse_packet(each).message[4:12].decode().strip() for each in self.sent]

    def heed(self, now: float) -> None:
        """Take the events as a phone would."""
        while self.attentive and (event := self.stream.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, SecretsWanted):
                self.stream.recall(self.memory.get(event.zid), now)
            elif isinstance(event, Retain):
                kept = self.memory.get(event.zid, Remembered())
                self.memory[event.zid] = Remembered(event.rs1, event.rs2, kept.pbx, event.verified)


def seeded(randomness: Randomness) -> KeyMaker:
    """Ephemeral keys out of a seed, so that an exchange can be repeated."""

    def make(agreement: KeyAgreement) -> KeyPair:
        octets = randomness.octets(56)
        number = int.from_bytes(octets[:31], "big") + 2
        if agreement is KeyAgreement.X255:
            return KeyPair(agreement, x25519.X25519PrivateKey.from_private_bytes(octets[:32]))
        if agreement is KeyAgreement.X448:
            return KeyPair(agreement, x448.X448PrivateKey.from_private_bytes(octets))
        if agreement is KeyAgreement.EC25:
            return KeyPair(agreement, ec.derive_private_key(number, ec.SECP256R1()))
        if agreement is KeyAgreement.EC38:
            return KeyPair(agreement, ec.derive_private_key(number, ec.SECP384R1()))
        group = dh.DHParameterNumbers(PRIME, 2)
        public = dh.DHPublicNumbers(pow(2, number, PRIME), group)
        return KeyPair(agreement, dh.DHPrivateNumbers(number, public).private_key())

    return make


def agent(
    name: str,
    settings: ZrtpSettings | None = None,
    *,
    seed: int | str = 0,
    memory: dict[bytes, Remembered] | None = None,
    session: ZrtpSession | None = None,
    make_key: KeyMaker | None = None,
) -> Agent:
    randomness = SeededRandomness(f"{name} {seed}")
    zid = name.encode().ljust(12, b"\1")
    session = session or ZrtpSession(
        zid, randomness, settings, make_key=make_key or seeded(randomness)
    )
    ssrc = int.from_bytes(randomness.octets(4), "big")
    return Agent(name, ZrtpStream(session, ssrc), session, memory if memory is not None else {})


def pass_on(_agent: Agent, datagram: bytes) -> list[bytes]:
    return [datagram]


class Path:
    """From `a` to `b` and back with 20 ms each way; it may lose, swap, double and change."""

    def __init__(
        self,
        a: Agent,
        b: Agent,
        meddle: Meddler = pass_on,
        *,
        seed: int = 0,
        loss: float = 0.0,
        double: float = 0.0,
        jitter_s: float = 0.0,
    ) -> None:
        self.a, self.b = a, b
        self.now = 100.0
        self.meddle = meddle
        self._chance = random.Random(seed)  # noqa: S311  # a path's luck, repeatable
        self._loss, self._double, self._jitter_s = loss, double, jitter_s
        self._wire: list[tuple[float, int, Agent, bytes]] = []
        self._count = 0

    def other(self, one: Agent) -> Agent:
        return self.b if one is self.a else self.a

    def start(self) -> None:
        self.a.stream.start(self.now)
        self.b.stream.start(self.now)
        self.pump()

    def run(self, seconds: float) -> None:
        """Let everything happen that is due within `seconds`."""
        end = self.now + seconds
        while (due := self._next()) <= end:
            self.now = max(self.now, due)
            if self._wire and self._wire[0][0] <= self.now:
                _, _, to, datagram = heapq.heappop(self._wire)
                to.stream.receive(datagram, self.now)
            for each in (self.a, self.b):
                each.stream.tick(self.now)
            self.pump()
        self.now = end

    def deliver(self, to: Agent, datagram: bytes) -> list[bytes]:
        """Give it at once; what is sent in answer."""
        before = len(to.sent)
        to.stream.receive(datagram, self.now)
        self.pump()
        return to.sent[before:]

    def pump(self) -> None:
        for each in (self.a, self.b):
            each.heed(self.now)
            for datagram in each.stream.datagrams_to_send():
                each.sent.append(datagram)
                for passed in self.meddle(each, datagram):
                    self._put(self.other(each), passed)
            each.heed(self.now)

    def _put(self, to: Agent, datagram: bytes) -> None:
        copies = 2 if self._chance.random() < self._double else 1
        for _ in range(copies):
            if self._chance.random() >= self._loss:
                self._count += 1
                at = self.now + 0.02 + self._chance.random() * self._jitter_s
                heapq.heappush(self._wire, (at, self._count, to, datagram))

    def _next(self) -> float:
        times = [each.stream.deadline() for each in (self.a, self.b)]
        times.append(self._wire[0][0] if self._wire else None)
        return min((each for each in times if each is not None), default=float("inf"))


def kind_of(datagram: bytes) -> str:
    return parse_packet(datagram).message[4:12].decode().strip()


def altered(datagram: bytes, change: Callable[[bytearray], object]) -> bytes:
    """The packet with its message changed and its CRC right again."""
    packet = parse_packet(datagram)
    octets = bytearray(packet.message)
    change(octets)
    return serialise_packet(ZrtpPacket(packet.sequence, packet.source, bytes(octets)))


def met(a: Agent, b: Agent, seconds: float = 3.0, meddle: Meddler = pass_on) -> Path:
    """Let them agree."""
    path = Path(a, b, meddle)
    path.start()
    path.run(seconds)
    return path
