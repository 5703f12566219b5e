"""Two keyed streams and a link between them, each keying agreed as offer and answer would have it.

Virtual time, except where a test lets OpenSSL's own clock run (`paced`).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tests.protocols.keying.dtls.pair import OURS, THEIRS
from tests.protocols.media.link import (
    ALICE,
    ALICE_RTCP,
    BOB,
    BOB_RTCP,
    CODECS,
    FORMAT,
    PERIOD,
    START,
    Link,
    periods,
)

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.demultiplex import Traffic, demultiplex
from offhook.protocols.keying.dtls.agreed import Agreed
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.session import DtlsSession
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.srtp_keys import AES_CM_128_HMAC_SHA1_80, SrtpKeys
from offhook.protocols.keying.zrtp.hello_hash import parse_hello_hash
from offhook.protocols.media.g711 import G711
from offhook.protocols.media.keyed_stream import KeyedEvent, KeyedStream
from offhook.protocols.media.keying_messages import (
    Keyed,
    ZrtpAgreed,
    ZrtpOwn,
    ZrtpRecall,
    ZrtpRetain,
    ZrtpSecretsWanted,
)
from offhook.protocols.media.messages import Prepare, SetRemote

SUITE = AES_CM_128_HMAC_SHA1_80.name
Kind = TypeVar("Kind")
Meddler = Callable[[bytes], list[bytes]]
"""What becomes of a datagram on its way."""


def straight(data: bytes) -> list[bytes]:
    return [data]


SDES, DTLS, ZRTP = {Keying.SDES}, {Keying.DTLS}, {Keying.ZRTP}


@dataclass
class Party:
    """One side: its keyed stream, its microphone and speaker, its memory and its reports."""

    name: str
    at: PathAddress
    at_rtcp: PathAddress
    identity: DtlsIdentity
    ready_for: set[Keying]
    speaks: list[bytes] = field(default_factory=list)
    reports: list[KeyedEvent] = field(default_factory=list)
    sent: list[tuple[bytes, PathAddress, bool]] = field(default_factory=list)
    played: list[bytes] = field(default_factory=list)
    memory: dict[bytes, ZrtpRecall] = field(default_factory=dict)
    attentive: bool = True
    """Whether ZrtpSecretsWanted is answered."""

    def __post_init__(self) -> None:
        zid = SeededRandomness(f"zid of {self.name}").octets(12)
        prepare = Prepare(
            1,
            self.at.host,
            (SUITE,),
            dtls=Keying.DTLS in self.ready_for,
            zrtp=ZrtpOwn(zid) if Keying.ZRTP in self.ready_for else None,
        )
        dtls = DtlsSession(self.identity) if prepare.dtls else None
        self.keyed = KeyedStream(prepare, SeededRandomness(self.name), START, dtls=dtls)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self.reports if isinstance(each, kind)]

    @property
    def keyings(self) -> list[Keying]:
        return [each.keying for each in self.of(Keyed)]

    @property
    def heard(self) -> bytes:
        return b"".join(self.played)

    def kinds(self) -> set[Traffic]:
        return {demultiplex(data) for data, _, _ in self.sent}

    def clear(self) -> list[bytes]:
        """The datagrams in which something of what was said can be read."""
        coder = G711("PCMA")
        said = [coder.encode(each)[40:80] for each in self.speaks]
        return [data for data, _, _ in self.sent if any(each in data for each in said)]

    def collect(self, now: float) -> None:
        while (report := self.keyed.next_report()) is not None:
            self.reports.append(report)
            if isinstance(report, ZrtpSecretsWanted) and self.attentive:
                kept = self.memory.get(report.zid) or ZrtpRecall(1, report.zid)
                self.keyed.handle(kept, now)
            elif isinstance(report, ZrtpRetain):
                self.memory[report.zid] = ZrtpRecall(
                    1, report.zid, report.rs1, report.rs2, verified=report.verified
                )

    def period(self, number: int, now: float) -> None:
        if self.keyed.stream is None:
            return
        self.keyed.begin(now)
        spoken = self.speaks[number] if number < len(self.speaks) else bytes(FORMAT.octets)
        self.keyed.stream.capture(spoken, now)
        self.played.append(self.keyed.stream.playout(now))


class KeyedCall:
    """Alice, who offered, and Bob, who answered; `run` lets time pass."""

    def __init__(
        self,
        alice: set[Keying],
        bob: set[Keying] | None = None,
        *,
        alice_says: bytes = b"",
        bob_says: bytes = b"",
        there: Link | None = None,
        back: Link | None = None,
    ) -> None:
        self.alice = Party("alice", ALICE, ALICE_RTCP, OURS, alice, periods(alice_says))
        self.bob = Party("bob", BOB, BOB_RTCP, THEIRS, bob or alice, periods(bob_says))
        self.links = {"alice": there or Link(), "bob": back or Link(seed=8)}
        self.meddlers: dict[str, Meddler] = {}
        self.now = START
        self.number = 0
        self.paced = False
        self._flying: list[tuple[float, int, Party, bytes, PathAddress, bool]] = []
        self._count = 0

    def agreed(self, side: Party, keyings: set[Keying], *, hashes: bool = True) -> SetRemote:
        """What `side` is told of the other one. Bob is the active one."""
        other = self.bob if side is self.alice else self.alice
        role = Role.PASSIVE if side is self.alice else Role.ACTIVE
        announced = parse_hello_hash(other.keyed.zrtp_hash) if hashes else None
        return SetRemote(
            1,
            other.at,
            None,
            CODECS["PCMA"],
            101,
            SrtpKeys(side.keyed.crypto[0], other.keyed.crypto[0])
            if Keying.SDES in keyings
            else None,
            dtls=Agreed(role, (other.identity.fingerprint(),)) if Keying.DTLS in keyings else None,
            zrtp=ZrtpAgreed(() if announced is None else (announced,))
            if Keying.ZRTP in keyings
            else None,
        )

    def agree(self, keyings: set[Keying], *, hashes: bool = True) -> None:
        for side in (self.bob, self.alice):
            side.keyed.set_remote(self.agreed(side, keyings, hashes=hashes), self.now)

    def start(self) -> None:
        for side in (self.bob, self.alice):
            side.keyed.start(self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            began = time.monotonic()
            for side in (self.alice, self.bob):
                side.period(self.number, self.now)
            self.number += 1
            until = START + self.number * PERIOD
            self.carry()
            while self._flying and self._flying[0][0] <= until:
                at, _, side, data, source, rtcp = heapq.heappop(self._flying)
                self.now = at
                side.keyed.receive_datagram(data, source, at, rtcp=rtcp)
                self.carry()
            self.now = until
            for side in (self.alice, self.bob):
                due = side.keyed.deadline()
                if due is not None and due <= self.now:
                    side.keyed.tick(self.now)
            self.carry()
            if self.paced:
                time.sleep(max(0.0, began + PERIOD - time.monotonic()))

    def carry(self) -> None:
        for side, other in ((self.alice, self.bob), (self.bob, self.alice)):
            side.collect(self.now)
            for item in side.keyed.datagrams_to_send():
                data, destination, rtcp = item
                side.sent.append(item)
                if destination not in (other.at, other.at_rtcp):
                    continue
                meddle = self.meddlers.get(side.name, straight)
                for each in meddle(data):
                    for at in self.links[side.name].arrivals(self.now):
                        self._count += 1
                        source = side.at_rtcp if rtcp else side.at
                        to_rtcp = destination == other.at_rtcp
                        flight = (at, self._count, other, each, source, to_rtcp)
                        heapq.heappush(self._flying, flight)


def rekeyed(parameters: SetRemote, seed: str, *, send: bool) -> SetRemote:
    """The same with another SDES key in one direction."""
    assert parameters.keys is not None
    mine, theirs = parameters.keys.send, parameters.keys.receive
    old = mine if send else theirs
    fresh = replace(old, master=type(old.master)(SeededRandomness(seed).octets(len(old.master))))
    keys = SrtpKeys(fresh, theirs) if send else SrtpKeys(mine, fresh)
    return replace(parameters, keys=keys)
