"""How long the playout buffer lets speech wait: as short as its packets allow, and no shorter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.media.link import CODECS, PERIOD, START, Call, agreed, key, vowels

from offhook.protocols.media import jitter
from offhook.protocols.media.codecs import make_codec
from offhook.protocols.media.jitter import Frame, Gap, Hole, JitterBuffer
from offhook.protocols.media.receiver import Receiver
from offhook.protocols.media.rtp import RtpPacket, serialise_rtp
from offhook.protocols.media.srtp import Protector

RATE = 8000
TICKS = 160
PERIOD_MS = 20
WINDOW = jitter.WINDOW_MS // PERIOD_MS
"""Packets of a window."""


def always(ms: float) -> Callable[[int], float | None]:
    """Each packet comes so much after it was sent."""
    return lambda _: ms


@dataclass
class Road:
    """A sender, a network and a sound whose pulls come `phase_ms` after packets are sent.

    `network(n)` is by how many ms packet n is delayed, None where it is lost.
    """

    network: Callable[[int], float | None]
    phase_ms: float = 10.0
    fec: bool = False
    quiet: bool = True
    buffer: JitterBuffer = field(default_factory=lambda: JitterBuffer(RATE))
    sent: int = 0
    delays_ms: list[float] = field(default_factory=list)
    """Of each packet that was played, from its being sent."""
    holes: list[Gap] = field(default_factory=list)
    _way: list[tuple[float, int]] = field(default_factory=list)

    def run(self, periods: int) -> None:
        self.buffer.fec = self.fec
        for _ in range(periods):
            self.sent += 1
            delay = self.network(self.sent)
            if delay is not None:
                self._way.append((PERIOD_MS * self.sent + delay, self.sent))
            pull_at = PERIOD_MS * self.sent + self.phase_ms
            for at, n in sorted(each for each in self._way if each[0] <= pull_at):
                self._way.remove((at, n))
                until = (pull_at - at) % PERIOD_MS * RATE / 1000
                self.buffer.push(RtpPacket(8, n % 65536, TICKS * n, 1, b""), TICKS, int(until))
            self._pull(pull_at)

    def _pull(self, now_ms: float) -> None:
        item = self.buffer.pull()
        while isinstance(item, Frame) and self.buffer.spare(quiet=self.quiet):
            item = self.buffer.pull()
        if isinstance(item, Frame):
            self.delays_ms.append(now_ms - PERIOD_MS * (item.packet.timestamp // TICKS))
        else:
            self.holes.append(item)

    @property
    def delay_ms(self) -> float:
        """As it is now."""
        return self.delays_ms[-1]


@pytest.mark.parametrize("fec", [False, True])
@pytest.mark.parametrize("phase_ms", [0.5, 5, 7, 12, 19.5])
def test_on_a_clean_network_the_delay_comes_down_to_what_the_sounds_clock_costs(
    phase_ms: float, fec: bool
) -> None:
    road = Road(always(0.2), phase_ms, fec)
    road.run(3 * WINDOW)
    needed = phase_ms - 0.2
    assert road.delay_ms == pytest.approx(
        phase_ms if needed >= jitter.RESERVE_MS else phase_ms + PERIOD_MS
    )
    road.holes.clear()
    road.run(10 * WINDOW)
    assert (road.holes, road.buffer.late) == ([], 0)


def test_it_does_not_come_down_while_somebody_speaks_without_a_pause_for_five_seconds() -> None:
    road = Road(always(0.2), quiet=False)
    road.run(4 * WINDOW)
    before = road.delay_ms
    assert before >= jitter.DEFAULT_DELAY_MS
    road.run(2 * WINDOW)
    assert road.delay_ms < before


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 90), min_size=20, max_size=60),
    st.floats(0, 19.9),
    st.booleans(),
)
def test_whatever_the_jitter_is_once_it_repeats_few_come_late(
    delays: list[float], phase_ms: float, fec: bool
) -> None:
    road = Road(lambda n: delays[n % len(delays)], phase_ms, fec)
    road.run(12 * WINDOW)
    late = road.buffer.late
    road.run(6 * WINDOW)
    allowed = jitter.MAY_BE_LATE_WITH_FEC if fec else jitter.MAY_BE_LATE
    assert road.buffer.late - late <= 6 * (allowed + 1)
    assert road.delay_ms <= max(delays) + 2 * PERIOD_MS + jitter.RESERVE_MS


def test_having_had_to_grow_it_waits_for_more_windows_before_it_shrinks() -> None:
    windows = []
    for network in (always(0.2), lambda n: 95.0 if n in (10, 12, 14) else 0.2):
        road = Road(network)
        road.run(20)
        start, count = road.delay_ms, 0
        while road.delay_ms >= start:
            road.run(WINDOW)
            count += 1
        windows.append(count)
    assert windows[0] <= jitter.CALM_WINDOWS + 1
    assert windows[1] >= jitter.WARY_WINDOWS


@pytest.mark.parametrize("before_the_windows_end", range(4))
def test_what_was_learnt_before_it_shrank_does_not_make_it_shrink_again(
    before_the_windows_end: int,
) -> None:
    road = Road(always(0.2), phase_ms=5, quiet=False)
    road.run(2 * jitter.CALM_WINDOWS * WINDOW - before_the_windows_end)
    road.quiet = True
    road.run(10 * WINDOW)
    assert road.delay_ms == pytest.approx(5 + PERIOD_MS)


def test_trouble_that_comes_back_every_few_seconds_is_not_forgotten() -> None:
    road = Road(lambda n: 75.0 if n % (3 * WINDOW) in (50, 52, 54) else 0.2)
    road.run(8 * WINDOW)
    road.holes.clear()
    late = road.buffer.late
    road.run(30 * WINDOW)
    assert (road.buffer.late, road.holes) == (late, [])


def test_it_grows_by_whole_periods() -> None:
    road = Road(lambda n: 22.0 if n > 4 * WINDOW and n % 10 == 0 else 0.2, phase_ms=12)
    road.run(6 * WINDOW)
    grown = [hole.ticks for hole in road.holes if hole.why is Hole.GROWING]
    assert grown == [TICKS]
    assert road.delay_ms == pytest.approx(12 + PERIOD_MS)


def lossy(n: int) -> float | None:
    return None if n > 3 * WINDOW and n % 25 == 0 else 0.2


def test_where_packets_with_fec_get_lost_the_next_one_is_awaited() -> None:
    with_fec, without = Road(lossy, fec=True), Road(lossy)
    for road in (with_fec, without):
        road.run(8 * WINDOW)
        road.holes.clear()
        road.run(2 * WINDOW)
    assert len(with_fec.holes) == len(without.holes) == 8
    assert all(hole.following is not None for hole in with_fec.holes)
    assert all(hole.following is None for hole in without.holes)
    assert with_fec.delay_ms == pytest.approx(without.delay_ms + PERIOD_MS)


def test_after_the_last_loss_it_comes_down_again() -> None:
    road = Road(lambda n: lossy(n) if n < 8 * WINDOW else 0.2, fec=True)
    road.run(8 * WINDOW)
    longer = road.delay_ms
    road.run((jitter.LOSSY_WINDOWS + 2 * jitter.WARY_WINDOWS) * WINDOW)
    assert road.delay_ms == pytest.approx(longer - PERIOD_MS)


def test_packets_that_overtake_others_are_no_loss() -> None:
    road = Road(lambda n: 45.0 if n % 7 == 0 else 0.2, fec=True)
    road.run(12 * WINDOW)
    assert road.buffer._lossy == 0
    assert road.buffer._absent <= 3


def test_a_gap_of_the_sequence_over_a_new_start_is_no_loss() -> None:
    buffer = JitterBuffer(RATE)
    buffer.push(RtpPacket(8, 10, 0, 1, b""), TICKS)
    buffer.reset()
    buffer.push(RtpPacket(8, 5000, 90000, 1, b""), TICKS)
    assert buffer._absent == 0


def test_the_receiver_tells_the_buffer_how_long_it_is_until_the_next_pull() -> None:
    delays = {}
    for phase in (0.004, 0.016):
        receiver = Receiver(agreed(dtmf=None), RATE)
        protector = Protector(key("bob"))
        codec = make_codec(CODECS["PCMA"])
        heard = bytearray()
        for n in range(400):
            # One loud packet to be found again.
            pcm = b"\x00\x40" * TICKS if n == 380 else bytes(2 * TICKS)
            packet = RtpPacket(8, n, TICKS * n, 9, codec.encode(pcm))
            now = START + n * PERIOD
            receiver.receive(protector.protect(serialise_rtp(packet)), now)
            heard += receiver.playout(2 * TICKS, now + phase)
        first = next(n for n in range(0, len(heard), 2) if heard[n + 1] > 0x20) / (2 * TICKS)
        delays[phase] = 1000 * phase + PERIOD_MS * (first - 380)
    assert delays[0.016] == pytest.approx(16, abs=1)
    assert delays[0.004] == pytest.approx(24, abs=1)


@pytest.mark.parametrize(
    ("encoding", "parameters", "fec"),
    [("opus", "useinbandfec=1", True), ("opus", "", False), ("G722", None, False)],
)
def test_the_receiver_tells_the_buffer_of_fec(
    encoding: str, parameters: str | None, fec: bool
) -> None:
    terms = replace(agreed(encoding=encoding), codec_parameters=parameters)
    call = Call(terms, alice_says=vowels(1, 48000 if encoding == "opus" else 16000))
    call.run(1)
    assert call.bob.stream._receiver._jitter.fec is fec
