"""Two telephones of ours agree; what their engines then report becomes trust, warnings, an end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.phone.call.pair import ALL, End, Pair

from offhook.base.secret import Secret
from offhook.phone.call.call_events import Over, SasKnown, TrustRestated, Warned
from offhook.phone.call.record import Cause, Outcome
from offhook.phone.call.states import CallState
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.events import ZrtpTrust
from offhook.protocols.keying.zrtp.retained import Continuity
from offhook.protocols.media import keying_messages as keys
from offhook.protocols.media import messages as engine
from offhook.protocols.media import path_messages as path
from offhook.protocols.sdp.negotiation import MediaPolicy, Minimum

ZID = b"peer's ZID.."
SAS = ("a", "3", "k", "7")
ONLY_ZRTP = MediaPolicy(sdes=None, zrtp=True)
ONLY_DTLS = MediaPolicy(sdes=None, dtls=True)
NEEDS_ZRTP = MediaPolicy(zrtp=True, minimum=Minimum.END_TO_END)


def talking(policy: MediaPolicy = ALL) -> Pair:
    """A call that stands, media heard and said under the first keys if SDES has brought some."""
    pair = Pair(policy, policy)
    pair.call()
    if policy.sdes is not None:
        heard(pair)
    return pair


def heard(pair: Pair) -> None:
    session = pair.alice.call.terms.session
    pair.report(pair.alice, engine.FirstPacketSent(session, 1.0))
    pair.report(pair.alice, engine.KeysConfirmed(session, 2.0))


def keyed(pair: Pair, keying: Keying, suite: str = "AES_CM_128_HMAC_SHA1_80") -> None:
    session = pair.alice.call.terms.session
    pair.report(pair.alice, keys.Keyed(session, keying, suite, 100.0))


def standing(pair: Pair, trust: ZrtpTrust = ZrtpTrust()) -> None:  # noqa: B008  frozen
    session = pair.alice.call.terms.session
    pair.report(pair.alice, keys.SasStanding(session, ZID, SAS, trust))


def level(pair: Pair) -> TrustLevel:
    return pair.alice.call.record.trust.level


def posted(end: End, kind: type[engine.SessionCommand]) -> list[engine.SessionCommand]:
    return end.engine.posted(kind)


def test_both_telephones_make_ready_for_every_keying_and_begin_with_sdes_and_zrtp() -> None:
    pair = talking()
    for end in (pair.alice, pair.bob):
        (prepare,) = posted(end, engine.Prepare)
        (remote,) = posted(end, engine.SetRemote)
        assert isinstance(prepare, engine.Prepare)
        assert isinstance(remote, engine.SetRemote)
        assert prepare.dtls
        assert prepare.zrtp is not None
        assert remote.keys is not None
        assert remote.zrtp is not None
        assert len(remote.zrtp.hashes) == 1
    (ready,) = posted(pair.bob, keys.PeerReady)
    assert ready == keys.PeerReady(1), "the ACK of our 200 came"
    assert not posted(pair.alice, keys.PeerReady)


def test_zrtp_inside_sdes_lifts_the_call_when_a_packet_came_under_its_keys_and_not_before() -> None:
    pair = talking()
    assert level(pair) is TrustLevel.HOP_BY_HOP
    standing(pair)
    keyed(pair, Keying.ZRTP)
    assert level(pair) is TrustLevel.HOP_BY_HOP
    assert pair.alice.call.record.keying == "sdes"
    heard(pair)
    assert level(pair) is TrustLevel.END_TO_END
    assert (pair.alice.call.record.keying, pair.alice.call.record.suite) == (
        "zrtp",
        "AES_CM_128_HMAC_SHA1_80",
    )
    assert len(pair.alice.told(TrustRestated)) == 3, "nothing is lowered on the way"


def test_a_string_that_people_compared_verifies_the_call() -> None:
    pair = talking()
    standing(pair)
    keyed(pair, Keying.ZRTP)
    heard(pair)
    sas = pair.alice.call.record.sas
    assert sas is not None
    assert (sas.text, sas.first, sas.verified) == ("a3k7", True, False)
    pair.alice.call.compare_sas(same=True)
    pair.settle()
    assert posted(pair.alice, keys.SasCompared) == [keys.SasCompared(1, same=True)]
    assert level(pair) is TrustLevel.VERIFIED
    assert isinstance(pair.alice.told(SasKnown)[-1], SasKnown)


def test_strings_that_differ_take_all_trust_and_are_warned_of() -> None:
    pair = talking()
    standing(pair, ZrtpTrust(verified=True, continuity=Continuity.CONTINUED))
    keyed(pair, Keying.ZRTP)
    heard(pair)
    assert level(pair) is TrustLevel.VERIFIED
    pair.alice.call.compare_sas(same=False)
    pair.settle()
    assert posted(pair.alice, keys.SasCompared) == [keys.SasCompared(1, same=False)]
    assert level(pair) is TrustLevel.NONE
    assert pair.alice.told(Warned) == [Warned(Caution.DIFFERENT)]


def test_a_verdict_without_a_string_is_nothing() -> None:
    pair = talking()
    pair.alice.call.compare_sas(same=True)
    pair.settle()
    assert not posted(pair.alice, keys.SasCompared)
    assert level(pair) is TrustLevel.HOP_BY_HOP


def test_another_string_than_the_one_that_was_compared_is_not_compared() -> None:
    pair = talking()
    standing(pair)
    keyed(pair, Keying.ZRTP)
    heard(pair)
    pair.alice.call.compare_sas(same=True)
    pair.report(pair.alice, keys.SasStanding(1, ZID, ("b", "b", "b", "b"), ZrtpTrust()))
    assert level(pair) is TrustLevel.END_TO_END


def test_a_lost_secret_is_warned_of_once_and_verified_only_by_comparing() -> None:
    pair = talking()
    mismatch = ZrtpTrust(continuity=Continuity.MISMATCH)
    standing(pair, mismatch)
    keyed(pair, Keying.ZRTP)
    assert level(pair) is TrustLevel.HOP_BY_HOP, "SDES is still in use"
    heard(pair)
    assert level(pair) is TrustLevel.NONE
    assert pair.alice.told(Warned) == [Warned(Caution.MISMATCH)]
    standing(pair, replace(mismatch, announced=True))
    assert len(pair.alice.told(Warned)) == 1
    pair.alice.call.compare_sas(same=True)
    standing(pair, replace(mismatch, verified=True))
    assert level(pair) is TrustLevel.VERIFIED


@pytest.mark.parametrize(
    ("report", "caution"),
    [
        (keys.KeyingWarned(1, keys.RefusedWish.GO_CLEAR), Caution.GO_CLEAR),
        (keys.KeyingWarned(1, keys.RefusedWish.SAS_RELAY), Caution.SAS_RELAY),
        (keys.KeyingFailed(1, Keying.ZRTP, "a lie", attack=True), Caution.ATTACKED),
    ],
)
def test_what_is_refused_or_attacked_is_warned_of_and_the_call_goes_on(
    report: keys.KeyingReport, caution: Caution
) -> None:
    pair = talking()
    pair.report(pair.alice, report)
    assert pair.alice.told(Warned) == [Warned(caution)]
    assert pair.alice.call.state is CallState.TALKING
    assert level(pair) is TrustLevel.HOP_BY_HOP


def test_zrtp_that_does_not_come_leaves_the_keys_of_sdes_and_is_a_reason() -> None:
    pair = talking()
    pair.report(pair.alice, keys.KeyingFailed(1, Keying.ZRTP, "nobody answered in ZRTP"))
    record = pair.alice.call.record
    assert record.trust.level is TrustLevel.HOP_BY_HOP
    assert any("nobody answered in ZRTP" in each for each in record.trust.reasons)
    assert not pair.alice.told(Warned)


@pytest.mark.parametrize(
    ("policy", "before", "report", "cause"),
    [
        (ONLY_ZRTP, (), keys.KeyingFailed(1, Keying.ZRTP, "no Hello came"), Cause.NO_ZRTP),
        (
            ONLY_ZRTP,
            (keys.ZrtpSecretsWanted(1, ZID),),
            keys.KeyingFailed(1, Keying.ZRTP, "the hash is not supported"),
            Cause.ZRTP_FAILED,
        ),
        (
            ONLY_ZRTP,
            (keys.ZrtpSecretsWanted(1, ZID),),
            keys.KeyingFailed(1, Keying.ZRTP, "not the value committed to", attack=True),
            Cause.ATTACKED,
        ),
        (ONLY_DTLS, (), keys.KeyingFailed(1, Keying.DTLS, "no handshake"), Cause.NO_HANDSHAKE),
        (
            ONLY_DTLS,
            (),
            keys.KeyingFailed(1, Keying.DTLS, "another certificate", attack=True),
            Cause.OTHER_CERTIFICATE,
        ),
        (NEEDS_ZRTP, (), keys.KeyingFailed(1, Keying.ZRTP, "no Hello came"), Cause.NO_ZRTP),
    ],
)
def test_a_call_without_the_keys_that_it_needs_ends_with_its_reason(
    policy: MediaPolicy,
    before: tuple[keys.KeyingReport, ...],
    report: keys.KeyingFailed,
    cause: Cause,
) -> None:
    pair = talking(policy)
    call = pair.alice.call
    for each in (*before, report):
        pair.report(pair.alice, each)
    assert call.state is CallState.ENDED
    assert (call.record.outcome, call.record.cause) == (Outcome.INSECURE, cause)
    assert report.reason in call.record.reason
    assert call.record.ended_by == "policy"
    (over,) = pair.alice.told(Over)
    assert isinstance(over, Over)
    assert over.cause is cause
    assert not pair.bob.account.calls, "the peer was told"
    assert pair.alice.learned.form("trunk", call.record.peer) is None


@pytest.mark.parametrize("policy", [ONLY_ZRTP, ALL], ids=["alone", "inside of SDES"])
def test_keys_that_fail_after_they_were_in_use_end_the_call_and_give_their_place_to_none(
    policy: MediaPolicy,
) -> None:
    pair = talking(policy)
    call = pair.alice.call
    standing(pair)
    keyed(pair, Keying.ZRTP)
    heard(pair)
    assert level(pair) is TrustLevel.END_TO_END
    pair.report(pair.alice, keys.KeyingFailed(1, Keying.ZRTP, "the peer gave up"))
    assert call.record.outcome is Outcome.INSECURE
    assert call.record.trust.level is TrustLevel.NONE


def test_a_peer_that_closes_dtls_and_says_bye_has_only_hung_up() -> None:
    pair = talking(ONLY_DTLS)
    call = pair.alice.call
    keyed(pair, Keying.DTLS)
    heard(pair)
    pair.report(pair.alice, keys.KeyingFailed(1, Keying.DTLS, "the peer ended the association"))
    assert call.state is CallState.TALKING
    assert level(pair) is TrustLevel.HOP_BY_HOP
    pair.bob.call.hang_up(pair.now)
    pair.settle()
    assert (call.record.outcome, call.record.ended_by) == (Outcome.COMPLETED, "peer")
    assert call.record.trust.level is TrustLevel.HOP_BY_HOP


def test_a_peer_that_closes_dtls_and_stays_is_left_within_a_second() -> None:
    pair = talking(ONLY_DTLS)
    call = pair.alice.call
    keyed(pair, Keying.DTLS)
    heard(pair)
    pair.report(pair.alice, keys.KeyingFailed(1, Keying.DTLS, "the peer ended the association"))
    due = pair.alice.account.deadline()
    assert due is not None
    assert due - pair.now < 1.0
    pair.alice.now = due
    pair.alice.account.tick(due)
    pair.settle()
    assert call.record.outcome is Outcome.INSECURE
    assert call.record.trust.level is TrustLevel.NONE


def test_without_a_way_for_media_the_call_ends_and_says_so() -> None:
    pair = Pair()
    call = pair.call()
    pair.report(pair.alice, path.PathLost(1, "the old way stays", standing=True))
    assert call.state is CallState.TALKING
    pair.report(pair.alice, path.PathLost(1, "no pair of addresses answered"))
    assert (call.record.outcome, call.record.reason) == (
        Outcome.NO_MEDIA,
        "no pair of addresses answered",
    )


def test_a_way_that_is_lost_after_speech_is_silence_and_changes_no_key() -> None:
    pair = talking()
    pair.report(pair.alice, path.PathLost(1, "nobody consents any more"))
    assert pair.alice.call.state is CallState.TALKING


def test_where_zrtp_is_needed_nothing_is_heard_or_said_before_its_keys_are_there() -> None:
    pair = talking(NEEDS_ZRTP)
    (before,) = posted(pair.alice, engine.SetRemote)
    assert isinstance(before, engine.SetRemote)
    assert (before.sending, before.receiving) == (False, False)
    keyed(pair, Keying.ZRTP)
    after = posted(pair.alice, engine.SetRemote)[-1]
    assert isinstance(after, engine.SetRemote)
    assert (after.sending, after.receiving) == (True, True)


def test_a_call_by_dtls_is_hop_by_hop_and_names_who_could_stand_between() -> None:
    pair = talking(ONLY_DTLS)
    assert pair.alice.call.record.keying == "dtls-srtp"
    keyed(pair, Keying.DTLS, "AEAD_AES_128_GCM")
    heard(pair)
    record = pair.alice.call.record
    assert record.trust.level is TrustLevel.HOP_BY_HOP
    assert "trunk.example" in record.trust.reasons[0]
    assert record.suite == "AEAD_AES_128_GCM"


def test_trust_falls_when_authentic_packets_stop_and_rises_when_they_come_again() -> None:
    pair = talking()
    pair.report(pair.alice, engine.MediaLost(1, 5000.0))
    assert level(pair) is TrustLevel.NONE
    pair.report(pair.alice, engine.MediaBack(1, 6000.0))
    assert level(pair) is TrustLevel.HOP_BY_HOP


def test_what_zrtp_keeps_of_a_peer_is_there_in_the_next_call() -> None:
    pair = talking()
    pair.report(pair.alice, keys.ZrtpSecretsWanted(1, ZID))
    assert posted(pair.alice, keys.ZrtpRecall) == [keys.ZrtpRecall(1, ZID)]
    secret = Secret(b"r" * 32)
    pair.report(pair.alice, keys.ZrtpRetain(1, ZID, secret, None, verified=True, lifetime_s=None))
    pair.report(pair.alice, keys.ZrtpSecretsWanted(1, ZID))
    recalled = posted(pair.alice, keys.ZrtpRecall)[-1]
    assert recalled == keys.ZrtpRecall(1, ZID, secret, verified=True)
    pair.report(pair.alice, keys.ZrtpForget(1, ZID))
    assert pair.alice.zrtp.peers == 0


def test_two_calls_of_one_phone_have_one_zid() -> None:
    pair = talking()
    pair.alice.call.hang_up(pair.now)
    pair.settle()
    pair.call()
    first, second = posted(pair.alice, engine.Prepare)
    assert isinstance(first, engine.Prepare)
    assert isinstance(second, engine.Prepare)
    assert first.zrtp == second.zrtp
    assert first.zrtp is not None
