from __future__ import annotations

import pytest

from offhook.base.vocabulary import AudioCodec
from offhook.protocols.sdp.codecs import Formats, read_formats
from offhook.protocols.sdp.description import parse_sdp

BOTH = ("PCMA", "PCMU")


def formats(numbers: str, *attributes: str, encodings: tuple[str, ...] = BOTH) -> Formats:
    text = "".join(f"a={each}\r\n" for each in attributes)
    data = f"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4 RTP/SAVP {numbers}\r\n{text}"
    return read_formats(parse_sdp(data.encode()).media[0], encodings)


def numbers_of(found: Formats) -> list[tuple[str, int]]:
    return [(codec.encoding, codec.payload_type) for codec in found.codecs]


def test_static_payload_types_need_no_rtpmap() -> None:
    assert numbers_of(formats("0 8 9 18")) == [("PCMU", 0), ("PCMA", 8)]


def test_the_sections_own_order_is_kept() -> None:
    assert numbers_of(formats("8 0")) == [("PCMA", 8), ("PCMU", 0)]


def test_a_dynamic_number_may_stand_for_a_static_codec() -> None:
    found = formats("96", "rtpmap:96 pcma/8000/1")
    assert found.codecs == (AudioCodec("PCMA", 96, 8000),)


@pytest.mark.parametrize(
    ("numbers", "rtpmap"),
    [
        ("8", "rtpmap:8 PCMU/8000"),
        ("8", "rtpmap:8 PCMA/16000"),
        ("8", "rtpmap:8 PCMA/8000/2"),
        ("96", "rtpmap:97 PCMA/8000"),
        ("96", "rtpmap:96 PCMA/8000/2"),
        ("x8", "rtpmap:8 PCMA/8000"),
        ("08", "rtpmap:8 PCMA/8000"),
        ("256", "rtpmap:256 PCMA/8000"),
        ("8888888", "rtpmap:8 PCMA/8000"),
        ("*", "rtpmap:8 PCMA/8000"),
    ],
)
def test_a_format_with_another_meaning_is_not_used(numbers: str, rtpmap: str) -> None:
    assert formats(numbers, rtpmap).codecs == ()


def test_only_encodings_of_the_policy_are_used() -> None:
    assert numbers_of(formats("8 0", encodings=("PCMU",))) == [("PCMU", 0)]


def test_telephone_events_go_with_the_codecs_clock_rate() -> None:
    found = formats(
        "8 101 99 100",
        "rtpmap:101 telephone-event/48000",
        "rtpmap:99 telephone-event/16000",
        "rtpmap:100 Telephone-Event/8000",
    )
    assert found.dtmf_payload_type(8000) == 100
    assert formats("8 101", "rtpmap:101 telephone-event/48000").dtmf_payload_type(8000) is None


def test_telephone_events_need_an_rtpmap_and_a_place_among_the_formats() -> None:
    assert formats("8 101").dtmf_payload_type(8000) is None
    assert formats("8", "rtpmap:101 telephone-event/8000").dtmf_payload_type(8000) is None


def test_telephone_events_without_the_keypad_are_not_used() -> None:
    found = formats("8 101", "rtpmap:101 telephone-event/8000", "fmtp:101 66,70")
    assert found.dtmf_payload_type(8000) is None


@pytest.mark.parametrize(
    "fmtp",
    [
        "fmtp",
        "fmtp:",
        "fmtp: ",
        "fmtp:101",
        "fmtp:101 ",
        "fmtp:-1 0-15",
        "fmtp:101 \x01\x02",
        "fmtp:4294967297 0-15",
        "fmtp:101 " + "0-15," * 700,
        "fmtp:101 99999999999999999999-0",
    ],
    ids=repr,
)
def test_cve_2018_1000098_a_bad_fmtp_costs_nothing_but_itself(fmtp: str) -> None:
    found = formats("8 101", "rtpmap:101 telephone-event/8000", fmtp)
    assert numbers_of(found) == [("PCMA", 8)]
    assert found.dtmf_payload_type(8000) == 101


@pytest.mark.parametrize(
    ("numbers", "clash"), [("8", False), ("8 63", False), ("8 64", True), ("8 95", True)]
)
def test_numbers_that_look_like_rtcp_are_noticed(numbers: str, clash: bool) -> None:
    number = numbers.rsplit(maxsplit=1)[-1]
    found = formats(numbers, f"rtpmap:{number} telephone-event/8000" if number != "8" else "x")
    assert found.clashes_with_rtcp() is clash
