"""Whether the engine's sound is alive: its periods while it is open, else a self-test."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Final

from offhook.app.engine.handset_sound import HandsetCard
from offhook.app.engine.mixer import SILENCE, Mixer
from offhook.app.engine.urgency import urgent_threads
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.sound import OnPeriod
from offhook.shells.store.clock import monotonic

STILL_S: Final = 5.0
"""An open sound's thread keeps time even without its card: so long without a period, it is dead."""
SLOW_S: Final = 20.0
"""What opening or closing a card may take."""
TEST_S: Final = 5.0
"""What a self-test may take, which needs a fraction of a millisecond."""

TESTED: Final = b"\x00\x10" * (len(SILENCE) // 2)


class Pulse:
    """Watches the cards that `watch` has wrapped; for the running loop.

    `self_test` mixes a period in a thread of its own, as a sound's thread does.
    """

    def __init__(
        self,
        self_test: Callable[[], bool] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._self_test = self_test or mixes
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._open = False
        self._beat = 0.0
        self._busy_since: float | None = None
        self._testing_since: float | None = None
        self._test_failed = False

    def watch(self, card: HandsetCard) -> HandsetCard:
        """The same card, seen from here."""
        return _WatchedCard(card, self)

    def fault(self) -> str:
        """What stands still, as a sentence; empty where nothing does. Begins a self-test."""
        now, busy_since = self._clock(), self._busy_since
        if busy_since is not None:
            slow = now - busy_since > SLOW_S
            return f"the sound card hangs for {now - busy_since:.0f} s" if slow else ""
        if self._open:
            self._testing_since = None
            still_s = now - self._beat
            return f"the sound stands still for {still_s:.0f} s" if still_s > STILL_S else ""
        return self._tested(now)

    def beat(self) -> None:
        """A period has passed; in the sound's thread."""
        self._beat = self._clock()

    def begin(self) -> None:
        """A card is being opened or closed; in the worker's thread."""
        self._busy_since = self._clock()

    def end(self, *, opened: bool) -> None:
        """That is done; in the worker's thread."""
        self._beat = self._clock()
        self._open = opened
        self._busy_since = None

    def _tested(self, now: float) -> str:
        if self._test_failed:
            return "the self-test of the sound failed"
        if self._testing_since is None:
            self._testing_since = now
            threading.Thread(target=self._test, args=(now,), name="self-test", daemon=True).start()
        elif now - self._testing_since > TEST_S:
            return "the self-test of the sound doesn't end"
        return ""

    def _test(self, began: float) -> None:
        passed = False
        # Whatever goes wrong there is what is being looked for.
        with contextlib.suppress(Exception):
            passed = self._self_test()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._test_ended, began, passed)

    def _test_ended(self, began: float, passed: bool) -> None:
        self._test_failed = not passed
        if self._testing_since == began:
            self._testing_since = None


class _WatchedCard:
    """A card whose periods are counted, and whose threads are urgent."""

    def __init__(self, card: HandsetCard, pulse: Pulse) -> None:
        self._card, self._pulse = card, pulse

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        beat = self._pulse.beat

        def counted(captured: bytes) -> bytes:
            beat()
            return on_period(captured)

        opened = False
        self._pulse.begin()
        try:
            with urgent_threads():
                self._card.open(pcm_format, counted)
            opened = True
        finally:
            self._pulse.end(opened=opened)

    def close(self) -> None:
        self._pulse.begin()
        try:
            self._card.close()
        finally:
            self._pulse.end(opened=False)

    def side_tone(self, gain_db: float | None) -> None:
        self._card.side_tone(gain_db)


def mixes() -> bool:
    """Whether a period that is to be heard comes out of a mixer."""
    mixer = Mixer(lambda _utterance: None, lambda: None, lambda _mouth, _ear: None)
    mixer.beep(TESTED)
    heard = mixer.turn(SILENCE)
    return len(heard) == len(SILENCE) and heard != SILENCE and mixer.turn(SILENCE) == SILENCE
