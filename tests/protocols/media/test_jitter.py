"""The playout buffer."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.protocols.media.jitter import (
    MAX_PACKETS,
    RESYNC_AFTER,
    Fate,
    Frame,
    Gap,
    Hole,
    JitterBuffer,
)
from offhook.protocols.media.rtp import RtpPacket


def packet(n: int, *, offset: int = 0, samples: int = 160) -> RtpPacket:
    return RtpPacket(8, n % 65536, (samples * n + offset) % (1 << 32), 1, n.to_bytes(4, "big"))


@dataclass
class Desk:
    """A buffer with its sound: `play(n)` pulls n periods and tells the packets' numbers."""

    buffer: JitterBuffer = field(default_factory=lambda: JitterBuffer(8000, 40))

    def push(self, *numbers: int, offset: int = 0) -> list[Fate]:
        return [self.buffer.push(packet(n, offset=offset), 160) for n in numbers]

    quiet = False

    def play(self, count: int) -> list[int | Hole]:
        return [self._one() for _ in range(count)]

    def _one(self) -> int | Hole:
        item = self.buffer.pull()
        while isinstance(item, Frame) and self.buffer.spare(quiet=self.quiet):
            item = self.buffer.pull()
        if isinstance(item, Gap):
            return item.why
        return int.from_bytes(item.packet.payload, "big")


START, MISSING, EMPTY = Hole.BEFORE_START, Hole.MISSING, Hole.EMPTY


def test_nothing_is_played_before_the_playout_delay_has_passed() -> None:
    desk = Desk()
    assert desk.play(3) == [START] * 3
    desk.push(100, 101)
    assert desk.play(4) == [START, START, 100, 101]


def test_reordered_packets_are_played_in_order() -> None:
    desk = Desk()
    desk.push(1, 3, 2, 5, 4)
    assert desk.play(7) == [START, START, 1, 2, 3, 4, 5]


def test_a_lost_packet_leaves_a_gap_of_its_own_length() -> None:
    desk = Desk()
    desk.push(1, 2, 4, 5)
    assert desk.play(7) == [START, START, 1, 2, MISSING, 4, 5]


def test_a_doubled_packet_is_played_once_and_counted() -> None:
    desk = Desk()
    assert desk.push(1, 2, 2, 3) == [Fate.KEPT, Fate.KEPT, Fate.DUPLICATE, Fate.KEPT]
    assert desk.play(6) == [START, START, 1, 2, 3, EMPTY]
    assert desk.buffer.duplicates == 1


def test_a_packet_whose_time_is_over_is_late() -> None:
    desk = Desk()
    desk.push(1, 2, 4, 5, 6)
    desk.play(6)
    assert desk.push(3) == [Fate.LATE]
    assert desk.buffer.late == 1
    assert desk.play(2) == [5, 6]


def test_the_next_packet_coming_late_to_an_empty_buffer_is_played_and_the_delay_grows() -> None:
    desk = Desk()
    desk.push(1, 2)
    assert desk.play(7)[-3:] == [EMPTY] * 3
    assert desk.push(3, 4) == [Fate.KEPT, Fate.KEPT]
    assert desk.play(2) == [3, 4]
    assert desk.buffer.late == 0


def test_a_straggler_does_not_make_the_delay_grow() -> None:
    desk = Desk()
    desk.push(1, 3)
    desk.play(7)
    assert desk.push(2) == [Fate.LATE]


def test_after_silence_on_purpose_the_timing_stays() -> None:
    desk = Desk()
    desk.push(1, 2)
    desk.play(4)
    desk.play(98)  # 100 periods from number 3 on were not sent
    desk.push(103, 104)
    assert desk.play(4) == [MISSING, MISSING, 103, 104]


@pytest.mark.parametrize("offset", [8000 * 60, -8000 * 60, 1 << 31, -123456789])
def test_a_jump_of_the_timestamp_starts_the_playout_anew(offset: int) -> None:
    desk = Desk()
    desk.push(1, 2, 3)
    assert desk.play(5)[-1] == 3
    desk.push(4, offset=offset)
    desk.push(5, 6, offset=offset)
    assert desk.play(5) == [START, START, 4, 5, 6]


