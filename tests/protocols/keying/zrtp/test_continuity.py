"""What is kept from call to call, and what that says of who is there (RFC 6189 §4.3)."""

from __future__ import annotations

import pytest
from tests.protocols.keying.zrtp.agents import Agent, agent, kind_of, met
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.keying.zrtp.algorithms import Algorithms, HashType, KeyAgreement
from offhook.protocols.keying.zrtp.events import (
    Expire,
    Forget,
    Retain,
    TrustChanged,
    ZrtpTrust,
)
from offhook.protocols.keying.zrtp.retained import (
    Continuity,
    Keepsakes,
    Match,
    Remembered,
    Role,
)
from offhook.protocols.keying.zrtp.session import ZrtpSettings

Memory = dict[bytes, Remembered]
X255 = Algorithms(agreements=(KeyAgreement.X255,))
QUICK = ZrtpSettings(X255)


class Couple:
    """Alice and Bob over several calls."""

    def __init__(self, ours: ZrtpSettings = QUICK, theirs: ZrtpSettings = QUICK) -> None:
        self.alices: Memory = {}
        self.bobs: Memory = {}
        self.calls = 0
        self.settings = ours, theirs

    def call(self) -> tuple[Agent, Agent]:
        self.calls += 1
        a = agent("alice", self.settings[0], seed=self.calls, memory=self.alices)
        b = agent("bob", self.settings[1], seed=self.calls, memory=self.bobs)
        met(a, b)
        agree_on(a, b)
        return a, b


def trust(one: Agent) -> ZrtpTrust:
    return one.secured.trust


def test_the_first_call_is_a_first_meeting_and_the_next_ones_continue_it() -> None:
    couple = Couple()
    a, b = couple.call()
    assert trust(a).continuity is trust(b).continuity is Continuity.FIRST
    for _ in range(3):
        a, b = couple.call()
        assert trust(a).continuity is trust(b).continuity is Continuity.CONTINUED
        assert not trust(a).verified


def test_the_old_secret_becomes_the_second_one() -> None:
    couple = Couple()
    a, b = couple.call()
    old = couple.alices[b.session.zid].rs1
    a, b = couple.call()
    (kept,) = a.of(Retain)
    assert kept.rs2 == old
    assert kept.rs1 != old
    assert couple.alices[b.session.zid].rs1 == couple.bobs[a.session.zid].rs1


def test_a_compared_string_holds_for_later_calls_on_the_side_that_compared_it() -> None:
    couple = Couple()
    a, b = couple.call()
    a.stream.sas_compared(same=True)
    a.heed(0)
    assert [each.trust.verified for each in a.of(TrustChanged)] == [True]
    a, b = couple.call()
    assert trust(a).verified
    assert not trust(b).verified
    assert trust(b).peer_verified
    assert not trust(a).peer_verified


def test_a_string_that_differed_erases_what_the_call_has_left() -> None:
    couple = Couple()
    a, b = couple.call()
    a.stream.sas_compared(same=False)
    a.heed(0)
    assert [each.zid for each in a.of(Forget)] == [b.session.zid]


def test_one_side_that_lost_its_memory_is_a_mismatch_at_the_other() -> None:
    couple = Couple()
    couple.call()
    couple.bobs.clear()
    a, b = couple.call()
    assert trust(a).continuity is Continuity.MISMATCH
    assert trust(a).mismatch
    assert trust(b).continuity is Continuity.FIRST


def test_a_mismatch_ends_what_was_verified() -> None:
    couple = Couple()
    a, _ = couple.call()
    a.stream.sas_compared(same=True)
    a.heed(0)
    couple.bobs.clear()
    a, b = couple.call()
    assert not trust(a).verified
    assert not trust(b).peer_verified


def test_after_a_mismatch_nothing_is_kept_until_the_string_was_compared() -> None:
    couple = Couple()
    a, b = couple.call()
    before = couple.alices[b.session.zid]
    couple.bobs.clear()
    a, b = couple.call()
    assert not a.of(Retain)
    assert couple.alices[b.session.zid] == before
    a.stream.sas_compared(same=True)
    a.heed(0)
    (kept,) = a.of(Retain)
    assert kept.verified
    a, b = couple.call()
    assert trust(a).continuity is Continuity.CONTINUED
    assert trust(a).verified


def test_after_a_mismatch_a_string_that_differed_leaves_the_true_peers_secret() -> None:
    couple = Couple()
    couple.call()
    couple.bobs.clear()
    a, _ = couple.call()
    a.stream.sas_compared(same=False)
    a.heed(0)
    assert not a.of(Forget)
    assert not a.of(Retain)


