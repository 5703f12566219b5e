from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from offhook.shells.audio.ring import ChunkRing

CHUNKS = st.binary(min_size=4, max_size=4) | st.just(b"")


@given(st.lists(st.one_of(st.none(), CHUNKS), max_size=60), st.integers(1, 5))
def test_it_gives_back_what_it_took_in_order_and_takes_no_more_than_it_can_hold(
    steps: list[bytes | None], capacity: int
) -> None:
    ring, model = ChunkRing(capacity, 4), list[bytes]()
    for step in steps:
        if step is None:
            assert ring.get() == (model.pop(0) if model else None)
        else:
            room = len(model) < capacity
            assert ring.put(step) is room
            model += [step] if room else []
        assert len(ring) == len(model)


def test_a_chunk_of_another_size_is_not_taken() -> None:
    ring = ChunkRing(2, 4)
    assert not ring.put(b"123")
    assert not ring.put(b"12345")
    assert ring.get() is None


def test_two_threads_lose_and_mix_up_nothing() -> None:
    ring, got, count = ChunkRing(8, 4), list[int](), 20000

    def write() -> None:
        for n in range(count):
            while not ring.put(n.to_bytes(4, "little")):
                time.sleep(0)

    writer = threading.Thread(target=write)
    writer.start()
    while len(got) < count:
        chunk = ring.get()
        if chunk is None:
            time.sleep(0)
        else:
            got.append(int.from_bytes(chunk, "little"))
    writer.join()
    assert got == list(range(count))
