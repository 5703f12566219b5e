"""Two whole telephones but for sockets and cards: each keying, each statement, with speech."""

from __future__ import annotations

import pytest
from tests.phone.call.pair import ALL
from tests.phone.call.whole import SAID, Whole
from tests.protocols.keying.dtls.pair import STRANGER
from tests.protocols.media.likeness import correlation

from offhook.phone.call.call_events import Warned
from offhook.phone.call.record import Cause, Outcome
from offhook.phone.call.states import CallState
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.protocols.keying.demultiplex import Traffic, demultiplex
from offhook.protocols.media.g711 import G711
from offhook.protocols.media.messages import SetRemote
from offhook.protocols.sdp.negotiation import MediaPolicy, Minimum

SDES = MediaPolicy()
DTLS = MediaPolicy(sdes=None, dtls=True)
ZRTP = MediaPolicy(sdes=None, zrtp=True)
DTLS_ZRTP = MediaPolicy(sdes=None, dtls=True, zrtp=True)
NEEDS_ZRTP = MediaPolicy(zrtp=True, minimum=Minimum.END_TO_END)

HOPS, E2E, VERIFIED = TrustLevel.HOP_BY_HOP, TrustLevel.END_TO_END, TrustLevel.VERIFIED


def talking(alice: MediaPolicy, bob: MediaPolicy, seconds: float = 3.0) -> Whole:
    whole = Whole(alice, bob)
    whole.call()
    whole.run(seconds)
    return whole


def levels(whole: Whole) -> list[TrustLevel]:
    return [end.call.record.trust.level for end in (whole.alice, whole.bob)]


def clear(whole: Whole) -> list[bytes]:
    """The datagrams in which something of what was said can be read."""
    coder = G711("PCMA")
    said = [coder.encode(each)[40:80] for each in SAID]
    return [
        data for each in whole.engines for data in each.sent if any(part in data for part in said)
    ]


@pytest.mark.parametrize(
    ("alice", "bob", "keying", "level"),
    [
        (SDES, SDES, "sdes", HOPS),
        (ALL, SDES, "sdes", HOPS),
        (SDES, ALL, "sdes", HOPS),
        (DTLS, DTLS, "dtls-srtp", HOPS),
        (ALL, DTLS, "dtls-srtp", HOPS),
        (ALL, ALL, "zrtp", E2E),
        (DTLS_ZRTP, ALL, "zrtp", E2E),
        (NEEDS_ZRTP, ALL, "zrtp", E2E),
        (ALL, NEEDS_ZRTP, "zrtp", E2E),
        (ZRTP, ZRTP, "zrtp", E2E),
        (ALL, ZRTP, "zrtp", E2E),
    ],
)
def test_two_telephones_speak_by_the_best_that_both_have_and_state_it(
    alice: MediaPolicy, bob: MediaPolicy, keying: str, level: TrustLevel
) -> None:
    whole = talking(alice, bob)
    record = whole.alice.call.record
    assert record.keying == whole.bob.call.record.keying == keying
    assert levels(whole) == [level, level]
    assert record.attempts == 1, "the combined offer reaches every one of them"
    for each in whole.engines:
        alike, _ = correlation(b"".join(SAID), b"".join(each.played))
        assert alike > 0.9
    assert not clear(whole)
    assert record.sas is None or record.sas == whole.bob.call.record.sas
    assert not whole.alice.told(Warned)


def test_what_two_people_compared_is_known_in_the_next_call() -> None:
    whole = talking(ALL, ALL)
    for end in (whole.alice, whole.bob):
        end.call.compare_sas(same=True)
    whole.settle()
    whole.run(0.5)
    assert levels(whole) == [VERIFIED, VERIFIED]
    whole.alice.call.hang_up(whole.now)
    whole.run(0.5)
    assert not whole.bob.account.calls
    whole.call()
    whole.run(3.0)
    assert levels(whole) == [VERIFIED, VERIFIED]
    sas = whole.alice.call.record.sas
    assert sas is not None
    assert (sas.first, sas.verified, sas.compared) == (False, True, None)


