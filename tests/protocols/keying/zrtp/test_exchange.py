"""Two phones agree: every algorithm, both roles, and the keys derived a second time."""

from __future__ import annotations

import hmac
import itertools
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import dh, ec
from tests.protocols.keying.zrtp.agents import Agent, Path, agent, kind_of, met
from tests.protocols.keying.zrtp.by_hand import P256, P384, derive, ecdh, ladder

from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.agreement import KeyPair, PrivateKey, fresh
from offhook.protocols.keying.zrtp.algorithms import (
    Algorithms,
    AuthTag,
    CipherType,
    HashType,
    KeyAgreement,
    SasType,
)
from offhook.protocols.keying.zrtp.events import Expecting, Retain, Secured
from offhook.protocols.keying.zrtp.messages import Commit
from offhook.protocols.keying.zrtp.packet import parse_packet
from offhook.protocols.keying.zrtp.retained import Remembered, Role
from offhook.protocols.keying.zrtp.session import ZrtpSettings
from offhook.protocols.keying.zrtp.states import ZrtpState

AGREEMENTS = [each for each in KeyAgreement if each is not KeyAgreement.MULTISTREAM]


def only(
    agreement: KeyAgreement = KeyAgreement.X255,
    hash_type: HashType = HashType.S384,
    cipher: CipherType = CipherType.AES3,
    tag: AuthTag = AuthTag.HS80,
    sas: SasType = SasType.B32,
) -> ZrtpSettings:
    return ZrtpSettings(Algorithms((hash_type,), (cipher,), (tag,), (agreement,), (sas,)))


def agree_on(a: Agent, b: Agent) -> None:
    """Both are secure, with the same keys and the same string."""
    assert a.secure
    assert b.secure
    one, other = a.secured, b.secured
    assert one.send == other.receive
    assert one.receive == other.send
    assert one.send.master != one.receive.master
    assert one.sas == other.sas
    assert one.chosen == other.chosen
    assert {one.role, other.role} == set(Role)
    assert len(one.send.master) == one.send.suite.master_length


@pytest.mark.parametrize(
    ("agreement", "hash_type", "cipher", "tag"),
    [
        each
        for each in itertools.product(AGREEMENTS, HashType, CipherType, AuthTag)
        if each[:2] != (KeyAgreement.EC38, HashType.S256)
    ],
)
def test_every_combination_agrees(
    agreement: KeyAgreement, hash_type: HashType, cipher: CipherType, tag: AuthTag
) -> None:
    chosen = only(agreement, hash_type, cipher, tag)
    a, b = agent("alice", chosen), agent("bob", chosen)
    met(a, b)
    agree_on(a, b)
    found = a.secured.chosen
    assert (found.agreement, found.hash, found.cipher, found.auth_tag) == (
        agreement,
        hash_type,
        cipher,
        tag,
    )
    aes = {CipherType.AES1: "AES_CM_128", CipherType.AES3: "AES_256_CM"}[cipher]
    assert a.secured.send.suite.name == f"{aes}_HMAC_SHA1_{tag.bits}"


STRONG_AND_NOT = [
    (agreement, hash_type)
    for agreement, hash_type in itertools.product(AGREEMENTS, HashType)
    if (agreement, hash_type) != (KeyAgreement.EC38, HashType.S256)
]


@pytest.mark.parametrize("secrets", [(b"", b"", b""), (b"r" * 32, b"auxiliary", b"p" * 32)])
@pytest.mark.parametrize(("agreement", "hash_type"), STRONG_AND_NOT)
def test_the_keys_are_those_of_a_second_derivation(
    agreement: KeyAgreement, hash_type: HashType, secrets: tuple[bytes, bytes, bytes]
) -> None:
    privates: dict[bytes, PrivateKey | None] = {}

    def noting(kind: KeyAgreement) -> KeyPair:
        pair = fresh(kind)
        privates[pair.public] = pair._private
        return pair

    rs1, aux, pbx = (Secret(each) if each else None for each in secrets)
    chosen = replace(only(agreement, hash_type), aux=aux)
    a, b = agent("alice", chosen, make_key=noting), agent("bob", chosen, make_key=noting)
    for one, other in ((a, b), (b, a)):
        one.memory[other.session.zid] = Remembered(rs1, pbx=pbx)
    met(a, b)
    i, r = (a, b) if a.secured.role is Role.INITIATOR else (b, a)
    said = {kind_of(each): parse_packet(each).message for each in (*r.sent, *i.sent)}
    hello_r = parse_packet(r.sent[0]).message
    public_i, public_r = said["DHPart2"][76:-8], said["DHPart1"][76:-8]
    private = privates[public_i]
    assert private is not None
    result = dh_result(private, public_r)
    messages = (hello_r, said["Commit"], said["DHPart1"], said["DHPart2"])
    hand = derive(messages, result, r.session.zid, secrets).named
    assert i.secured.send.master.reveal() == hand["srtpkeyi"] + hand["srtpsalti"]
    assert i.secured.receive.master.reveal() == hand["srtpkeyr"] + hand["srtpsaltr"]
    assert i.secured.sas.value == hand["sashash"][:4]
    (kept,) = i.of(Retain)
    assert kept.rs1.reveal() == hand["rs1"]
    assert i.session.agreed is not None
    assert i.session.agreed.meeting.session.reveal() == hand["ZRTPSess"]
    for each, name in (("Confirm1", "r"), ("Confirm2", "i")):
        confirm = said[each]
        expected = hmac.new(hand[f"mackey{name}"], confirm[36:], HASHES[hash_type]).digest()
        assert confirm[12:20] == expected[:8]