def test_a_call_cut_off_before_the_last_message_is_made_good_by_the_second_secret() -> None:
    couple = Couple()
    couple.call()
    a = agent("alice", QUICK, seed="cut", memory=couple.alices)
    b = agent("bob", QUICK, seed="cut", memory=couple.bobs)
    met(a, b, meddle=lambda _who, each: [] if kind_of(each) == "Conf2ACK" else [each])
    assert {a.secure, b.secure} == {True, False}
    a, b = couple.call()
    assert trust(a).continuity is trust(b).continuity is Continuity.CONTINUED


def test_the_retained_secret_is_part_of_the_keys() -> None:
    found = []
    for rs1 in (Secret(b"1" * 32), Secret(b"2" * 32), None):
        a = agent("alice", QUICK, memory={b"bob".ljust(12, b"\1"): Remembered(rs1)})
        b = agent("bob", QUICK, memory={b"alice".ljust(12, b"\1"): Remembered(rs1)})
        met(a, b)
        agree_on(a, b)
        found.append(a.secured.send.master.reveal())
    assert len(set(found)) == 3


def test_where_both_secrets_match_crosswise_the_initiators_first_one_counts() -> None:
    one, two = Secret(b"1" * 32), Secret(b"2" * 32)
    randomness = SeededRandomness(1)
    initiator = Keepsakes(Remembered(one, two), None)
    responder = Keepsakes(Remembered(two, one), None)
    for kind in HashType:
        told = initiator.ids(kind, Role.INITIATOR, b"h3", randomness)
        assert responder.compare(kind, Role.INITIATOR, b"h3", told).s1 == one
        told = responder.ids(kind, Role.RESPONDER, b"h3", randomness)
        assert initiator.compare(kind, Role.RESPONDER, b"h3", told).s1 == one


def test_the_shorter_time_of_both_counts() -> None:
    couple = Couple(ZrtpSettings(X255, keep_s=3600), ZrtpSettings(X255, keep_s=600))
    a, b = couple.call()
    assert [each.lifetime_s for each in (*a.of(Retain), *b.of(Retain))] == [600, 600]


def test_nothing_is_kept_where_one_side_keeps_nothing() -> None:
    couple = Couple(theirs=ZrtpSettings(X255, keep_s=0))
    a, b = couple.call()
    assert not a.of(Retain)
    assert not b.of(Retain)
    assert not a.of(Expire)


def test_what_was_kept_is_expired_where_the_peer_keeps_nothing_any_more() -> None:
    couple = Couple()
    couple.call()
    couple.settings = QUICK, ZrtpSettings(X255, keep_s=0)
    a, b = couple.call()
    assert [each.zid for each in a.of(Expire)] == [b.session.zid]


def test_what_has_expired_raises_no_alarm() -> None:
    kept = Remembered(Secret(b"1" * 32), None, Secret(b"p" * 32), verified=True, expires_at=500.0)
    assert kept.at(499.0) is kept
    assert kept.at(500.0) == Remembered(pbx=Secret(b"p" * 32))
    assert Remembered(Secret(b"1" * 32)).at(1e12).rs1 is not None


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (b"same", b"same", (Match.MATCHED, Match.MATCHED)),
        (b"same", b"other", (Match.MISMATCHED, Match.MISMATCHED)),
        (b"same", None, (Match.MISMATCHED, Match.ABSENT)),
        (None, None, (Match.ABSENT, Match.ABSENT)),
    ],
)
def test_an_auxiliary_secret_matches_or_not(
    ours: bytes | None, theirs: bytes | None, expected: tuple[Match, Match]
) -> None:
    couple = Couple(
        ZrtpSettings(X255, aux=Secret(ours) if ours else None),
        ZrtpSettings(X255, aux=Secret(theirs) if theirs else None),
    )
    a, b = couple.call()
    assert (trust(a).aux, trust(b).aux) == expected


def test_a_matching_auxiliary_secret_excuses_no_mismatch() -> None:
    couple = Couple(*(ZrtpSettings(X255, aux=Secret(b"x" * 32)) for _ in range(2)))
    couple.call()
    couple.bobs.clear()
    a, _ = couple.call()
    assert trust(a).aux is Match.MATCHED
    assert trust(a).mismatch


def test_a_pbx_secret_matches_or_not() -> None:
    couple = Couple()
    couple.alices[b"bob".ljust(12, b"\1")] = Remembered(pbx=Secret(b"p" * 32))
    a, b = couple.call()
    assert (trust(a).pbx, trust(b).pbx) == (Match.MISMATCHED, Match.ABSENT)
    couple.bobs[a.session.zid] = Remembered(couple.bobs[a.session.zid].rs1, pbx=Secret(b"p" * 32))
    a, b = couple.call()
    assert (trust(a).pbx, trust(b).pbx) == (Match.MATCHED, Match.MATCHED)


def test_there_is_no_string_to_compare_before_the_keys_are_there() -> None:
    with pytest.raises(LocalError):
        agent("alice").stream.sas_compared(same=True)
    with pytest.raises(LocalError):
        agent("alice").stream.recall(None, 0.0)
