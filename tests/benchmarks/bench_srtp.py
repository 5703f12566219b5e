"""What one packet of speech costs under each SRTP suite, in µs of one core.

Beside libsrtp, where it has the suite, stands the transform of our own: it serves the suites and
the streams that the library can't.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from offhook.base.errors import PeerError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.keying.sdes_policy import fresh_key
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine
from offhook.protocols.media.rtcp import ReceiverReport, SourceDescription, serialise_compound
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import PROFILES, Protector, Unprotector

PACKETS = 4000
ROUNDS = 5
OCTETS = {"20 ms of G.711": 160, "20 ms of Opus at 24 kbit/s": 60}
IDENTIFIER = b"\1"
"""Needs the transform of our own, whatever the suite is."""


def timed(step: Callable[[int], object], packets: int) -> float:
    """The median over the rounds of the mean µs of `step(n)`, n running on through all rounds."""
    means = []
    for turn in range(ROUNDS):
        begun = time.process_time()
        for n in range(turn * packets, (turn + 1) * packets):
            step(n)
        means.append(1e6 * (time.process_time() - begun) / packets)
    return round(median(means), 2)


def costs(line: CryptoLine, octets: int, packets: int) -> dict[str, float]:
    """One key's packets: protected, taken, refused as forged and refused as replayed."""
    protector, unprotector = Protector(line), Unprotector(line)
    plain = [
        serialise_rtp(RtpPacket(8, n % 65536, 160 * n, 7, bytes(octets)))
        for n in range(packets * ROUNDS + 1)
    ]
    made: list[bytes] = []
    report = serialise_compound(ReceiverReport(7), SourceDescription(7, "x" * 16))

    def refused(datagram: bytes) -> None:
        try:
            unprotector.unprotect(datagram)
        except PeerError:
            return
        raise AssertionError("a packet that was to be refused has passed")

    protect = timed(lambda n: made.append(protector.protect(plain[n])), packets)
    made.append(protector.protect(plain[-1]))
    unprotector.unprotect(made[0])
    forged = [each[:20] + bytes([each[20] ^ 1]) + each[21:] for each in made[1 : packets + 1]]
    return {
        "protect": protect,
        "forged": timed(lambda n: refused(forged[n % packets]), packets),
        "unprotect": timed(lambda n: unprotector.unprotect(made[n + 1]), packets),
        "replayed": timed(lambda n: refused(made[-1 - n % 64]), packets),
        "protect_rtcp": timed(lambda _: protector.protect_rtcp(report), packets),
        "set_up": timed(lambda _: (Protector(line), Unprotector(line)), packets // 20),
    }


def run(packets: int = PACKETS) -> dict[str, object]:
    """µs per packet by payload, suite and who does it; `set_up` is of a key for both directions."""
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for payload, octets in OCTETS.items():
        found[payload] = {}
        for suite in SUITES.values():
            line = fresh_key(suite, SeededRandomness("bench"), 1)
            ways = {} if suite.name not in PROFILES else {"libsrtp": costs(line, octets, packets)}
            ways["own"] = costs(replace(line, mki=IDENTIFIER), octets, packets)
            found[payload][suite.name] = ways
    return {"unit": "µs per packet", "packets": packets * ROUNDS, "payloads": found}


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
