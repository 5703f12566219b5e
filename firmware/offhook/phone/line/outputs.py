"""What ear, bell and lamps are doing, so that only changes are asked for."""

from __future__ import annotations

from collections import deque

from offhook.base.vocabulary import Lamp, LampLook, Ring, Tone
from offhook.phone.line import actions as do
from offhook.phone.line.features import Sentences
from offhook.phone.line.states import LONGEST_PROMPT_S


class Outputs:
    """The line's actions, in order. While something is said there is no tone."""

    def __init__(self) -> None:
        self.speaks_until: float | None = None
        """When to stop waiting for `Spoken` (s); None while nothing is said."""
        self._utterance = 0
        self._queue: deque[do.Action] = deque()
        self._tone: Tone | None = None
        self._ring: Ring | None = None
        self._looks: dict[Lamp, LampLook] = {}

    def add(self, *actions: do.Action) -> None:
        """Actions that are no lasting state."""
        self._queue.extend(actions)

    def take(self) -> list[do.Action]:
        """Everything asked for since the last time."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    def quiet(self, keep: Tone | None) -> None:
        """Stop what is said, the bell, and any tone but `keep`."""
        self.hush()
        self.ring(None, 0)
        if self._tone is not keep:
            self.tone(None)

    def tone(self, tone: Tone | None) -> None:
        """Nothing else plays but this tone, if any."""
        if self.speaks_until is not None:
            tone = None
        if tone is not self._tone:
            self._tone = tone
            self.add(do.StopTone() if tone is None else do.PlayTone(tone))

    def ring(self, ring: Ring | None, volume: int) -> None:
        """The bell, or silence."""
        if ring is not self._ring:
            self._ring = ring
            self.add(do.StopRing() if ring is None else do.StartRing(ring, volume))

    def say(self, sentences: Sentences, now: float) -> None:
        """Say this instead of whatever was said or played; nothing to say is nothing done."""
        if sentences:
            self.hush()
            self.tone(None)
            self.speaks_until = now + LONGEST_PROMPT_S
            self._utterance += 1
            self.add(do.Say(sentences, self._utterance))

    def saying(self, utterance: int | None) -> bool:
        """Whether something is being said, and this if it has a number."""
        return self.speaks_until is not None and utterance in {None, self._utterance}

    def said(self) -> None:
        """It was said to its end."""
        self.speaks_until = None

    def hush(self) -> None:
        """Break off."""
        if self.speaks_until is not None:
            self.speaks_until = None
            self.add(do.Hush())

    def lamp(self, lamp: Lamp, look: LampLook) -> None:
        """The lamp, where it doesn't look so already."""
        if self._looks.get(lamp) != look:
            self._looks[lamp] = look
            self.add(do.SetLamp(lamp, look))
