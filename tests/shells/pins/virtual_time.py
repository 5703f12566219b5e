"""An event loop whose time is made up, and a world that goes on whether the loop is late or not."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Act = Callable[[], None]


class World:
    """What happens, and when (s). `late` says how late the loop wakes, each time anew."""

    def __init__(self, late: Callable[[], float] = lambda: 0.0) -> None:
        self.now = 1000.0
        self.late = late
        self._coming: list[tuple[float, int, Act]] = []
        self._count = itertools.count()
        self._told_at = 0.0

    def clock(self) -> float:
        return self.now

    def at(self, when: float, act: Act) -> None:
        heapq.heappush(self._coming, (when, next(self._count), act))

    def deliver(self, delay: Callable[[], float]) -> Callable[[Act], None]:
        """A thread that comes to what it is given after a delay, and in order."""

        def later(act: Act) -> None:
            self._told_at = max(self._told_at, self.now + delay())
            self.at(self._told_at, act)

        return later

    def go(self, until: float, woken: Callable[[], bool]) -> None:
        """Let happen what comes by then, or until the loop is woken by it."""
        while self._coming and self._coming[0][0] <= until and not woken():
            when, _, act = heapq.heappop(self._coming)
            self.now = max(self.now, when)
            act()
        if not woken():
            self.now = max(self.now, until)


class _Leap(selectors.SelectSelector):
    """Waits for nothing: it makes time pass."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        world = self.loop.world
        if timeout is None:
            raise RuntimeError("nothing is left that could happen")
        if timeout > 0:
            world.go(world.now + timeout, self.loop.is_woken)
            world.go(world.now + world.late(), lambda: False)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs on the world's time."""

    def __init__(self, world: World) -> None:
        selector = _Leap()
        selector.loop = self
        self.world = world
        super().__init__(selector)

    def time(self) -> float:
        return self.world.now

    def is_woken(self) -> bool:
        return bool(self._ready)  # type: ignore[attr-defined]

    def run_until(self, when: float) -> None:
        """Let all happen that happens by then."""
        self.run_until_complete(asyncio.sleep(max(0.0, when - self.world.now)))

    def do(self, act: Act) -> None:
        """Do something on the loop, now."""

        async def once() -> None:
            act()

        self.run_until_complete(once())


@contextmanager
def virtual_loop(world: World) -> Iterator[VirtualLoop]:
    loop = VirtualLoop(world)
    try:
        yield loop
    finally:
        loop.close()
