"""Two streams and a link between them that loses, delays, doubles and reorders, in virtual time."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field, replace

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import AudioCodec, PathAddress, PcmFormat
from offhook.protocols.keying.srtp_keys import (
    AES_CM_128_HMAC_SHA1_80,
    SUITES,
    CryptoLine,
    CryptoSuite,
    SrtpKeys,
)
from offhook.protocols.media.messages import SetRemote
from offhook.protocols.media.stream import MediaStream, StreamEvent

FORMAT = PcmFormat(8000, 20)
"""What a stream of G.711 takes and gives."""
CODECS = {
    "PCMA": AudioCodec("PCMA", 8, 8000),
    "PCMU": AudioCodec("PCMU", 0, 8000),
    "G722": AudioCodec("G722", 9, 8000),
    "opus": AudioCodec("opus", 111, 48000, 2),
}
ALICE, ALICE_RTCP = PathAddress("192.0.2.1", 4000), PathAddress("192.0.2.1", 4001)
BOB, BOB_RTCP = PathAddress("192.0.2.2", 5000), PathAddress("192.0.2.2", 5001)
MALLORY = PathAddress("198.51.100.6", 6666)
ALL_SUITES = tuple(SUITES.values())
PERIOD = FORMAT.period_ms / 1000
START = 1000.0


def key(seed: str, suite: CryptoSuite = AES_CM_128_HMAC_SHA1_80, tag: int = 1) -> CryptoLine:
    return CryptoLine(tag, suite, Secret(SeededRandomness(seed).octets(suite.master_length)))


def agreed(
    suite: CryptoSuite = AES_CM_128_HMAC_SHA1_80,
    *,
    mux: bool = True,
    encoding: str = "PCMA",
    dtmf: int | None = 101,
    ptime_ms: int = 20,
) -> SetRemote:
    """What Alice's engine would be told of Bob."""
    return SetRemote(
        session=1,
        remote=BOB,
        remote_rtcp=None if mux else BOB_RTCP,
        codec=CODECS[encoding],
        dtmf_payload_type=dtmf,
        keys=SrtpKeys(key("alice", suite), key("bob", suite)),
        ptime_ms=ptime_ms,
    )


def rekeyed(
    parameters: SetRemote,
    *,
    send: CryptoLine | None = None,
    receive: CryptoLine | None = None,
) -> SetRemote:
    """The same with another key in one direction or both."""
    keys = SrtpKeys(send or parameters.send_keys, receive or parameters.receive_keys)
    return replace(parameters, keys=keys)


def mirrored(parameters: SetRemote) -> SetRemote:
    """The same agreement as Bob's engine would be told of it."""
    return replace(
        parameters,
        remote=ALICE,
        remote_rtcp=None if parameters.remote_rtcp is None else ALICE_RTCP,
        keys=SrtpKeys(parameters.receive_keys, parameters.send_keys),
        codec=(parameters.receive_codecs or (parameters.codec,))[0],
        receive_codecs=(parameters.codec,),
        dtmf_payload_type=parameters.receive_dtmf_payload_type or parameters.dtmf_payload_type,
        receive_dtmf_payload_type=parameters.dtmf_payload_type,
    )


def speech(seconds: float, seed: int = 1, rate: int = FORMAT.rate) -> bytes:
    """Noise shaped like speech: syllables of band-limited noise."""
    dice = random.Random(seed)  # noqa: S311  a repeatable test signal
    samples = bytearray()
    smooth = 0.0
    share, loud = 0.4 * FORMAT.rate / rate, 9000 * (rate / FORMAT.rate) ** 0.5
    for n in range(int(seconds * rate)):
        smooth += share * (dice.gauss(0, 1) - smooth)
        envelope = 0.55 + 0.45 * math.sin(2 * math.pi * 3.1 * n / rate + seed)
        value = max(-32000, min(32000, int(loud * envelope * smooth)))
        samples += value.to_bytes(2, "little", signed=True)
    return bytes(samples)


