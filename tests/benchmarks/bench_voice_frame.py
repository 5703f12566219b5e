"""What one 20 ms voice frame costs in each stage of the media engine, in µs of one core."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median

from tests.protocols.media.link import (
    CODECS,
    FORMAT,
    agreed,
    key,
    mirrored,
    periods,
    speech,
    vowels,
)

from offhook.base.randomness import SeededRandomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.srtp_keys import SUITES, CryptoSuite
from offhook.protocols.media.codecs import available_codecs, make_codec
from offhook.protocols.media.codecs import pcm_format as pcm_format_of
from offhook.protocols.media.g711 import G711
from offhook.protocols.media.jitter import JitterBuffer
from offhook.protocols.media.rtp import RtpPacket, parse_rtp, serialise_rtp
from offhook.protocols.media.srtp import Protector, Unprotector
from offhook.protocols.media.stream import MediaStream

FRAMES = 2000
CODEC_FRAMES = 400
ROUNDS = 5
SOURCE = PathAddress("192.0.2.1", 4000)


def timed(step: Callable[[int], object], frames: int = FRAMES, rounds: int = ROUNDS) -> float:
    """The median over `rounds` of the mean µs of `step(n)`, n running on through all rounds."""
    means = []
    for turn in range(rounds):
        begun = time.perf_counter()
        for n in range(turn * frames, (turn + 1) * frames):
            step(n)
        means.append(1e6 * (time.perf_counter() - begun) / frames)
    return round(median(means), 3)


def packet(n: int) -> RtpPacket:
    """The n-th packet of a stream of 20 ms frames."""
    return RtpPacket(8, n % 65536, 160 * n % (1 << 32), 7, bytes(160))


def run() -> dict[str, object]:
    """µs per frame: `stages` apart, and each suite and codec with `send` and `receive` as a whole.

    `send` is captured PCM → datagram, `receive` datagram → PCM to be played; `conceal` makes up a
    frame after a good one, `recover` has it from the FEC of the next.
    """
    spoken = periods(speech(1))
    return {
        "unit": "µs per 20 ms frame",
        "frames": FRAMES * ROUNDS,
        "stages": stages(spoken),
        "codecs": {
            name: codec_costs(name) for name, lacking in available_codecs().items() if not lacking
        },
        "suites": {suite.name: suite_costs(suite, spoken) for suite in SUITES.values()},
    }


def stages(spoken: list[bytes]) -> dict[str, float]:
    """The stages that no suite has a part in."""
    codec, buffer = G711("PCMA"), JitterBuffer(8000)
    coded, plain = codec.encode(spoken[0]), serialise_rtp(packet(1))
    packets = [packet(n) for n in range(FRAMES * ROUNDS)]

    def jitter(n: int) -> None:
        buffer.push(packets[n], 160)
        buffer.pull()

    return {
        "encode": timed(lambda n: codec.encode(spoken[n % len(spoken)])),
        "decode": timed(lambda _: codec.decode(coded)),
        "rtp_serialise": timed(lambda n: serialise_rtp(packets[n])),
        "rtp_parse": timed(lambda _: parse_rtp(plain)),
        "jitter_buffer": timed(jitter),
    }


def codec_costs(name: str) -> dict[str, float]:
    """What depends on the codec, both whole ways under the first suite included."""
    encoder, decoder = make_codec(CODECS[name]), make_codec(CODECS[name])
    pcm_format = pcm_format_of(CODECS[name])
    spoken = periods(vowels(2, pcm_format.rate), pcm_format.octets)
    coded = [encoder.encode(period) for period in spoken]
    samples = pcm_format.samples

    def conceal(n: int) -> None:
        # A gap after good frames, as it is in a call: afterwards it would be silence for nothing.
        decoder.decode(coded[n % len(coded)])
        decoder.conceal(samples)

    def recover(n: int) -> None:
        decoder.recover(coded[n % len(coded)], samples)

    decode = timed(lambda n: decoder.decode(coded[n % len(coded)]), CODEC_FRAMES)
    sender = MediaStream(agreed(encoding=name), SeededRandomness("a"), 0.0)
    receiver = MediaStream(mirrored(agreed(encoding=name)), SeededRandomness("b"), 0.0)
    sent: list[bytes] = []

    def send(n: int) -> None:
        sender.capture(spoken[n % len(spoken)], n * FORMAT.period_ms / 1000)
        sent.extend(data for data, _, _ in sender.datagrams_to_send())

    def receive(n: int) -> None:
        now = n * FORMAT.period_ms / 1000
        receiver.receive_datagram(sent[n], SOURCE, now)
        receiver.playout(now)

    costs = {
        "payload_octets": sum(map(len, coded)) / len(coded),
        "encode": timed(lambda n: encoder.encode(spoken[n % len(spoken)]), CODEC_FRAMES),
        "decode": decode,
        "conceal": round(timed(conceal, CODEC_FRAMES) - decode, 3),
        "send": timed(send, CODEC_FRAMES),
        "receive": timed(receive, CODEC_FRAMES),
    }
    if any(decoder.recover(each, samples) for each in coded[:20]):
        costs["recover"] = timed(recover, CODEC_FRAMES)
    return costs


def suite_costs(suite: CryptoSuite, spoken: list[bytes]) -> dict[str, float]:
    """The stages that depend on the SRTP suite, and both whole ways."""
    line = key("alice", suite)
    protector, unprotector = Protector(line), Unprotector(line)
    plain = [serialise_rtp(packet(n)) for n in range(FRAMES * ROUNDS)]
    protected: list[bytes] = []
    sender = MediaStream(agreed(suite), SeededRandomness("a"), 0.0)
    receiver = MediaStream(mirrored(agreed(suite)), SeededRandomness("b"), 0.0)
    sent: list[bytes] = []
    forged = bytes(plain[0]) + bytes(16)

    def send(n: int) -> None:
        sender.capture(spoken[n % len(spoken)], n * FORMAT.period_ms / 1000)
        sent.extend(data for data, _, _ in sender.datagrams_to_send())

    def receive(n: int) -> None:
        now = n * FORMAT.period_ms / 1000
        receiver.receive_datagram(sent[n], SOURCE, now)
        receiver.playout(now)

    return {
        "srtp_protect": timed(lambda n: protected.append(protector.protect(plain[n]))),
        "srtp_unprotect": timed(lambda n: unprotector.unprotect(protected[n])),
        "send": timed(send),
        "receive": timed(receive),
        "forged_rejected": timed(lambda n: receiver.receive_datagram(forged, SOURCE, float(n))),
    }


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
