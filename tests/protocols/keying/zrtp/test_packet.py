"""The packet around a message, and how a bad one is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocols.keying.zrtp.messages import HELLO_ACK
from offhook.protocols.keying.zrtp.packet import (
    ZrtpPacket,
    crc32c,
    is_zrtp,
    parse_packet,
    serialise_packet,
)
from offhook.protocols.keying.zrtp.refusals import Discarded
from offhook.protocols.keying.zrtp.writing import serialise

GOOD = serialise_packet(ZrtpPacket(7, 0x01020304, serialise(HELLO_ACK)))


def test_the_crc_is_the_one_of_sctp() -> None:
    # The check value of CRC-32C, least significant octet first as RFC 4960 B sends it.
    assert crc32c(b"123456789") == (0xE3069283).to_bytes(4, "little")


def test_a_packet_is_laid_out_as_in_figure_2() -> None:
    assert GOOD[:12] == bytes.fromhex("1000 0007 5a525450 01020304")
    assert GOOD[12:24] == b"\x50\x5a\0\3HelloACK"
    assert len(GOOD) == 28


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(min_size=12, max_size=600))
def test_what_was_written_is_read(sequence: int, source: int, message: bytes) -> None:
    packet = ZrtpPacket(sequence, source, message)
    assert parse_packet(serialise_packet(packet)) == packet


@given(st.integers(0, 8 * len(GOOD) - 1))
def test_no_single_changed_bit_passes(place: int) -> None:
    changed = bytearray(GOOD)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(Discarded):
        parse_packet(bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 11, 12, 16, 27, 1501, 65507])
def test_impossible_lengths_are_discarded(length: int) -> None:
    with pytest.raises(Discarded, match="impossible length"):
        parse_packet((GOOD + bytes(length))[:length] if length < 28 else bytes(length))


@pytest.mark.parametrize(
    ("what", "datagram"),
    [
        ("RTP", bytes([0x80, 0]) + bytes(30)),
        ("STUN", bytes.fromhex("00010000 2112a442") + bytes(12)),
        ("DTLS", bytes([22, 254, 253]) + bytes(30)),
        ("another cookie", GOOD[:4] + b"ZRTQ" + GOOD[8:]),
    ],
)
def test_nothing_else_on_the_port_is_taken_for_zrtp(what: str, datagram: bytes) -> None:
    assert is_zrtp(GOOD)
    assert not is_zrtp(datagram), what
    with pytest.raises(Discarded):
        parse_packet(datagram)


def test_the_unused_bits_of_the_first_word_are_ignored() -> None:
    head = b"\x1f\xff" + GOOD[2:-4]
    assert parse_packet(head + crc32c(head)).message == GOOD[12:-4]
