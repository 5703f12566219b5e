"""What real kinds of peer offer, and what becomes of it here."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from tests.protocols.sdp.ends import (
    CM80,
    FULL,
    GCM,
    OUR_HOST,
    OUR_ORIGIN,
    POLICY,
    SAMPLES,
    US,
    edit,
    end,
    lines,
    sample,
    us,
)

from offhook.base.vocabulary import AudioCodec, PathAddress
from offhook.protocols.keying.dtls.setup import Role
from offhook.protocols.keying.methods import Keying
from offhook.protocols.sdp.description import parse_sdp
from offhook.protocols.sdp.negotiation import (
    Agreement,
    LocalMedia,
    Unacceptable,
    choose,
    make_answer,
)


@dataclass(frozen=True)
class Taken:
    suite: str
    tag: int
    codec: AudioCodec
    dtmf: int | None
    remote: PathAddress
    rtcp: PathAddress | None
    media: tuple[str, ...]


PCMA = AudioCodec("PCMA", 8, 8000)
PCMU = AudioCodec("PCMU", 0, 8000)

TAKEN = {
    "baresip-srtp-mand": Taken(
        CM80,
        1,
        PCMU,
        101,
        PathAddress("192.0.2.20", 23844),
        PathAddress("192.0.2.20", 23845),
        ("m=audio 4000 RTP/SAVP 0 101",),
    ),
    "baresip-srtp": Taken(
        CM80,
        1,
        PCMU,
        101,
        PathAddress("192.0.2.20", 23844),
        PathAddress("192.0.2.20", 23845),
        ("m=audio 4000 RTP/AVP 0 101",),
    ),
    "asterisk-sdes": Taken(
        CM80,
        1,
        PCMA,
        101,
        PathAddress("192.0.2.30", 14730),
        PathAddress("192.0.2.30", 14731),
        ("m=audio 4000 RTP/SAVP 8 101",),
    ),
    "savpf": Taken(
        CM80,
        1,
        PCMA,
        101,
        PathAddress("192.0.2.30", 14730),
        PathAddress("192.0.2.30", 14731),
        ("m=audio 4000 RTP/SAVPF 8 101",),
    ),
    "linphone-5.1-srtp": Taken(
        CM80,
        1,
        PCMU,
        100,
        PathAddress("192.0.2.40", 7078),
        PathAddress("192.0.2.40", 7079),
        ("m=audio 4000 RTP/SAVP 0 100",),
    ),
    "linphone-5.3-srtp": Taken(
        CM80,
        2,
        PCMU,
        100,
        PathAddress("192.0.2.40", 7078),
        PathAddress("192.0.2.40", 7079),
        ("m=audio 4000 RTP/SAVP 0 100",),
    ),
    "pjsua-mandatory": Taken(
        CM80,
        2,
        PCMU,
        120,
        PathAddress("192.0.2.50", 4000),
        PathAddress("192.0.2.50", 4001),
        ("m=audio 4000 RTP/SAVP 0 120",),
    ),
    "pjsua-optional": Taken(
        CM80,
        2,
        PCMU,
        120,
        PathAddress("192.0.2.50", 4000),
        PathAddress("192.0.2.50", 4001),
        ("m=audio 4000 RTP/AVP 0 120",),
    ),
    "rtpengine-many-suites": Taken(
        GCM,
        1,
        PCMA,
        101,
        PathAddress("192.0.2.70", 31046),
        None,
        ("m=audio 4000 RTP/SAVP 8 101",),
    ),
    "every-keying": Taken(
        GCM,
        1,
        PCMA,
        101,
        PathAddress("192.0.2.80", 5004),
        None,
        ("m=audio 4000 RTP/SAVP 8 101",),
    ),
    "rtpengine-every-keying": Taken(
        CM80,
        1,
        PCMA,
        101,
        PathAddress("192.0.2.70", 31046),
        None,
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 8 101",),
    ),
    "dtls-then-sdes": Taken(
        CM80,
        1,
        PCMA,
        None,
        PathAddress("192.0.2.81", 5006),
        PathAddress("192.0.2.81", 5007),
        ("m=audio 0 UDP/TLS/RTP/SAVP 8", "m=audio 4000 RTP/SAVP 8"),
    ),
    "video-and-audio": Taken(
        CM80,
        1,
        PCMA,
        None,
        PathAddress("192.0.2.82", 6000),
        PathAddress("192.0.2.82", 6001),
        ("m=video 0 RTP/SAVP 96", "m=audio 4000 RTP/SAVP 8", "m=application 0 UDP/BFCP *"),
    ),
    "lifetimes-and-parameters": Taken(
        CM80,
        0,
        PCMA,
        None,
        PathAddress("192.0.2.83", 5004),
        PathAddress("192.0.2.83", 5005),
        ("m=audio 4000 RTP/SAVP 8",),
    ),
    "ipv6": Taken(
        CM80,
        1,
        PCMA,
        101,
        PathAddress("2001:db8::20", 5004),
        PathAddress("2001:db8::21", 5005),
        ("m=audio 4000 RTP/SAVP 8 101",),
    ),
}

REFUSED = {
    "baresip-dtls": ("dtls-only", "DTLS-SRTP only"),
    "asterisk-dtls": ("dtls-only", "DTLS-SRTP only"),
    "chromium": ("dtls-only", "DTLS-SRTP only"),
    "linphone-zrtp": ("zrtp-only", "ZRTP only"),
    "plain": ("no-keys", "would not be encrypted"),
    "plain-under-savp": ("no-keys", "would not be encrypted"),
}


def answer(offer: bytes) -> tuple[bytes, Agreement]:
    local: LocalMedia = us()
    choice = choose(offer, POLICY)
    if ":" in choice.remote.host:
        local = end("us", "2001:db8::1")
    return make_answer(choice, local, OUR_ORIGIN)


def test_every_sample_offer_is_in_one_of_the_tables() -> None:
    names = {each.stem.removeprefix("offer-") for each in SAMPLES.glob("offer-*.sdp")}
    assert names == {*TAKEN, *REFUSED}


@pytest.mark.parametrize("name", TAKEN)
def test_an_offer_with_sdes_keys_is_taken(name: str) -> None:
    taken = TAKEN[name]
    offer = sample(f"offer-{name}")
    text, agreement = answer(offer)
    assert agreement.receive_keys.suite.name == taken.suite
    assert agreement.receive_keys.tag == agreement.send_keys.tag == taken.tag
    assert (agreement.codec, agreement.dtmf_payload_type) == (taken.codec, taken.dtmf)
    assert (agreement.remote, agreement.remote_rtcp) == (taken.remote, taken.rtcp)
    assert agreement.sending
    assert agreement.receiving
    assert tuple(each for each in lines(text) if each.startswith("m=")) == taken.media
    (crypto,) = [each for each in lines(text) if each.startswith("a=crypto")]
    assert crypto.startswith(f"a=crypto:{taken.tag} {taken.suite} inline:")
    assert parse_sdp(text).timing == parse_sdp(offer).timing
    assert ("a=rtcp-mux" in lines(text)) == (taken.rtcp is None)


@pytest.mark.parametrize("name", REFUSED)
def test_an_offer_without_sdes_keys_gets_488(name: str) -> None:
    rule, words = REFUSED[name]
    with pytest.raises(Unacceptable, match=words) as refusal:
        choose(sample(f"offer-{name}"), POLICY)
    assert (refusal.value.rule, refusal.value.status) == (rule, 488)


@pytest.mark.parametrize("name", [name for name in TAKEN if "then" not in name])
def test_the_same_offer_without_its_keys_gets_488(name: str) -> None:
    bare = re.sub(rb"a=crypto:.*\r\n", b"", sample(f"offer-{name}"))
    with pytest.raises(Unacceptable) as refusal:
        choose(bare, POLICY)
    assert refusal.value.rule == ("dtls-only" if "every-keying" in name else "no-keys")


KEYED_OTHERWISE = {
    "baresip-dtls": (Keying.DTLS, 0),
    "asterisk-dtls": (Keying.DTLS, 0),
    "chromium": (Keying.DTLS, 0),
    "linphone-zrtp": (Keying.ZRTP, 1),
    "dtls-then-sdes": (Keying.DTLS, 0),
    "rtpengine-every-keying": (Keying.DTLS, 1),
    "every-keying": (Keying.SDES, 1),
}


@pytest.mark.parametrize("name", KEYED_OTHERWISE)
def test_where_policy_has_every_keying_the_peers_own_is_taken(name: str) -> None:
    keying, hashes = KEYED_OTHERWISE[name]
    choice = choose(sample(f"offer-{name}"), FULL)
    text, agreement = make_answer(choice, US, OUR_ORIGIN)
    assert agreement.keying is choice.keying is keying
    assert len(agreement.zrtp_hashes) == hashes
    said = lines(text)
    assert ("a=setup:active" in said) == (keying is Keying.DTLS)
    assert any(each.startswith("a=crypto") for each in said) == (keying is Keying.SDES)
    if agreement.dtls is not None:
        assert agreement.dtls.role is Role.ACTIVE
        assert [each.hash_name for each in agreement.dtls.fingerprints] == ["sha-256"]


def test_a_browser_without_a_usable_address_is_taken_as_holding() -> None:
    agreement = make_answer(choose(sample("offer-chromium"), FULL), US, OUR_ORIGIN)[1]
    assert (agreement.sending, agreement.held, agreement.remote_rtcp) == (False, True, None)


@pytest.mark.parametrize("name", [name for name in (*TAKEN, *REFUSED) if "plain" not in name])
def test_a_policy_of_every_keying_takes_whatever_is_keyed(name: str) -> None:
    choice = choose(sample(f"offer-{name}"), FULL)
    assert choice.crypto or choice.dtls or choice.zrtp_hashes


def test_a_keyed_offer_is_taken_under_each_of_four_profiles() -> None:
    offer = sample("offer-asterisk-sdes")
    for profile in ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"):
        text, agreement = answer(edit(offer, "RTP/SAVP", profile))
        assert f"m=audio 4000 {profile} 8 101" in lines(text)
        assert agreement.send_keys.suite.name == CM80


def test_our_answer_names_our_end() -> None:
    text, _ = answer(sample("offer-asterisk-sdes"))
    assert lines(text)[:5] == [
        "v=0",
        f"o=- 1001 1 IN IP4 {OUR_HOST}",
        "s=-",
        f"c=IN IP4 {OUR_HOST}",
        "t=0 0",
    ]
    assert "a=rtcp:4001" in lines(text)
    assert "a=fmtp:101 0-15" in lines(text)
