"""Packets came and none was authentic: another suite is asked for, once, and it is remembered."""

from __future__ import annotations

import pytest
from tests.phone.call.pair import ALL, End, Pair

from offhook.phone.call.call_events import HoldChanged, Warned
from offhook.phone.call.learned import SUITE_LASTS_S
from offhook.phone.call.states import CallState
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.media import keying_messages as keys
from offhook.protocols.media import messages as engine
from offhook.protocols.sdp.negotiation import MediaPolicy

GCM, CM = "AEAD_AES_256_GCM", "AES_256_CM_HMAC_SHA1_80"
BROKEN = keys.SuiteBroken(1, GCM, 50)


def talking(policy: MediaPolicy = ALL) -> Pair:
    pair = Pair(policy, policy)
    pair.call()
    pair.report(pair.alice, engine.FirstPacketSent(1, 1.0))
    return pair


def reinvites(pair: Pair) -> list[bytes]:
    return [data for data in pair.alice.sent if data.startswith(b"INVITE")][1:]


def suites(end: End) -> list[str]:
    return [
        each.send_keys.suite.name
        for each in end.engine.posted(engine.SetRemote)
        if isinstance(each, engine.SetRemote)
    ]


def test_another_suite_is_asked_for_within_the_call_and_the_person_is_told() -> None:
    pair = talking()
    pair.report(pair.alice, BROKEN)
    (offer,) = reinvites(pair)
    assert GCM.encode() not in offer
    assert b"a=fingerprint" not in offer, "the keying stays"
    assert suites(pair.alice) == [GCM, CM]
    assert suites(pair.bob) == [GCM, CM]
    before, after = pair.alice.engine.posted(engine.SetRemote)
    assert isinstance(before, engine.SetRemote)
    assert isinstance(after, engine.SetRemote)
    assert before.send_keys.master != after.send_keys.master
    assert pair.alice.told(Warned) == [Warned(Caution.SUITE_BROKEN)]
    assert not pair.alice.told(HoldChanged)
    record = pair.alice.call.record
    assert record.broken_suite == GCM
    pair.report(pair.alice, engine.KeysConfirmed(1, 2000.0))
    assert (record.suite, record.trust.level) == (CM, TrustLevel.HOP_BY_HOP)


def test_it_is_done_once_a_call() -> None:
    pair = talking()
    pair.report(pair.alice, BROKEN)
    pair.report(pair.alice, keys.SuiteBroken(1, CM, 50))
    assert len(reinvites(pair)) == 1
    assert len(pair.alice.told(Warned)) == 1


def test_where_the_policy_has_no_other_suite_nothing_weaker_is_asked_for() -> None:
    pair = talking(MediaPolicy(sdes=SdesPolicy((GCM,))))
    pair.report(pair.alice, BROKEN)
    assert not reinvites(pair)
    assert pair.alice.call.state is CallState.TALKING
    assert pair.alice.call.record.trust.level is TrustLevel.NONE
    assert not pair.alice.told(Warned)


def test_a_suite_that_comes_from_dtls_or_zrtp_is_not_changed_by_an_offer() -> None:
    policy = MediaPolicy(sdes=None, dtls=True)
    pair = talking(policy)
    pair.report(pair.alice, BROKEN)
    assert not reinvites(pair)


def test_a_suite_that_zrtp_brought_inside_of_sdes_is_noted_and_nothing_is_offered() -> None:
    pair = talking()
    pair.report(pair.alice, engine.KeysConfirmed(1, 2.0))
    pair.report(pair.alice, keys.Keyed(1, Keying.ZRTP, "AES_CM_128_HMAC_SHA1_80", 50.0))
    pair.report(pair.alice, engine.KeysConfirmed(1, 60.0))
    pair.report(pair.alice, keys.SuiteBroken(1, "AES_CM_128_HMAC_SHA1_80", 50))
    assert not reinvites(pair)
    assert pair.alice.call.record.broken_suite == "AES_CM_128_HMAC_SHA1_80"


def test_a_broken_suite_is_not_offered_on_that_trunk_for_a_day() -> None:
    pair = talking()
    pair.report(pair.alice, BROKEN)
    pair.alice.call.hang_up(pair.now)
    pair.settle()
    pair.call()
    assert GCM.encode() not in reinvites(pair)[-1]
    pair.alice.call.hang_up(pair.now)
    pair.settle()
    pair.alice.now += SUITE_LASTS_S
    pair.call()
    assert GCM.encode() in reinvites(pair)[-1]


def test_a_trunk_whose_only_suite_is_broken_is_still_called() -> None:
    pair = talking(MediaPolicy(sdes=SdesPolicy((GCM,))))
    pair.report(pair.alice, BROKEN)
    pair.alice.call.hang_up(pair.now)
    pair.settle()
    assert pair.call().state is CallState.TALKING


@pytest.mark.parametrize("held", [True, False])
def test_hold_and_suite_do_not_get_in_each_others_way(held: bool) -> None:
    pair = talking()
    call = pair.alice.call
    call.hold(pair.now, held=held)
    pair.report(pair.alice, BROKEN)
    assert call.held is held
    last = reinvites(pair)[-1]
    assert (b"a=sendonly" in last) is held
    assert GCM.encode() not in last
    call.hold(pair.now, held=not held)
    pair.settle()
    assert call.held is not held
    assert suites(pair.alice)[-1] == CM
