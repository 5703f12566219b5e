from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.base.secret import Secret
from offhook.protocols.keying.sdes import SkippedCrypto, format_crypto, parse_crypto
from offhook.protocols.keying.sdes_policy import MOST_LINES, SdesPolicy, fresh_key
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine

CM80, CM32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
GCM, GCM128, CM256 = "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80"


def key(tag: int, suite: str, seed: object = None) -> CryptoLine:
    octets = SeededRandomness(str(seed or (tag, suite))).octets(SUITES[suite].master_length)
    return CryptoLine(tag, SUITES[suite], Secret(octets))


def text(tag: int, suite: str, behind: str = "", seed: object = None) -> str:
    return format_crypto(key(tag, suite, seed)) + behind


def rules(values: list[str], policy: SdesPolicy | None = None) -> list[str]:
    return [
        each.rule if isinstance(each, SkippedCrypto) else each.suite.name
        for each in (policy or SdesPolicy()).read(values)
    ]


def test_without_being_asked_the_four_strong_suites_and_no_short_tag() -> None:
    policy = SdesPolicy()
    assert policy.suites == (GCM, GCM128, CM256, CM80)
    assert not policy.short_tags


@pytest.mark.parametrize(
    ("suites", "short_tags", "reason"),
    [
        ((), False, "at least one"),
        ((GCM, GCM), False, "each suite once"),
        ((GCM, "NULL_HMAC_SHA1_80"), True, "no such suite"),
        ((GCM, CM32), False, "tag of 32 bits"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(
    suites: tuple[str, ...], short_tags: bool, reason: str
) -> None:
    with pytest.raises(LocalError, match=reason):
        SdesPolicy(suites, short_tags=short_tags)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([text(1, "AES_CM_128_HMAC_SHA1_80")], [CM80]),
        ([text(0, GCM), text(9, CM80)], [GCM, CM80]),
        ([text(1, CM32), text(2, CM80)], ["suite-short-tag", CM80]),
        ([text(1, CM80, "|2^99"), text(2, CM80)], ["lifetime", CM80]),
        ([text(1, CM80, "|1:999"), text(2, CM80)], ["master-key-identifier", CM80]),
        ([text(1, GCM, " KDR=1"), text(2, GCM)], ["key-derivation-rate", GCM]),
        ([text(1, GCM, " UNENCRYPTED_SRTCP"), text(2, CM80)], ["unencrypted", CM80]),
        ([text(1, GCM, " NEW_THING"), text(2, CM80)], ["session-parameter", CM80]),
        ([text(1, GCM, "=="), text(2, CM80)], ["base64", CM80]),
        ([text(1, GCM), text(1, CM80), text(2, CM80)], ["tag-repeated", "tag-repeated", CM80]),
        ([text(1, GCM), text(1, "AES_CM_128_HMAC_SHA1_32")], ["tag-repeated"] * 2),
        (["1 NULL_CIPHER x:y", text(1, CM80)], ["tag-repeated", "tag-repeated"]),
        (["", "", text(1, CM80)], ["syntax", "syntax", CM80]),
        ([text(1, CM80, seed="s"), text(2, CM80, seed="s")], [CM80, "key-reused"]),
        (
            [text(1, CM80, " KDR=1", seed="s"), text(2, CM80, seed="s")],
            ["key-derivation-rate", CM80],
        ),
        ([text(1, CM80, "|1:4", seed="s"), text(2, CM80, seed="s")], [CM80, "key-reused"]),
    ],
)
def test_what_cannot_be_done_is_skipped_and_the_next_taken(
    values: list[str], expected: list[str]
) -> None:
    assert rules(values) == expected


def test_a_key_of_one_line_is_not_taken_again_for_another_suite() -> None:
    policy = SdesPolicy((CM80, CM32), short_tags=True)
    again = text(1, CM80, seed="s").replace("1 " + CM80, "2 " + CM32)
    assert rules([text(1, CM80, seed="s"), again], policy) == [CM80, "key-reused"]


def test_short_tags_and_identifiers_are_the_policys_to_allow() -> None:
    values = [text(1, CM32), text(2, CM80, "|2^31|1:4")]
    open_to_all = SdesPolicy((CM80, CM32), short_tags=True)
    assert rules(values, open_to_all) == [CM32, CM80]
    strict = SdesPolicy((CM80,), identifiers=False)
    assert rules(values, strict) == ["suite-short-tag", "identifier-not-allowed"]
    narrow = SdesPolicy((GCM,), short_tags=True)
    assert rules(values, narrow) == ["suite-not-allowed", "suite-not-allowed"]


def test_no_more_lines_than_the_bound_are_read() -> None:
    values = [text(n, CM80) for n in range(MOST_LINES + 5)]
    assert rules(values) == [CM80] * MOST_LINES + ["too-many"] * 5


def test_lines_come_in_the_peers_order_and_the_suite_in_use_first() -> None:
    values = [text(1, CM80), text(2, GCM), text(3, CM256)]
    policy = SdesPolicy()
    assert [line.tag for line in policy.usable(values)] == [1, 2, 3]
    assert [line.tag for line in policy.usable(values, prefer=GCM)] == [2, 1, 3]
    assert [line.tag for line in policy.usable(values, prefer=GCM128)] == [1, 2, 3]


def test_our_own_key_sent_back_is_left_out() -> None:
    ours = key(7, CM80)
    values = [format_crypto(ours), text(2, CM80)]
    assert [line.tag for line in SdesPolicy().usable(values, own=[ours])] == [2]


def test_no_reason_quotes_the_key() -> None:
    secret = text(1, CM80).split(":")[1]
    values = [text(1, CM80, behind) for behind in ("|2^99", "=", "|0:4", " KDR=1", "|1:4|", ";")]
    for value in values:
        (read,) = SdesPolicy(identifiers=False).read([value])
        assert isinstance(read, SkippedCrypto)
        assert secret[:6] not in f"{read}"


@given(st.lists(st.text() | st.integers(0, 3).map(lambda tag: text(tag, CM80)), max_size=40))
def test_no_texts_make_it_raise_and_what_is_taken_is_unambiguous(values: list[str]) -> None:
    read = SdesPolicy().read(values)
    assert len(read) == len(values)
    taken = [line for line in read if isinstance(line, CryptoLine)]
    assert len({line.tag for line in taken}) == len(taken)
    assert all(
        parse_crypto(value) == line
        for value, line in zip(values, read, strict=True)
        if line in taken
    )


def test_a_fresh_key_is_none_that_was_used() -> None:
    first = fresh_key(SUITES[GCM], SeededRandomness(1), 1)
    assert len(first.master) == 44
    with pytest.raises(LocalError, match="used before"):
        fresh_key(SUITES[GCM], SeededRandomness(1), 2, [first])
    assert fresh_key(SUITES[GCM], SeededRandomness(2), 2, [first]).master != first.master
