"""What the tests of attacks on ZRTP have in common."""

from __future__ import annotations

from tests.protocols.keying.zrtp.agents import Agent, agent

from offhook.protocols.keying.zrtp.algorithms import Algorithms, KeyAgreement
from offhook.protocols.keying.zrtp.derivation import mac
from offhook.protocols.keying.zrtp.events import (
    PacketRefused,
)
from offhook.protocols.keying.zrtp.hello_hash import HelloHash, parse_hello_hash
from offhook.protocols.keying.zrtp.messages import (
    Message,
)
from offhook.protocols.keying.zrtp.packet import ZrtpPacket, parse_packet, serialise_packet
from offhook.protocols.keying.zrtp.session import ZrtpSettings
from offhook.protocols.keying.zrtp.writing import serialise

QUICK = ZrtpSettings(Algorithms(agreements=(KeyAgreement.X255,)))


def couple(seed: int | str = 0) -> tuple[Agent, Agent]:
    return agent("alice", QUICK, seed=seed), agent("bob", QUICK, seed=seed)


def announced(one: Agent) -> HelloHash:
    found = parse_hello_hash(one.stream.hello_hash)
    assert found is not None
    return found


def source_of(one: Agent) -> int:
    return parse_packet(one.sent[0]).source


def forged(message: Message, source: int) -> bytes:
    return serialise_packet(ZrtpPacket(9, source, serialise(message)))


def reasons(one: Agent) -> str:
    return " | ".join(each.reason for each in one.of(PacketRefused))


def mac_of(one: Agent, octets: bytes) -> bytes:
    """What the peer of `one` would authenticate this with."""
    outcome = one.stream._outcome
    assert outcome is not None
    return mac(outcome._hash, outcome._peer_keys.mac, octets)


def roles(a: Agent, b: Agent) -> tuple[Agent, Agent]:
    """Who is the initiator, who the responder, by what they sent."""
    return (a, b) if "DHPart2" in a.types() else (b, a)
