"""SRTP against the RFCs' vectors, against SRTP by hand, and its bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.media.link import ALL_SUITES, key
from tests.protocols.media.srtp_by_hand import ByHand, derive

from offhook.base.errors import LocalError, PeerError
from offhook.base.secret import Secret
from offhook.protocols.keying.srtp_keys import (
    CryptoLine,
    CryptoSuite,
)
from offhook.protocols.media.rtcp import ReceiverReport, SourceDescription, serialise_compound
from offhook.protocols.media.rtp import MAX_PACKET, RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import MAX_SOURCES, Protector, Unprotector, check_keys

suites = pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)


def packet(sequence: int = 1, ssrc: int = 0xCAFE, payload: bytes = b"speech" * 20) -> bytes:
    return serialise_rtp(RtpPacket(8, sequence % 65536, 160 * sequence, ssrc, payload))


def compound(ssrc: int = 0xCAFE) -> bytes:
    return serialise_compound(ReceiverReport(ssrc), SourceDescription(ssrc, "x"))


def test_the_hand_derives_keys_as_rfc_3711_b_3() -> None:
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
    salt = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
    assert derive(master, salt, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derive(master, salt, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derive(master, salt, 1, 20).hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"


def test_the_hand_encrypts_as_rfc_7714_16_2_1() -> None:
    hand = ByHand(bytes(range(32)), bytes.fromhex("517569642070726f2071756f"), b"", gcm=True)
    plain = bytes.fromhex(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976"
        "69736120696e207061727465732074726573"
    )
    assert hand.protect(plain).hex() == (
        "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3"
        "b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13"
    )


@suites
def test_what_the_hand_protects_is_unprotected_and_the_other_way_round(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    protector, unprotector = Protector(line), Unprotector(line)
    assert protector.protect(packet()) == ByHand.of(line).protect(packet())
    assert unprotector.unprotect(ByHand.of(line).protect(packet())) == packet()
    ours = protector.protect_rtcp(compound())
    index = int.from_bytes(ours[-4:] if suite.aead else ours[-14:-10], "big")
    assert ours == ByHand.of(line, rtcp=True).protect_rtcp(compound(), index & 0x7FFFFFFF)
    assert unprotector.unprotect_rtcp(ours) == compound()


@suites
def test_srtcp_with_the_e_bit_cleared_is_rejected(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    hand = ByHand.of(line, rtcp=True)
    with pytest.raises(PeerError):
        Unprotector(line).unprotect_rtcp(hand.protect_rtcp(compound(), 1, encrypted=False))
    assert Unprotector(line).unprotect_rtcp(hand.protect_rtcp(compound(), 1)) == compound()


@suites
def test_each_changed_bit_is_rejected(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    protected = Protector(line).protect(packet(payload=b"ab"))
    unprotector = Unprotector(line)
    for bit in range(8 * len(protected)):
        changed = bytearray(protected)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PeerError):
            unprotector.unprotect(bytes(changed))
    assert unprotector.unprotect(protected) == packet(payload=b"ab")


@suites
def test_a_packet_cut_or_lengthened_is_rejected(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    protected, report = Protector(line).protect(packet()), Protector(line).protect_rtcp(compound())
    unprotector = Unprotector(line)
    for length in range(len(protected)):
        with pytest.raises(PeerError):
            unprotector.unprotect(protected[:length])
    for length in range(len(report)):
        with pytest.raises(PeerError):
            unprotector.unprotect_rtcp(report[:length])
    with pytest.raises(PeerError):
        unprotector.unprotect(protected + b"\0")


@suites
def test_a_replay_is_rejected(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    protector, unprotector = Protector(line), Unprotector(line)
    packets = [protector.protect(packet(n)) for n in range(300)]
    reports = [protector.protect_rtcp(compound()) for _ in range(10)]
    for data in packets:
        unprotector.unprotect(data)
    for data in reports:
        unprotector.unprotect_rtcp(data)
    for data in packets:
        with pytest.raises(PeerError, match="replay"):
            unprotector.unprotect(data)
    for data in reports:
        with pytest.raises(PeerError, match="replay"):
            unprotector.unprotect_rtcp(data)


@suites
def test_the_roll_over_counter_counts_over_wraps(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    protector, unprotector, hand = Protector(line), Unprotector(line), ByHand.of(line)
    for sequence in range(0, 3 * 65536, 1000):
        hand.roc = sequence >> 16
        made = protector.protect(packet(sequence))
        assert made == hand.protect(packet(sequence))
        assert unprotector.unprotect(made) == packet(sequence)
    with pytest.raises(PeerError):
        Unprotector(line).unprotect(made)


@pytest.mark.parametrize("length", [0, 1, 16, 29, 31, 32, 44, 46, 64])
def test_a_key_of_another_length_than_the_suites_is_refused(length: int) -> None:
    for suite in ALL_SUITES:
        if length == suite.master_length:
            continue
        line = CryptoLine(1, suite, Secret(bytes(length)))
        with pytest.raises(LocalError, match=f"not {length}$"):
            check_keys(line)
        with pytest.raises(LocalError):
            Protector(line)
        with pytest.raises(LocalError):
            Unprotector(line)


@pytest.mark.parametrize(
    "lying",
    [
        CryptoSuite("AEAD_AES_256_GCM", 16, 14),
        CryptoSuite("AEAD_AES_256_GCM", 30, 14),
    ],
)
def test_a_suite_that_lies_about_its_lengths_is_refused(lying: CryptoSuite) -> None:
    line = CryptoLine(1, lying, Secret(bytes(lying.master_length)))
    for take in (check_keys, Protector, Unprotector):
        with pytest.raises(LocalError, match="44 octets"):
            take(line)


def test_an_error_shows_no_key() -> None:
    line = replace(key("shared"), master=Secret(b"super secret"))
    with pytest.raises(LocalError) as caught:
        Protector(line)
    assert "super" not in str(caught.value)
    assert "super" not in repr(line)


@suites
def test_a_packet_too_big_is_refused_and_the_biggest_passes(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    protector, unprotector = Protector(line), Unprotector(line)
    biggest = packet(payload=bytes(MAX_PACKET - 12))
    assert unprotector.unprotect(protector.protect(biggest)) == biggest
    with pytest.raises(LocalError, match="too big"):
        protector.protect(biggest + b"\0")
    with pytest.raises(LocalError, match="too big"):
        protector.protect_rtcp(bytes(MAX_PACKET))
    with pytest.raises(PeerError):
        unprotector.unprotect(bytes(1501))


def test_the_sources_of_one_key_are_bounded_and_the_known_ones_go_on() -> None:
    line = key("shared")
    protector, unprotector = Protector(line), Unprotector(line)
    for ssrc in range(MAX_SOURCES):
        unprotector.unprotect(protector.protect(packet(1, ssrc)))
    with pytest.raises(PeerError, match="sources"):
        unprotector.unprotect(protector.protect(packet(1, MAX_SOURCES)))
    with pytest.raises(PeerError, match="sources"):
        unprotector.unprotect_rtcp(protector.protect_rtcp(compound(MAX_SOURCES)))
    assert unprotector.unprotect(protector.protect(packet(2, 0))) == packet(2, 0)


def test_forged_sources_take_no_place() -> None:
    line = key("shared")
    unprotector = Unprotector(line)
    for ssrc in range(10 * MAX_SOURCES):
        with pytest.raises(PeerError):
            unprotector.unprotect(packet(1, ssrc))
    assert unprotector.unprotect(Protector(line).protect(packet())) == packet()


@given(st.binary(max_size=1600))
def test_octets_of_a_stranger_never_pass(data: bytes) -> None:
    for suite in ALL_SUITES:
        unprotector = Unprotector(key("shared", suite))
        with pytest.raises(PeerError):
            unprotector.unprotect(data)
        with pytest.raises(PeerError):
            unprotector.unprotect_rtcp(data)


@given(st.binary(max_size=1600), st.sampled_from(ALL_SUITES))
def test_what_one_end_protects_the_other_reads(payload: bytes, suite: CryptoSuite) -> None:
    line = key("shared", suite)
    plain = bytes((0x80, 8, 0, 1)) + bytes(8) + payload
    if len(plain) <= MAX_PACKET:
        assert Unprotector(line).unprotect(Protector(line).protect(plain)) == plain
