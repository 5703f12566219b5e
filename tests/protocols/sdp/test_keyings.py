"""Which keying of an offer is taken, how it is answered, and what an answer settles on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import (
    CM80,
    FULL,
    GCM,
    OUR_ORIGIN,
    PEER,
    PEER_ORIGIN,
    POLICY,
    SAMPLES,
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
from offhook.protocols.keying.dtls.agreed import Agreed
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.zrtp.hello_hash import parse_hello_hash
from offhook.protocols.sdp.description import parse_sdp
from offhook.protocols.sdp.negotiation import (
    Agreement,
    MediaPolicy,
    Minimum,
    OfferForm,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    read_answer,
)
from offhook.protocols.sdp.said import MOST_READ

THEIRS = fingerprint("peer")
THEIR_TLS_ID = "peerAssociationNumberOne"
THEIR_HASH = parse_hello_hash(hello_hash("peer"))
COMBINED = make_offer(PEER, FULL, PEER_ORIGIN)
UNDER_DTLS = edit(COMBINED, "RTP/SAVP", "UDP/TLS/RTP/SAVP")
DTLS = sample("base-offer-dtls")
DTLS_ANSWER = sample("base-answer-dtls")
OUR_OFFER = make_offer(US, FULL, OUR_ORIGIN)
WITHOUT_DTLS = MediaPolicy(sdes=SDES, zrtp=True)
WITHOUT_SDES = MediaPolicy(sdes=None, dtls=True, zrtp=True)
END_TO_END = replace(FULL, minimum=Minimum.END_TO_END)


def taken(offer: bytes, policy: MediaPolicy = FULL) -> Agreement:
    return make_answer(choose(offer, policy), US, OUR_ORIGIN)[1]


def answered(offer: bytes, policy: MediaPolicy = FULL) -> list[str]:
    return lines(make_answer(choose(offer, policy), US, OUR_ORIGIN)[0])


def read(answer: bytes, policy: MediaPolicy = FULL, offer: bytes = OUR_OFFER) -> Agreement:
    return read_answer(offer, answer, US, policy)


def refused(offer: bytes, policy: MediaPolicy = FULL) -> str:
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choose(offer, policy), US, OUR_ORIGIN)
    return refusal.value.rule


def unread(answer: bytes, policy: MediaPolicy = FULL, offer: bytes = OUR_OFFER) -> str:
    with pytest.raises(Unacceptable) as refusal:
        read_answer(offer, answer, US, policy)
    return refusal.value.rule


@pytest.mark.parametrize(
    ("profile", "keying"),
    [
        ("RTP/AVP", Keying.SDES),
        ("RTP/AVPF", Keying.SDES),
        ("RTP/SAVP", Keying.SDES),
        ("RTP/SAVPF", Keying.SDES),
        ("UDP/TLS/RTP/SAVP", Keying.DTLS),
        ("UDP/TLS/RTP/SAVPF", Keying.DTLS),
    ],
)
def test_of_an_offer_with_both_the_profile_says_which_is_taken(
    profile: str, keying: Keying
) -> None:
    offer = edit(COMBINED, "RTP/SAVP", profile)
    agreement = taken(offer)
    assert agreement.keying is keying
    assert (agreement.keys is None) != (agreement.dtls is None)
    assert agreement.zrtp_hashes == (THEIR_HASH,)
    (media,) = [each for each in answered(offer) if each.startswith("m=")]
    assert media.split()[2] == profile


@pytest.mark.parametrize("offer", [COMBINED, UNDER_DTLS], ids=["RTP/SAVP", "UDP/TLS"])
def test_what_the_policy_does_not_have_is_not_taken(offer: bytes) -> None:
    assert taken(offer, WITHOUT_DTLS).keying is Keying.SDES
    assert taken(offer, WITHOUT_SDES).keying is Keying.DTLS
    assert taken(offer, POLICY).zrtp_hashes == ()


def test_the_other_keying_is_taken_where_the_first_can_not_be_used() -> None:
    assert taken(edit(UNDER_DTLS, "actpass", "holdconn")).keying is Keying.SDES
    forbidden = edit(edit(COMBINED, GCM, "NULL_HMAC_SHA1_80"), CM80, "F8_128_HMAC_SHA1_80")
    assert taken(forbidden).keying is Keying.DTLS
    bare = edit(forbidden, "a=fingerprint", "a=x-fingerprint")
    assert taken(bare).keying is Keying.ZRTP


@pytest.mark.parametrize(
    ("name", "policy", "rule"),
    [
        ("base-offer-sdes", WITHOUT_SDES, "sdes-only"),
        ("base-offer-dtls", WITHOUT_DTLS, "dtls-only"),
        ("base-offer-zrtp", MediaPolicy(dtls=True), "zrtp-only"),
    ],
)
def test_an_offer_of_a_keying_that_is_not_allowed_is_refused_by_its_name(
    name: str, policy: MediaPolicy, rule: str
) -> None:
    assert refused(sample(name), policy) == rule


def test_dtls_is_answered_active_with_our_fingerprint_and_without_keys() -> None:
    said = answered(DTLS)
    assert "a=setup:active" in said
    assert f"a=fingerprint:{US.fingerprint}" in said
    assert f"a=tls-id:{US.tls_id}" in said
    assert f"a=zrtp-hash:{US.zrtp_hash}" in said
    assert not any(each.startswith("a=crypto") for each in said)
    assert taken(DTLS).dtls == Agreed(Role.ACTIVE, (THEIRS,), THEIR_TLS_ID)


@pytest.mark.parametrize(
    ("offered", "role"),
    [("actpass", Role.ACTIVE), ("passive", Role.ACTIVE), ("active", Role.PASSIVE)],
)
def test_our_role_is_the_other_one_and_active_where_we_can_choose(offered: str, role: Role) -> None:
    offer = edit(DTLS, "setup:actpass", f"setup:{offered}")
    dtls = taken(offer).dtls
    assert dtls is not None
    assert dtls.role is role
    assert f"a=setup:{role.value}" in answered(offer)


def test_without_a_tls_id_in_the_offer_there_is_none_in_the_answer() -> None:
    for offer in (
        edit(DTLS, f"a=tls-id:{THEIR_TLS_ID}\r\n", ""),
        edit(DTLS, f"a=tls-id:{THEIR_TLS_ID}", "a=tls-id:too short"),
    ):
        dtls = taken(offer).dtls
        assert dtls is not None
        assert dtls.tls_id is None
        assert not any("tls-id" in each for each in answered(offer))


def test_fingerprint_setup_and_hash_may_stand_for_the_whole_session() -> None:
    offer = edit(DTLS, f"a=setup:actpass\r\na=fingerprint:{THEIRS}\r\n", "")
    whole = edit(
        offer,
        "t=0 0",
        f"t=0 0\r\na=setup:passive\r\na=fingerprint:{THEIRS}\r\na=zrtp-hash:{hello_hash('peer')}",
    )
    assert taken(whole).dtls == Agreed(Role.ACTIVE, (THEIRS,), THEIR_TLS_ID)
    assert taken(whole).zrtp_hashes == (THEIR_HASH,)


def test_the_streams_own_fingerprint_goes_before_the_sessions() -> None:
    other = f"a=setup:passive\r\na=fingerprint:{fingerprint('other')}\r\n"
    dtls = taken(edit(DTLS, "m=audio", f"{other}m=audio")).dtls
    assert dtls == Agreed(Role.ACTIVE, (THEIRS,), THEIR_TLS_ID)


def test_of_several_fingerprints_those_that_prove_something_count() -> None:
    line = f"a=fingerprint:{THEIRS}"
    sha1 = "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)
    second = fingerprint("second")
    dtls = taken(edit(DTLS, line, f"{sha1}\r\n{line}\r\na=fingerprint:{second}")).dtls
    assert dtls is not None
    assert dtls.fingerprints == (THEIRS, second)


def test_no_more_is_read_than_a_peer_can_need() -> None:
    many = "\r\n".join(f"a=fingerprint:{fingerprint(str(place))}" for place in range(40))
    hashes = "\r\n".join(f"a=zrtp-hash:{hello_hash(str(place))}" for place in range(40))
    offer = edit(DTLS, f"a=fingerprint:{THEIRS}", f"{many}\r\n{hashes}")
    agreement = taken(offer)
    assert agreement.dtls is not None
    assert len(agreement.dtls.fingerprints) == len(agreement.zrtp_hashes) == MOST_READ


def test_a_hash_that_says_nothing_is_passed_over() -> None:
    line = f"a=zrtp-hash:{hello_hash('peer')}"
    for useless in ("a=zrtp-hash:1.10 00", f"a=zrtp-hash:3.10 {'ab' * 32}", "a=zrtp-hash"):
        agreement = taken(edit(COMBINED, line, f"{useless}\r\n{line}"))
        assert (agreement.keying, agreement.zrtp_hashes) == (Keying.SDES, (THEIR_HASH,))
        assert taken(edit(COMBINED, line, useless)).zrtp_hashes == ()


def test_zrtp_alone_is_answered_with_our_hash_alone() -> None:
    offer = sample("base-offer-zrtp")
    agreement = taken(offer)
    assert (agreement.keys, agreement.dtls) == (None, None)
    assert agreement.zrtp_hashes == (THEIR_HASH,)
    said = answered(offer)
    assert f"a=zrtp-hash:{US.zrtp_hash}" in said
    assert not any(each.startswith(("a=crypto", "a=fingerprint", "a=setup")) for each in said)


def test_rtcp_shares_the_port_with_dtls_where_both_want_it_and_else_does_not() -> None:
    assert taken(DTLS).remote_rtcp is None
    assert taken(edit(DTLS, "a=rtcp-mux\r\n", "")).remote_rtcp is not None
    assert read(DTLS_ANSWER).remote_rtcp is None
    assert read(edit(DTLS_ANSWER, "a=rtcp-mux\r\n", "")).remote_rtcp is not None


@pytest.mark.parametrize("name", ["base-offer-dtls", "base-offer-zrtp"])
def test_what_our_end_is_not_ready_for_is_refused_and_not_answered(name: str) -> None:
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choose(sample(name), FULL), us(), OUR_ORIGIN)
    assert (refusal.value.rule, refusal.value.status) == ("keying-not-ready", 488)


def test_a_choice_without_sdes_has_no_suite() -> None:
    choice = choose(DTLS, FULL)
    assert choice.keying is Keying.DTLS
    with pytest.raises(LocalError, match="no SDES key was taken"):
        _ = choice.suite


@pytest.mark.parametrize("keying", ["sdes", "dtls"])
def test_where_zrtp_is_required_a_peer_without_its_hash_is_refused(keying: str) -> None:
    hashed = f"a=zrtp-hash:{hello_hash('peer')}\r\na=sendrecv"
    offer, answer = sample(f"base-offer-{keying}"), sample(f"base-answer-{keying}")
    assert refused(offer, END_TO_END) == "below-minimum"
    assert unread(answer, END_TO_END) == "below-minimum"
    assert taken(edit(offer, "a=sendrecv", hashed), END_TO_END).zrtp_hashes == (THEIR_HASH,)
    assert read(edit(answer, "a=sendrecv", hashed), END_TO_END).zrtp_hashes == (THEIR_HASH,)


def test_where_zrtp_is_required_and_our_end_has_none_nothing_is_answered() -> None:
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choose(COMBINED, END_TO_END), replace(US, zrtp_hash=""), OUR_ORIGIN)
    assert refusal.value.rule == "keying-not-ready"


@pytest.mark.parametrize(
    ("answer", "role"), [("active", Role.PASSIVE), ("passive", Role.ACTIVE), ("ACTIVE ", None)]
)
def test_an_answer_settles_our_role(answer: str, role: Role | None) -> None:
    dtls = read(edit(DTLS_ANSWER, "setup:active", f"setup:{answer}")).dtls
    assert dtls == Agreed(role or Role.PASSIVE, (THEIRS,), THEIR_TLS_ID)


@pytest.mark.parametrize(
    "profile",
    ["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"],
)
def test_an_answer_is_read_by_its_attributes_whatever_its_profile(profile: str) -> None:
    assert read(edit(DTLS_ANSWER, "RTP/SAVP", profile)).keying is Keying.DTLS
    sdes = edit(sample("base-answer-sdes"), "RTP/SAVP", profile)
    assert read(sdes).keying is Keying.SDES


@pytest.mark.parametrize(
    ("form", "answer", "rule"),
    [
        (OfferForm.DTLS, "base-answer-sdes", "keying-not-offered"),
        (OfferForm.DTLS_FEEDBACK, "base-answer-sdes", "keying-not-offered"),
        (OfferForm.SDES_FEEDBACK, "base-answer-dtls", "keying-not-offered"),
        (OfferForm.ZRTP_ALONE, "base-answer-dtls", "keying-not-offered"),
        (OfferForm.ZRTP_ALONE, "base-answer-sdes", "keying-not-offered"),
    ],
)
def test_an_answer_by_a_keying_that_its_form_did_not_offer_is_refused(
    form: OfferForm, answer: str, rule: str
) -> None:
    offer = make_offer(US, FULL, OUR_ORIGIN, form=form)
    assert unread(sample(answer), offer=offer) == rule


def test_zrtp_alone_is_taken_only_where_it_was_offered() -> None:
    answer = sample("base-answer-zrtp")
    assert read(answer).keying is Keying.ZRTP
    without = make_offer(US, POLICY, OUR_ORIGIN)
    assert unread(answer, POLICY, without) == "no-keys"


def test_no_description_of_any_keying_shows_what_is_secret() -> None:
    with_ice = edit(COMBINED, "a=sendrecv", "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=sendrecv")
    shown = repr(parse_sdp(with_ice)) + repr(choose(with_ice, FULL))
    assert "asd88fgpdd777uzjYhagZg" not in shown
    assert "•••" in shown


@given(
    name=st.sampled_from(sorted(each.stem for each in SAMPLES.glob("*.sdp"))),
    place=st.integers(0, 1500),
    junk=st.binary(max_size=8),
    dropped=st.integers(0, 60),
    form=st.sampled_from(OfferForm),
)
def test_a_damaged_description_is_keyed_in_exactly_one_way_or_refused(
    name: str, place: int, junk: bytes, dropped: int, form: OfferForm
) -> None:
    data = sample(name)
    data = data[:place] + junk + data[place + dropped :]
    offer = make_offer(US, FULL, OUR_ORIGIN, form=form)
    for agree in (partial(taken, data), partial(read, data, offer=offer)):
        try:
            agreement = agree()
        except Unacceptable:
            continue
        keyed = [agreement.keys, agreement.dtls]
        assert sum(each is not None for each in keyed) <= 1
        assert any(keyed) or any(each.usable for each in agreement.zrtp_hashes)
        if agreement.dtls is not None:
            assert agreement.dtls.fingerprints
        if agreement.keys is not None:
            assert agreement.keys.send.suite == agreement.keys.receive.suite
            assert agreement.keys.send.master != agreement.keys.receive.master
