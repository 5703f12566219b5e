"""One call's offer/answer state over every keying: forms, answers, later offers from both sides."""

from __future__ import annotations

import pytest
from tests.protocols.sdp.ends import (
    FULL,
    OUR_ORIGIN,
    PEER,
    PEER_ORIGIN,
    POLICY,
    US,
    edit,
    lines,
    sample,
    us,
)

from offhook.base.errors import LocalError
from offhook.phone.call.offer_answer import OfferAnswer
from offhook.protocols.keying.methods import Keying
from offhook.protocols.sdp.negotiation import Direction, MediaPolicy, OfferForm, Unacceptable


def pair(ours: MediaPolicy = FULL, theirs: MediaPolicy = FULL) -> tuple[OfferAnswer, OfferAnswer]:
    caller, called = OfferAnswer(ours, OUR_ORIGIN), OfferAnswer(theirs, PEER_ORIGIN)
    caller.local, called.local = US, PEER
    return caller, called


def exchange(
    offerer: OfferAnswer, answerer: OfferAnswer, direction: Direction = Direction.SENDRECV
) -> bytes:
    """One offer and its answer; gives the offer."""
    offer = offerer.make_offer(direction)
    answer, _ = answerer.make_answer(answerer.judge(offer))
    offerer.read_answer(answer)
    return offer


def test_without_a_path_there_is_neither_form_nor_offer() -> None:
    idle = OfferAnswer(FULL, OUR_ORIGIN)
    for asked in (idle.forms, idle.make_offer):
        with pytest.raises(LocalError, match="not opened a path"):
            asked()


def test_the_forms_are_those_of_the_policy_and_of_what_the_engine_made_ready() -> None:
    caller, _ = pair()
    assert caller.forms() == tuple(OfferForm)
    caller.local = us()
    assert caller.forms() == (OfferForm.COMBINED, OfferForm.SDES_FEEDBACK)


@pytest.mark.parametrize("wanted", OfferForm)
def test_a_peer_that_takes_one_profile_only_is_reached_by_walking_the_forms(
    wanted: OfferForm,
) -> None:
    caller, called = pair()
    walked = []
    for form in caller.forms():
        walked.append(form)
        offer = caller.make_offer(form=form)
        if f" {wanted.profile} ".encode() in offer:
            break
        assert form.worth_another(488)
    answer, theirs = called.make_answer(called.judge(offer))
    assert walked == list(OfferForm)[: len(walked)]
    assert walked[-1] is wanted
    assert caller.read_answer(answer).keying is theirs.keying


def test_a_dead_answer_leaves_nothing_agreed_and_the_next_form_is_offered() -> None:
    caller, _ = pair()
    caller.make_offer()
    with pytest.raises(Unacceptable) as refusal:
        caller.read_answer(sample("answer-asterisk-no-encryption"))
    assert refusal.value.worth_another
    assert caller.agreement is None
    second = caller.make_offer(form=caller.forms()[1])
    assert any(line.startswith("m=audio 4000 UDP/TLS/RTP/SAVP ") for line in lines(second))
    assert caller.read_answer(sample("answer-asterisk-dtls")).keying is Keying.DTLS


@pytest.mark.parametrize(
    ("policy", "keying"),
    [
        (FULL, Keying.SDES),
        (MediaPolicy(sdes=None, dtls=True), Keying.DTLS),
        (MediaPolicy(sdes=None, zrtp=True), Keying.ZRTP),
    ],
)
def test_hold_and_resume_from_either_side_keep_what_was_agreed(
    policy: MediaPolicy, keying: Keying
) -> None:
    caller, called = pair(policy, policy)
    exchange(caller, called)
    before = caller.agreement, called.agreement
    for offerer, answerer in ((caller, called), (called, caller)):
        exchange(offerer, answerer, Direction.SENDONLY)
        exchange(offerer, answerer)
    after = caller.agreement, called.agreement
    for early, late in zip(before, after, strict=True):
        assert early is not None
        assert late is not None
        assert early.keying is late.keying is keying
        assert (late.dtls, late.zrtp_hashes) == (early.dtls, early.zrtp_hashes)
        if early.keys and late.keys:
            assert early.keys.send.same_key(late.keys.send)
            assert early.keys.receive.same_key(late.keys.receive)


def test_what_stands_is_known_when_a_later_answer_is_read() -> None:
    caller, _ = pair()
    caller.make_offer()
    first = caller.read_answer(sample("answer-baresip-dtls"))
    caller.make_offer(Direction.SENDONLY)
    assert caller.read_answer(sample("later-answer-baresip-dtls")).dtls == first.dtls


def test_a_later_refusal_leaves_what_was_agreed_in_force() -> None:
    caller, called = pair()
    exchange(caller, called)
    stands = caller.agreement
    with pytest.raises(Unacceptable):
        caller.judge(edit(sample("base-offer-sdes"), "a=crypto", "a=x-crypto"))
    assert caller.agreement == stands


def test_a_policy_of_sdes_alone_answers_a_combined_offer_without_the_rest() -> None:
    caller, called = pair(theirs=POLICY)
    answer, agreement = called.make_answer(called.judge(caller.make_offer()))
    assert agreement.zrtp_hashes == ()
    assert not any("zrtp-hash" in line or "fingerprint" in line for line in lines(answer))
    assert caller.read_answer(answer).keying is Keying.SDES
