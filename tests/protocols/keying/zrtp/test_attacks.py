"""The attacks that RFC 6189 speaks of (§4.4.1, §8, §9, §15), each with what comes of it."""

from __future__ import annotations

import pytest
from tests.protocols.keying.zrtp.agents import Agent, Path, agent, altered, kind_of, met
from tests.protocols.keying.zrtp.scenes import (
    QUICK,
    announced,
    couple,
    reasons,
    roles,
    source_of,
)
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.algorithms import KeyAgreement
from offhook.protocols.keying.zrtp.events import (
    Failed,
    Retain,
    Secured,
    TrustChanged,
)
from offhook.protocols.keying.zrtp.hello_hash import HelloHash
from offhook.protocols.keying.zrtp.packet import ZrtpPacket, parse_packet, serialise_packet
from offhook.protocols.keying.zrtp.refusals import ErrorCode
from offhook.protocols.keying.zrtp.retained import Continuity, Remembered
from offhook.protocols.keying.zrtp.states import ZrtpState
from offhook.protocols.keying.zrtp.stream import ZrtpStream


class Between:
    """Mallory, who speaks ZRTP with both sides and relays nothing of it."""

    def __init__(self, memory: dict[bytes, Remembered] | None = None, seed: int = 0) -> None:
        self.alice, self.bob = couple(f"between {seed}")
        # She can't take their ZIDs' secrets, but she can take their ZIDs.
        self.to_alice = agent("bob", QUICK, seed=f"mallory {seed}", memory=memory)
        self.to_bob = agent("alice", QUICK, seed=f"mallory {seed}", memory=memory)


def test_somebody_between_the_two_makes_the_strings_differ() -> None:
    same = 0
    for seed in range(6):
        between = Between(seed=seed)
        met(between.alice, between.to_alice)
        met(between.to_bob, between.bob)
        assert between.alice.secure
        assert between.bob.secure
        same += between.alice.secured.sas == between.bob.secured.sas
        assert not between.alice.secured.trust.verified
    assert same == 0


def test_somebody_between_the_two_of_a_later_call_is_a_mismatch_at_both() -> None:
    between = Between()
    kept = Remembered(Secret(b"k" * 32), verified=True)
    between.alice.memory[between.bob.session.zid] = kept
    between.bob.memory[between.alice.session.zid] = kept
    met(between.alice, between.to_alice)
    met(between.to_bob, between.bob)
    for each in (between.alice, between.bob):
        assert each.secured.trust.continuity is Continuity.MISMATCH
        assert not each.secured.trust.verified
        assert not each.of(Retain)


def test_who_stole_the_memory_and_missed_one_call_is_locked_out() -> None:
    memories: tuple[dict[bytes, Remembered], dict[bytes, Remembered]] = ({}, {})
    for seed in ("first", "second", "third"):
        a = agent("alice", QUICK, seed=seed, memory=memories[0])
        b = agent("bob", QUICK, seed=seed, memory=memories[1])
        met(a, b)
        agree_on(a, b)
        if seed == "first":
            stolen = dict(memories[1])
    mallory = agent("bob", QUICK, seed="mallory", memory=stolen)
    a = agent("alice", QUICK, seed="fourth", memory=memories[0])
    met(a, mallory)
    assert a.secured.trust.continuity is Continuity.MISMATCH


def test_a_responder_that_sees_another_public_value_than_was_committed_to_refuses() -> None:
    # CVE-2016-6271: without this check the SAS can be searched for.
    a, b = couple()
    other = agent("alice", QUICK, seed="other")

    def swap(_who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) != "DHPart2":
            return [datagram]
        pair = other.session.make_key(KeyAgreement.X255)

        def change(octets: bytearray) -> None:
            octets[76:108] = pair.public

        return [altered(datagram, change)]

    path = met(a, b, meddle=swap)
    path.run(10.0)
    i, r = roles(a, b)
    assert [each.code for each in r.of(Failed)] == [ErrorCode.COMMITMENT.value]
    assert r.of(Failed)[0].attack
    assert [(each.by_peer, each.attack) for each in i.of(Failed)] == [(True, True)]


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_hello_that_was_weakened_on_its_way_is_noticed(who: str) -> None:
    a, b = agent("alice"), agent("bob")

    def weaken(sender: Agent, datagram: bytes) -> list[bytes]:
        if sender.name != who or kind_of(datagram) != "Hello":
            return [datagram]

        def change(octets: bytearray) -> None:
            octets[:] = octets.replace(b"X448X255EC38EC25", b"DH3kDH3kDH3kDH3k")

        return [altered(datagram, change)]

    path = met(a, b, 15.0, weaken)
    path.run(5.0)
    assert not a.of(Secured)
    assert not b.of(Secured)
    own = [each for each in (*a.of(Failed), *b.of(Failed)) if not each.by_peer]
    assert {each.code for each in own} <= {
        ErrorCode.HELLO_MISMATCH.value,
        ErrorCode.COMMITMENT.value,
    }
    assert any(each.attack for each in own)