def test_a_telephone_that_lost_its_memory_is_warned_of_by_the_other() -> None:
    whole = talking(ALL, ALL)
    whole.alice.call.compare_sas(same=True)
    whole.run(0.5)
    whole.alice.call.hang_up(whole.now)
    whole.run(0.5)
    own = whole.bob.zrtp.own.zid
    whole.bob.zrtp.erase()
    whole.bob.zrtp._zid = own  # a clone of the number without the secrets
    whole.call()
    whole.run(3.0)
    assert levels(whole) == [TrustLevel.NONE, E2E]
    assert Warned(Caution.MISMATCH) in whole.alice.told(Warned)
    whole.alice.call.compare_sas(same=True)
    whole.run(0.5)
    assert levels(whole)[0] is VERIFIED


def test_letters_that_differ_take_the_trust_and_what_was_kept() -> None:
    whole = talking(ALL, ALL)
    assert whole.alice.zrtp.peers == 1
    whole.alice.call.compare_sas(same=False)
    whole.run(0.5)
    assert levels(whole)[0] is TrustLevel.NONE
    assert whole.alice.zrtp.peers == 0


def test_a_peer_whose_zrtp_is_swallowed_ends_the_call_that_has_nothing_else() -> None:
    whole = Whole(ZRTP, ZRTP)
    whole.meddle = lambda data: b"" if demultiplex(data) is Traffic.ZRTP else data
    call = whole.call()
    whole.run(7.0)
    assert (call.record.outcome, call.record.cause) == (Outcome.INSECURE, Cause.NO_ZRTP)
    assert not clear(whole)


def test_a_peer_whose_zrtp_is_swallowed_stays_hop_by_hop_where_sdes_is_underneath() -> None:
    whole = Whole(ALL, ALL)
    whole.meddle = lambda data: b"" if demultiplex(data) is Traffic.ZRTP else data
    call = whole.call()
    whole.run(14.0)
    assert call.state is CallState.TALKING
    assert call.record.trust.level is HOPS
    assert any("ZRTP brought no keys" in each for each in call.record.trust.reasons)


def test_a_peer_whose_zrtp_is_swallowed_is_not_spoken_to_where_zrtp_is_demanded() -> None:
    whole = Whole(NEEDS_ZRTP, ALL)
    whole.meddle = lambda data: b"" if demultiplex(data) is Traffic.ZRTP else data
    call = whole.call()
    whole.run(15.0)
    assert (call.record.outcome, call.record.cause) == (Outcome.INSECURE, Cause.NO_ZRTP)
    assert not any(any(each) for each in whole.engines[0].played), "nothing was heard"


def test_packets_that_are_never_authentic_bring_another_suite_and_then_speech() -> None:
    whole = Whole(SDES, SDES)
    first = "AEAD_AES_256_GCM"
    call = whole.call()

    def damage(data: bytes) -> bytes:
        (*_, agreed) = whole.engines[0].posted(SetRemote)
        broken = agreed.send_keys.suite.name == first and demultiplex(data) is Traffic.RTP
        return data[:-1] + bytes([data[-1] ^ 1]) if broken else data

    whole.meddle = damage
    whole.run(4.0)
    assert call.record.broken_suite == first
    assert whole.alice.told(Warned) == [Warned(Caution.SUITE_BROKEN)]
    assert call.record.suite not in {None, first}
    assert first in whole.alice.learned.broken_suites("trunk")


def test_a_certificate_that_was_not_announced_ends_the_call_and_says_so() -> None:
    whole = Whole(DTLS, DTLS)
    whole.engines[1].announces = STRANGER
    call = whole.alice.account.dial("bob", whole.now)
    whole.settle()
    whole.run(3.0)
    assert (call.record.outcome, call.record.cause) == (
        Outcome.INSECURE,
        Cause.OTHER_CERTIFICATE,
    )
    assert not clear(whole)