HASHES = {HashType.S256: "sha256", HashType.S384: "sha384"}


def dh_result(private: PrivateKey, public: bytes) -> bytes:
    """In plain integers."""
    if isinstance(private, dh.DHPrivateKey):
        numbers = private.private_numbers()
        p = numbers.public_numbers.parameter_numbers.p
        return pow(int.from_bytes(public, "big"), numbers.x, p).to_bytes(384, "big")
    if isinstance(private, ec.EllipticCurvePrivateKey):
        curve = P256 if len(public) == 64 else P384
        return ecdh(curve, private.private_numbers().private_value, public)
    return ladder(private.private_bytes_raw(), public)


def test_the_messages_go_as_in_figure_1() -> None:
    a, b = agent("alice"), agent("bob")
    met(a, b)
    i, r = (a, b) if a.secured.role is Role.INITIATOR else (b, a)
    assert i.types() == ["Hello", "HelloACK", "Commit", "DHPart2", "Confirm2"]
    assert [each for each in r.types() if each != "Commit"] == [
        "Hello",
        "HelloACK",
        "DHPart1",
        "Confirm1",
        "Conf2ACK",
    ]


def test_an_exchange_takes_four_times_there_and_back() -> None:
    a, b = agent("alice"), agent("bob")
    path = met(a, b, 0.165)
    assert a.secure
    assert b.secure
    assert path.now == pytest.approx(100.165)


def test_when_both_commit_the_higher_hash_value_is_the_initiators() -> None:
    for seed in range(8):
        a, b = agent("alice", seed=seed), agent("bob", seed=seed)
        met(a, b)
        agree_on(a, b)
        commits = {
            each.name: message.commitment
            for each in (a, b)
            for message in each.messages()
            if isinstance(message, Commit)
        }
        assert len(commits) == 2
        initiator = max(commits, key=lambda name: commits[name])
        assert (a if initiator == "alice" else b).secured.role is Role.INITIATOR


def test_the_commit_that_came_first_stands() -> None:
    a, b = agent("alice"), agent("bob")
    path = Path(a, b)
    a.stream.start(path.now)
    path.run(0.3)
    b.stream.start(path.now)
    path.pump()
    path.run(2.0)
    agree_on(a, b)


def test_the_initiator_learns_its_receiving_key_before_it_may_send() -> None:
    a, b = agent("alice"), agent("bob")
    path = Path(a, b, lambda _who, each: [] if kind_of(each) == "Conf2ACK" else [each])
    path.start()
    path.run(1.0)
    i, r = (a, b) if a.of(Expecting) else (b, a)
    assert r.secure
    assert i.stream.state is ZrtpState.FINISHING
    (expecting,) = i.of(Expecting)
    assert expecting.receive == r.secured.send
    assert not i.of(Secured)
    i.stream.media_heard(path.now)
    path.pump()
    agree_on(a, b)


def test_media_before_the_keys_are_there_means_nothing() -> None:
    a, b = agent("alice"), agent("bob")
    path = Path(a, b)
    a.stream.media_heard(path.now)
    path.start()
    a.stream.media_heard(path.now)
    path.run(2.0)
    agree_on(a, b)


def test_two_calls_have_nothing_in_common() -> None:
    seen = set()
    for seed in range(3):
        a, b = agent("alice", seed=seed), agent("bob", seed=seed)
        met(a, b)
        seen |= {a.secured.send.master.reveal(), a.secured.receive.master.reveal()}
    assert len(seen) == 6


def test_keys_show_in_no_event() -> None:
    a, b = agent("alice"), agent("bob")
    met(a, b)
    told = repr(a.events) + repr(b.events) + repr(a.session.agreed)
    for secret in (a.secured.send.master, a.secured.receive.master):
        assert secret.reveal().hex() not in told
        assert repr(secret.reveal())[2:-1] not in told
