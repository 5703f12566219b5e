"""Two ends of a call for the tests: repeatable keys, documentation addresses, sample files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine
from offhook.protocols.sdp.negotiation import LocalMedia, MediaPolicy, Origin

SAMPLES = Path(__file__).parents[2] / "data" / "sdp"

GCM = "AEAD_AES_256_GCM"
CM80 = "AES_CM_128_HMAC_SHA1_80"
SDES = SdesPolicy((GCM, CM80))
POLICY = MediaPolicy(sdes=SDES)
FULL = MediaPolicy(sdes=SDES, dtls=True, zrtp=True)

OUR_HOST = "192.0.2.1"
PEER_HOST = "192.0.2.2"
OUR_ORIGIN = Origin(1001, 1, OUR_HOST)
PEER_ORIGIN = Origin(2002, 1, PEER_HOST)


def key(seed: str, suite: str, tag: int = 1) -> CryptoLine:
    octets = SeededRandomness(seed).octets(SUITES[suite].master_length)
    return CryptoLine(tag, SUITES[suite], Secret(octets))


def end(
    seed: str, host: str, port: int = 4000, suites: tuple[str, ...] = (GCM, CM80)
) -> LocalMedia:
    """One end with a key for each suite, tags counting from 1 as the engine makes them."""
    crypto = tuple(key(f"{seed} {name}", name, tag) for tag, name in enumerate(suites, start=1))
    return LocalMedia(PathAddress(host, port), PathAddress(host, port + 1), crypto)


def fingerprint(seed: str) -> Fingerprint:
    return Fingerprint("sha-256", SeededRandomness(f"certificate {seed}").octets(32))


def hello_hash(seed: str) -> str:
    return f"1.10 {SeededRandomness(f'hello {seed}').octets(32).hex()}"


def ready(local: LocalMedia, seed: str) -> LocalMedia:
    """The same end, ready for DTLS-SRTP and ZRTP too."""
    return replace(
        local,
        fingerprint=fingerprint(seed),
        tls_id=f"{seed}AssociationNumberOne",
        zrtp_hash=hello_hash(seed),
    )


HOST_LINE = "1 1 udp 2130706431 {} {} typ host"
RELAY = "3 1 udp 16777215 203.0.113.9 50000 typ relay raddr 192.0.2.2 rport 6000"


def with_ice(local: LocalMedia, name: str) -> LocalMedia:
    candidates = (HOST_LINE.format(*local.rtp), RELAY)
    ice = IceDescription(f"{name:a<4}", Secret(f"{name}sword" * 4), candidates, local.rtp)
    return replace(local, ice=ice)


def us(**changes: object) -> LocalMedia:
    return end("us", OUR_HOST, **changes)  # type: ignore[arg-type]


def peer(**changes: object) -> LocalMedia:
    return end("peer", PEER_HOST, 6000, **changes)  # type: ignore[arg-type]


US = ready(us(), "us")
PEER = ready(peer(), "peer")
"""Both ends, ready for every keying."""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.sdp").read_bytes()


def lines(description: bytes) -> list[str]:
    return description.decode().removesuffix("\r\n").split("\r\n")


def edit(description: bytes, old: str, new: str) -> bytes:
    """The description with one thing changed; fails where there is nothing to change."""
    assert old.encode() in description, old
    return description.replace(old.encode(), new.encode(), 1)
