"""Compound RTCP."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError, PeerError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.media.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPart,
    SenderReport,
    SourceDescription,
    middle_bits,
    ntp_time,
    parse_compound,
    report_interval,
    serialise_compound,
)
from offhook.protocols.media.rtp import ReceptionReport

WORD = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.lists(
    st.builds(
        ReportBlock,
        WORD,
        st.builds(ReceptionReport, st.integers(0, 255), st.integers(0, 0xFFFFFF), WORD, WORD),
        WORD,
        WORD,
    ),
    max_size=31,
).map(tuple)
REPORTS: st.SearchStrategy[RtcpPart] = st.one_of(
    st.builds(ReceiverReport, WORD, BLOCKS),
    st.builds(SenderReport, WORD, st.integers(0, (1 << 64) - 1), WORD, WORD, WORD, BLOCKS),
)
NAMES = st.text(st.characters(codec="ascii"), max_size=100)
OTHERS: st.SearchStrategy[RtcpPart] = st.one_of(
    st.builds(SourceDescription, WORD, NAMES),
    st.builds(Goodbye, st.lists(WORD, max_size=31).map(tuple), NAMES),
)


@given(REPORTS, st.lists(OTHERS, max_size=4))
def test_what_is_written_is_read(report: RtcpPart, others: list[RtcpPart]) -> None:
    data = serialise_compound(report, *others)
    assert len(data) % 4 == 0
    assert parse_compound(data) == [report, *others]


@given(st.binary(max_size=200))
def test_no_octets_do_worse_than_a_peer_error(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        parse_compound(data)


@given(st.data())
def test_no_changed_octet_does_worse_than_a_peer_error(data: st.DataObject) -> None:
    block = ReportBlock(1, ReceptionReport(0, 0, 0, 0), 0, 0)
    made = bytearray(
        serialise_compound(
            SenderReport(1, 2, 3, 4, 5, (block,)), SourceDescription(1, "abc"), Goodbye((1,), "bye")
        )
    )
    made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PeerError):
        parse_compound(bytes(made))


def test_a_compound_starts_with_a_report() -> None:
    with pytest.raises(LocalError):
        serialise_compound(Goodbye((1,)))
    with pytest.raises(LocalError):
        serialise_compound()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "empty"),
        ("80c9", "cut off"),
        ("40c9000100000001", "version"),
        ("81cb000100000001", "does not start"),
        ("a0c9000100000001", "does not start"),
        ("80c9000200000001", "leads out"),
        ("81c9000100000001", "shorter than its counts"),
        ("80c800010000000a", "shorter than its counts"),
        ("80c900010000000181ca0002000000010109aabb", "item is cut off"),
    ],
)
def test_defects_are_the_peers_error(data: str, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        parse_compound(bytes.fromhex(data))


def test_unknown_packet_types_are_stepped_over() -> None:
    feedback = bytes.fromhex("81cd000200000001000000ff")
    data = serialise_compound(ReceiverReport(1)) + feedback + serialise_compound(ReceiverReport(2))
    assert parse_compound(data) == [ReceiverReport(1), ReceiverReport(2)]


def test_the_interval_is_that_of_rfc_3550_6_3_1() -> None:
    randomness = SeededRandomness(1)
    later = [report_interval(randomness, initial=False) for _ in range(200)]
    first = [report_interval(randomness, initial=True) for _ in range(200)]
    assert 2.5 / 1.21828 <= min(later) < max(later) <= 7.5 / 1.21828
    assert 1.25 / 1.21828 <= min(first) < max(first) <= 3.75 / 1.21828


def test_the_middle_of_an_ntp_time_is_in_65536ths_of_a_second() -> None:
    assert middle_bits(ntp_time(3.5)) == 3 * 65536 + 32768
