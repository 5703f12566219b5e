from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import (
    CM80,
    GCM,
    OUR_ORIGIN,
    PEER_ORIGIN,
    POLICY,
    SAMPLES,
    SDES,
    edit,
    end,
    lines,
    peer,
    sample,
    us,
)

from offhook.base.errors import LocalError
from offhook.base.vocabulary import AudioCodec, PathAddress
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes import format_crypto
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Direction,
    MediaPolicy,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
)

OFFER = make_offer(peer(), POLICY, PEER_ORIGIN)
GCM_LINE = f"a=crypto:{format_crypto(peer().crypto[0])}"
CM80_LINE = f"a=crypto:{format_crypto(peer().crypto[1])}"


def taken(offer: bytes, policy: MediaPolicy = POLICY) -> Agreement:
    return make_answer(choose(offer, policy), us(), OUR_ORIGIN)[1]


def refused(offer: bytes, policy: MediaPolicy = POLICY) -> str:
    with pytest.raises(Unacceptable) as refusal:
        choose(offer, policy)
    assert refusal.value.status in (400, 488)
    return refusal.value.rule


def test_the_first_usable_crypto_line_of_the_offer_is_taken() -> None:
    swapped = edit(edit(OFFER, f"{GCM_LINE}\r\n", ""), CM80_LINE, f"{CM80_LINE}\r\n{GCM_LINE}")
    assert taken(OFFER).receive_keys.suite.name == GCM
    assert taken(swapped).receive_keys.suite.name == CM80


def test_a_suite_outside_the_policy_is_passed_over() -> None:
    assert taken(OFFER, MediaPolicy(sdes=SdesPolicy((CM80,)))).receive_keys == peer().crypto[1]
    only = edit(OFFER, f"{GCM_LINE}\r\n", "")
    assert refused(only, MediaPolicy(sdes=SdesPolicy((GCM,)))) == "crypto-suite-not-allowed"


def test_a_refusal_tells_why_each_crypto_line_is_unusable() -> None:
    offer = edit(edit(OFFER, f"{GCM}", "AEAD_AES_128_GCM_8"), CM80_LINE, f"{CM80_LINE}|2^31|1:0")
    with pytest.raises(Unacceptable) as refusal:
        choose(offer, POLICY)
    assert refusal.value.rule == "crypto-suite-unknown"
    assert refusal.value.reason == (
        "None of the offer's keys can be used: line 1 names the unknown suite AEAD_AES_128_GCM_8; "
        "line 2 has a malformed master key identifier."
    )


def test_lines_that_share_a_tag_are_not_taken() -> None:
    assert refused(edit(OFFER, "crypto:2 ", "crypto:1 ")) == "crypto-tag-repeated"


def test_lines_whose_tags_can_not_be_read_are_no_repetition() -> None:
    assert refused(edit(edit(OFFER, "crypto:1 ", "crypto:x "), "crypto:2 ", "crypto:x ")) == (
        "crypto-syntax"
    )


def test_zrtp_for_the_whole_session_is_recognised() -> None:
    bare = edit(edit(OFFER, f"{GCM_LINE}\r\n", ""), f"{CM80_LINE}\r\n", "")
    assert refused(edit(bare, "t=0 0", "t=0 0\r\na=zrtp-hash:1.10 00")) == "zrtp-only"


def test_keys_in_the_sessions_part_do_not_count() -> None:
    bare = edit(edit(OFFER, f"{GCM_LINE}\r\n", ""), f"{CM80_LINE}\r\n", "")
    assert refused(edit(bare, "t=0 0", f"t=0 0\r\n{GCM_LINE}")) == "no-keys"


def test_keys_count_under_a_dtls_profile_too() -> None:
    assert taken(edit(OFFER, "RTP/SAVP", "UDP/TLS/RTP/SAVP")).keying is Keying.SDES


@pytest.mark.parametrize("profile", ["udp", "TCP/RTP/SAVP", "RTP/XYZ", "DTLS/SCTP"])
def test_an_unknown_transport_is_refused(profile: str) -> None:
    assert refused(edit(OFFER, "RTP/SAVP", profile)) == "profile"


