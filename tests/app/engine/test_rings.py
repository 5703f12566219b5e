"""Rings between two threads."""

from __future__ import annotations

import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from offhook.app.engine.rings import PeriodRing


def test_what_is_put_in_comes_out_in_order() -> None:
    ring = PeriodRing(2, 4)
    assert ring.get() is None
    assert ring.put(b"1111")
    assert ring.put(b"")
    assert not ring.put(b"3333")
    assert len(ring) == 2
    assert (ring.get(), ring.get(), ring.get()) == (b"1111", b"", None)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=4))), st.integers(1, 5))
def test_it_is_a_queue_of_bounded_length(steps: list[bytes | None], capacity: int) -> None:
    ring, model = PeriodRing(capacity, 4), list[bytes]()
    for step in steps:
        if step is None:
            assert ring.get() == (model.pop(0) if model else None)
        else:
            assert ring.put(step) == (len(model) < capacity)
            if len(model) < capacity:
                model.append(step)
        assert len(ring) == len(model)


def test_two_threads_lose_and_mix_nothing() -> None:
    ring = PeriodRing(8, 4)
    count = 500
    got: list[int] = []

    def write() -> None:
        for n in range(count):
            while not ring.put(n.to_bytes(4, "big")):
                pass

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        writer = threading.Thread(target=write)
        writer.start()
        while len(got) < count:
            period = ring.get()
            if period is not None:
                got.append(int.from_bytes(period, "big"))
        writer.join()
    finally:
        sys.setswitchinterval(usual)
    assert got == list(range(count))