def test_a_hello_that_signalling_did_not_announce_is_not_used() -> None:
    a, b = couple()
    a.stream.announce([announced(b)], 100.0)
    path = Path(a, b)
    path.start()
    mallory = agent("mallory", QUICK)
    mallory.stream.start(path.now)
    (hello,) = mallory.stream.datagrams_to_send()
    path.deliver(a, hello)
    assert "announced" in reasons(a)
    path.run(3.0)
    agree_on(a, b)
    assert a.secured.trust.announced
    assert not b.secured.trust.announced


def test_a_hello_that_came_before_the_announcement_must_fit_it() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    path.run(0.05)
    a.stream.announce([HelloHash("1.10", bytes(32))], path.now)
    path.pump()
    path.run(1.0)
    assert [each.code for each in a.of(Failed)] == [ErrorCode.HELLO_MISMATCH.value]
    assert not a.secure


def test_an_announcement_that_comes_after_the_keys_still_counts() -> None:
    a, b = couple()
    path = met(a, b)
    assert not a.secured.trust.announced
    a.stream.announce([announced(b)], path.now)
    a.heed(path.now)
    assert [each.trust.announced for each in a.of(TrustChanged)] == [True]
    b.stream.announce([HelloHash("1.10", bytes(32))], path.now)
    b.heed(path.now)
    assert [each.attack for each in b.of(Failed)] == [True]
    assert b.session.agreed is None


def test_an_announcement_of_another_version_is_no_announcement() -> None:
    a, b = couple()
    a.stream.announce([HelloHash("2.00", bytes(32))], 100.0)
    met(a, b)
    agree_on(a, b)
    assert not a.secured.trust.announced


def test_our_own_hello_thrown_back_is_nothing() -> None:
    a, b = couple()
    path = Path(a, b)
    path.start()
    path.deliver(a, a.sent[0])
    assert "our own Hello" in reasons(a)
    path.run(3.0)
    agree_on(a, b)


def test_all_that_we_say_thrown_back_leads_nowhere() -> None:
    a, b = couple()
    path = Path(a, b, lambda _who, _each: [])
    path.start()
    for _ in range(50):
        path.run(0.1)
        for each in tuple(a.sent[-3:]):
            path.deliver(a, each)
    assert not a.of(Secured)


def test_equal_zids_end_the_exchange() -> None:
    a, b = agent("alice", QUICK), agent("alice", QUICK, seed="twin")
    path = met(a, b)
    path.run(5.0)
    assert ErrorCode.EQUAL_ZID.value in {each.code for each in (*a.of(Failed), *b.of(Failed))}


def test_equal_ssrcs_end_the_exchange() -> None:
    a, b = couple()
    a.stream.start(0.0)
    source = parse_packet(a.stream.datagrams_to_send()[0]).source
    a, b = couple()
    b.session.meeting_under_way = False
    b.stream = ZrtpStream(b.session, source)
    path = met(a, b)
    path.run(5.0)
    codes = {each.code for each in (*a.of(Failed), *b.of(Failed))}
    assert codes == {ErrorCode.SSRC_COLLISION.value}


def test_a_replayed_call_is_refused() -> None:
    a, b = couple()
    met(a, b)
    i, r = roles(a, b)
    again = agent(r.name, QUICK, seed="again")
    again.stream.start(0.0)
    again.heed(0.0)
    for datagram in [each for each in i.sent if kind_of(each) != "HelloACK"] * 3:
        again.stream.receive(datagram, 0.0)
        again.heed(0.0)
    assert not again.of(Secured)
    assert again.stream.state is ZrtpState.FAILING
    assert [each.code for each in again.of(Failed)] == [ErrorCode.COMMITMENT.value]


def test_a_commit_of_an_earlier_call_is_not_used() -> None:
    a, b = couple("earlier")
    met(a, b)
    i, r = roles(a, b)
    old = next(each for each in i.sent if kind_of(each) == "Commit")
    c, d = couple("later")
    path = Path(c, d)
    path.start()
    path.run(0.05)
    victim = c if r.name == c.name else d
    path.deliver(
        victim,
        serialise_packet(ZrtpPacket(1, source_of(path.other(victim)), parse_packet(old).message)),
    )
    assert "hash chain" in reasons(victim)
    path.run(3.0)
    agree_on(c, d)
