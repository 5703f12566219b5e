"""Two telephones of ours with what keys and carries their media: SIP, SDP, SRTP, ZRTP, DTLS real.

Virtual time (but for OpenSSL's own clock); the sound is periods of a voice. Only sockets and
processes are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.phone.call.pair import End, Pair
from tests.protocols.keying.dtls.pair import OURS, THEIRS
from tests.protocols.media.link import FORMAT, PERIOD, periods, speech

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.dtls.identity import DtlsIdentity
from offhook.protocols.keying.dtls.session import DtlsSession
from offhook.protocols.media import messages as engine
from offhook.protocols.media.keyed_stream import KeyedStream
from offhook.protocols.media.keying_messages import KeyingCommand
from offhook.protocols.sdp.negotiation import MediaPolicy

SAID = periods(speech(12))
Kind = TypeVar("Kind")


@dataclass
class StreamEngine:
    """One session at a time."""

    host: str
    identity: DtlsIdentity
    deliver: Callable[[engine.SessionReport], None]
    announces: DtlsIdentity | None = None
    """Whose fingerprint SDP gets, where that isn't our own."""
    now: float = 1000.0
    keyed: KeyedStream | None = None
    sent: list[bytes] = field(default_factory=list)
    played: list[bytes] = field(default_factory=list)
    waiting: list[engine.SessionReport] = field(default_factory=list)
    reports: list[engine.SessionReport] = field(default_factory=list)
    commands: list[engine.SessionCommand] = field(default_factory=list)
    count: int = 0

    def post(self, command: engine.SessionCommand) -> None:
        self.commands.append(command)
        if isinstance(command, engine.Prepare):
            self._prepare(command)
        elif self.keyed is None:
            return
        elif isinstance(command, engine.SetRemote):
            self.keyed.set_remote(command, self.now)
        elif isinstance(command, engine.Start):
            self.keyed.start(self.now)
        elif isinstance(command, engine.Stop):
            self.keyed.end(self.now)
            self.waiting.append(engine.Stopped(command.session, self.keyed.statistics()))
        elif isinstance(command, KeyingCommand):
            self.keyed.handle(command, self.now)

    def posted(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self.commands if isinstance(each, kind)]

    def work(self) -> bool:
        if self.keyed is not None:
            while (report := self.keyed.next_report()) is not None:
                if isinstance(report, engine.SessionReport):
                    self.waiting.append(report)
        reports, self.waiting = self.waiting, []
        self.reports += reports
        for each in reports:
            self.deliver(each)
        return bool(reports)

    def period(self, number: int) -> None:
        if self.keyed is not None and self.keyed.stream is not None:
            self.keyed.begin(self.now)
            spoken = SAID[number] if number < len(SAID) else bytes(FORMAT.octets)
            self.keyed.stream.capture(spoken, self.now)
            self.played.append(self.keyed.stream.playout(self.now))

    @property
    def rtp(self) -> PathAddress:
        return PathAddress(self.host, 30000 + 2 * self.count)

    def _prepare(self, command: engine.Prepare) -> None:
        self.count = command.session
        dtls = DtlsSession(self.identity) if command.dtls else None
        randomness = SeededRandomness(f"{self.host} {command.session}")
        self.keyed = KeyedStream(command, randomness, self.now, dtls=dtls)
        self.waiting.append(
            engine.LocalReady(
                command.session,
                self.rtp,
                PathAddress(self.host, self.rtp.port + 1),
                self.keyed.crypto,
                (self.announces or self.identity).fingerprint() if command.dtls else None,
                randomness.octets(20).hex() if command.dtls else "",
                self.keyed.zrtp_hash,
            )
        )


class Whole(Pair):
    """`run` lets time pass; `meddle` changes what goes from Bob to Alice."""

    def __init__(self, alice: MediaPolicy, bob: MediaPolicy) -> None:
        super().__init__(alice, bob)
        self.engines = [_engine(end, own) for end, own in ((self.alice, OURS), (self.bob, THEIRS))]
        self.meddle: Callable[[bytes], bytes] = lambda data: data
        self._number = 0

    def run(self, seconds: float) -> None:
        alice, bob = self.engines
        for _ in range(round(seconds / PERIOD)):
            for each in self.engines:
                each.period(self._number)
                due = None if each.keyed is None else each.keyed.deadline()
                if each.keyed is not None and due is not None and due <= each.now:
                    each.keyed.tick(each.now)
            self._number += 1
            busy = True
            while busy:
                busy = self._carry(alice, bob) | self._carry(bob, alice)
                self.settle()
            for end, each in zip((self.alice, self.bob), self.engines, strict=True):
                end.now += PERIOD
                each.now = end.now
                due = end.account.deadline()
                if due is not None and due <= end.now:
                    end.account.tick(end.now)
            self.settle()

    def _carry(self, side: StreamEngine, other: StreamEngine) -> bool:
        if side.keyed is None:
            return False
        items = side.keyed.datagrams_to_send()
        for data, _, rtcp in items:
            side.sent.append(data)
            arrives = self.meddle(data) if other is self.engines[0] else data
            if other.keyed is not None:
                other.keyed.receive_datagram(arrives, side.rtp, other.now, rtcp=rtcp)
        return bool(items)


def _engine(end: End, identity: DtlsIdentity) -> StreamEngine:
    made = StreamEngine(end.host, identity, end._report)
    end.engine = made
    return made