def test_mikey_alone_is_refused() -> None:
    bare = edit(edit(OFFER, f"{GCM_LINE}\r\n", ""), f"{CM80_LINE}\r\n", "a=key-mgmt:mikey AQ==\r\n")
    assert refused(bare) == "keying-unknown"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("m=audio 6000", "m=audio 0", "no-audio"),
        ("m=audio 6000", "m=video 6000", "no-audio"),
        ("m=audio 6000", "m=audio 6000/2", "port"),
        ("m=audio 6000", "m=audio 65535", "port"),
        ("a=rtcp:6001", "a=rtcp:0", "port"),
        ("a=rtcp:6001", "a=rtcp:65536", "port"),
        ("a=rtcp:6001", "a=rtcp:6001 IN IP4 rtcp.test", "address"),
        ("8 0 101", "18 9", "codec"),
        ("8 0 101", "101", "codec"),
        ("c=IN IP4 192.0.2.2\r\n", "", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 phone.test", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 224.2.1.1/127", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 224.2.1.1", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 255.255.255.255", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 192.0.2.02", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 192.0.2.2.2", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP6 192.0.2.2", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP4 2001:db8::1", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP6 ff02::1", "address"),
        ("c=IN IP4 192.0.2.2", "c=IN IP6 fe80::1%eth0", "address"),
        ("c=IN IP4 192.0.2.2", "c=TN RFC2543 +1-201-406-4090", "address"),
        ("c=IN IP4 192.0.2.2", "c=ATM NSAP 47.0091", "address"),
        ("c=IN IP4 192.0.2.2", "c=TN IP4 192.0.2.2", "address"),
    ],
)
def test_an_offer_that_leads_nowhere_is_refused(old: str, new: str, rule: str) -> None:
    offer = edit(OFFER, old, new)
    if "65535" in new:
        offer = edit(offer, "a=rtcp:6001\r\n", "")
    assert refused(edit(offer, "a=rtcp-mux\r\n", "")) == rule


def test_an_offer_of_no_media_at_all_is_refused() -> None:
    assert refused(b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\n") == "no-audio"


def test_the_reason_is_the_first_audio_streams() -> None:
    second = OFFER[OFFER.index(b"m=audio") :].replace(b"8 0 101", b"18")
    assert refused(edit(OFFER, "RTP/SAVP", "udp") + second) == "profile"


def test_an_address_of_another_ip_version_is_refused() -> None:
    choice = choose(sample("offer-ipv6"), POLICY)
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choice, us(), OUR_ORIGIN)
    assert refusal.value.rule == "address-family"


def test_rtcp_of_another_ip_version_is_refused() -> None:
    offer = edit(OFFER, "a=rtcp:6001", "a=rtcp:6001 IN IP6 2001:db8::1")
    choice = choose(edit(offer, "a=rtcp-mux\r\n", ""), POLICY)
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choice, us(), OUR_ORIGIN)
    assert refusal.value.rule == "address-family"


def test_the_connection_of_the_stream_goes_before_the_sessions() -> None:
    assert taken(edit(OFFER, "a=ptime", "c=IN IP4 192.0.2.99\r\na=ptime")).remote == PathAddress(
        "192.0.2.99", 6000
    )


def test_rtcp_shares_the_port_if_both_want_it() -> None:
    separate = PathAddress("192.0.2.2", 6001)
    assert taken(OFFER).remote_rtcp is None
    assert taken(OFFER, MediaPolicy(sdes=SDES, rtcp_mux=False)).remote_rtcp == separate
    without = edit(OFFER, "a=rtcp-mux\r\n", "")
    assert taken(without).remote_rtcp == separate
    assert taken(edit(without, "a=rtcp:6001\r\n", "")).remote_rtcp == separate
    assert taken(edit(without, "a=rtcp:6001", "a=rtcp:7000 IN IP4 192.0.2.9")).remote_rtcp == (
        PathAddress("192.0.2.9", 7000)
    )


def test_rtcp_does_not_share_the_port_beside_payload_types_like_its_own() -> None:
    offer = edit(edit(edit(OFFER, "0 101", "0 72"), "map:101", "map:72"), "fmtp:101", "fmtp:72")
    agreement = taken(offer)
    assert agreement.dtmf_payload_type == 72
    assert agreement.remote_rtcp == PathAddress("192.0.2.2", 6001)


def test_the_answer_has_the_offers_payload_types() -> None:
    offer = edit(OFFER, "8 0 101", "97 96")
    offer = edit(offer, "rtpmap:8 PCMA", "rtpmap:97 PCMA")
    offer = edit(offer, "rtpmap:101", "rtpmap:96")
    text, agreement = make_answer(choose(offer, POLICY), us(), OUR_ORIGIN)
    assert "m=audio 4000 RTP/SAVP 97 96" in lines(text)
    assert "a=rtpmap:97 PCMA/8000" in lines(text)
    assert "a=rtpmap:96 telephone-event/8000" in lines(text)
    assert agreement.codec == AudioCodec("PCMA", 97, 8000)
    assert agreement.receive_codecs == (agreement.codec,)
    assert agreement.dtmf_payload_type == agreement.receive_dtmf_payload_type == 96


def test_the_offers_first_codec_of_the_policy_is_taken() -> None:
    assert taken(edit(OFFER, "8 0 101", "0 8 101")).codec.encoding == "PCMU"
    assert taken(OFFER, MediaPolicy(sdes=SDES, codecs=("PCMU",))).codec.encoding == "PCMU"