def test_a_small_jump_back_is_made_up_after_a_few_packets() -> None:
    desk = Desk()
    for n in range(1, 20):
        desk.push(n)
        desk.play(1)
    fates = []
    for n in range(20, 40):
        fates += desk.push(n, offset=-160 * 10)
        desk.play(1)
    assert fates.count(Fate.LATE) < RESYNC_AFTER
    assert fates[-5:] == [Fate.KEPT] * 5


def test_the_timestamp_wraps_unheard() -> None:
    desk = Desk()
    offset = (1 << 32) - 160 * 3
    desk.push(1, 2, 3, 4, 5, offset=offset)
    assert desk.play(7) == [START, START, 1, 2, 3, 4, 5]


def test_the_sequence_wraps_unheard() -> None:
    desk = Desk()
    desk.push(65534, 65535, 65536, 65537)
    assert desk.play(6) == [START, START, 65534, 65535, 65536, 65537]


def test_a_hoard_of_packets_is_bounded() -> None:
    desk = Desk()
    for n in range(10_000):
        desk.push(n)
    assert len(desk.buffer._held) <= MAX_PACKETS
    assert desk.buffer.held_ticks <= 8 * 440
    assert desk.play(1) != [EMPTY]


def test_tiny_packets_are_bounded_too() -> None:
    buffer = JitterBuffer(8000, 40)
    for n in range(10_000):
        buffer.push(RtpPacket(8, n % 65536, n, 1, b"x"), 1)
    assert len(buffer._held) <= MAX_PACKETS


def test_a_sender_with_a_faster_clock_does_not_make_the_delay_grow_without_end() -> None:
    desk = Desk()
    sent, held = 0.0, []
    for _ in range(50 * 120):
        sent += 1.002
        while desk.buffer._last is None or int(sent) > desk.buffer._last[1] // 160:
            desk.push((desk.buffer._last[1] // 160 + 1) if desk.buffer._last else 1)
        desk.play(1)
        held.append(desk.buffer.held_ticks)
    assert max(held[1000:]) <= 8 * 120
    assert desk.buffer.shortened >= 8


def test_a_sender_with_a_slower_clock_costs_a_gap_now_and_then() -> None:
    desk = Desk()
    sent, n, played = 0.0, 0, []
    for _ in range(50 * 120):
        sent += 0.998
        while n < int(sent):
            n += 1
            desk.push(n)
        played += desk.play(1)
    assert desk.buffer.late <= 10
    assert 5 <= sum(item in (EMPTY, Hole.GROWING) for item in played[10:]) <= 40


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 65535), st.integers(0, (1 << 32) - 1), st.integers(1, 1000)),
            st.integers(1, 20),
        ),
        max_size=60,
    )
)
def test_whatever_is_pushed_it_stays_bounded_and_gives_something(
    steps: list[tuple[int, int, int] | int],
) -> None:
    buffer = JitterBuffer(8000, 40)
    for step in steps:
        if isinstance(step, int):
            for _ in range(step):
                item = buffer.pull()
                if isinstance(item, Frame):
                    assert 0 <= item.skip < len(item.packet.payload)
                else:
                    assert 0 < item.ticks <= 8 * 120
        else:
            sequence, timestamp, samples = step
            buffer.push(RtpPacket(8, sequence, timestamp, 1, bytes(samples)), samples)
        assert len(buffer._held) == len(buffer._timestamps) <= MAX_PACKETS


@given(st.permutations(range(1, 9)), st.sets(st.integers(2, 8), max_size=4))
def test_in_whatever_order_they_come_they_are_played_in_theirs(
    order: list[int], lost: set[int]
) -> None:
    buffer = JitterBuffer(8000, 400)
    desk = Desk(buffer)
    desk.push(0)
    desk.push(*(n for n in order if n not in lost))
    played = [item for item in desk.play(40) if isinstance(item, int)]
    assert played == [n for n in range(9) if n not in lost]


