"""An exchange on a path that loses, swaps and doubles packets, or falls silent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.keying.zrtp.agents import Agent, Path, agent, kind_of
from tests.protocols.keying.zrtp.test_exchange import agree_on

from offhook.protocols.keying.zrtp.algorithms import Algorithms, KeyAgreement
from offhook.protocols.keying.zrtp.events import Failed, Silent
from offhook.protocols.keying.zrtp.hello_hash import parse_hello_hash
from offhook.protocols.keying.zrtp.refusals import ErrorCode
from offhook.protocols.keying.zrtp.session import ZrtpSettings
from offhook.protocols.keying.zrtp.states import ZrtpState

QUICK = ZrtpSettings(Algorithms(agreements=(KeyAgreement.X255,)))


def pair(seed: int = 0) -> tuple[Agent, Agent]:
    return agent("alice", QUICK, seed=seed), agent("bob", QUICK, seed=seed)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    loss=st.floats(0, 0.15),
    double=st.floats(0, 0.5),
    jitter_s=st.floats(0, 0.3),
)
def test_loss_of_a_seventh_with_swaps_and_doubles_is_overcome(
    seed: int, loss: float, double: float, jitter_s: float
) -> None:
    a, b = pair(seed)
    path = Path(a, b, seed=seed, loss=loss, double=double, jitter_s=jitter_s)
    path.start()
    path.run(40.0)
    # Conf2ACK is not repeated of itself: where each answer is lost, media stands in for it.
    for each in (a, b):
        each.stream.media_heard(path.now)
        each.heed(path.now)
    agree_on(a, b)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), loss=st.floats(0.5, 0.95))
def test_on_the_worst_path_both_are_secure_with_the_same_keys_or_say_why_not(
    seed: int, loss: float
) -> None:
    a, b = pair(seed)
    path = Path(a, b, seed=seed, loss=loss, double=0.2, jitter_s=0.5)
    path.start()
    path.run(60.0)
    for each in (a, b):
        assert each.secure or any(isinstance(e, Failed | Silent) for e in each.events)
    if a.secure and b.secure:
        agree_on(a, b)


@pytest.mark.parametrize("kind", ["Hello", "HelloACK", "Commit", "DHPart1", "DHPart2"])
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_each_message_may_be_lost_at_first(kind: str, lost: int) -> None:
    left = {"alice": lost, "bob": lost}

    def lose(who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) == kind and left[who.name]:
            left[who.name] -= 1
            return []
        return [datagram]

    a, b = pair()
    path = Path(a, b, lose)
    path.start()
    path.run(10.0)
    agree_on(a, b)


@pytest.mark.parametrize("kind", ["Confirm1", "Confirm2", "Conf2ACK"])
def test_a_lost_confirmation_is_asked_for_again(kind: str) -> None:
    lost: list[bytes] = []

    def lose(_who: Agent, datagram: bytes) -> list[bytes]:
        if kind_of(datagram) == kind and not lost:
            lost.append(datagram)
            return []
        return [datagram]

    a, b = pair()
    path = Path(a, b, lose)
    path.start()
    path.run(5.0)
    assert lost
    agree_on(a, b)


def test_a_repeated_message_is_the_same_but_for_its_count() -> None:
    a, b = pair()
    path = Path(a, b, lambda _who, each: [] if kind_of(each) == "HelloACK" else [each])
    path.start()
    path.run(1.0)
    hellos = [each for each in a.sent if kind_of(each) == "Hello"]
    assert len({each[12:-4] for each in hellos}) == 1
    counts = [int.from_bytes(each[2:4], "big") for each in a.sent]
    assert counts == list(range(counts[0], counts[0] + len(counts)))
    assert counts[0] <= 0x1000


def hello_times(announced: bool) -> list[float]:
    a, b = pair()
    if announced:
        found = parse_hello_hash(b.stream.hello_hash)
        assert found is not None
        a.stream.announce([found], 100.0)
    a.stream.start(100.0)
    times = [0.0]
    while (due := a.stream.deadline()) is not None:
        a.stream.tick(due)
        times.extend([due - 100.0] * len(a.stream.datagrams_to_send()))
    a.heed(0)
    assert a.stream.state is ZrtpState.SILENT
    assert a.of(Silent)
    return times[1:]


def test_hello_is_repeated_twenty_times_over_3_75_seconds() -> None:
    times = hello_times(announced=False)
    assert len(times) == 1 + 20
    assert times[1:4] == pytest.approx([0.05, 0.15, 0.35])
    assert times[-1] == pytest.approx(3.75)


def test_hello_is_repeated_for_twelve_seconds_where_signalling_announced_the_peer() -> None:
    assert hello_times(announced=True)[-1] >= 12.0


@pytest.mark.parametrize("late_s", [0.06, 0.16, 0.3, 1.0])
def test_a_peer_that_begins_late_does_not_wait_for_a_hello_that_has_become_rare(
    late_s: float,
) -> None:
    a, b = pair()
    path = Path(a, b, lambda who, each: [] if who is a and not b.sent else [each])
    a.stream.start(path.now)
    path.run(late_s)
    b.stream.start(path.now)
    path.pump()
    path.run(8 * 0.02 + 0.001)
    assert a.secure
    assert b.secure


def test_who_begins_at_the_same_time_says_hello_once() -> None:
    a, b = pair()
    path = Path(a, b)
    path.start()
    path.run(3.0)
    assert [each.types().count("Hello") for each in (a, b)] == [1, 1]


def test_other_messages_are_repeated_ten_times_over_9_45_seconds() -> None:
    a, b = pair()
    path = Path(a, b, lambda _who, each: [each] if kind_of(each).startswith("Hello") else [])
    path.start()
    path.run(20.0)
    commits = [each for each in a.types() if each == "Commit"]
    assert len(commits) == 11
    assert [each.code for each in a.of(Failed)] == [ErrorCode.TIMEOUT.value]
    assert "Error" in a.types()


def test_a_responder_gives_up_after_ten_seconds_without_a_message() -> None:
    a, b = pair()
    path = Path(a, b, lambda _who, each: [] if kind_of(each) == "DHPart1" else [each])
    path.start()
    path.run(1.0)
    path.meddle = lambda _who, _each: []
    responder = next(e for e in (a, b) if e.stream.state is ZrtpState.RESPONDING)
    path.run(9.0)
    assert responder.stream.state is ZrtpState.RESPONDING
    path.run(1.5)
    assert [each.code for each in responder.of(Failed)] == [ErrorCode.TIMEOUT.value]


def test_who_speaks_late_is_still_heard() -> None:
    a, b = pair()
    path = Path(a, b)
    a.stream.start(path.now)
    path.run(30.0)
    assert a.of(Silent)
    b.stream.start(path.now)
    path.pump()
    path.run(5.0)
    agree_on(a, b)


def test_the_hello_of_one_that_was_slow_to_be_looked_up_is_not_lost() -> None:
    a, b = pair()
    path = Path(a, b)
    a.attentive = False
    path.start()
    path.run(1.0)
    assert not a.secure
    a.attentive = True
    path.pump()
    path.run(5.0)
    agree_on(a, b)


def test_a_caller_that_slept_sends_once_for_all_that_it_missed() -> None:
    a, _ = pair()
    a.stream.start(0.0)
    a.stream.datagrams_to_send()
    a.stream.tick(3.0)
    assert len(a.stream.datagrams_to_send()) == 1
    deadline = a.stream.deadline()
    assert deadline is not None
    assert 3.0 < deadline <= 3.2