@pytest.mark.parametrize(
    ("attributes", "ptime"),
    [
        ("a=ptime:20", 20),
        ("a=ptime:40", 40),
        ("a=ptime:15", 20),
        ("a=ptime:200", 20),
        ("a=ptime:60\r\na=maxptime:40", 40),
        ("a=maxptime:10", 10),
        ("a=maxptime:15", 10),
        ("a=maxptime:5", 10),
        ("a=maxptime:140", 20),
        ("a=ptime:0\r\na=maxptime:0", 20),
        ("a=ptime:twenty", 20),
    ],
)
def test_the_peers_packet_time_is_met_where_it_can_be(attributes: str, ptime: int) -> None:
    assert taken(edit(OFFER, "a=ptime:20", attributes)).ptime_ms == ptime


@pytest.mark.parametrize(
    ("offered", "wanted", "said", "flows"),
    [
        ("sendrecv", "sendrecv", "sendrecv", (True, True, False)),
        ("sendonly", "sendrecv", "recvonly", (False, True, True)),
        ("recvonly", "sendrecv", "sendonly", (True, False, False)),
        ("inactive", "sendrecv", "inactive", (False, False, True)),
        ("sendrecv", "sendonly", "sendonly", (True, False, False)),
        ("sendonly", "sendonly", "inactive", (False, False, True)),
    ],
)
def test_media_flows_as_both_sides_want(
    offered: str, wanted: str, said: str, flows: tuple[bool, bool, bool]
) -> None:
    choice = choose(edit(OFFER, "a=sendrecv", f"a={offered}"), POLICY)
    text, agreement = make_answer(choice, us(), OUR_ORIGIN, direction=Direction(wanted))
    assert lines(text)[-1] == f"a={said}"
    assert (agreement.sending, agreement.receiving, agreement.held) == flows


@pytest.mark.parametrize("address", ["IP4 0.0.0.0", "IP6 ::"])
def test_an_unspecified_address_holds_us(address: str) -> None:
    choice = choose(edit(OFFER, "c=IN IP4 192.0.2.2", f"c=IN {address}"), POLICY)
    text, agreement = make_answer(choice, us(), OUR_ORIGIN)
    assert lines(text)[-1] == "a=recvonly"
    assert (agreement.sending, agreement.receiving, agreement.held) == (False, True, True)


def test_our_own_key_is_not_taken_back() -> None:
    local = replace(us(), crypto=peer().crypto)
    with pytest.raises(Unacceptable) as refusal:
        make_answer(choose(OFFER, POLICY), local, OUR_ORIGIN)
    assert refusal.value.rule == "key-echoed"


def test_no_answer_is_made_without_a_key_of_ours_for_the_suite() -> None:
    with pytest.raises(LocalError, match=f"no key was made for {GCM}"):
        make_answer(choose(OFFER, POLICY), us(suites=(CM80,)), OUR_ORIGIN)


def test_the_answer_has_our_key_under_the_offered_tag() -> None:
    offer = edit(edit(OFFER, f"{GCM_LINE}\r\n", ""), "crypto:2 ", "crypto:7 ")
    _, agreement = make_answer(choose(offer, POLICY), us(), OUR_ORIGIN)
    assert agreement.send_keys == replace(us().crypto[1], tag=7)
    assert agreement.receive_keys == replace(peer().crypto[1], tag=7)


def test_a_malformed_offer_is_answered_400_and_an_overlong_one_488() -> None:
    for data, status in ((b"", 400), (b"v=0\r\n" + b"x" * 40_000, 488)):
        with pytest.raises(Unacceptable) as refusal:
            choose(data, POLICY)
        assert (refusal.value.rule, refusal.value.status) == ("malformed", status)


def test_neither_choice_nor_agreement_shows_a_key() -> None:
    choice = choose(OFFER, POLICY)
    shown = repr(choice) + repr(make_answer(choice, us(), OUR_ORIGIN)[1])
    for line in (*peer().crypto, *us().crypto):
        assert format_crypto(line).partition("inline:")[2] not in shown
    assert "•••" in shown


@given(
    name=st.sampled_from(sorted(each.stem for each in SAMPLES.glob("*.sdp"))),
    place=st.integers(0, 2000),
    junk=st.binary(max_size=8),
    dropped=st.integers(0, 30),
)
def test_a_damaged_offer_is_taken_with_keys_or_refused(
    name: str, place: int, junk: bytes, dropped: int
) -> None:
    data = sample(name)
    try:
        choice = choose(data[:place] + junk + data[place + dropped :], POLICY)
        _, agreement = make_answer(
            choice, us() if ":" not in choice.remote.host else end("us", "2001:db8::1"), OUR_ORIGIN
        )
    except Unacceptable:
        return
    assert agreement.receive_keys.suite == agreement.send_keys.suite
    assert agreement.receive_keys.master != agreement.send_keys.master


@given(st.binary(max_size=300))
def test_arbitrary_bytes_after_a_good_head_raise_nothing_but_peer_errors(tail: bytes) -> None:
    for data in (tail, OFFER + tail, OFFER[:200] + tail):
        with contextlib.suppress(Unacceptable):
            choose(data, POLICY, taken(OFFER))
