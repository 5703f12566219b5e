"""Where packets are sent."""

from __future__ import annotations

from offhook.base.vocabulary import PathAddress
from offhook.protocols.media.path import HOLD_S, Latch

SIGNALLED, SEEN, THIRD = (PathAddress("192.0.2.1", port) for port in (1, 2, 3))


def test_the_signalled_address_is_used_until_another_is_heard() -> None:
    latch = Latch(SIGNALLED)
    assert latch.address == SIGNALLED
    latch.follow(SEEN, 1.0)
    assert latch.address == SEEN


def test_an_address_that_is_heard_keeps_its_place() -> None:
    latch = Latch(SIGNALLED)
    latch.follow(SEEN, 1.0)
    latch.follow(THIRD, 1.0 + HOLD_S / 2)
    assert latch.address == SEEN
    latch.follow(SEEN, 1.4)
    latch.follow(THIRD, 1.0 + HOLD_S)
    assert latch.address == SEEN


def test_an_address_that_fell_silent_is_given_up_for_one_that_is_heard() -> None:
    latch = Latch(SIGNALLED)
    latch.follow(SIGNALLED, 1.0)
    latch.follow(SEEN, 1.0 + HOLD_S)
    assert latch.address == SEEN


def test_a_new_signalled_address_begins_anew_and_the_same_one_does_not() -> None:
    latch = Latch(SIGNALLED)
    latch.follow(SEEN, 1.0)
    latch.signal(SIGNALLED)
    assert latch.address == SEEN
    latch.signal(THIRD)
    assert latch.address == THIRD
    latch.follow(SEEN, 1.1)
    assert latch.address == SEEN