def vowels(seconds: float, rate: int) -> bytes:
    """Syllables of a gliding voice with pauses: what a codec for speech takes for speech."""
    samples = bytearray()
    phase = 0.0
    for n in range(int(seconds * rate)):
        at = n / rate
        phase += 2 * math.pi * (140 + 40 * math.sin(2 * math.pi * 0.7 * at)) / rate
        tilt = 0.55 + 0.1 * math.sin(2 * math.pi * 1.9 * at)
        value = sum(tilt**k * math.sin(k * phase) for k in range(1, 20))
        envelope = max(0.0, math.sin(2 * math.pi * 2.1 * at))
        samples += int(7000 * envelope * value).to_bytes(2, "little", signed=True)
    return bytes(samples)


def periods(pcm: bytes, octets: int = FORMAT.octets) -> list[bytes]:
    return [pcm[at : at + octets] for at in range(0, len(pcm) - octets + 1, octets)]


@dataclass
class Link:
    """One direction's impairments; delays in seconds."""

    delay: float = 0.01
    jitter: float = 0.0
    loss: float = 0.0
    double: float = 0.0
    seed: int = 7
    lost: int = 0
    doubled: int = 0
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311  repeatable

    def arrivals(self, now: float) -> list[float]:
        if self.dice.random() < self.loss:
            self.lost += 1
            return []
        times = [now + self.delay + self.dice.random() * self.jitter]
        if self.dice.random() < self.double:
            self.doubled += 1
            times.append(times[0] + 0.001)
        return times


class End:
    """One stream with its microphone, its speaker and its events."""

    def __init__(self, parameters: SetRemote, seed: str, speaks: bytes = b"") -> None:
        self.stream = MediaStream(parameters, SeededRandomness(seed), START)
        self.rtp, self.rtcp = (ALICE, ALICE_RTCP) if seed == "a" else (BOB, BOB_RTCP)
        self.speaks = periods(speaks, self.stream.format.octets)
        self.played: list[bytes] = []
        self.events: list[StreamEvent] = []
        self.sent: list[tuple[bytes, PathAddress, bool]] = []

    def period(self, number: int, now: float) -> None:
        silence = bytes(self.stream.format.octets)
        spoken = self.speaks[number] if number < len(self.speaks) else silence
        self.stream.capture(spoken, now)
        self.played.append(self.stream.playout(now))

    @property
    def heard(self) -> bytes:
        return b"".join(self.played)

    def collect(self) -> None:
        while (event := self.stream.next_event()) is not None:
            self.events.append(event)

    def of(self, kind: type) -> list[StreamEvent]:
        return [event for event in self.events if isinstance(event, kind)]


class Call:
    """Alice and Bob in a call; `run` lets time pass."""

    def __init__(
        self,
        parameters: SetRemote | None = None,
        *,
        alice_says: bytes = b"",
        bob_says: bytes = b"",
        there: Link | None = None,
        back: Link | None = None,
    ) -> None:
        parameters = parameters or agreed()
        self.alice = End(parameters, "a", alice_says)
        self.bob = End(mirrored(parameters), "b", bob_says)
        self.links = {id(self.alice): there or Link(), id(self.bob): back or Link(seed=8)}
        self.now = START
        self.number = 0
        self._flying: list[tuple[float, int, End, bytes, PathAddress, bool]] = []
        self._count = 0
        self.frozen: set[End] = set()
        """Ends whose sound stands still."""

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / PERIOD)):
            for end in (self.alice, self.bob):
                if end not in self.frozen:
                    end.period(self.number, self.now)
            self.number += 1
            until = START + self.number * PERIOD
            self._transport()
            while self._flying and self._flying[0][0] <= until:
                at, _, end, data, source, rtcp = heapq.heappop(self._flying)
                self.now = at
                end.stream.receive_datagram(data, source, at, rtcp=rtcp)
                self._transport()
            self.now = until
            for end in (self.alice, self.bob):
                if end.stream.deadline() <= self.now:
                    end.stream.tick(self.now)
            self._transport()

    def _transport(self) -> None:
        for end, other in ((self.alice, self.bob), (self.bob, self.alice)):
            end.collect()
            for item in end.stream.datagrams_to_send():
                data, destination, rtcp = item
                end.sent.append(item)
                if destination not in (other.rtp, other.rtcp):
                    continue
                source = end.rtcp if rtcp else end.rtp
                for at in self.links[id(end)].arrivals(self.now):
                    self._count += 1
                    flight = (at, self._count, other, data, source, destination == other.rtcp)
                    heapq.heappush(self._flying, flight)