@pytest.mark.parametrize(("quiet", "soon"), [(True, 1), (False, 110)])
def test_a_delay_that_is_too_long_is_shortened_in_a_pause_or_late(quiet: bool, soon: int) -> None:
    desk = Desk()
    desk.push(1)
    desk.play(1)
    for sent in range(2, 6):
        desk.push(sent)
    desk.quiet = False
    sent, before = 5, 0
    while not desk.buffer._shrink:
        sent += 1
        desk.push(sent)
        desk.play(1)
        before = desk.buffer.held_ticks
    desk.quiet = quiet
    frames = 0
    while not desk.buffer.shortened and frames < 1000:
        sent += 1
        desk.push(sent)
        desk.play(1)
        frames += 1
    assert desk.buffer.held_ticks < before
    assert frames <= soon
    assert quiet or frames >= 50


OPUS = 48000


def opus(n: int, ms: float) -> RtpPacket:
    return RtpPacket(111, n % 65536, int(48 * ms) * n % (1 << 32), 1, n.to_bytes(4, "big"))


@pytest.mark.parametrize("ms", [2.5, 5, 10, 20, 40, 60, 120])
def test_packets_of_any_length_on_any_clock_are_played_in_order(ms: float) -> None:
    buffer = JitterBuffer(OPUS)
    ticks = int(48 * ms)
    pulled: list[int] = []
    played, sent, missing = 0.0, 0, 0
    for _ in range(100):
        while sent * ms <= played:
            buffer.push(opus(sent, ms), ticks)
            sent += 1
        played += 20
        missing += 960
        while missing > 0:
            item = buffer.pull()
            if isinstance(item, Frame):
                pulled.append(int.from_bytes(item.packet.payload, "big"))
                missing -= ticks
            else:
                assert item.why is START
                missing -= item.ticks
    assert pulled == list(range(len(pulled)))
    assert len(pulled) * ms > 1500
    assert (buffer.late, buffer.dropped) == (0, 0)


@pytest.mark.parametrize("ms", [10, 20, 60])
def test_a_gap_of_one_packet_is_given_whole_with_the_packet_after_it(ms: int) -> None:
    buffer = JitterBuffer(OPUS)
    for n in (0, 1, 3, 6):
        buffer.push(opus(n, ms), 48 * ms)
    items = [item for item in (buffer.pull() for _ in range(20)) if isinstance(item, Gap)]
    missing = [item for item in items if item.why is MISSING]
    assert [(item.ticks, item.following and item.following.sequence) for item in missing] == [
        (48 * ms, 3),
        (48 * ms, None),
        (48 * ms, 6),
    ]


def test_a_pause_in_which_nothing_was_sent_has_no_packet_that_tells_of_it() -> None:
    buffer = JitterBuffer(8000)
    for n, timestamp in ((1, 0), (2, 160), (3, 1600)):
        buffer.push(RtpPacket(8, n, timestamp, 1, b""), 160)
    gaps = [item for item in (buffer.pull() for _ in range(14)) if isinstance(item, Gap)]
    assert any(item.why is MISSING for item in gaps)
    assert all(item.following is None for item in gaps)


def test_the_delay_grows_at_the_second_late_packet() -> None:
    desk = Desk()
    for n in range(1, 50):
        desk.push(n)
        desk.play(1)
    before = desk.buffer.held_ticks
    # From now on, packets come 80 ms later, two at a time so that the buffer never is empty.
    for n in range(50, 70, 2):
        desk.play(2)
        if n >= 54:
            desk.push(n - 4, n - 3)
    assert desk.buffer.held_ticks <= before
    assert desk.buffer.late <= 3
    late = desk.buffer.late
    for n in range(70, 120):
        desk.push(n - 4)
        desk.play(1)
    assert desk.buffer.late == late


def test_counts_stay_over_a_change_of_source() -> None:
    desk = Desk()
    desk.push(1, 2, 2, 4)
    desk.play(7)
    desk.push(3)
    desk.buffer.reset()
    assert (desk.buffer.late, desk.buffer.duplicates) == (1, 1)


def test_a_packet_longer_than_the_delay_is_too_long_is_not_left_out() -> None:
    desk = Desk()
    desk.push(1, 2, 3)
    desk.play(5)
    desk.buffer._shrink = 159
    assert not desk.buffer.spare(quiet=True)
    desk.buffer._shrink = 160
    assert desk.buffer.spare(quiet=True)
    assert not desk.buffer.spare(quiet=True)
