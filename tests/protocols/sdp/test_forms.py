"""The forms of a first offer: what each says, and which are tried in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.protocols.sdp.ends import (
    CM80,
    FULL,
    GCM,
    OUR_ORIGIN,
    POLICY,
    SDES,
    US,
    hello_hash,
    lines,
    us,
)

from offhook.base.errors import LocalError
from offhook.protocols.keying.sdes import format_crypto
from offhook.protocols.sdp.errors import RULES
from offhook.protocols.sdp.forms import LADDER, OfferForm
from offhook.protocols.sdp.negotiation import (
    MediaPolicy,
    Minimum,
    Unacceptable,
    make_offer,
    offer_forms,
)

C, D, DF, SF, Z = OfferForm
FINGERPRINT = f"a=fingerprint:{US.fingerprint}"
HASH = f"a=zrtp-hash:{hello_hash('us')}"


def keying_lines(offer: bytes) -> list[str]:
    """Profile and keying attributes of an offer, crypto lines by their suites."""
    kept = []
    for line in lines(offer):
        name = line.partition(":")[0]
        if name.startswith("m="):
            kept.append(line.split()[2])
        elif name == "a=crypto":
            kept.append(line.split()[1])
        elif name in ("a=setup", "a=fingerprint", "a=tls-id", "a=zrtp-hash", "a=rtcp-mux"):
            kept.append(line)
    return kept


def test_the_combined_offer_has_every_keying_at_once() -> None:
    assert lines(make_offer(US, FULL, OUR_ORIGIN)) == [
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
        f"a=crypto:{format_crypto(US.crypto[0])}",
        f"a=crypto:{format_crypto(US.crypto[1])}",
        "a=setup:actpass",
        FINGERPRINT,
        "a=tls-id:usAssociationNumberOne",
        HASH,
        "a=rtcp:4001",
        "a=rtcp-mux",
        "a=sendrecv",
    ]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (D, ["UDP/TLS/RTP/SAVP", "a=setup:actpass", FINGERPRINT, "a=tls-id", HASH]),
        (DF, ["UDP/TLS/RTP/SAVPF", "a=setup:actpass", FINGERPRINT, "a=tls-id", HASH]),
        (SF, ["RTP/SAVPF", GCM, CM80, HASH]),
        (Z, ["RTP/AVP", HASH]),
    ],
)
def test_every_other_form_has_one_keying_and_the_hash(form: OfferForm, says: list[str]) -> None:
    said = keying_lines(make_offer(US, FULL, OUR_ORIGIN, form=form))
    assert [each.replace(":usAssociationNumberOne", "") for each in said] == [
        *says,
        "a=rtcp-mux",
    ]


@pytest.mark.parametrize(
    ("policy", "forms"),
    [
        (FULL, (C, D, DF, SF, Z)),
        (POLICY, (C, SF)),
        (MediaPolicy(sdes=SDES, dtls=True), (C, D, DF, SF)),
        (MediaPolicy(sdes=SDES, zrtp=True), (C, SF, Z)),
        (MediaPolicy(sdes=None, dtls=True), (D, DF)),
        (MediaPolicy(sdes=None, zrtp=True), (Z,)),
        (replace(FULL, minimum=Minimum.END_TO_END), (C, D, DF, SF, Z)),
    ],
    ids=repr,
)
def test_the_policy_says_which_forms_are_tried_in_which_order(
    policy: MediaPolicy, forms: tuple[OfferForm, ...]
) -> None:
    assert offer_forms(policy, US) == forms
    first = keying_lines(make_offer(US, policy, OUR_ORIGIN))
    assert first[0] == forms[0].profile
    for form in set(OfferForm) - set(forms):
        with pytest.raises(LocalError, match="no keying for such an offer"):
            make_offer(US, policy, OUR_ORIGIN, form=form)


def test_an_end_with_sdes_keys_alone_offers_the_same_whatever_else_the_policy_allows() -> None:
    assert make_offer(us(), FULL, OUR_ORIGIN) == make_offer(us(), POLICY, OUR_ORIGIN)
    assert offer_forms(FULL, us()) == (C, SF)


def test_what_the_policy_does_not_allow_is_not_offered_whatever_our_end_has() -> None:
    assert make_offer(US, POLICY, OUR_ORIGIN) == make_offer(us(), POLICY, OUR_ORIGIN)


def test_an_end_without_anything_of_the_policy_offers_nothing() -> None:
    bare = replace(us(), crypto=())
    assert offer_forms(FULL, bare) == ()
    with pytest.raises(LocalError, match="no keying for such an offer"):
        make_offer(bare, FULL, OUR_ORIGIN)


def test_where_zrtp_is_required_an_end_without_it_offers_nothing() -> None:
    policy = replace(FULL, minimum=Minimum.END_TO_END)
    assert offer_forms(policy, replace(US, zrtp_hash="")) == ()
    for form in offer_forms(policy, US):
        assert HASH in keying_lines(make_offer(US, policy, OUR_ORIGIN, form=form))


def test_plain_rtp_is_named_last_and_with_zrtp_only() -> None:
    assert [form for form, rung in LADDER.items() if rung.profile == "RTP/AVP"] == [Z]
    assert list(LADDER)[-1] is Z
    assert list(LADDER) == list(OfferForm)


@pytest.mark.parametrize("form", OfferForm)
def test_a_refusal_asks_for_the_next_form_by_its_status(form: OfferForm) -> None:
    again = {status for status in range(300, 700) if form.worth_another(status)}
    assert again == {406, 415, 488, 606} | ({480} if form in (D, DF) else set())


def test_an_unusable_answer_asks_for_the_next_form_by_its_rule() -> None:
    useless = {rule for rule in RULES if not Unacceptable(rule, "").worth_another}
    assert useless == {
        "malformed",
        "media-lines",
        "media-type",
        "no-audio",
        "address",
        "address-family",
        "codec",
        "key-echoed",
    }
    assert Unacceptable("crypto-suite-forbidden", "").worth_another
    assert Unacceptable("fingerprint-hash", "").worth_another


def test_every_form_is_known_by_a_name_that_can_be_kept() -> None:
    assert [OfferForm(form.value) for form in OfferForm] == list(OfferForm)
    assert len({form.profile for form in OfferForm}) == 5
