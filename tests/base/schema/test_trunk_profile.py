from __future__ import annotations

import typing

import pytest

from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.trunk_profile import (
    CodecName,
    KeyingName,
    MinimumName,
    PacketTime,
    SuiteName,
    TrunkProfile,
    builtin_names,
    builtin_profile,
)
from offhook.base.schema.walker import walk
from offhook.protocols.keying.methods import Keying
from offhook.protocols.keying.sdes_policy import SdesPolicy
from offhook.protocols.keying.srtp_keys import SUITES
from offhook.protocols.media.codecs import KINDS, available_codecs
from offhook.protocols.media.opus import BIT_RATES, COMPLEXITIES, OpusTerms
from offhook.protocols.media.stream import PTIMES_MS
from offhook.protocols.sdp.codecs import CODECS
from offhook.protocols.sdp.negotiation import MediaPolicy, Minimum


@pytest.mark.parametrize("name", builtin_names())
def test_every_builtin_profile_is_sound_and_says_what_it_is(name: str) -> None:
    profile = builtin_profile(name)
    assert profile.profile == name
    assert profile.description


@pytest.mark.parametrize("name", builtin_names())
def test_no_builtin_profile_weakens_digest_certificates_or_tags(name: str) -> None:
    profile = builtin_profile(name)
    assert "MD5" not in profile.digest
    assert not profile.wildcard_certificate
    assert not profile.short_tags


def test_generic_is_there_and_equals_the_schemas_defaults() -> None:
    assert builtin_profile("generic").digest == TrunkProfile().digest
    assert builtin_profile("generic").suites == TrunkProfile().suites


def test_a_table_changes_single_keys_of_the_profile_it_names() -> None:
    changed = walk(TrunkProfile, {"profile": "twilio", "digest": ["MD5", "SHA-256"]})
    assert changed.digest == ("MD5", "SHA-256")
    assert changed.suites == builtin_profile("twilio").suites


def test_a_table_without_a_name_changes_generic() -> None:
    assert walk(TrunkProfile, {"rtcp_mux": False}).profile == "generic"


@pytest.mark.parametrize("name", ["", "../settings", "generic.toml", "no\0name"])
def test_a_name_that_is_no_profile_is_refused_before_any_file_is_read(name: str) -> None:
    with pytest.raises(DocumentInvalid):
        builtin_profile(name)


def test_a_near_miss_is_told_the_name_it_missed() -> None:
    with pytest.raises(DocumentInvalid, match=r'Did you mean "practice"\?'):
        builtin_profile("practise")


@pytest.mark.parametrize("ptime_ms", typing.get_args(PacketTime))
def test_every_packet_time_can_be_offered_and_sent(ptime_ms: int) -> None:
    assert walk(TrunkProfile, {"ptime_ms": ptime_ms}).ptime_ms == ptime_ms
    assert MediaPolicy(ptime_ms=ptime_ms).ptime_ms in PTIMES_MS


@pytest.mark.parametrize(
    "change",
    [
        {"ptime_ms": 0},
        {"ptime_ms": 25},
        {"ptime_ms": 50},
        {"ptime_ms": 120},
        {"opus_bitrate": 5999},
        {"opus_bitrate": 510_001},
        {"opus_bitrate": True},
        {"opus_complexity": -1},
        {"opus_complexity": 11},
    ],
)
def test_what_neither_side_could_send_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DocumentInvalid):
        walk(TrunkProfile, change)


def test_every_suite_and_keying_that_a_profile_may_name_is_one_of_the_protocols() -> None:
    assert set(typing.get_args(SuiteName)) == set(SUITES)
    assert set(typing.get_args(KeyingName)) == {keying.value for keying in Keying}
    assert set(typing.get_args(MinimumName)) == {minimum.value for minimum in Minimum}
    assert TrunkProfile().suites == SdesPolicy().suites
    assert set(TrunkProfile().keyings) == set(typing.get_args(KeyingName))
    assert TrunkProfile().minimum == Minimum.HOP_BY_HOP.value


def test_suites_of_short_tags_take_a_word_of_their_own() -> None:
    short = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]
    assert walk(TrunkProfile, {"suites": short, "short_tags": True}).suites == tuple(short)
    with pytest.raises(DocumentInvalid, match=r"Take AES_CM_128_HMAC_SHA1_32 out, or write short"):
        walk(TrunkProfile, {"suites": short})


@pytest.mark.parametrize("keyings", [["sdes"], ["dtls-srtp"], ["sdes", "dtls-srtp"]])
def test_end_to_end_is_not_demanded_where_nothing_can_reach_it(keyings: list[str]) -> None:
    assert walk(TrunkProfile, {"keyings": keyings}).keyings == tuple(keyings)
    with pytest.raises(DocumentInvalid, match="Only ZRTP is end to end"):
        walk(TrunkProfile, {"keyings": keyings, "minimum": "end to end"})
    with_zrtp = walk(TrunkProfile, {"keyings": [*keyings, "zrtp"], "minimum": "end to end"})
    assert with_zrtp.minimum == "end to end"


@pytest.mark.parametrize(
    "change",
    [
        {"keyings": []},
        {"keyings": ["none"]},
        {"keyings": ["sdes", "sdes"]},
        {"minimum": "none"},
        {"minimum": "plain"},
        {"short_tags": "yes"},
    ],
)
def test_no_profile_leaves_a_call_without_keys(change: dict[str, object]) -> None:
    with pytest.raises(DocumentInvalid):
        walk(TrunkProfile, change)


def test_what_opus_does_by_itself_is_the_same_with_and_without_a_profile() -> None:
    profile = TrunkProfile()
    assert OpusTerms(profile.opus_bitrate, profile.opus_complexity) == OpusTerms()
    for rate in (BIT_RATES[0], BIT_RATES[-1]):
        assert walk(TrunkProfile, {"opus_bitrate": rate}).opus_bitrate == rate
    for complexity in COMPLEXITIES:
        assert walk(TrunkProfile, {"opus_complexity": complexity}).opus_complexity == complexity


def test_every_codec_that_a_profile_may_name_can_be_offered_and_made() -> None:
    names = typing.get_args(CodecName)
    assert TrunkProfile().codecs == names
    assert set(names) == set(CODECS) == set(available_codecs())
    for name in names:
        codec = CODECS[name]
        kind = KINDS[name.upper()]
        assert (codec.encoding, codec.clock_rate, codec.channels) == kind[:3]
