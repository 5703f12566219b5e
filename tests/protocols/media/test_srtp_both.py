"""The transform of our own and libsrtp, packet by packet: the same octets and the same verdicts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Error, Policy, Session
from tests.protocols.media.link import ALL_SUITES, key
from tests.protocols.media.srtp_by_hand import ByHand

from offhook.base.errors import LocalError, PeerError
from offhook.protocols.keying.srtp_keys import SUITES, CryptoLine, CryptoSuite
from offhook.protocols.media import srtp
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import PROFILES, Protector
from offhook.protocols.media.srtp_index import ReplayWindow, estimate_index
from offhook.protocols.media.srtp_receiver import TransformReceiver
from offhook.protocols.media.srtp_transform import make_transform

SHARED = [SUITES[name] for name in PROFILES]
OURS_ALONE = [suite for suite in ALL_SUITES if suite.name not in PROFILES]
SOURCES = (0xCAFE, 0xBEEF)

shared = pytest.mark.parametrize("suite", SHARED, ids=lambda suite: suite.name)


class Sealer(Protocol):
    def protect(self, packet: bytes) -> bytes: ...
    def protect_rtcp(self, packet: bytes) -> bytes: ...


class Opener(Protocol):
    def unprotect(self, datagram: bytes) -> bytes: ...
    def unprotect_rtcp(self, datagram: bytes) -> bytes: ...


class Library:
    """libsrtp with nothing around it."""

    def __init__(self, line: CryptoLine, *, inbound: bool) -> None:
        direction = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
        profile = PROFILES[line.suite.name]
        policy = Policy(key=line.master.reveal(), ssrc_type=direction, srtp_profile=profile)
        self._session = Session(policy)

    def protect(self, packet: bytes) -> bytes:
        try:
            return bytes(self._session.protect(packet))
        except Error as error:
            raise LocalError(str(error)) from None

    def protect_rtcp(self, packet: bytes) -> bytes:
        return bytes(self._session.protect_rtcp(packet))

    def unprotect(self, datagram: bytes) -> bytes:
        try:
            return bytes(self._session.unprotect(datagram))
        except Error as error:
            raise PeerError(str(error)) from None

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        try:
            return bytes(self._session.unprotect_rtcp(datagram))
        except Error as error:
            raise PeerError(str(error)) from None


class HandOpener:
    """Straight from the RFCs, for what libsrtp does not have: seals every index it could be."""

    def __init__(self, line: CryptoLine) -> None:
        self._hand = ByHand.of(line)
        self._windows: dict[bytes, ReplayWindow] = {}
        self._plain: dict[bytes, bytes] = {}

    def knows(self, packet: bytes) -> None:
        self._plain[packet[:12]] = packet

    def unprotect(self, datagram: bytes) -> bytes:
        window = self._windows.setdefault(datagram[8:12], ReplayWindow())
        index = estimate_index(window.highest, int.from_bytes(datagram[2:4], "big"))
        packet = self._plain.get(datagram[:12])
        if packet is None or not window.is_new(index):
            raise PeerError("replay")
        self._hand.roc = index >> 16
        if self._hand.protect(packet) != datagram:
            raise PeerError("authentication")
        window.add(index)
        return packet


def ours(line: CryptoLine) -> TransformReceiver:
    return TransformReceiver(line, make_transform(line.suite, line.master.reveal()))


def sealed_by_us(line: CryptoLine, monkeypatch: pytest.MonkeyPatch) -> Protector:
    with monkeypatch.context() as patch:
        patch.setattr(srtp, "PROFILES", {})
        return Protector(line)


def rtp(sequence: int, source: int = SOURCES[0], payload: bytes = b"speech" * 9) -> bytes:
    return serialise_rtp(RtpPacket(8, sequence % 65536, 160 * sequence, source, payload))


def rtcp(source: int = SOURCES[0], body: bytes = bytes(12)) -> bytes:
    return bytes.fromhex("80c90001") + source.to_bytes(4, "big") + body


@dataclass(frozen=True)
class Fate:
    """What the way does to one packet."""

    step: int
    """Ahead of the packet before it; 0 and less come again or late."""
    lost: bool = False
    again: int = 0
    """How often it comes once more."""
    held: int = 0
    """After how many others it comes."""
    flipped: int | None = None
    """The bit that is changed on the way, by its place from the start."""
    cut: int = 0
    source: int = SOURCES[0]


fates = st.builds(
    Fate,
    step=st.sampled_from([1, 1, 1, 1, 2, 60, 127, 128, 129, 3000, 30_000, 32_767, 32_768]),
    lost=st.booleans(),
    again=st.sampled_from([0, 0, 0, 1, 2]),
    held=st.sampled_from([0, 0, 0, 1, 3, 126, 127, 128, 200]),
    flipped=st.none() | st.integers(0, 800),
    cut=st.sampled_from([0, 0, 0, 0, 1, 4, 10, 16, 40]),
    source=st.sampled_from(SOURCES),
)


def way(fates: list[Fate], seal: Sealer, first: int) -> list[bytes]:
    """The datagrams as they come: lost, doubled, held up, changed and cut."""
    at = dict.fromkeys(SOURCES, first)
    coming: list[tuple[int, int, bytes]] = []
    for number, fate in enumerate(fates):
        at[fate.source] += fate.step
        try:
            datagram = seal.protect(rtp(at[fate.source], fate.source))
        except LocalError:
            # Half a cycle at once: the sender itself can't tell it from a packet of long ago.
            continue
        if fate.lost:
            continue
        changed = bytearray(datagram)
        if fate.flipped is not None and fate.flipped < 8 * len(changed):
            changed[fate.flipped // 8] ^= 1 << fate.flipped % 8
        whole = bytes(changed[: len(changed) - fate.cut])
        coming += [(number + fate.held + 2 * turn, number, whole) for turn in range(1 + fate.again)]
        if fate.flipped is not None:
            # The true one comes too, behind its forgery.
            coming.append((number + fate.held + 1, number, datagram))
    return [datagram for _, _, datagram in sorted(coming)]


def verdict(opener: Opener, datagram: bytes) -> bytes | None:
    try:
        return opener.unprotect(datagram)
    except PeerError:
        return None


@shared
@given(fates=st.lists(fates, min_size=1, max_size=60), first=st.integers(0, 65_535))
def test_whatever_the_way_does_both_take_the_same_packets(
    suite: CryptoSuite, fates: list[Fate], first: int
) -> None:
    line = key("shared", suite)
    library, own = Library(line, inbound=True), ours(line)
    for datagram in way(fates, Library(line, inbound=False), first):
        assert verdict(own, datagram) == verdict(library, datagram)


@pytest.mark.parametrize("suite", OURS_ALONE, ids=lambda suite: suite.name)
@given(fates=st.lists(fates, min_size=1, max_size=40), first=st.integers(0, 65_535))
def test_the_suites_of_ours_alone_take_what_the_rfcs_by_hand_take(
    suite: CryptoSuite, fates: list[Fate], first: int
) -> None:
    line = key("shared", suite)
    own, hand, protector = ours(line), HandOpener(line), Protector(line)

    class Sealing:
        def protect(self, packet: bytes) -> bytes:
            hand.knows(packet)
            return protector.protect(packet)

        def protect_rtcp(self, packet: bytes) -> bytes:
            return packet

    for datagram in way(fates, Sealing(), first):
        by_hand = None
        if len(datagram) >= 12:
            try:
                by_hand = hand.unprotect(datagram)
            except PeerError:
                by_hand = None
        assert verdict(own, datagram) == by_hand


@shared
@given(
    steps=st.lists(
        st.sampled_from([-200, -128, -127, -1, 0, 1, 1, 1, 128, 20_000, 32_768, 40_000])
    ),
    first=st.integers(0, 65_535),
    payload=st.binary(max_size=200),
)
def test_both_protect_to_the_same_octets_and_refuse_the_same_indices(
    suite: CryptoSuite, steps: list[int], first: int, payload: bytes
) -> None:
    line = key("shared", suite)
    library = Library(line, inbound=False)
    with pytest.MonkeyPatch.context() as patch:
        own = sealed_by_us(line, patch)
    at = first
    for step in steps:
        at = max(0, at + step)
        made: list[bytes | None] = []
        for each in (library, own):
            try:
                made.append(each.protect(rtp(at, payload=payload)))
            except LocalError:
                made.append(None)
        assert made[0] == made[1]


@shared
@given(order=st.lists(st.integers(0, 400), max_size=80), flipped=st.integers(0, 300))
def test_both_take_the_same_reports(suite: CryptoSuite, order: list[int], flipped: int) -> None:
    line = key("shared", suite)
    library, own = Library(line, inbound=True), ours(line)
    sealer = Library(line, inbound=False)
    sealed = [sealer.protect_rtcp(rtcp(SOURCES[n % 2])) for n in range(401)]
    for place, number in enumerate(order):
        datagram = bytearray(sealed[number])
        if place % 5 == 4 and flipped // 8 < len(datagram):
            datagram[flipped // 8] ^= 1 << flipped % 8
        taken: list[bytes | None] = []
        for each in (library, own):
            try:
                taken.append(each.unprotect_rtcp(bytes(datagram)))
            except PeerError:
                taken.append(None)
        assert taken[0] == taken[1]


@shared
@given(body=st.binary(max_size=200))
def test_the_library_reads_our_reports_and_makes_the_same(suite: CryptoSuite, body: bytes) -> None:
    line = key("shared", suite)
    protector, library = Protector(line), Library(line, inbound=True)
    theirs = Library(line, inbound=False)
    made = [protector.protect_rtcp(rtcp(body=body)) for _ in range(4)]
    assert [library.unprotect_rtcp(each) for each in made] == [rtcp(body=body)] * 4
    # The library begins with index 1, the RFC with 0.
    assert [theirs.protect_rtcp(rtcp(body=body)) for _ in range(3)] == made[1:]


@shared
def test_over_three_wraps_both_are_of_one_opinion(suite: CryptoSuite) -> None:
    line = key("shared", suite)
    library, own = Library(line, inbound=True), ours(line)
    sealer = Library(line, inbound=False)
    for sequence in range(40_000, 260_000, 977):
        datagram = sealer.protect(rtp(sequence))
        assert verdict(library, datagram) == verdict(own, datagram) == rtp(sequence)


@shared
def test_control_another_key_would_be_told_apart(suite: CryptoSuite) -> None:
    datagram = Library(key("shared", suite), inbound=False).protect(rtp(1))
    assert verdict(Library(key("shared", suite), inbound=True), datagram) == rtp(1)
    assert verdict(ours(key("other", suite)), datagram) is None


@pytest.mark.parametrize("suite", ALL_SUITES, ids=lambda suite: suite.name)
@given(octets=st.binary(max_size=300))
def test_no_octets_raise_anything_but_a_refusal(suite: CryptoSuite, octets: bytes) -> None:
    receiver = ours(replace(key("shared", suite), mki=octets[:3]))
    for take in (receiver.unprotect, receiver.unprotect_rtcp):
        if len(octets) >= 12:
            with pytest.raises(PeerError):
                take(octets)
