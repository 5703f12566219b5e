"""Descriptions with one defect in their keys, as files named by it: each is refused by its rule.

Each file is one of the sound ones (`base-…`) but for its defect. They are tried as the first offer
and as the answer to an offer with every keying, and again within a session of the same keying.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace

import pytest
from tests.protocols.sdp.ends import FULL, OUR_ORIGIN, SAMPLES, US, lines, sample

from offhook.protocols.keying.methods import Keying
from offhook.protocols.sdp.negotiation import (
    Agreement,
    Unacceptable,
    choose,
    make_answer,
    make_offer,
    make_reoffer,
    read_answer,
)

OUR_OFFER = make_offer(US, FULL, OUR_ORIGIN)
BASES = {"dtls": Keying.DTLS, "sdes": Keying.SDES, "zrtp": Keying.ZRTP}

_BOTH: dict[str, dict[str, str]] = {
    "dtls": {
        "fingerprint-missing": "no-keys",
        "fingerprint-of-sha-1": "fingerprint-hash",
        "fingerprint-of-md5": "fingerprint-hash",
        "fingerprint-cut-short": "fingerprint-length",
        "fingerprint-too-long": "fingerprint-length",
        "fingerprint-without-colons": "fingerprint-syntax",
        "fingerprint-no-hexadecimal": "fingerprint-syntax",
        "fingerprint-without-hash-name": "fingerprint-syntax",
        "fingerprint-empty": "fingerprint-syntax",
        "fingerprint-of-our-own": "key-echoed",
        "setup-missing": "setup",
        "setup-holdconn": "setup",
        "setup-unknown": "setup",
        "setup-empty": "setup",
        "no-rtp-under-dtls": "profile",
        "no-codec-under-dtls": "codec",
        "two-ports-under-dtls": "port",
    },
    "sdes": {
        "suite-null": "crypto-suite-forbidden",
        "suite-f8": "crypto-suite-forbidden",
        "suite-of-192-bits": "crypto-suite-unknown",
        "suite-named-the-wrong-way": "crypto-suite-unknown",
        "suite-of-a-short-tag": "crypto-suite-short-tag",
        "suite-outside-the-policy": "crypto-suite-not-allowed",
        "srtp-unencrypted": "crypto-unencrypted",
        "srtcp-unencrypted": "crypto-unencrypted",
        "srtp-unauthenticated": "crypto-unauthenticated",
        "key-derivation-rate": "crypto-key-derivation-rate",
        "forward-error-correction": "crypto-forward-error-correction",
        "window-of-one": "crypto-window-size-hint",
        "parameter-unknown": "crypto-session-parameter",
        "key-cut-short": "crypto-key-length",
        "key-too-long": "crypto-key-length",
        "key-of-zeros": "crypto-key-zero",
        "key-no-base64": "crypto-base64",
        "key-elsewhere": "crypto-key-method",
        "two-master-keys": "crypto-several-keys",
        "lifetime-of-a-thousand": "crypto-lifetime",
        "lifetime-beyond-the-suite": "crypto-lifetime",
        "key-identifier-malformed": "crypto-master-key-identifier",
        "tag-of-ten-digits": "crypto-syntax",
        "tag-missing": "crypto-syntax",
        "key-of-our-own": "key-echoed",
        "keys-for-the-session-only": "no-keys",
        "keys-removed": "no-keys",
        "keys-removed-and-plain-named": "no-keys",
    },
    "zrtp": {
        "zrtp-hash-cut-short": "no-keys",
        "zrtp-hash-no-hexadecimal": "no-keys",
        "zrtp-hash-without-version": "no-keys",
        "zrtp-hash-of-version-2": "no-keys",
        "zrtp-hash-empty": "no-keys",
        "zrtp-hash-of-our-own": "key-echoed",
        "zrtp-hash-alone-under-dtls": "no-keys",
        "zrtp-hash-removed": "no-keys",
    },
}
"""Files of this name there are as an offer and as an answer, and the same rule refuses both."""
_OFFERS: dict[str, dict[str, str]] = {
    "dtls": {
        "port-0": "no-audio",
    },
    "sdes": {
        "mikey-instead": "keying-unknown",
        "key-line-instead": "keying-unknown",
        "tag-twice": "crypto-tag-repeated",
    },
    "zrtp": {},
}
_ANSWERS: dict[str, dict[str, str]] = {
    "dtls": {
        "port-0": "port",
        "setup-actpass": "setup",
        "both-dtls-and-sdes": "two-methods",
        "both-dtls-and-mikey": "two-methods",
        "both-dtls-and-a-key-line": "two-methods",
        "dtls-for-the-session-and-sdes": "two-methods",
    },
    "sdes": {
        "mikey-instead": "keying-not-offered",
        "key-line-instead": "keying-not-offered",
        "both-sdes-and-mikey": "two-methods",
        "tag-never-offered": "crypto-tag",
        "tag-0-never-offered": "crypto-tag",
        "tag-of-another-suite": "crypto-suite",
        "two-crypto-lines": "several-crypto",
        "stream-made-video": "media-type",
        "a-plain-stream-beside": "media-lines",
        "zrtp-hash-of-our-own-beside-keys": "key-echoed",
    },
    "zrtp": {},
}

CASES = [
    (side, base, defect, rule)
    for side, table in (("offer", _OFFERS), ("answer", _ANSWERS))
    for base in BASES
    for defect, rule in (_BOTH[base] | table[base]).items()
]
IDS = [f"{side} {defect}" for side, _, defect, _ in CASES]


def take(side: str, description: bytes) -> Agreement:
    """What is agreed with that offer, or with that answer to ours."""
    if side == "answer":
        return read_answer(OUR_OFFER, description, US, FULL)
    return make_answer(choose(description, FULL), US, OUR_ORIGIN)[1]


def take_later(side: str, base: str, description: bytes) -> Agreement:
    """The same within a session that the sound description began."""
    sound = sample(f"base-{side}-{base}")
    if side == "answer":
        first = read_answer(OUR_OFFER, sound, US, FULL)
        again = make_reoffer(OUR_OFFER, first, US, FULL)
        return read_answer(again, description, US, FULL, first)
    _, first = make_answer(choose(sound, FULL), US, OUR_ORIGIN)
    ours = US if first.keys is None else replace(US, crypto=(first.send_keys, *US.crypto))
    return make_answer(choose(description, FULL, first), ours, OUR_ORIGIN.raised())[1]


LATER = {
    "setup-actpass": None,
    "tag-of-another-suite": "crypto-tag",
}
"""What a defect in an answer comes to later, where it is not the same: actpass is then known of
telephones and keeps the roles, and only one suite is offered."""


def test_every_file_with_a_defect_is_in_one_of_the_tables() -> None:
    names = {each.stem for each in SAMPLES.glob("refused-*.sdp")}
    assert names == {f"refused-{side}-{defect}" for side, _, defect, _ in CASES}
    assert sum(side == "offer" for side, *_ in CASES) >= 40
    assert sum(side == "answer" for side, *_ in CASES) >= 40


@pytest.mark.parametrize("side", ["offer", "answer"])
@pytest.mark.parametrize("base", BASES)
def test_control_without_a_defect_each_is_taken(side: str, base: str) -> None:
    assert take(side, sample(f"base-{side}-{base}")).keying is BASES[base]


@pytest.mark.parametrize(("side", "base", "defect", "rule"), CASES, ids=IDS)
def test_a_file_has_its_defect_and_no_other(side: str, base: str, defect: str, rule: str) -> None:
    sound = lines(sample(f"base-{side}-{base}"))
    changed = difflib.ndiff(sound, lines(sample(f"refused-{side}-{defect}")))
    assert 1 <= sum(line[0] in "+-" for line in changed) <= 4, rule


@pytest.mark.parametrize(("side", "base", "defect", "rule"), CASES, ids=IDS)
def test_a_description_with_a_defect_is_refused_by_its_rule(
    side: str, base: str, defect: str, rule: str
) -> None:
    description = sample(f"refused-{side}-{defect}")
    with pytest.raises(Unacceptable) as refusal:
        take(side, description)
    assert (refusal.value.rule, refusal.value.status) == (rule, 488), base
    assert refusal.value.reason.endswith(".")
    for secret in re.findall(rb"(?:inline|uri|clear):([^\r |;]{8,})", description):
        assert secret.decode()[:8] not in f"{refusal.value!r} {refusal.value.reason}"


@pytest.mark.parametrize("side", ["offer", "answer"])
@pytest.mark.parametrize("base", BASES)
def test_control_without_a_defect_each_is_taken_later(side: str, base: str) -> None:
    assert take_later(side, base, sample(f"base-{side}-{base}")).keying is BASES[base]


@pytest.mark.parametrize(("side", "base", "defect", "rule"), CASES, ids=IDS)
def test_a_defect_is_refused_later_too(side: str, base: str, defect: str, rule: str) -> None:
    description = sample(f"refused-{side}-{defect}")
    wanted = LATER.get(defect, rule)
    if wanted is None:
        assert take_later(side, base, description).keying is BASES[base]
        return
    with pytest.raises(Unacceptable) as refusal:
        take_later(side, base, description)
    assert (refusal.value.rule, refusal.value.status) == (wanted, 488)
