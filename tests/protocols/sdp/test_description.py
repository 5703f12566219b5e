from __future__ import annotations

import contextlib
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.sdp.ends import SAMPLES, sample

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.sdp.description import LIMITS, Limits, parse_sdp, serialise_sdp
from offhook.protocols.sdp.errors import BadSdp
from offhook.protocols.sdp.records import (
    Attribute,
    Connection,
    MediaDescription,
    Origin,
    SessionDescription,
)

HEAD = b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"

DEFECTS = {
    "attribute-with-space-in-name": "line 7: a= takes a name, and a value after a colon",
    "attribute-without-name": "line 7: a= takes a name, and a value after a colon",
    "bare-cr": "line 7: a CR without LF",
    "blank-line-inside": "line 6: not of the form letter=value",
    "connection-of-two-fields": "line 4: c= takes network, address type and address",
    "empty": "line 1: not of the form letter=value",
    "format-no-token": "line 6: a format that is no token",
    "media-port-70000": "line 6: the port is beyond 65535",
    "media-port-negative": "line 6: m= takes media, port, profile and formats",
    "media-port-of-letters": "line 6: m= takes media, port, profile and formats",
    "media-without-formats": "line 6: m= takes media, port, profile and formats",
    "no-origin": "does not begin with v=, o= and s=",
    "no-session-name": "does not begin with v=, o= and s=",
    "no-time": "no t= line in the session's part",
    "no-version": "does not begin with v=, o= and s=",
    "nul": "a NUL octet",
    "origin-number-of-3000-digits": (
        "line 2: o= takes a user, two numbers, network, address type and address"
    ),
    "origin-of-five-fields": (
        "line 2: o= takes a user, two numbers, network, address type and address"
    ),
    "origin-with-letters-for-numbers": (
        "line 2: o= takes a user, two numbers, network, address type and address"
    ),
    "origin-within-media": "line 7: no o= line belongs in a media section",
    "second-description": "line 7: no v= line belongs in a media section",
    "space-before-equals": "line 7: not of the form letter=value",
    "time-of-one-number": "line 5: t= takes two numbers",
    "time-within-media": "line 7: no t= line belongs in a media section",
    "two-connections": "line 5: a second c= line in the same section",
    "unknown-letter": "line 7: no x= line belongs in a media section",
    "version-1": "line 1: the version is not 0",
}


def test_every_malformed_sample_is_in_the_table() -> None:
    names = {each.stem.removeprefix("malformed-") for each in SAMPLES.glob("malformed-*.sdp")}
    assert names == set(DEFECTS)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_malformed_description_is_refused_with_its_defect(name: str) -> None:
    with pytest.raises(BadSdp) as refusal:
        parse_sdp(sample(f"malformed-{name}"))
    assert (refusal.value.detail, refusal.value.status) == (DEFECTS[name], 400)
    assert refusal.value.reason == f"The session description can't be read: {DEFECTS[name]}."


def test_the_malformed_samples_are_well_formed_but_for_their_defect() -> None:
    healed = sample("malformed-unknown-letter").replace(b"x=1", b"a=sendrecv")
    assert parse_sdp(healed).media[0].has("sendrecv")


@pytest.mark.parametrize("name", sorted(each.stem for each in SAMPLES.glob("offer-*.sdp")))
def test_what_a_peer_sends_survives_writing_and_reading_again(name: str) -> None:
    description = parse_sdp(sample(name))
    assert parse_sdp(serialise_sdp(description)) == description


def test_a_description_is_read_with_its_sections() -> None:
    description = parse_sdp(sample("offer-pjsua-mandatory"))
    audio = description.media[0]
    assert description.origin == Origin(3948551230, 3948551230, "192.0.2.50")
    assert (description.name, description.connection) == ("pjmedia", None)
    assert description.value("X-nat") == "0"
    assert (audio.media, audio.port, audio.profile) == ("audio", 4000, "RTP/SAVP")
    assert audio.formats[:2] == ("98", "97")
    assert description.connection_of(audio) == Connection("IN", "IP4", "192.0.2.50")
    assert audio.value("rtcp") == "4001 IN IP4 192.0.2.50"
    assert len(list(audio.values("crypto"))) == 2


