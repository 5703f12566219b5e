from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocols.sdp.attributes import (
    Direction,
    RtpMap,
    names_keypad_events,
    read_direction,
    read_fmtp,
    read_ms,
    read_rtcp,
    read_rtpmaps,
)
from offhook.protocols.sdp.records import (
    Attribute,
    Connection,
    MediaDescription,
    Origin,
    SessionDescription,
)

READERS = ("rtpmap", "fmtp", "ptime", "maxptime", "rtcp", "sendonly", "crypto")


def audio(*attributes: str) -> MediaDescription:
    pairs = (each.partition(":") for each in attributes)
    return MediaDescription(
        "audio",
        4000,
        "RTP/SAVP",
        ("8",),
        tuple(Attribute(name, value if colon else None) for name, colon, value in pairs),
    )


def session(*attributes: str) -> SessionDescription:
    return SessionDescription(Origin(1, 1, "h"), (), attributes=audio(*attributes).attributes)


@pytest.mark.parametrize(
    ("session_level", "media_level", "direction"),
    [
        ((), (), Direction.SENDRECV),
        (("sendonly",), (), Direction.SENDONLY),
        (("sendonly",), ("recvonly",), Direction.RECVONLY),
        ((), ("inactive", "sendrecv"), Direction.INACTIVE),
        (("inactive",), ("sendrecv",), Direction.SENDRECV),
    ],
)
def test_the_direction_nearest_to_the_stream_counts(
    session_level: tuple[str, ...], media_level: tuple[str, ...], direction: Direction
) -> None:
    assert read_direction(session(*session_level), audio(*media_level)) is direction


@pytest.mark.parametrize(
    ("wanted", "offered", "answered"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendrecv", "sendonly", "recvonly"),
        ("sendrecv", "recvonly", "sendonly"),
        ("sendrecv", "inactive", "inactive"),
        ("sendonly", "sendrecv", "sendonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "recvonly", "inactive"),
        ("inactive", "sendrecv", "inactive"),
    ],
)
def test_an_answer_goes_no_further_than_the_offer(wanted: str, offered: str, answered: str) -> None:
    assert Direction(wanted).answering(Direction(offered)) is Direction(answered)


def test_rtpmaps_are_read_and_malformed_ones_are_not() -> None:
    maps = read_rtpmaps(
        audio(
            "rtpmap:8 PCMA/8000",
            "rtpmap:8 PCMU/8000",
            "rtpmap:96 opus/48000/2",
            "rtpmap:97  L16/8000 ",
            "rtpmap:128 PCMA/8000",
            "rtpmap:98 PCMA",
            "rtpmap:99 PCMA/",
            "rtpmap:100",
            "rtpmap",
            "rtpmap:",
            "rtpmap:-1 PCMA/8000",
            "rtpmap:101 PCMA/99999999",
            "rtpmap:\u0661 PCMA/8000",
        )
    )
    assert maps == {
        8: RtpMap(8, "PCMA", 8000),
        96: RtpMap(96, "opus", 48000, 2),
        97: RtpMap(97, "L16", 8000),
    }


def test_an_encoding_is_known_in_any_case_and_only_with_its_rate() -> None:
    entry = RtpMap(96, "pcma", 8000)
    assert entry.names("PCMA", 8000)
    assert not entry.names("PCMA", 16000)
    assert not entry.names("PCMA", 8000, 2)


def test_format_parameters_are_found_by_payload_type() -> None:
    section = audio("fmtp:", "fmtp", "fmtp:101", "fmtp:x 1", "fmtp:96 a=1; b=2 ", "fmtp:101 0-15")
    assert read_fmtp(section, 96) == "a=1; b=2"
    assert read_fmtp(section, 101) == "0-15"
    assert read_fmtp(section, 8) is None


@pytest.mark.parametrize(
    ("parameters", "covered"),
    [
        (None, True),
        ("0-15", True),
        ("0-16", True),
        ("0-15,66,70", True),
        ("events=0-15", True),
        ("0-11,12-15", True),
        ("0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", True),
        ("0-9", False),
        ("0-11", False),
        ("66,70", False),
        ("15-0", False),
        ("", True),
        ("-", True),
        ("0-999999999999", True),
        ("no events", True),
    ],
)
def test_telephone_events_count_if_they_cover_the_keypad(
    parameters: str | None, covered: bool
) -> None:
    assert names_keypad_events(parameters) is covered


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("20", 20),
        ("20.0", 20),
        (" 30 ", 30),
        ("0", None),
        ("-20", None),
        ("", None),
        ("abc", None),
        ("999999", None),
        ("2e1", None),
    ],
)
def test_packet_times_are_whole_ms_or_nothing(value: str, ms: int | None) -> None:
    assert read_ms(audio(f"ptime:{value}"), "ptime") == ms
    assert read_ms(audio(), "ptime") is None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("4001", (4001, None)),
        ("4001 IN IP6 2001:db8::1", (4001, Connection("IN", "IP6", "2001:db8::1"))),
        ("4001 IN IP4", None),
        ("port", None),
        ("", None),
    ],
)
def test_rtcp_has_a_port_and_maybe_an_address(
    value: str, read: tuple[int, Connection | None] | None
) -> None:
    assert read_rtcp(audio(f"rtcp:{value}")) == read


@given(st.sampled_from(READERS), st.text(max_size=60))
def test_no_attribute_value_makes_a_reader_raise(name: str, value: str) -> None:
    section = audio(f"{name}:{value}")
    read_rtpmaps(section)
    read_fmtp(section, 101)
    read_ms(section, "ptime")
    read_rtcp(section)
    names_keypad_events(value)
