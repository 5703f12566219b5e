"""What an answer makes of our offer; refusals are in tests/attacks/test_sdp_downgrade.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import (
    CM80,
    FULL,
    GCM,
    OUR_ORIGIN,
    POLICY,
    SAMPLES,
    SDES,
    US,
    edit,
    end,
    key,
    sample,
    us,
)

from offhook.base.errors import LocalError
from offhook.base.vocabulary import AudioCodec, PathAddress
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes import format_crypto
from offhook.protocols.keying.srtp_keys import SrtpKeys
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    MediaPolicy,
    OfferForm,
    Unacceptable,
    make_offer,
    make_reoffer,
    read_answer,
)

OFFER = make_offer(us(), POLICY, OUR_ORIGIN)
PEER_KEY = key("peer", CM80, 2)

ANSWER = (
    "v=0\r\no=- 5 5 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    "m=audio 6000 RTP/SAVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtcp:6001\r\n"
    f"a=crypto:{format_crypto(PEER_KEY)}\r\na=ptime:20\r\na=sendrecv\r\n"
).encode()


def read(answer: bytes, offer: bytes = OFFER, policy: MediaPolicy = POLICY) -> Agreement:
    return read_answer(offer, answer, us(), policy)


def test_an_answer_settles_the_stream() -> None:
    assert read(ANSWER) == Agreement(
        remote=PathAddress("192.0.2.2", 6000),
        remote_rtcp=PathAddress("192.0.2.2", 6001),
        codec=AudioCodec("PCMU", 0, 8000),
        dtmf_payload_type=101,
        keys=SrtpKeys(us().crypto[1], PEER_KEY),
        ptime_ms=20,
        sending=True,
        receiving=True,
        receive_codecs=(AudioCodec("PCMU", 0, 8000), AudioCodec("PCMA", 8, 8000)),
        receive_dtmf_payload_type=101,
        held=False,
        media_index=0,
        media_lines=1,
    )


TAKEN = {
    "asterisk-sdes": (CM80, PathAddress("192.0.2.30", 14731)),
    "baresip-srtp": (GCM, PathAddress("192.0.2.20", 29795)),
    "linphone-srtp": (GCM, PathAddress("192.0.2.40", 7079)),
    "pjsua": (CM80, None),
}

REFUSED = {
    "asterisk-no-encryption": "no-keys",
    "asterisk-dtls": "keying-not-offered",
    "baresip-dtls": "keying-not-offered",
    "chromium": "keying-not-offered",
    "linphone-dtls-and-zrtp": "keying-not-offered",
    "linphone-zrtp": "no-keys",
    "optional-plain": "no-keys",
    "stream-refused": "port",
}


def test_every_sample_answer_is_in_one_of_the_tables() -> None:
    names = {each.stem.removeprefix("answer-") for each in SAMPLES.glob("answer-*.sdp")}
    assert names == {*TAKEN, *REFUSED}


@pytest.mark.parametrize("name", TAKEN)
def test_what_real_kinds_of_peer_answer_with_keys_is_taken(name: str) -> None:
    agreement = read(sample(f"answer-{name}"))
    assert (agreement.send_keys.suite.name, agreement.remote_rtcp) == TAKEN[name]
    assert agreement.codec == AudioCodec("PCMA", 8, 8000)
    assert (agreement.dtmf_payload_type, agreement.ptime_ms) == (101, 20)
    assert (agreement.sending, agreement.receiving, agreement.held) == (True, True, False)


@pytest.mark.parametrize("name", REFUSED)
def test_what_real_kinds_of_peer_answer_without_keys_is_refused(name: str) -> None:
    with pytest.raises(Unacceptable) as refusal:
        read(sample(f"answer-{name}"))
    assert refusal.value.rule == REFUSED[name]


KEYED_OTHERWISE = {
    "asterisk-dtls": (OfferForm.DTLS, Keying.DTLS, 0),
    "baresip-dtls": (OfferForm.COMBINED, Keying.DTLS, 0),
    "chromium": (OfferForm.COMBINED, Keying.DTLS, 0),
    "linphone-dtls-and-zrtp": (OfferForm.DTLS, Keying.DTLS, 1),
    "linphone-srtp": (OfferForm.COMBINED, Keying.SDES, 1),
    "linphone-zrtp": (OfferForm.ZRTP_ALONE, Keying.ZRTP, 1),
}


@pytest.mark.parametrize("name", KEYED_OTHERWISE)
def test_what_real_kinds_of_peer_answer_to_an_offer_of_every_keying_is_taken(name: str) -> None:
    form, keying, hashes = KEYED_OTHERWISE[name]
    offer = make_offer(US, FULL, OUR_ORIGIN, form=form)
    agreement = read_answer(offer, sample(f"answer-{name}"), US, FULL)
    assert (agreement.keying, len(agreement.zrtp_hashes)) == (keying, hashes)
    if agreement.dtls is not None:
        assert agreement.dtls.role is Role.PASSIVE


@pytest.mark.parametrize("name", ["asterisk-no-encryption", "optional-plain", "stream-refused"])
def test_no_policy_takes_an_answer_without_keys(name: str) -> None:
    for form in OfferForm:
        offer = make_offer(US, FULL, OUR_ORIGIN, form=form)
        with pytest.raises(Unacceptable) as refusal:
            read_answer(offer, sample(f"answer-{name}"), US, FULL)
        assert refusal.value.rule == REFUSED[name]
        assert refusal.value.worth_another


def test_baresips_actpass_in_a_later_answer_keeps_the_association() -> None:
    offer = make_offer(US, FULL, OUR_ORIGIN)
    first = read_answer(offer, sample("answer-baresip-dtls"), US, FULL)
    held = make_reoffer(offer, first, US, FULL, direction=Direction.SENDONLY)
    later = read_answer(held, sample("later-answer-baresip-dtls"), US, FULL, first)
    assert later.dtls == first.dtls
    assert (later.sending, later.receiving) == (True, False)


def test_we_send_under_the_answers_numbers_and_receive_under_ours() -> None:
    answer = edit(ANSWER, "0 8 101", "97 96")
    answer = edit(edit(answer, "map:8 ", "map:97 "), "map:101", "map:96")
    agreement = read(answer)
    assert agreement.codec == AudioCodec("PCMA", 97, 8000)
    assert agreement.receive_codecs == (AudioCodec("PCMA", 8, 8000),)
    assert (agreement.dtmf_payload_type, agreement.receive_dtmf_payload_type) == (96, 101)


def test_codecs_that_were_not_offered_are_passed_over() -> None:
    offer = make_offer(us(), MediaPolicy(sdes=SDES, codecs=("PCMA",)), OUR_ORIGIN)
    agreement = read(ANSWER, offer)
    assert agreement.codec.encoding == "PCMA"
    assert [codec.encoding for codec in agreement.receive_codecs] == ["PCMA"]


def test_an_answer_without_telephone_events_leaves_none() -> None:
    agreement = read(edit(ANSWER, "0 8 101", "0"))
    assert (agreement.dtmf_payload_type, agreement.receive_dtmf_payload_type) == (None, None)


def test_telephone_events_that_were_not_offered_are_not_sent() -> None:
    offer = edit(OFFER, "8 0 101", "8 0")
    agreement = read(ANSWER, offer)
    assert (agreement.dtmf_payload_type, agreement.receive_dtmf_payload_type) == (None, None)


def test_rtcp_shares_the_port_if_the_answer_agrees() -> None:
    assert read(edit(ANSWER, "a=rtcp:6001", "a=rtcp-mux")).remote_rtcp is None


def test_rtcp_goes_one_port_up_if_the_answer_does_not_say() -> None:
    assert read(edit(ANSWER, "a=rtcp:6001\r\n", "")).remote_rtcp == PathAddress("192.0.2.2", 6001)


@pytest.mark.parametrize(
    ("offered", "answered", "sending", "receiving", "held"),
    [
        ("sendrecv", "sendrecv", True, True, False),
        ("sendrecv", "sendonly", False, True, True),
        ("sendrecv", "recvonly", True, False, False),
        ("sendrecv", "inactive", False, False, True),
        ("sendonly", "recvonly", True, False, False),
        ("sendonly", "sendrecv", True, False, False),
        ("inactive", "inactive", False, False, False),
        ("recvonly", "sendonly", False, True, False),
        ("recvonly", "sendrecv", False, True, False),
        ("inactive", "sendrecv", False, False, False),
    ],
)
def test_media_flows_as_both_sides_want(
    offered: str, answered: str, sending: bool, receiving: bool, held: bool
) -> None:
    offer = make_offer(us(), POLICY, OUR_ORIGIN, direction=Direction(offered))
    agreement = read(edit(ANSWER, "a=sendrecv", f"a={answered}"), offer)
    assert (agreement.sending, agreement.receiving, agreement.held) == (sending, receiving, held)


def test_an_unspecified_address_holds_us() -> None:
    agreement = read(edit(ANSWER, "c=IN IP4 192.0.2.2", "c=IN IP4 0.0.0.0"))
    assert (agreement.sending, agreement.receiving, agreement.held) == (False, True, True)


@pytest.mark.parametrize("profile", ["RTP/AVP", "RTP/AVPF", "RTP/SAVPF"])
def test_a_keyed_answer_counts_whatever_its_rtp_profile_is_called(profile: str) -> None:
    assert read(edit(ANSWER, "RTP/SAVP", profile)).receive_keys == PEER_KEY


def test_a_zrtp_hash_beside_the_keys_is_let_be() -> None:
    with_hash = edit(ANSWER, "a=sendrecv", "a=zrtp-hash:1.10 00\r\na=sendrecv")
    assert read(with_hash).keying is Keying.SDES


def test_unpadded_keys_and_lifetimes_are_taken() -> None:
    peer_key = key("peer", GCM, 1)
    line = format_crypto(peer_key).rstrip("=") + "|2^31"
    assert read(edit(ANSWER, format_crypto(PEER_KEY), line)).receive_keys == replace(
        peer_key, lifetime=1 << 31
    )


def test_the_answers_packet_time_is_met() -> None:
    assert read(edit(ANSWER, "a=ptime:20", "a=ptime:30")).ptime_ms == 30


def test_an_answer_over_ipv6_is_read() -> None:
    local = end("us", "2001:db8::1")
    offer = make_offer(local, POLICY, replace(OUR_ORIGIN, address="2001:db8::1"))
    answer = edit(ANSWER, "c=IN IP4 192.0.2.2", "c=IN IP6 2001:DB8:0::2")
    assert read_answer(offer, answer, local, POLICY).remote == PathAddress("2001:db8::2", 6000)


@pytest.mark.parametrize("offer", [b"", b"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n"])
def test_an_offer_that_is_none_of_ours_is_our_own_fault(offer: bytes) -> None:
    with pytest.raises(LocalError, match="not a description of ours"):
        read(ANSWER, offer)


@given(st.binary(max_size=300), st.integers(0, 600), st.integers(0, 30))
def test_damaged_answers_agree_with_keys_or_are_refused(
    junk: bytes, place: int, dropped: int
) -> None:
    for data in (junk, ANSWER[:place] + junk[:8] + ANSWER[place + dropped :]):
        try:
            agreement = read(data)
        except Unacceptable:
            continue
        assert agreement.receive_keys.suite == agreement.send_keys.suite
        assert agreement.receive_keys.tag == agreement.send_keys.tag
