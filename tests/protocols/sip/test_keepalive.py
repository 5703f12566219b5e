"""RFC 5626 §4.4 and §4.4.1: pings, pongs and the flow that died in silence."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.sip.keepalive import TRANSITIONS, KeepAlive, KeepAliveState


def started(now: float = 0.0, **options: float) -> KeepAlive:
    keepalive = KeepAlive(SeededRandomness("pings"), **options)  # type: ignore[arg-type]
    keepalive.start(now)
    return keepalive


def ping(keepalive: KeepAlive) -> float:
    """Go to the next ping and return its time."""
    due = keepalive.deadline()
    assert due is not None
    assert keepalive.ping_due(due)
    return due


def test_nothing_happens_before_the_flow_is_up() -> None:
    keepalive = KeepAlive(SeededRandomness(1))
    assert keepalive.deadline() is None
    assert not keepalive.ping_due(1e9)
    keepalive.pong(1e9)
    assert keepalive.state is KeepAliveState.IDLE


def test_pings_come_every_96_to_120_seconds_and_never_in_step() -> None:
    keepalive = started()
    times = [0.0]
    for _ in range(200):
        times.append(ping(keepalive))
        keepalive.pong(times[-1] + 0.05)
    gaps = [after - before for before, after in pairwise(times)]
    assert all(95.0 <= gap <= 120.0 for gap in gaps)
    assert max(gaps) - min(gaps) > 20.0
    assert len(set(gaps)) == len(gaps)


def test_a_ping_is_due_once() -> None:
    keepalive = started()
    due = keepalive.deadline()
    assert due is not None
    assert not keepalive.ping_due(due - 0.001)
    assert keepalive.ping_due(due)
    assert not keepalive.ping_due(due)
    assert keepalive.deadline() == due + 10.0


def test_a_missing_pong_fails_the_flow_after_ten_seconds() -> None:
    keepalive = started()
    due = ping(keepalive)
    assert not keepalive.ping_due(due + 9.999)
    assert not keepalive.failed
    assert not keepalive.ping_due(due + 10.0)
    assert keepalive.failed
    assert keepalive.deadline() is None
    keepalive.pong(due + 11.0)
    assert keepalive.failed, "too late"


def test_control_a_pong_in_time_keeps_the_flow() -> None:
    keepalive = started()
    due = ping(keepalive)
    keepalive.pong(due + 9.999)
    assert not keepalive.ping_due(due + 10.0)
    assert not keepalive.failed
    assert ping(keepalive) <= due + 120.0


def test_a_pong_read_at_the_tenth_second_counts() -> None:
    keepalive = started()
    due = ping(keepalive)
    keepalive.pong(due + 10.0)
    assert not keepalive.ping_due(due + 10.0)
    assert not keepalive.failed


def test_a_pong_nobody_asked_for_changes_nothing() -> None:
    keepalive = started()
    due = keepalive.deadline()
    for now in range(90):
        keepalive.pong(float(now))
    assert keepalive.deadline() == due


def test_a_new_flow_begins_anew() -> None:
    keepalive = started()
    keepalive.ping_due(ping(keepalive) + 10.0)
    assert keepalive.failed
    keepalive.start(1000.0)
    assert not keepalive.failed
    assert 1095.0 <= ping(keepalive) <= 1120.0


class TestFlowTimer:
    def test_it_shortens_the_interval_to_80_to_100_percent(self) -> None:
        keepalive = started()
        keepalive.flow_timer(30, 1.0)
        times = [1.0]
        for _ in range(100):
            times.append(ping(keepalive))
            keepalive.pong(times[-1])
        gaps = [after - before for before, after in pairwise(times)]
        assert all(24.0 <= gap <= 30.0 for gap in gaps)

    def test_the_time_a_pong_takes_does_not_lengthen_it(self) -> None:
        keepalive = started()
        keepalive.flow_timer(30, 0.0)
        first = ping(keepalive)
        keepalive.pong(first + 9.0)
        assert ping(keepalive) <= first + 30.0

    def test_a_long_one_does_not_lengthen_our_own(self) -> None:
        keepalive = started()
        keepalive.flow_timer(3600, 0.0)
        assert ping(keepalive) <= 120.0

    @pytest.mark.parametrize("seconds", [None, 0, -5])
    def test_without_one_our_own_holds_again(self, seconds: int | None) -> None:
        keepalive = started()
        keepalive.flow_timer(30, 0.0)
        first = ping(keepalive)
        keepalive.flow_timer(seconds, first)
        keepalive.pong(first)
        assert ping(keepalive) >= first + 95.0

    def test_a_tiny_one_does_not_make_a_flood(self) -> None:
        keepalive = started()
        keepalive.flow_timer(1, 0.0)
        count, now = 0, 0.0
        while now < 60.0:
            now = ping(keepalive)
            keepalive.pong(now)
            count += 1
        assert count <= 16

    def test_it_never_puts_off_a_ping_that_is_near(self) -> None:
        keepalive = started()
        due = keepalive.deadline()
        assert due is not None
        keepalive.flow_timer(30, due - 1.0)
        assert keepalive.deadline() == due


class TestServersThatDoNotPong:
    def test_a_first_ping_asks_at_once(self) -> None:
        keepalive = started(pong_required=False)
        assert keepalive.ping_due(0.0)

    def test_silence_is_no_failure_until_a_pong_was_heard(self) -> None:
        keepalive = started(pong_required=False)
        for _ in range(20):
            due = ping(keepalive)
            assert not keepalive.ping_due(due + 10.0)
            assert not keepalive.failed

    def test_one_pong_binds_the_server(self) -> None:
        keepalive = started(pong_required=False)
        keepalive.pong(ping(keepalive) + 1.0)
        assert keepalive.supervised
        keepalive.ping_due(ping(keepalive) + 10.0)
        assert keepalive.failed

    def test_so_does_a_flow_timer(self) -> None:
        keepalive = started(pong_required=False)
        keepalive.flow_timer(60, 0.0)
        keepalive.ping_due(ping(keepalive) + 10.0)
        assert keepalive.failed

    def test_the_next_flow_is_asked_again(self) -> None:
        keepalive = started(pong_required=False)
        keepalive.pong(ping(keepalive))
        keepalive.start(500.0)
        assert not keepalive.supervised


def test_no_transition_leaves_the_failure_but_a_new_flow() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is KeepAliveState.FAILED]
    assert {pair[0] for pair in TRANSITIONS} == set(KeepAliveState) - {KeepAliveState.FAILED}


@pytest.mark.parametrize("options", [{"upper_s": 1.0}, {"upper_s": -1.0}, {"pong_s": 0.0}])
def test_nonsense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(LocalError):
        started(**options)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ping", "pong", "timer"]), st.floats(0.0, 200.0), st.integers(0, 300)
        ),
        max_size=60,
    ),
    required=st.booleans(),
)
def test_supervision_never_sleeps_while_the_flow_lives(
    steps: list[tuple[str, float, int]], required: bool
) -> None:
    keepalive = KeepAlive(SeededRandomness(1), pong_required=required)
    keepalive.start(0.0)
    now = 0.0
    for what, passed, seconds in steps:
        now += passed
        if what == "ping":
            keepalive.ping_due(now)
        elif what == "pong":
            keepalive.pong(now)
        else:
            keepalive.flow_timer(seconds, now)
        deadline = keepalive.deadline()
        assert keepalive.failed == (deadline is None)
        assert deadline is None or deadline <= now + 120.0