@pytest.mark.parametrize(
    "data",
    [
        HEAD.replace(b"\r\n", b"\n"),
        HEAD.removesuffix(b"\r\n"),
        HEAD + b"\r\n\r\n",
        HEAD.replace(b"\r\n", b" \r\n"),
    ],
    ids=["lines end in LF", "the last line has no end", "blank lines after", "trailing blanks"],
)
def test_harmless_line_ends_are_taken(data: bytes) -> None:
    assert parse_sdp(data) == parse_sdp(HEAD)


def test_lines_without_use_here_are_read_over() -> None:
    description = parse_sdp(
        b"v=0\r\no=- 1 2 IN IP4 h\r\ns=\r\ni=\xff\xfe\r\nu=http://a.test/\r\ne=a@b.test\r\n"
        b"p=+1 617 555-6011\r\nb=AS:64.5\r\nb=X-YZ:128\r\nt=3724394400 3724398000\r\nt=0 0\r\n"
        b"r=7d 1h 0 25h\r\nz=3730928400 -1h\r\nk=clear:secret\r\na=foo\r\na=bar:\r\n"
        b"m=audio 4 RTP/SAVP 8\r\na=x-new:1\r\ni=title\r\nb=AS:64\r\nk=prompt\r\n"
    )
    assert description.timing == "3724394400 3724398000"
    assert (description.value("foo"), description.value("bar")) == ("", "")
    assert description.value("baz") is None
    assert description.has_key_field
    assert description.media[0].has_key_field
    assert "secret" not in repr(description)


def test_the_order_of_optional_lines_is_not_enforced() -> None:
    description = parse_sdp(
        b"v=0\r\no=- 1 2 IN IP4 h\r\ns=-\r\na=sendonly\r\nt=0 0\r\nb=AS:1\r\nc=IN IP4 192.0.2.1\r\n"
    )
    assert description.has("sendonly")
    assert description.connection == Connection("IN", "IP4", "192.0.2.1")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (HEAD + b"a=" + b"x" * LIMITS.octets, "more than 32768 octets"),
        (HEAD + b"i=x\r\n" * LIMITS.lines, "more than 1000 lines"),
        (HEAD + b"a=" + b"x" * LIMITS.line_octets, "line 5: more than 4096 octets"),
        (HEAD + b"m=audio 0 RTP/SAVP 8\r\n" * 17, "more than 16 media sections"),
        (HEAD + b"a=x\r\n" * 257, "more than 256 attributes in a section"),
        (HEAD + b"m=audio 4 RTP/SAVP" + b" 8" * 65, "line 5: more than 64 formats"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_a_peer_can_make_us_hold_is_bounded(data: bytes, detail: str) -> None:
    with pytest.raises(BadSdp) as refusal:
        parse_sdp(data)
    assert (refusal.value.detail, refusal.value.status) == (detail, 488)


def test_up_to_its_bounds_a_description_is_read() -> None:
    media = b"m=audio 0 RTP/SAVP" + b" 8" * 64 + b"\r\n" + b"a=x\r\n" * 60
    description = parse_sdp(HEAD + b"a=x\r\n" * 16 + media * 16)
    assert [len(each.attributes) for each in description.media] == [60] * 16


@pytest.mark.parametrize(
    ("octets", "lines", "line_octets", "detail"),
    [
        (43, 4, 24, None),
        (42, 4, 24, "more than 42 octets"),
        (43, 3, 24, "more than 3 lines"),
        (43, 4, 23, "line 2: more than 23 octets"),
    ],
)
def test_a_bound_is_kept_to_the_octet(
    octets: int, lines: int, line_octets: int, detail: str | None
) -> None:
    limits = Limits(octets=octets, lines=lines, line_octets=line_octets)
    if detail is None:
        assert parse_sdp(HEAD, limits) == parse_sdp(HEAD)
        return
    with pytest.raises(BadSdp) as refusal:
        parse_sdp(HEAD, limits)
    assert refusal.value.detail == detail


def test_the_worst_description_within_bounds_is_read_quickly() -> None:
    # The slowest shapes known: long runs that nearly match the m= and o= patterns.
    near_misses = [
        HEAD + b"m=audio 4 " + b"A/" * 2_000 + b"\r\n",
        HEAD + b"m=" + b"A" * 4_000 + b"\r\n",
        HEAD.replace(b"o=- 1", b"o=" + b"-" * 4_000 + b" 1"),
        HEAD + (b"a=" + b"x" * 30 + b"\r\n") * 250 + b"a=\r\n",
    ]
    began = time.monotonic()
    for data in near_misses:
        try:
            parse_sdp(data)
        except BadSdp:
            continue
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    "broken",
    [
        SessionDescription(Origin(1, 1, "h"), (), name="a\r\nm=audio 4 RTP/AVP 8"),
        SessionDescription(Origin(1, 1, "h"), (), attributes=(Attribute("x", "a\nb"),)),
        SessionDescription(Origin(1, 1, "h"), (), attributes=(Attribute("x\0"),)),
        SessionDescription(Origin(1, 1, "h\r"), ()),
        SessionDescription(Origin(1, 1, "h"), (), name="\udc80"),
        SessionDescription(Origin(1, 1, "h"), (MediaDescription("audio", 1, "RTP\n", ("8",)),)),
    ],
    ids=["name", "value", "attribute", "origin", "surrogate", "profile"],
)
def test_nothing_that_breaks_its_line_is_written(broken: SessionDescription) -> None:
    with pytest.raises(LocalError, match=r"within the .= line"):
        serialise_sdp(broken)


