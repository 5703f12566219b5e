"""The three laws of the bell, for hands that ask for anything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.base.schema.hardware_profile_parts import RingerLimits
from offhook.base.schema.ring import ring_cadence
from offhook.base.schema.tone_plan import tone_countries
from offhook.base.vocabulary import Ring
from offhook.shells.pins.ringer_player import REST_S, RingPlayer

NEAR = 1e-6
Interval = tuple[float, float]


class Listener:
    """Lets time pass by the player's own deadlines and writes down when it sounds."""

    def __init__(self, limits: RingerLimits) -> None:
        self.player = RingPlayer(limits)
        self.now = 50.0
        self.heard: list[Interval] = []
        self.ticks = 0
        self._since: float | None = None

    def note(self) -> None:
        if self.player.sounding and self._since is None:
            self._since = self.now
        elif not self.player.sounding and self._since is not None:
            self.heard.append((self._since, self.now))
            self._since = None

    def start(self, cadence: tuple[int, ...]) -> None:
        was = self.player.sounding
        if was:
            self.stop()
        self.player.start(cadence, self.now)
        self.note()

    def stop(self) -> None:
        self.player.stop(self.now)
        self.note()

    def wait(self, seconds: float, late: float = 0.0) -> None:
        end = self.now + seconds
        while (due := self.player.deadline(self.now)) is not None and due + late <= end:
            self.now = max(self.now, due + late)
            self.player.tick(self.now)
            self.note()
            self.ticks += 1
        self.now = end

    def done(self) -> list[Interval]:
        self.stop()
        return self.heard


def most_in_a_window(heard: list[Interval], window_s: float) -> float:
    """The greatest sum in any window: one that ends where a sound ends."""
    return max(
        (
            sum(max(0.0, min(stop, end) - max(start, end - window_s)) for start, stop in heard)
            for _, end in heard
        ),
        default=0.0,
    )


def check(heard: list[Interval], limits: RingerLimits, late: float = 0.0) -> None:
    assert all(end - start <= limits.longest_on_ms / 1000 + late + NEAR for start, end in heard)
    assert all(later[0] - sooner[1] >= REST_S - NEAR for sooner, later in pairwise(heard))
    allowed = limits.window_s * limits.share_percent / 100
    assert most_in_a_window(heard, limits.window_s) <= allowed + late + NEAR


LIMITS = st.builds(
    RingerLimits,
    longest_on_ms=st.integers(200, 5000),
    share_percent=st.integers(5, 60),
    window_s=st.integers(5, 40),
)
CADENCES = st.lists(st.integers(1, 6000), min_size=1, max_size=6).map(tuple)
ASKED = st.lists(
    st.one_of(
        st.tuples(st.just("ring"), CADENCES),
        st.tuples(st.just("stop"), st.none()),
        st.tuples(st.just("wait"), st.floats(0.001, 30)),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=200)
@given(limits=LIMITS, asked=ASKED, late=st.sampled_from([0.0, 0.001, 0.03]))
def test_no_wish_makes_the_bell_break_its_limits(
    limits: RingerLimits, asked: list[tuple[str, object]], late: float
) -> None:
    listener = Listener(limits)
    for what, value in asked:
        if isinstance(value, tuple):
            listener.start(value)
        elif isinstance(value, float):
            listener.wait(value, late)
        else:
            assert what == "stop"
            listener.stop()
    check(listener.done(), limits, late)


@pytest.mark.parametrize("country", tone_countries())
@pytest.mark.parametrize("ring", Ring)
def test_no_countrys_ringing_meets_the_usual_limits(country: str, ring: Ring) -> None:
    cadence, listener = ring_cadence(ring, country), Listener(RingerLimits())
    listener.start(cadence)
    listener.wait(3600)
    heard = listener.done()
    repeated = 3600_000 / sum(cadence)
    assert len(heard) == pytest.approx(repeated * len(cadence) / 2, abs=len(cadence))
    lengths = {round((end - start) * 1000) for start, end in heard[:-1]}
    assert lengths == set(cadence[::2])


def test_what_is_too_long_is_cut_and_waits_for_the_next_time() -> None:
    listener = Listener(RingerLimits(longest_on_ms=1000, share_percent=60, window_s=10))
    listener.start((3000, 3000))
    listener.wait(13)
    assert [(round(start - 50, 3), round(end - 50, 3)) for start, end in listener.done()] == [
        (0, 1),
        (6, 7),
        (12, 13),
    ]


def test_what_is_too_much_is_cut_and_comes_back_when_the_window_allows() -> None:
    limits = RingerLimits(longest_on_ms=5000, share_percent=20, window_s=10)
    listener = Listener(limits)
    listener.start((1000, 200))
    listener.wait(60)
    heard = listener.done()
    check(heard, limits)
    total = sum(end - start for start, end in heard)
    assert 60 * 0.15 < total <= 60 * 0.2 + 2


def test_ringing_that_is_asked_for_again_and_again_gets_no_more() -> None:
    limits = RingerLimits(longest_on_ms=2000, share_percent=10, window_s=20)
    listener = Listener(limits)
    for _ in range(300):
        listener.start((5000, 100))
        listener.wait(0.11)
    heard = listener.done()
    check(heard, limits)
    assert sum(end - start for start, end in heard) > 2


def test_a_steady_ring_ends_by_itself() -> None:
    listener = Listener(RingerLimits(longest_on_ms=3000))
    listener.start((1000,))
    listener.wait(600)
    assert [round(end - start, 3) for start, end in listener.done()] == [3.0]
    assert listener.player.deadline(listener.now) is None


def test_it_doesnt_ask_for_tick_after_tick() -> None:
    listener = Listener(RingerLimits(longest_on_ms=5000, share_percent=50, window_s=5))
    listener.start((40, 40))
    listener.wait(600)
    assert listener.ticks < 600 * 110


def test_control_a_player_without_a_share_breaks_the_law() -> None:
    limits = RingerLimits(longest_on_ms=5000, share_percent=20, window_s=10)
    listener = Listener(limits)
    listener.player._budget_s = 1e9
    listener.start((1000, 200))
    listener.wait(60)
    with pytest.raises(AssertionError):
        check(listener.done(), limits)
