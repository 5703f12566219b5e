"""The interface behind which a sound card, a WAV file or an echo stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from offhook.base.vocabulary import PcmFormat

OnPeriod = Callable[[bytes], bytes]
"""Takes what was captured in a period (empty: it was lost), gives what is to be played in it.

Called from the sound's own thread. It only copies: it never waits, and never raises.
"""


class Sound(Protocol):
    """A source and a sink of sound, at one clock."""

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        """Begin to call `on_period` once per period; LocalError where that can't be done."""
        ...

    def close(self) -> None:
        """Stop; no call of `on_period` begins after it returns. Harmless when repeated."""
        ...


MAX_BEHIND: Final = 10
"""Periods that are made up for after a delay; of a longer one, the rest counts as lost."""


class Pacer:
    """Calls `step(lost)` once per period in a thread, without drift.

    The n-th call is due n periods after the first, whatever the ones before it took. A thread
    and no timer of the event loop: so it is paced like a sound card's callback, what is true of
    it is true of a card, and a busy loop does not slow the clock down.
    """

    def __init__(self, period_s: float, step: Callable[[bool], None], name: str) -> None:
        self._period = period_s
        self._step = step
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Make the first call now."""
        self._thread.start()

    def stop(self) -> None:
        """Make no further call; waits for the one that is under way."""
        self._stopped.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        count = 0
        while not self._stopped.is_set():
            ahead = begun + count * self._period - time.monotonic()
            if ahead > 0 and self._stopped.wait(ahead):
                return
            behind = int(-ahead / self._period)
            self._step(behind > MAX_BEHIND)
            count += 1