def test_ports_and_ipv6_are_written_as_the_grammar_has_them() -> None:
    section = MediaDescription("audio", 4, "RTP/SAVP", ("8", "0"), port_count=2)
    description = SessionDescription(Origin(1, 2, "2001:db8::1", "me"), (section,))
    assert serialise_sdp(description) == (
        b"v=0\r\no=me 1 2 IN IP6 2001:db8::1\r\ns=-\r\nt=0 0\r\nm=audio 4/2 RTP/SAVP 8 0\r\n"
    )


def test_an_origin_is_fresh_and_its_version_rises() -> None:
    origin = Origin.fresh(SeededRandomness("origin"), "192.0.2.1")
    assert origin != Origin.fresh(SeededRandomness("another"), "192.0.2.1")
    assert 0 <= origin.session_id < 2**62
    assert origin.raised() == Origin(origin.session_id, 2, "192.0.2.1")


def test_no_repr_shows_a_key() -> None:
    data = sample("offer-every-keying")
    shown = repr(parse_sdp(data))
    keys = re.findall(r"inline:(\S+)", data.decode())
    assert len(keys) == 3
    assert not any(key in shown for key in [*keys, "asd88fgpdd777uzjYhagZg"])
    assert shown.count("•••") == 4


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    for each in (data, HEAD + data, HEAD + b"m=audio 4 RTP/SAVP 8\r\n" + data):
        with contextlib.suppress(BadSdp):
            parse_sdp(each)


def without_key_fields(description: SessionDescription) -> SessionDescription:
    """Of a `k=` line only that it was there is kept: it is not written again."""
    media = tuple(replace(each, has_key_field=False) for each in description.media)
    return replace(description, media=media, has_key_field=False)


@given(
    name=st.sampled_from(sorted(each.stem for each in SAMPLES.glob("*.sdp"))),
    place=st.integers(0, 3000),
    junk=st.binary(max_size=8),
    dropped=st.integers(0, 40),
)
def test_samples_with_random_damage_are_read_or_refused(
    name: str, place: int, junk: bytes, dropped: int
) -> None:
    data = sample(name)
    try:
        description = parse_sdp(data[:place] + junk + data[place + dropped :])
    except BadSdp:
        return
    assert parse_sdp(serialise_sdp(description)) == without_key_fields(description)
