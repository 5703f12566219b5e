"""RFC 5626 §4.5: how long to wait after how many failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.randomness import SeededRandomness
from offhook.protocols.sip.backoff import Backoff


class Constant:
    """Randomness with all bits 0 or all bits 1."""

    def __init__(self, octet: int) -> None:
        self._octet = octet

    def octets(self, count: int) -> bytes:
        return bytes([self._octet]) * count


def test_the_first_retry_comes_after_30_to_60_seconds() -> None:
    assert Backoff(Constant(0)).failure() == 30.0
    assert Backoff(Constant(255)).failure() == pytest.approx(60.0)


def test_three_failures_wait_up_to_240_seconds() -> None:
    backoff = Backoff(Constant(255))
    waits = [backoff.failure() for _ in range(3)]
    assert waits == pytest.approx([60.0, 120.0, 240.0])


def test_the_maximum_gives_15_to_30_minutes_for_ever() -> None:
    backoff = Backoff(SeededRandomness("max"))
    waits = [backoff.failure() for _ in range(5000)]
    assert all(900.0 <= wait <= 1800.0 for wait in waits[6:])
    assert max(waits[6:]) - min(waits[6:]) > 800.0, "the waits are spread"


def test_a_success_starts_again() -> None:
    backoff = Backoff(Constant(0))
    for _ in range(9):
        backoff.failure()
    assert backoff.failures == 9
    backoff.success()
    assert backoff.failures == 0
    assert backoff.failure() == 30.0


@given(
    base=st.floats(0.01, 1800.0),
    extra=st.floats(0.0, 10000.0),
    failures=st.integers(1, 40),
    seed=st.integers(0, 999),
)
def test_every_wait_lies_in_the_upper_half_of_its_bound(
    base: float, extra: float, failures: int, seed: int
) -> None:
    backoff = Backoff(SeededRandomness(seed), base_s=base, max_s=base + extra)
    for number in range(1, failures + 1):
        bound = min(base + extra, base * 2.0**number)
        assert bound / 2 <= backoff.failure() <= bound


@pytest.mark.parametrize(("base", "most"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0)])
def test_nonsense_is_refused(base: float, most: float) -> None:
    with pytest.raises(LocalError):
        Backoff(Constant(0), base_s=base, max_s=most)
