"""RTP packets and the accounting of a source."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.media.rtp import (
    MAX_PACKET,
    Reception,
    RtpPacket,
    is_rtcp,
    parse_rtp,
    sequence_distance,
    serialise_rtp,
    timestamp_distance,
)

SMALL = st.integers(0, 127)
WORD = st.integers(0, 0xFFFFFFFF)


@given(
    st.builds(
        RtpPacket, SMALL, st.integers(0, 65535), WORD, WORD, st.binary(max_size=200), st.booleans()
    )
)
def test_what_is_written_is_read(packet: RtpPacket) -> None:
    assert parse_rtp(serialise_rtp(packet)) == packet


@given(st.binary(max_size=100))
def test_no_octets_do_worse_than_a_peer_error(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        parse_rtp(data)


def test_csrcs_extension_and_padding_are_read_over() -> None:
    header = bytes.fromhex("b2880001000000a0deadbeef")
    csrcs = bytes(8)
    extension = bytes.fromhex("bede0001") + bytes(4)
    data = header + csrcs + extension + b"voice" + b"\0\0\x03"
    assert parse_rtp(data) == RtpPacket(8, 1, 160, 0xDEADBEEF, b"voice", marker=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("8008000100000000deadbe", "shorter than its header"),
        ("4008000100000000deadbeef", "version"),
        ("8108000100000000deadbeef", "longer than the packet"),
        ("9008000100000000deadbeef", "extension is cut off"),
        ("9008000100000000deadbeefbede0002", "longer than the packet"),
        ("a008000100000000deadbeef00", "padding"),
        ("a008000100000000deadbeefff", "padding"),
    ],
)
def test_lengths_that_lead_out_of_the_packet_are_the_peers_error(data: str, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        parse_rtp(bytes.fromhex(data))


def test_a_payload_too_big_is_our_error() -> None:
    with pytest.raises(LocalError, match="too big"):
        serialise_rtp(RtpPacket(8, 0, 0, 0, bytes(MAX_PACKET)))


def test_rtcp_is_told_from_rtp_by_its_second_octet() -> None:
    assert [is_rtcp(bytes((0x80, second))) for second in (191, 192, 200, 207, 223, 224)] == [
        False, True, True, True, True, False,
    ]  # fmt: skip
    assert not is_rtcp(b"\x80")
    assert not is_rtcp(b"")


@given(st.integers(0, 65535), st.integers(-32768, 32767))
def test_sequence_distance_is_exact_over_the_wrap(older: int, step: int) -> None:
    assert sequence_distance((older + step) % 65536, older) == step


@given(WORD, st.integers(-(1 << 31), (1 << 31) - 1))
def test_timestamp_distance_is_exact_over_the_wrap(older: int, step: int) -> None:
    assert timestamp_distance((older + step) % (1 << 32), older) == step


def arrive(
    reception: Reception | None, sequence: int, now: float, timestamp: int | None = None
) -> Reception:
    timestamp = 160 * sequence if timestamp is None else timestamp
    packet = RtpPacket(8, sequence % 65536, timestamp % (1 << 32), 1, b"")
    reception = reception or Reception(packet, 8000)
    reception.update(packet, now)
    return reception


def test_loss_is_counted_over_the_wrap_and_reported_as_a_fraction() -> None:
    reception = None
    for n in range(65500, 65600):
        if n % 4:
            reception = arrive(reception, n, n * 0.02)
    assert reception is not None
    assert reception.lost == 24
    report = reception.report()
    assert report.cumulative_lost == 24
    assert report.fraction_lost == 256 * 24 // 99
    assert report.highest_sequence == 65599
    assert reception.report().fraction_lost == 0


def test_a_reordered_packet_is_no_loss_and_not_the_newest() -> None:
    packets = [RtpPacket(8, n, 160 * n, 1, b"") for n in (1, 3, 2, 4)]
    reception = Reception(packets[0], 8000)
    assert [reception.update(packet, 0.0) for packet in packets] == [True, True, False, True]
    assert reception.lost == 0


def test_a_jump_of_the_sequence_starts_the_count_anew_and_keeps_what_was_lost() -> None:
    reception = arrive(None, 1, 0.0)
    reception = arrive(reception, 4, 0.1)
    assert reception.lost == 2
    reception = arrive(reception, 20000, 0.2)
    assert reception.lost == 2
    reception = arrive(reception, 20002, 0.2)
    assert reception.lost == 3


def test_jitter_is_that_of_rfc_3550_a_8() -> None:
    reception = arrive(None, 0, 0.0)
    expected = 0.0
    for n in range(1, 200):
        shift = 0.010 if n % 2 else 0.0
        arrive(reception, n, n * 0.02 + shift)
        expected += (80 - expected) / 16
    assert reception.jitter_ms == pytest.approx(expected / 8, rel=0.02)


def test_a_jump_of_the_timestamp_is_no_jitter() -> None:
    reception = arrive(None, 0, 0.0)
    arrive(reception, 1, 0.02, timestamp=0x80000000)
    assert reception.jitter_ms == 0
    arrive(reception, 2, 0.04, timestamp=0x80000000 + 160)
    assert reception.jitter_ms == pytest.approx(0, abs=0.01)
