"""Offers within a session that DTLS-SRTP or ZRTP keyed: what stays, what may change, what not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.protocols.sdp.ends import (
    FULL,
    OUR_ORIGIN,
    PEER,
    PEER_ORIGIN,
    POLICY,
    SDES,
    US,
    edit,
    fingerprint,
    hello_hash,
    lines,
    sample,
    us,
)

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.dtls.agreed import Agreed, asks_for_new
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.hello_hash import parse_hello_hash
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    MediaPolicy,
    Minimum,
    OfferForm,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)

OFFER = make_offer(US, FULL, OUR_ORIGIN, form=OfferForm.DTLS)
ANSWER, PEERS_VIEW = make_answer(choose(OFFER, FULL), PEER, PEER_ORIGIN)
OUR_VIEW = read_answer(OFFER, ANSWER, US, FULL)
AGAIN = make_reoffer(OFFER, OUR_VIEW, US, FULL)
ZRTP_OFFER = make_offer(US, FULL, OUR_ORIGIN, form=OfferForm.ZRTP_ALONE)
ZRTP_ANSWER, PEERS_ZRTP_VIEW = make_answer(choose(ZRTP_OFFER, FULL), PEER, PEER_ORIGIN)
OUR_ZRTP_VIEW = read_answer(ZRTP_OFFER, ZRTP_ANSWER, US, FULL)
THEIR_HASH = f"a=zrtp-hash:{hello_hash('peer')}\r\n"


def dtls_of(agreement: Agreement) -> Agreed:
    assert agreement.dtls is not None
    return agreement.dtls


def refused(offer: bytes, policy: MediaPolicy, established: Agreement) -> str:
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choose(offer, policy, established), US, OUR_ORIGIN.raised())
    return refusal.value.rule


def taken(offer: bytes, policy: MediaPolicy, established: Agreement) -> Agreement:
    return make_answer(choose(offer, policy, established), US, OUR_ORIGIN.raised())[1]


def test_a_reoffer_keeps_profile_fingerprint_tls_id_and_hash_and_says_actpass() -> None:
    assert lines(AGAIN) == [line.replace("o=- 1001 1", "o=- 1001 2") for line in lines(OFFER)]
    assert "a=setup:actpass" in lines(AGAIN)
    assert OUR_VIEW.keying is Keying.DTLS


def test_a_combined_offer_once_settled_is_not_reopened() -> None:
    combined = make_offer(US, FULL, OUR_ORIGIN)
    for name in ("base-answer-sdes", "base-answer-dtls", "base-answer-zrtp"):
        agreement = read_answer(combined, sample(name), US, FULL)
        again = lines(make_reoffer(combined, agreement, US, FULL))
        assert sum(line.startswith("a=crypto") for line in again) == (
            agreement.keying is Keying.SDES
        )
        assert any(line.startswith("a=fingerprint") for line in again) == (
            agreement.keying is Keying.DTLS
        )
        assert f"a=zrtp-hash:{US.zrtp_hash}" in again
        assert any(line.startswith("m=audio 4000 RTP/SAVP ") for line in again)


def test_hold_and_resume_keep_the_association_and_its_roles() -> None:
    held = make_reoffer(OFFER, OUR_VIEW, US, FULL, direction=Direction.SENDONLY)
    choice = choose(held, FULL, PEERS_VIEW)
    answer, peers_view = make_answer(choice, PEER, PEER_ORIGIN.raised())
    our_view = read_answer(held, answer, US, FULL, OUR_VIEW)
    for before, after in ((OUR_VIEW, our_view), (PEERS_VIEW, peers_view)):
        assert dtls_of(after) == dtls_of(before)
        assert not asks_for_new(dtls_of(before), dtls_of(after))
    assert "a=setup:active" in lines(answer)


def test_the_side_that_is_active_stays_so_when_it_offers() -> None:
    again = make_reoffer(ANSWER, PEERS_VIEW, PEER, FULL)
    assert "a=setup:actpass" in lines(again)
    answer, ours = make_answer(choose(again, FULL, OUR_VIEW), US, OUR_ORIGIN.raised())
    assert "a=setup:passive" in lines(answer)
    theirs = read_answer(again, answer, PEER, FULL, PEERS_VIEW)
    assert dtls_of(ours).role is dtls_of(OUR_VIEW).role is Role.PASSIVE
    assert dtls_of(theirs).role is dtls_of(PEERS_VIEW).role is Role.ACTIVE


def test_a_later_answer_of_actpass_keeps_the_roles_and_a_first_one_is_refused() -> None:
    actpass = edit(ANSWER, "setup:active", "setup:actpass")
    assert dtls_of(read_answer(AGAIN, actpass, US, FULL, OUR_VIEW)) == dtls_of(OUR_VIEW)
    with pytest.raises(Unacceptable) as refusal:
        read_answer(OFFER, actpass, US, FULL)
    assert refusal.value.rule == "setup"


@pytest.mark.parametrize("answers", [True, False])
def test_another_certificate_is_taken_and_asks_for_another_association(answers: bool) -> None:
    other = fingerprint("another telephone")
    if answers:
        changed = edit(ANSWER, str(PEER.fingerprint), str(other))
        after = read_answer(AGAIN, changed, US, FULL, OUR_VIEW)
    else:
        offer = make_reoffer(ANSWER, PEERS_VIEW, replace(PEER, fingerprint=other), FULL)
        after = taken(offer, FULL, OUR_VIEW)
    assert dtls_of(after).fingerprints == (other,)
    assert asks_for_new(dtls_of(OUR_VIEW), dtls_of(after))


def test_a_peer_that_moves_is_told_from_one_that_holds_by_an_address() -> None:
    offer = make_reoffer(ANSWER, PEERS_VIEW, PEER, FULL)
    for change, is_moved in (
        (("m=audio 6000", "m=audio 6010"), True),
        (("c=IN IP4 192.0.2.2", "c=IN IP4 192.0.2.9"), True),
        (("c=IN IP4 192.0.2.2", "c=IN IP4 0.0.0.0"), False),
    ):
        moved = taken(edit(offer, *change), FULL, OUR_VIEW)
        assert dtls_of(moved).moved is is_moved
    nowhere = taken(edit(offer, "c=IN IP4 192.0.2.2", "c=IN IP4 0.0.0.0"), FULL, OUR_VIEW)
    assert not dtls_of(taken(offer, FULL, nowhere)).moved
    later = edit(ANSWER, "m=audio 6000", "m=audio 6010")
    assert dtls_of(read_answer(AGAIN, later, US, FULL, OUR_VIEW)).moved


def test_our_own_end_may_move_under_an_association() -> None:
    moved = replace(US, rtp=PathAddress("192.0.2.1", 4100), rtcp=PathAddress("192.0.2.1", 4101))
    assert "m=audio 4100 UDP/TLS/RTP/SAVP 8 0 101" in lines(
        make_reoffer(OFFER, OUR_VIEW, moved, FULL)
    )


def test_a_peer_that_had_no_tls_id_is_offered_none_later() -> None:
    offer = edit(sample("base-offer-dtls"), "a=tls-id:peerAssociationNumberOne\r\n", "")
    answer, agreement = make_answer(choose(offer, FULL), US, OUR_ORIGIN)
    assert not any("tls-id" in line for line in lines(make_reoffer(answer, agreement, US, FULL)))


def test_no_reoffer_is_made_that_policy_or_end_can_not_keep() -> None:
    with pytest.raises(LocalError, match="the policy does not have dtls-srtp"):
        make_reoffer(OFFER, OUR_VIEW, US, POLICY)
    with pytest.raises(LocalError, match="can't go on with dtls-srtp"):
        make_reoffer(OFFER, OUR_VIEW, us(), FULL)
    with pytest.raises(LocalError, match="the policy does not have zrtp"):
        make_reoffer(ZRTP_OFFER, OUR_ZRTP_VIEW, US, POLICY)


def test_the_keying_in_use_goes_before_the_profiles_hint() -> None:
    under_savp = make_offer(PEER, FULL, PEER_ORIGIN)
    assert taken(under_savp, FULL, OUR_VIEW).keying is Keying.DTLS
    on_sdes = make_answer(choose(under_savp, FULL), US, OUR_ORIGIN)[1]
    under_dtls = edit(under_savp, "RTP/SAVP", "UDP/TLS/RTP/SAVP")
    new_key = replace(US, crypto=(on_sdes.send_keys,))
    assert make_answer(choose(under_dtls, FULL, on_sdes), new_key, OUR_ORIGIN)[1].keys is not None


def test_a_call_turns_from_dtls_to_sdes_and_back_only_as_the_policy_allows() -> None:
    sdes, dtls = sample("base-offer-sdes"), sample("base-offer-dtls")
    on_sdes = make_answer(choose(sdes, FULL), US, OUR_ORIGIN)[1]
    assert taken(sdes, FULL, OUR_VIEW).keying is Keying.SDES
    assert taken(dtls, FULL, on_sdes).keying is Keying.DTLS
    assert refused(sdes, MediaPolicy(sdes=None, dtls=True), OUR_VIEW) == "sdes-only"
    assert refused(dtls, MediaPolicy(sdes=SDES), on_sdes) == "dtls-only"


@pytest.mark.parametrize("name", ["base-offer-sdes", "base-offer-dtls"])
def test_a_call_by_zrtp_is_not_turned_into_one_without(name: str) -> None:
    assert OUR_ZRTP_VIEW.keying is PEERS_ZRTP_VIEW.keying is Keying.ZRTP
    assert refused(sample(name), FULL, OUR_ZRTP_VIEW) == "keying-lowered"
    with_hash = edit(sample(name), "a=sendrecv", f"{THEIR_HASH}a=sendrecv")
    assert taken(with_hash, FULL, OUR_ZRTP_VIEW).zrtp_hashes == OUR_ZRTP_VIEW.zrtp_hashes


def test_a_hash_once_said_holds_for_the_session() -> None:
    with_hash = edit(sample("base-offer-sdes"), "a=sendrecv", f"{THEIR_HASH}a=sendrecv")
    agreement = make_answer(choose(with_hash, FULL), US, OUR_ORIGIN)[1]
    policy = replace(FULL, minimum=Minimum.END_TO_END)
    later = choose(sample("base-offer-sdes"), policy, agreement)
    assert later.zrtp_hashes == agreement.zrtp_hashes != ()
    answer = edit(ANSWER, THEIR_HASH, "")
    assert read_answer(AGAIN, answer, US, FULL, OUR_VIEW).zrtp_hashes == OUR_VIEW.zrtp_hashes
    assert read_answer(AGAIN, answer, US, FULL).zrtp_hashes == ()


def test_another_hash_takes_the_place_of_the_one_before() -> None:
    changed = edit(ANSWER, THEIR_HASH, f"a=zrtp-hash:{hello_hash('new')}\r\n")
    agreement = read_answer(AGAIN, changed, US, FULL, OUR_VIEW)
    assert agreement.zrtp_hashes == (parse_hello_hash(hello_hash("new")),)


def test_zrtp_alone_is_reoffered_alone_and_held() -> None:
    held = make_reoffer(ZRTP_OFFER, OUR_ZRTP_VIEW, US, FULL, direction=Direction.SENDONLY)
    assert "m=audio 4000 RTP/AVP 8 0 101" in lines(held)
    assert not any(line.startswith(("a=crypto", "a=fingerprint")) for line in lines(held))
    answer, theirs = make_answer(choose(held, FULL, PEERS_ZRTP_VIEW), PEER, PEER_ORIGIN.raised())
    ours = read_answer(held, answer, US, FULL, OUR_ZRTP_VIEW)
    assert ours.keying is theirs.keying is Keying.ZRTP
    assert ours.zrtp_hashes == OUR_ZRTP_VIEW.zrtp_hashes


def test_a_later_description_without_any_keying_is_refused_whatever_the_call_had() -> None:
    plain = sample("refused-offer-zrtp-hash-removed")
    for established in (OUR_VIEW, OUR_ZRTP_VIEW):
        assert refused(plain, FULL, established) == "no-keys"
