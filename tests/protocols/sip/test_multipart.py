"""Multipart bodies (RFC 2046 §5.1, RFC 5621)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.sip.headers import Headers
from offhook.protocols.sip.message import Response
from offhook.protocols.sip.multipart import (
    Part,
    compose_multipart,
    find_body,
    split_multipart,
)
from offhook.protocols.sip.parse import parse_message
from offhook.protocols.sip.values import MediaType

TORTURE = Path(__file__).parents[2] / "data" / "rfc4475" / "mpart01.dat"
MIXED = MediaType("multipart", "mixed", (("boundary", "b1"),))
SDP = b"v=0\r\ns=-\r\n"
SDP_PART = Part(Headers([("Content-Type", "application/sdp")]), SDP)
TEXT_PART = Part(Headers(), b"Hello")


def message(body: bytes, content_type: str) -> Response:
    return Response(200, "OK", Headers([("Content-Type", content_type)]), body)


def test_the_torture_message_has_a_text_and_a_binary_part() -> None:
    torture = parse_message(TORTURE.read_bytes())
    assert torture.content_type is not None
    text, binary = split_multipart(torture.content_type, torture.body)
    assert (text.content_type.name, text.content) == ("text/plain", b"Hello")
    assert binary.content_type.name == "application/octet-stream"
    assert binary.headers.get("Content-Transfer-Encoding") == "binary"
    assert binary.content.startswith(bytes.fromhex("3082015206092A86"))
    assert binary.content.endswith(bytes.fromhex("C99D005"[1:]))
    assert binary.content.count(b"\x00") > 0


def test_preamble_epilogue_folds_and_space_after_the_boundary_do_no_harm() -> None:
    body = (
        b"ignored\r\n--b1 \t\r\nContent-Type: application/sdp;\r\n charset=utf-8\r\n\r\n"
        + SDP
        + b"\r\n--b1\r\n\r\nHello\r\n--b1--\r\nignored --b1\r\n--b1"
    )
    sdp, text = split_multipart(MIXED, body)
    assert sdp.content == SDP
    assert sdp.content_type.parameter("charset") == "utf-8"
    assert text.content == b"Hello"
    assert text.content_type.name == "text/plain"


def test_a_line_that_only_begins_like_the_boundary_is_content() -> None:
    body = b"--b1\r\n\r\na\r\n--b1x\r\nb--b1\r\n--b1--"
    (part,) = split_multipart(MIXED, body)
    assert part.content == b"a\r\n--b1x\r\nb--b1"


def test_a_part_may_be_empty_or_have_no_content() -> None:
    assert split_multipart(MIXED, b"--b1\r\n\r\n--b1\r\nA: b\r\n--b1--") == [
        Part(),
        Part(Headers([("A", "b")])),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "a multipart body is not closed"),
        (b"--b1\r\n\r\na", "a multipart body is not closed"),
        (b"--b1\r\n\r\na\r\n--b1\r\n", "a multipart body is not closed"),
        (b"--b1\r\n\r\na\r\n--b2--", "a multipart body is not closed"),
        (b"--b1\r\nbad\r\n\r\na\r\n--b1--", "a header field of a body part is malformed"),
        (b"--b1\r\na b: c\r\n\r\n\r\n--b1--", "a header field of a body part is malformed"),
        (b"--b1\r\na: \x00\r\n\r\n\r\n--b1--", "a header field of a body part is malformed"),
        (b"--b1\r\na: b\nc: d\r\n\r\n\r\n--b1--", "a header field of a body part is malformed"),
        (b"--b1\r\na: \xff\r\n\r\n\r\n--b1--", "the head of a body part is not UTF-8"),
        (b"--b1\r\n\r\n\r\n" * 17 + b"--b1--", "a multipart body has too many parts"),
    ],
)
def test_a_malformed_multipart_body_is_refused_with_400(body: bytes, reason: str) -> None:
    with pytest.raises(PeerError) as caught:
        split_multipart(MIXED, body)
    assert (caught.value.reason, caught.value.status) == (reason, 400)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain;boundary=b1",
        "multipart/mixed",
        'multipart/mixed;boundary=""',
        'multipart/mixed;boundary="b "',
        'multipart/mixed;boundary="a\\"b"',
        f"multipart/mixed;boundary={'b' * 71}",
    ],
)
def test_without_a_boundary_there_are_no_parts(content_type: str) -> None:
    with pytest.raises(PeerError, match="has no boundary"):
        split_multipart(MediaType.parse(content_type), b"--b1--")


@pytest.mark.parametrize(
    ("body", "content_type", "found"),
    [
        (SDP, "application/sdp", SDP),
        (SDP, "Application/SDP;charset=utf-8", SDP),
        (SDP, "text/plain", None),
        (b"", "application/sdp", None),
        (compose_multipart([TEXT_PART, SDP_PART], "b1"), "multipart/mixed;boundary=b1", SDP),
        (compose_multipart([SDP_PART], "a b"), 'multipart/alternative;boundary="a b"', SDP),
        (compose_multipart([TEXT_PART], "b1"), "multipart/mixed;boundary=b1", None),
    ],
)
def test_sdp_is_found_alone_or_within(body: bytes, content_type: str, found: bytes | None) -> None:
    assert find_body(message(body, content_type), "application/sdp") == found


def nested(depth: int) -> bytes:
    part = SDP_PART
    for level in range(depth):
        content = compose_multipart([part], f"b{level}")
        part = Part(Headers([("Content-Type", f"multipart/mixed;boundary=b{level}")]), content)
    return part.content


@pytest.mark.parametrize(("depth", "found"), [(1, SDP), (3, SDP), (4, None), (40, None)])
def test_multipart_within_multipart_is_searched_three_deep(depth: int, found: bytes | None) -> None:
    content_type = f"multipart/mixed;boundary=b{depth - 1}"
    assert find_body(message(nested(depth), content_type), "application/sdp") == found


def test_without_content_type_no_body_is_found() -> None:
    assert find_body(Response(200, "OK", Headers(), SDP), "application/sdp") is None


def test_parts_of_our_own_can_not_break_out() -> None:
    with pytest.raises(LocalError):
        compose_multipart([Part(Headers(), b"a\r\n--b1--\r\n")], "b1")
    with pytest.raises(LocalError):
        compose_multipart([Part(Headers([("A", "b\r\nEvil: 1")]))], "b1")
    with pytest.raises(LocalError):
        compose_multipart([Part(Headers([("A b", "c")]))], "b1")
    with pytest.raises(LocalError):
        compose_multipart([], "b\r\n")


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_what_is_composed_is_split_into_the_same(contents: list[bytes]) -> None:
    parts = [Part(Headers([("Content-Type", "a/b")]), content) for content in contents]
    boundary = "offhook-boundary"
    assert (
        split_multipart(
            MediaType("multipart", "mixed", (("boundary", boundary),)),
            compose_multipart(parts, boundary),
        )
        == parts
    )


@settings(deadline=None)
@given(st.text("-b1\r\nA: x", max_size=60).map(str.encode) | st.binary(max_size=60))
def test_any_body_is_parts_or_a_peer_error(body: bytes) -> None:
    try:
        split_multipart(MIXED, body)
    except PeerError:
        return


@pytest.mark.parametrize(
    "unit", [b"\r\n--b1", b"\r\n--b1 ", b"\r\n", b" ", b"--b1\t", b"\r\n--b1\r\n"]
)
def test_64_kib_of_boundaries_are_refused_at_once(unit: bytes) -> None:
    with pytest.raises(PeerError):
        split_multipart(MIXED, (unit * 65536)[:65000])
