from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.media.link import BOB, MALLORY

from offhook.protocols.media.srtp import MAX_DATAGRAM
from offhook.protocols.media.srtp_early import HELD_S, MOST_HELD, EarlyMedia, HeldDatagram

NOW = 1000.0


def test_what_came_before_the_key_is_released_in_its_order_and_once() -> None:
    early = EarlyMedia()
    early.hold(b"1", BOB, NOW)
    early.hold(b"2", MALLORY, NOW + 0.05, rtcp=True)
    assert early.release(NOW + 0.1) == [
        HeldDatagram(b"1", BOB, NOW, rtcp=False),
        HeldDatagram(b"2", MALLORY, NOW + 0.05, rtcp=True),
    ]
    assert early.release(NOW + 0.1) == []
    assert early.dropped == 0


def test_nothing_is_held_for_longer_than_200_ms() -> None:
    early = EarlyMedia()
    early.hold(b"1", BOB, NOW)
    early.hold(b"2", BOB, NOW + 0.1)
    assert HELD_S == 0.2
    assert early.deadline() == NOW + HELD_S
    early.expire(NOW + HELD_S)
    assert early.deadline() == NOW + 0.1 + HELD_S
    assert [each.data for each in early.release(NOW + 0.25)] == [b"2"]
    assert early.deadline() is None
    assert early.dropped == 1


@given(st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 0.05)), max_size=200))
def test_however_much_comes_little_is_held(coming: list[tuple[int, float]]) -> None:
    early, now = EarlyMedia(), NOW
    for octets, after in coming:
        now += after
        early.hold(bytes(octets), BOB, now)
        assert len(early._held) <= MOST_HELD
    released = early.release(now)
    assert all(len(each.data) <= MAX_DATAGRAM and now < each.now + HELD_S for each in released)
    assert len(released) + early.dropped == len(coming)
