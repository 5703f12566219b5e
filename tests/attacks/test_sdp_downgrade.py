"""Downgrade: whatever is done to offers and answers on their way, no stream without keys results.

Each row is one thing that a peer or a box on the way may do to a description, and the rule that
has to refuse it. The unmutated descriptions are the controls: they are accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from tests.protocols.sdp.ends import (
    CM80,
    GCM,
    OUR_ORIGIN,
    PEER_ORIGIN,
    POLICY,
    edit,
    key,
    peer,
    us,
)

from offhook.protocols.keying.sdes import format_crypto
from offhook.protocols.keying.srtp_keys import SUITES
from offhook.protocols.sdp.errors import RULES
from offhook.protocols.sdp.negotiation import (
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OUR_OFFER = make_offer(us(), POLICY, OUR_ORIGIN)
PEER_ANSWER, PEERS_VIEW = make_answer(choose(OUR_OFFER, POLICY), peer(), PEER_ORIGIN)
PEER_OFFER = make_offer(peer(), POLICY, PEER_ORIGIN)
OUR_VIEW = read_answer(OUR_OFFER, PEER_ANSWER, us(), POLICY)
OUR_REOFFER = make_reoffer(OUR_OFFER, OUR_VIEW, us(), POLICY)
PEER_REOFFER = make_reoffer(PEER_ANSWER, PEERS_VIEW, peer(), POLICY)

OURS = format_crypto(us().crypto[0])
OUR_SECOND = format_crypto(us().crypto[1])
THEIRS = format_crypto(peer().crypto[0])
THEIR_KEY = THEIRS.partition("inline:")[2]
OTHER = format_crypto(key("other", CM80, 2))
FINGERPRINT = "fingerprint:sha-256 " + ":".join(["AB"] * 32)


@dataclass(frozen=True)
class Mutation:
    """One change, and the rule that refuses what comes of it."""

    name: str
    change: Callable[[bytes], bytes]
    rule: str


def swap(*pairs: tuple[str, str]) -> Callable[[bytes], bytes]:
    def change(description: bytes) -> bytes:
        for old, new in pairs:
            description = edit(description, old, new)
        return description

    return change


def without_keys(*pairs: tuple[str, str]) -> Callable[[bytes], bytes]:
    def change(description: bytes) -> bytes:
        bare, count = re.subn(rb"a=crypto:[^\r]*\r\n", b"", description)
        assert count
        return swap(*pairs)(bare)

    return change


def without_media(description: bytes) -> bytes:
    return description[: description.index(b"m=audio")]


def with_parameter(text: str) -> Callable[[bytes], bytes]:
    return swap((THEIRS, f"{THEIRS}{text}"))


def with_suite(name: str) -> Callable[[bytes], bytes]:
    return swap((f":1 {GCM}", f":1 {name}"))


ANSWERS = [
    Mutation("keys removed", without_keys(), "no-keys"),
    *(
        Mutation(f"keys removed, profile {name}", without_keys(("RTP/SAVP", name)), "no-keys")
        for name in ("RTP/AVP", "RTP/AVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "udp")
    ),
    Mutation(
        "keys moved to the session", without_keys(("t=0", f"a=crypto:{THEIRS}\r\nt=0")), "no-keys"
    ),
    Mutation("keys under another name", swap(("a=crypto", "a=x-crypto")), "no-keys"),
    Mutation("keys under a name in capitals", swap(("a=crypto", "a=CRYPTO")), "no-keys"),
    Mutation(
        "DTLS instead", without_keys(("a=sendrecv", f"a={FINGERPRINT}")), "keying-not-offered"
    ),
    Mutation(
        "DTLS instead, for the session",
        without_keys(("t=0", f"a={FINGERPRINT}\r\nt=0")),
        "keying-not-offered",
    ),
    Mutation(
        "MIKEY instead", without_keys(("a=sendrecv", "a=key-mgmt:mikey AQ==")), "keying-not-offered"
    ),
    Mutation(
        "a k= line instead", without_keys(("t=0 0", "t=0 0\r\nk=clear:x")), "keying-not-offered"
    ),
    Mutation("ZRTP instead", without_keys(("a=sendrecv", "a=zrtp-hash:1.10 00")), "no-keys"),
    Mutation("DTLS beside", swap(("a=sendrecv", f"a={FINGERPRINT}")), "two-methods"),
    Mutation(
        "DTLS beside, for the session", swap(("t=0", f"a={FINGERPRINT}\r\nt=0")), "two-methods"
    ),
    Mutation("MIKEY beside", swap(("a=sendrecv", "a=key-mgmt:mikey AQ==")), "two-methods"),
    Mutation("no RTP", swap(("RTP/SAVP", "udp")), "profile"),
    Mutation("stream refused", swap(("m=audio 6000", "m=audio 0")), "port"),
    Mutation("stream of two ports", swap(("m=audio 6000", "m=audio 6000/2")), "port"),
    Mutation("stream removed", without_media, "media-lines"),
    Mutation("a plain stream added", lambda x: x + b"m=audio 6002 RTP/AVP 8\r\n", "media-lines"),
    Mutation(
        "a plain stream put in front",
        swap(("m=audio", "m=audio 6002 RTP/AVP 8\r\nm=audio")),
        "media-lines",
    ),
    Mutation("stream made video", swap(("m=audio", "m=video")), "media-type"),
    Mutation("tag of the other suite", swap((":1 AEAD", ":2 AEAD")), "crypto-suite"),
    Mutation("tag never offered", swap((":1 AEAD", ":3 AEAD")), "crypto-tag"),
    Mutation("tag 0", swap((":1 AEAD", ":0 AEAD")), "crypto-tag"),
    Mutation("tag no number", swap((":1 AEAD", ":one AEAD")), "crypto-syntax"),
    Mutation(
        "other suite under the tag", swap((THEIRS, OTHER.replace("2 ", "1 ", 1))), "crypto-suite"
    ),
    Mutation("weaker suite", with_suite("AES_CM_128_HMAC_SHA1_32"), "crypto-suite-short-tag"),
    Mutation("NULL suite", with_suite("NULL_HMAC_SHA1_80"), "crypto-suite-forbidden"),
    Mutation("F8 suite", with_suite("F8_128_HMAC_SHA1_80"), "crypto-suite-forbidden"),
    Mutation("suite in small letters", with_suite(GCM.lower()), "crypto-suite-unknown"),
    Mutation("SRTP unencrypted", with_parameter(" UNENCRYPTED_SRTP"), "crypto-unencrypted"),
    Mutation("SRTCP unencrypted", with_parameter(" UNENCRYPTED_SRTCP"), "crypto-unencrypted"),
    Mutation(
        "SRTP unauthenticated", with_parameter(" UNAUTHENTICATED_SRTP"), "crypto-unauthenticated"
    ),
    Mutation("key derivation rate", with_parameter(" KDR=1"), "crypto-key-derivation-rate"),
    Mutation("window of one", with_parameter(" WSH=1"), "crypto-window-size-hint"),
    Mutation("unknown parameter", with_parameter(" PLAIN"), "crypto-session-parameter"),
    Mutation("master key identifier", with_parameter("|256:1"), "crypto-master-key-identifier"),
    Mutation("key for a thousand packets", with_parameter("|2^10"), "crypto-lifetime"),
    Mutation("key for ever", with_parameter("|2^64"), "crypto-lifetime"),
    Mutation("two master keys", with_parameter(f";inline:{THEIR_KEY}"), "crypto-several-keys"),
    Mutation(
        "second crypto line", swap((THEIRS, f"{THEIRS}\r\na=crypto:{OTHER}")), "several-crypto"
    ),
    Mutation(
        "second, unusable crypto line",
        swap((THEIRS, f"{THEIRS}\r\na=crypto:2 NULL_HMAC_SHA1_80 inline:{THEIR_KEY}")),
        "several-crypto",
    ),
    Mutation(
        "same crypto line twice", swap((THEIRS, f"{THEIRS}\r\na=crypto:{THEIRS}")), "several-crypto"
    ),
    Mutation("our own key", swap((THEIRS, OURS)), "key-echoed"),
    Mutation("our own key of the other line", swap((THEIRS, OUR_SECOND)), "key-echoed"),
    Mutation("key cut short", swap((THEIR_KEY, THEIR_KEY[:40])), "crypto-key-length"),
    Mutation("key made longer", swap((THEIR_KEY, f"AAAA{THEIR_KEY}")), "crypto-key-length"),
    Mutation("key empty", swap((THEIR_KEY, "")), "crypto-key-length"),
    Mutation("key of zeros", swap((THEIR_KEY, f"{'A' * 59}=")), "crypto-key-zero"),
    Mutation("key no base64", swap((THEIR_KEY, "*" * 60)), "crypto-base64"),
    Mutation("key elsewhere", swap(("inline:", "uri:")), "crypto-key-method"),
    Mutation("crypto line empty", swap((THEIRS, "")), "crypto-syntax"),
    Mutation("no codec of ours", swap(("8 101", "18 101")), "codec"),
    Mutation("codec renamed", swap(("rtpmap:8 PCMA", "rtpmap:8 L16")), "codec"),
    Mutation("a group to send to", swap(("c=IN IP4 192.0.2.2", "c=IN IP4 224.2.1.1")), "address"),
    Mutation("a name to send to", swap(("c=IN IP4 192.0.2.2", "c=IN IP4 evil.test")), "address"),
    Mutation("nowhere to send to", swap(("c=IN IP4 192.0.2.2\r\n", "")), "address"),
    Mutation(
        "another IP version", swap(("c=IN IP4 192.0.2.2", "c=IN IP6 2001:db8::1")), "address-family"
    ),
    Mutation("cut in the middle", lambda x: x[: x.index(b"RTP/SAVP")], "malformed"),
    Mutation("a second description behind", lambda x: x + x, "malformed"),
]

OFFERS = [
    Mutation("keys removed", without_keys(), "no-keys"),
    *(
        Mutation(f"keys removed, profile {name}", without_keys(("RTP/SAVP", name)), "no-keys")
        for name in ("RTP/AVP", "RTP/AVPF", "RTP/SAVPF")
    ),
    Mutation(
        "keys moved to the session", without_keys(("t=0", f"a=crypto:{THEIRS}\r\nt=0")), "no-keys"
    ),
    Mutation("DTLS instead", without_keys(("a=sendrecv", f"a={FINGERPRINT}")), "dtls-only"),
    Mutation("ZRTP instead", without_keys(("a=sendrecv", "a=zrtp-hash:1.10 00")), "zrtp-only"),
    Mutation(
        "MIKEY instead", without_keys(("a=sendrecv", "a=key-mgmt:mikey AQ==")), "keying-unknown"
    ),
    Mutation("transport without RTP", swap(("RTP/SAVP", "udp")), "profile"),
    Mutation(
        "suites renamed",
        swap((GCM, "NULL_CIPHER"), (CM80, "F8_128_HMAC_SHA1_80")),
        "crypto-suite-forbidden",
    ),
    Mutation("tags made alike", swap((":2 AES", ":1 AES")), "crypto-tag-repeated"),
    Mutation(
        "all unencrypted",
        lambda x: re.sub(rb"(a=crypto:[^\r]*)", rb"\1 UNENCRYPTED_SRTCP", x),
        "crypto-unencrypted",
    ),
    Mutation("stream made video", swap(("m=audio", "m=video")), "no-audio"),
    Mutation("stream taken away", swap(("m=audio 6000", "m=audio 0")), "no-audio"),
    Mutation("media removed", without_media, "no-audio"),
]

REOFFERS = [
    Mutation("keys removed", without_keys(), "no-keys"),
    Mutation("plain RTP/AVP", without_keys(("RTP/SAVP", "RTP/AVP")), "no-keys"),
    Mutation("plain and held", without_keys(("a=sendrecv", "a=sendonly")), "no-keys"),
    Mutation("plain and resumed", without_keys(("RTP/SAVP", "RTP/AVPF")), "no-keys"),
    Mutation("DTLS instead", without_keys(("a=sendrecv", f"a={FINGERPRINT}")), "dtls-only"),
    Mutation("weaker suite", with_suite("AES_CM_128_HMAC_SHA1_32"), "crypto-suite-short-tag"),
    Mutation("NULL suite", with_suite("NULL_HMAC_SHA1_80"), "crypto-suite-forbidden"),
    Mutation("SRTCP unencrypted", with_parameter(" UNENCRYPTED_SRTCP"), "crypto-unencrypted"),
    Mutation("our own key", swap((THEIRS, OURS)), "key-echoed"),
    Mutation("stream taken away", swap(("m=audio 6000", "m=audio 0")), "no-audio"),
    Mutation("media removed", without_media, "media-lines"),
    Mutation("stream made video", swap(("m=audio", "m=video")), "no-audio"),
]


def take_answer(answer: bytes) -> None:
    read_answer(OUR_OFFER, answer, us(), POLICY)


def take_later_answer(answer: bytes) -> None:
    read_answer(OUR_REOFFER, answer, us(), POLICY)


def take_offer(offer: bytes) -> None:
    make_answer(choose(offer, POLICY), us(), OUR_ORIGIN)


def take_reoffer(offer: bytes) -> None:
    keeping = replace(us(), crypto=(OUR_VIEW.send_keys,))
    make_answer(choose(offer, POLICY, OUR_VIEW), keeping, OUR_ORIGIN.raised())


CASES = [
    *((take_answer, PEER_ANSWER, each) for each in ANSWERS),
    *((take_later_answer, PEER_ANSWER, each) for each in ANSWERS if each.rule != "crypto-suite"),
    *((take_offer, PEER_OFFER, each) for each in OFFERS),
    *((take_reoffer, PEER_REOFFER, each) for each in REOFFERS),
]
IDS = [f"{take.__name__}: {mutation.name}" for take, _, mutation in CASES]


def test_there_are_forty_and_no_two_are_alike() -> None:
    mutated = {(take, mutation.change(description)) for take, description, mutation in CASES}
    assert len(mutated) == len(set(IDS)) == len(CASES) >= 40
    assert len(ANSWERS) + len(OFFERS) + len(REOFFERS) >= 80


@pytest.mark.parametrize(
    ("take", "description"),
    [
        (take_answer, PEER_ANSWER),
        (take_later_answer, PEER_ANSWER),
        (take_offer, PEER_OFFER),
        (take_reoffer, PEER_REOFFER),
    ],
)
def test_control_without_mutation_each_is_accepted(
    take: Callable[[bytes], None], description: bytes
) -> None:
    take(description)


@pytest.mark.parametrize(("take", "description", "mutation"), CASES, ids=IDS)
def test_a_downgrade_is_refused_by_its_rule(
    take: Callable[[bytes], None], description: bytes, mutation: Mutation
) -> None:
    with pytest.raises(Unacceptable) as refusal:
        take(mutation.change(description))
    assert refusal.value.rule == mutation.rule
    assert refusal.value.status in (400, 488)
    assert refusal.value.reason.endswith(".")
    assert 300 <= refusal.value.warning_code <= 399


@pytest.mark.parametrize(("take", "description", "mutation"), CASES, ids=IDS)
def test_no_refusal_tells_a_key(
    take: Callable[[bytes], None], description: bytes, mutation: Mutation
) -> None:
    mutated = mutation.change(description)
    with pytest.raises(Unacceptable) as refusal:
        take(mutated)
    told = f"{refusal.value} {refusal.value.reason} {refusal.value!r}"
    for secret in re.findall(rb"inline:([^\r |;]{8,})", mutated):
        assert secret.decode()[:8] not in told


def test_rtcp_on_the_rtp_port_unasked_is_refused() -> None:
    offer = edit(OUR_OFFER, "a=rtcp-mux\r\n", "")
    answer = edit(PEER_ANSWER, "a=rtcp-mux", "a=rtcp:6001")
    assert read_answer(offer, answer, us(), POLICY).remote_rtcp is not None
    with pytest.raises(Unacceptable) as refusal:
        read_answer(offer, PEER_ANSWER, us(), POLICY)
    assert refusal.value.rule == "rtcp-mux"


def test_every_rule_has_its_place_in_the_list() -> None:
    named = {mutation.rule for _, _, mutation in CASES}
    assert {rule for rule in named if rule not in RULES} == {
        rule for rule in named if rule.startswith("crypto-") and rule not in RULES
    }
    assert set(RULES) - named == {
        "rtcp-mux",
        "sdes-only",
        "setup",
        "keying-not-ready",
        "keying-lowered",
        "below-minimum",
    }


def test_only_suites_that_encrypt_and_authenticate_are_known() -> None:
    for name, suite in SUITES.items():
        assert suite.name == name
        assert suite.key_length in (16, 32)
        assert suite.aead or "HMAC_SHA1" in name
