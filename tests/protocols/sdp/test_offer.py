from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.protocols.sdp.ends import CM80, GCM, OUR_ORIGIN, POLICY, end, lines, us

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.sdp.codecs import CODECS
from offhook.protocols.sdp.negotiation import Direction, MediaPolicy, Minimum, Origin, make_offer
from offhook.protocols.sdp.writing import AudioTerms, audio_section


def test_an_offer_is_one_encrypted_audio_stream() -> None:
    local = us()
    texts = [base64.b64encode(each.master.reveal()).decode() for each in local.crypto]
    assert lines(make_offer(local, POLICY, OUR_ORIGIN)) == [
        "v=0",
        "o=- 1001 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/SAVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        f"a=crypto:1 AEAD_AES_256_GCM inline:{texts[0]}",
        f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{texts[1]}",
        "a=rtcp:4001",
        "a=rtcp-mux",
        "a=sendrecv",
    ]
    assert texts[0].endswith("=")


def test_an_offer_over_ipv6_names_it_throughout() -> None:
    local = replace(end("us", "2001:db8::1"), rtcp=PathAddress("2001:db8::2", 4001))
    offer = lines(make_offer(local, POLICY, Origin(7, 1, "2001:db8::1")))
    assert offer[1] == "o=- 7 1 IN IP6 2001:db8::1"
    assert offer[3] == "c=IN IP6 2001:db8::1"
    assert "a=rtcp:4001 IN IP6 2001:db8::2" in offer


def test_the_policy_decides_suites_codecs_mux_and_packet_time() -> None:
    policy = MediaPolicy(sdes=SdesPolicy((CM80,)), codecs=("PCMU",), rtcp_mux=False, ptime_ms=30)
    offer = lines(make_offer(us(), policy, OUR_ORIGIN))
    assert "m=audio 4000 RTP/SAVP 0 101" in offer
    assert "a=ptime:30" in offer
    assert "a=rtcp-mux" not in offer
    assert [each.split()[1] for each in offer if each.startswith("a=crypto")] == [CM80]


def test_crypto_lines_come_in_the_policys_order_under_their_own_tags() -> None:
    policy = MediaPolicy(sdes=SdesPolicy((CM80, GCM)))
    crypto = [each for each in lines(make_offer(us(), policy, OUR_ORIGIN)) if "crypto" in each]
    assert [each[:11] for each in crypto] == ["a=crypto:2 ", "a=crypto:1 "]


def test_an_offer_can_ask_for_one_direction() -> None:
    offer = make_offer(us(), POLICY, OUR_ORIGIN, direction=Direction.RECVONLY)
    assert lines(offer)[-1] == "a=recvonly"


def test_no_offer_is_made_without_a_key_for_each_suite() -> None:
    with pytest.raises(LocalError, match=f"no key was made for {GCM}"):
        make_offer(us(suites=(CM80,)), POLICY, OUR_ORIGIN)


def test_no_offer_has_two_lines_under_one_tag() -> None:
    local = us()
    crypto = tuple(replace(each, tag=1) for each in local.crypto)
    with pytest.raises(LocalError, match="share a tag"):
        make_offer(replace(local, crypto=crypto), POLICY, OUR_ORIGIN)


@pytest.mark.parametrize(
    "address",
    [
        PathAddress("0.0.0.0", 4000),  # noqa: S104 - refused as an address
        PathAddress("::", 4000),
        PathAddress("224.0.0.1", 4000),
        PathAddress("phone.test", 4000),
        PathAddress("192.0.2.1", 0),
        PathAddress("192.0.2.1", 65536),
    ],
)
def test_no_offer_names_an_address_that_nobody_can_send_to(address: PathAddress) -> None:
    for local in (replace(us(), rtp=address), replace(us(), rtcp=address)):
        with pytest.raises(LocalError, match=r"nobody can send|not an IP address"):
            make_offer(local, POLICY, OUR_ORIGIN)


TERMS = AudioTerms(
    profile="RTP/SAVP",
    codecs=(CODECS["PCMA"],),
    telephone_events=(),
    crypto=us().crypto,
    ptime_ms=20,
    direction=Direction.SENDRECV,
    rtcp_mux=True,
    rtcp_port=True,
)


@pytest.mark.parametrize("terms", [replace(TERMS, crypto=()), replace(TERMS, codecs=())])
def test_no_stream_of_ours_is_without_key_or_codec(terms: AudioTerms) -> None:
    assert audio_section(us(), TERMS).has("crypto")
    with pytest.raises(LocalError, match="at least one keying and one codec"):
        audio_section(us(), terms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sdes": None},
        {"minimum": Minimum.END_TO_END},
        {"minimum": Minimum.END_TO_END, "dtls": True},
        {"codecs": ()},
        {"codecs": ("GSM",)},
        {"codecs": ("PCMA", "PCMA")},
        {"ptime_ms": 15},
        {"ptime_ms": 0},
    ],
    ids=repr,
)
def test_a_policy_that_can_not_be_met_is_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        MediaPolicy(**wrong)  # type: ignore[arg-type]
