"""The media gate over re-keys: counters, replay, overlap, identifiers, lifetimes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.media.link import ALL_SUITES, key
from tests.protocols.media.srtp_by_hand import ByHand

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.srtp_keys import (
    AEAD_AES_256_GCM,
    AES_256_CM_HMAC_SHA1_80,
    AES_CM_128_HMAC_SHA1_80,
    MOST_PACKETS,
    CryptoLine,
    CryptoSuite,
)
from offhook.protocols.media.rtcp import ReceiverReport, SourceDescription, serialise_compound
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import Protector, Unprotector, check_keys
from offhook.protocols.media.srtp_gate import MOST_KEPT, OVERLAP_S, REORDERED_S, MediaGate

NOW = 1000.0
SSRC = 0xCAFE
suites = pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)


def packet(sequence: int, ssrc: int = SSRC) -> bytes:
    return serialise_rtp(RtpPacket(8, sequence % 65536, 160 * sequence, ssrc, b"speech" * 5))


def report(ssrc: int = SSRC) -> bytes:
    return serialise_compound(ReceiverReport(ssrc), SourceDescription(ssrc, "x"))


def sealed(line: CryptoLine, sequence: int, *, roc: int | None = None) -> bytes:
    """As a sender makes it whose roll-over counter is `roc`, or counts the wraps of `sequence`."""
    hand = ByHand.of(line)
    hand.roc = sequence >> 16 if roc is None else roc
    return hand.protect(packet(sequence))


def heard_over(line: CryptoLine, *sequences: int) -> MediaGate:
    gate = MediaGate(line)
    for sequence in sequences:
        gate.unprotect(sealed(line, sequence), NOW)
    return gate


def refused(gate: MediaGate, datagram: bytes, now: float = NOW) -> bool:
    try:
        gate.unprotect(datagram, now)
    except PeerError:
        return True
    return False


@suites
def test_an_equal_key_changes_nothing_and_keeps_counter_and_replay_state(
    suite: CryptoSuite,
) -> None:
    line = key("bob", suite)
    gate = heard_over(line, 0, 30_000, 60_000, 66_000)
    assert not gate.rekey(replace(line, tag=7), NOW)
    assert gate.keys is line
    assert gate.confirmed
    assert refused(gate, sealed(line, 66_000))
    assert gate.unprotect(sealed(line, 66_001), NOW) == packet(66_001)


@suites
@pytest.mark.parametrize("highest", [66_000, 131_000, 65_535, 40_000])
@pytest.mark.parametrize("ahead", [1, 600, -3])
def test_a_source_goes_on_over_a_re_key_with_its_roll_over_counter(
    suite: CryptoSuite, highest: int, ahead: int
) -> None:
    old, new = key("bob", suite), key("bob 2", suite)
    gate = heard_over(old, *range(0, highest, 30_000), highest)
    assert gate.rekey(new, NOW)
    assert gate.unprotect(sealed(new, highest + ahead), NOW) == packet(highest + ahead)
    assert gate.unprotect(sealed(new, highest + ahead + 1), NOW) == packet(highest + ahead + 1)
    assert refused(gate, sealed(new, highest + ahead))


@suites
@pytest.mark.parametrize("highest", [66_000, 131_000, 65_535, 40_000])
def test_a_source_that_begins_at_0_with_its_new_key_is_understood_too(
    suite: CryptoSuite, highest: int
) -> None:
    old, new = key("bob", suite), key("bob 2", suite)
    gate = heard_over(old, *range(0, highest, 30_000), highest)
    gate.rekey(new, NOW)
    following = highest + 1
    assert gate.unprotect(sealed(new, following, roc=0), NOW) == packet(following)
    roc = (following % 65536 + 1) >> 16
    assert gate.unprotect(sealed(new, following + 1, roc=roc), NOW) == packet(following + 1)
    assert refused(gate, sealed(new, following, roc=0))


@suites
def test_the_first_packet_under_the_new_key_settles_the_counter(suite: CryptoSuite) -> None:
    old, new = key("bob", suite), key("bob 2", suite)
    gate = heard_over(old, 0, 30_000, 60_000, 66_000)
    gate.rekey(new, NOW)
    gate.unprotect(sealed(new, 66_001), NOW)
    assert refused(gate, sealed(new, 66_002, roc=0), NOW + OVERLAP_S)


@suites
def test_the_counter_goes_on_over_one_re_key_after_the_other(suite: CryptoSuite) -> None:
    lines = [key(f"bob {n}", suite) for n in range(6)]
    gate = heard_over(lines[0], 0)
    sequence = 0
    for line in lines:
        gate.rekey(line, NOW)
        for _ in range(4):
            sequence += 25_000
            assert gate.unprotect(sealed(line, sequence), NOW) == packet(sequence)


@suites
def test_the_highest_index_of_each_source_is_handed_on(suite: CryptoSuite) -> None:
    line = key("bob", suite)
    unprotector = Unprotector(line)
    for sequence in (30_000, 60_000, 66_000, 65_990, 65_930, 66_001, 65_999):
        unprotector.unprotect(sealed(line, sequence))
    with pytest.raises(PeerError):
        unprotector.unprotect(packet(66_400) + bytes(suite.tag_length))
    assert unprotector.highest() == {SSRC.to_bytes(4, "big"): 66_001}


@suites
def test_a_new_source_begins_at_0_after_a_re_key(suite: CryptoSuite) -> None:
    old, new = key("bob", suite), key("bob 2", suite)
    gate = heard_over(old, 0, 30_000, 60_000, 66_000)
    gate.rekey(new, NOW)
    made = Protector(new).protect(packet(9, ssrc=5))
    assert gate.unprotect(made, NOW) == packet(9, ssrc=5)


def test_the_key_before_passes_for_a_while_and_confirms_nothing() -> None:
    old, new = key("bob"), key("bob 2")
    gate = heard_over(old, 1)
    gate.rekey(new, NOW)
    assert gate.unprotect(sealed(old, 2), NOW + OVERLAP_S - 0.1) == packet(2)
    assert not gate.confirmed
    assert refused(gate, sealed(old, 2), NOW + OVERLAP_S - 0.1)
    assert refused(gate, sealed(old, 3), NOW + OVERLAP_S)
    assert gate.unprotect(sealed(new, 4), NOW + 60) == packet(4)
    assert gate.confirmed


def test_the_new_key_in_use_closes_the_one_before_but_for_what_was_overtaken() -> None:
    old, new = key("bob"), key("bob 2")
    gate = heard_over(old, 1)
    gate.rekey(new, NOW)
    gate.unprotect(sealed(new, 4), NOW + 0.5)
    assert gate.unprotect(sealed(old, 3), NOW + 0.5 + REORDERED_S / 2) == packet(3)
    assert gate.overlaps(NOW + 0.5 + REORDERED_S / 2)
    assert refused(gate, sealed(old, 2), NOW + 0.5 + REORDERED_S)
    assert not gate.overlaps(NOW + 0.5 + REORDERED_S)


def test_for_a_key_that_is_trusted_more_there_is_no_overlap() -> None:
    old, new = key("bob"), key("bob 2")
    gate = heard_over(old, 1)
    gate.rekey(new, NOW, overlap_s=0)
    assert not gate.overlaps(NOW)
    assert refused(gate, sealed(old, 2))
    assert gate.unprotect(sealed(new, 2), NOW) == packet(2)


@suites
def test_reports_pass_under_either_key_and_never_twice(suite: CryptoSuite) -> None:
    old, new = key("bob", suite), key("bob 2", suite)
    before = Protector(old)
    first, second = before.protect_rtcp(report()), before.protect_rtcp(report())
    gate = MediaGate(old)
    assert gate.unprotect_rtcp(first, NOW) == report()
    gate.rekey(new, NOW)
    assert gate.unprotect_rtcp(second, NOW) == report()
    third = Protector(new, before).protect_rtcp(report())
    assert gate.unprotect_rtcp(third, NOW) == report()
    for datagram in (first, second, third):
        with pytest.raises(PeerError):
            gate.unprotect_rtcp(datagram, NOW)
    with pytest.raises(PeerError):
        gate.unprotect_rtcp(before.protect_rtcp(report()), NOW + OVERLAP_S)


@suites
def test_back_at_an_earlier_key_nothing_of_then_passes_again(suite: CryptoSuite) -> None:
    lines = [key(f"bob {n}", suite) for n in range(MOST_KEPT)]
    captured = [sealed(line, 10 + n) for n, line in enumerate(lines)]
    gate = MediaGate(lines[0])
    for line, datagram in zip(lines, captured, strict=True):
        gate.rekey(line, NOW)
        gate.unprotect(datagram, NOW)
    for line in lines:
        gate.rekey(line, NOW + 9)
        assert all(refused(gate, datagram, NOW + 9) for datagram in captured)
        assert gate.unprotect(sealed(line, 50), NOW + 9) == packet(50)


def test_keys_laid_aside_are_bounded() -> None:
    gate = MediaGate(key("bob"))
    for n in range(50):
        gate.rekey(key(f"bob {n}"), NOW)
    assert len(gate._aside) == MOST_KEPT


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400), st.booleans()), max_size=60))
def test_over_any_changes_of_key_no_packet_passes_twice(
    steps: list[tuple[int, int, bool]],
) -> None:
    lines = [key(f"bob {n}") for n in range(3)]
    gate = MediaGate(lines[0])
    passed = []
    for number, sequence, change in steps:
        if change:
            gate.rekey(lines[number], NOW)
        datagram = sealed(lines[number], sequence)
        place = sequence % len(datagram)
        forged = datagram[:place] + bytes([datagram[place] ^ 1]) + datagram[place + 1 :]
        assert refused(gate, forged)
        if not refused(gate, datagram):
            passed.append(datagram)
    assert len(set(passed)) == len(passed)


@suites
def test_the_sender_goes_on_with_its_srtcp_index_over_a_re_key(suite: CryptoSuite) -> None:
    first = Protector(key("alice", suite))
    for _ in range(300):
        first.protect_rtcp(report())
    made = Protector(key("alice 2", suite), first).protect_rtcp(report())
    word = made[-4:] if suite.aead else made[-14:-10]
    assert int.from_bytes(word, "big") == 300 | 1 << 31


@suites
@pytest.mark.parametrize("mki", [b"\1", b"\0\0\0\1", bytes(127) + b"\7"])
def test_an_identifier_is_sent_and_taken_off(suite: CryptoSuite, mki: bytes) -> None:
    line = replace(key("bob", suite), mki=mki)
    protector, unprotector = Protector(line), Unprotector(line)
    bare = Protector(replace(line, mki=b""))
    for n in (1, 2, 70):
        made = protector.protect(packet(n))
        without = bare.protect(packet(n))
        assert len(made) == len(without) + len(mki)
        place = len(without) if suite.aead else len(without) - suite.tag_length
        assert made == without[:place] + mki + without[place:]
        assert unprotector.unprotect(made) == packet(n)
        with pytest.raises(PeerError):
            unprotector.unprotect(made)
        for lacking in (without, bare.protect(packet(n + 30))):
            with pytest.raises(PeerError):
                unprotector.unprotect(lacking)
        assert unprotector.unprotect_rtcp(protector.protect_rtcp(report())) == report()


@suites
def test_a_peer_that_announces_an_identifier_and_sends_none_is_heard(suite: CryptoSuite) -> None:
    bare = key("bob", suite)
    protector, unprotector = Protector(bare), Unprotector(replace(bare, mki=b"\1"))
    for n in range(600):
        # Among so many some end by chance in what the identifier would be.
        assert unprotector.unprotect(protector.protect(packet(n))) == packet(n)
    marked = Protector(replace(bare, mki=b"\1"))
    with pytest.raises(PeerError):
        unprotector.unprotect(marked.protect(packet(700)))
    assert unprotector.unprotect_rtcp(protector.protect_rtcp(report())) == report()


@suites
def test_another_identifier_is_refused_and_settles_nothing(suite: CryptoSuite) -> None:
    line = replace(key("bob", suite), mki=b"\0\1")
    other = Protector(replace(line, mki=b"\0\2"))
    unprotector = Unprotector(line)
    with pytest.raises(PeerError):
        unprotector.unprotect(other.protect(packet(1)))
    assert unprotector.unprotect(Protector(line).protect(packet(1))) == packet(1)


@suites
def test_after_its_lifetime_nothing_is_taken_under_a_key(suite: CryptoSuite) -> None:
    line = replace(key("bob", suite), lifetime=5)
    protector, unprotector = Protector(line), Unprotector(line)
    for n in range(5):
        with pytest.raises(PeerError):
            unprotector.unprotect(protector.protect(packet(900 + n))[:-1] + b"?")
        unprotector.unprotect(protector.protect(packet(n + 1000)))
        unprotector.unprotect_rtcp(protector.protect_rtcp(report()))
    with pytest.raises(PeerError, match="lifetime"):
        unprotector.unprotect(protector.protect(packet(2000)))
    with pytest.raises(PeerError, match="lifetime"):
        unprotector.unprotect_rtcp(protector.protect_rtcp(report()))


@pytest.mark.parametrize("change", [{"lifetime": 0}, {"lifetime": -1}, {"mki": bytes(129)}])
def test_a_lifetime_or_identifier_that_is_none_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        check_keys(replace(key("bob"), **change))  # type: ignore[arg-type]


def test_no_index_is_protected_twice_nor_beyond_the_last() -> None:
    protector = Protector(key("alice", AES_256_CM_HMAC_SHA1_80))
    for sequence in (5, 30_000, 60_000, 65_600):
        protector.protect(packet(sequence))
    for again in (65_600, 65_600 - 128, 60_000):
        with pytest.raises(LocalError, match="replay"):
            protector.protect(packet(again))
    window = protector._windows[packet(0)[8:12]]
    window.highest = MOST_PACKETS - 1
    with pytest.raises(LocalError, match="replay"):
        protector.protect(packet(0))


def test_no_report_is_protected_beyond_the_last() -> None:
    protector = Protector(key("alice", AEAD_AES_256_GCM))
    protector._reports = 1 << 31
    with pytest.raises(LocalError, match="lifetime"):
        protector.protect_rtcp(report())


def test_what_does_not_authenticate_moves_no_counter_after_a_re_key() -> None:
    old, new = key("bob", AES_CM_128_HMAC_SHA1_80), key("bob 2", AES_CM_128_HMAC_SHA1_80)
    gate = heard_over(old, 0, 30_000, 60_000, 66_000)
    gate.rekey(new, NOW)
    for sequence in range(0, 65_536, 997):
        assert refused(gate, packet(sequence) + bytes(10))
    assert gate.unprotect(sealed(new, 66_003), NOW) == packet(66_003)
