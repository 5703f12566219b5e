"""What the telephone does when a code asks for it: volumes, and the reset in two steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from offhook.base.schema.feature_codes import FeatureCode, Function
from offhook.base.vocabulary import PromptId, Sentence
from offhook.phone.line import actions as do
from offhook.phone.line.features import Sentences
from offhook.phone.line.memory import EAR_STEPS, RING_STEPS, Memory

_VOLUMES: Final[Mapping[Function, tuple[do.Volume, int]]] = {
    "ear-louder": (do.Volume.EAR, 1),
    "ear-softer": (do.Volume.EAR, -1),
    "ring-louder": (do.Volume.RING, 1),
    "ring-softer": (do.Volume.RING, -1),
}


def is_volume(function: Function) -> bool:
    """Whether the function changes a volume."""
    return function in _VOLUMES


def turn(memory: Memory, function: Function) -> tuple[Memory, do.SetVolume, Sentences]:
    """One step; at the last one it stays there."""
    volume, change = _VOLUMES[function]
    if volume is do.Volume.EAR:
        step = _within(memory.ear_step + change, EAR_STEPS)
        told = Sentence(PromptId.EAR_VOLUME, str(step))
        return replace(memory, ear_step=step), do.SetVolume(volume, step), (told,)
    step = _within(memory.ring_step + change, RING_STEPS)
    told = Sentence(PromptId.RING_VOLUME, str(step))
    return replace(memory, ring_step=step), do.SetVolume(volume, step), (told,)


def _within(step: int, steps: range) -> int:
    return max(steps[0], min(steps[-1], step))


class ResetGuard:
    """Two codes, the second within the time that the first one's row gives, nothing in between."""

    def __init__(self) -> None:
        self._armed_until: float | None = None

    def disarm(self) -> None:
        """Something else was dialled, or the handset was laid down."""
        self._armed_until = None

    def arm(self, code: FeatureCode, now: float) -> Sentences:
        """The first code."""
        seconds = code.within_s or 0.0
        self._armed_until = now + seconds
        return (Sentence(PromptId.RESET_ARMED, f"{seconds:.0f}"),)

    def confirm(self, now: float) -> bool:
        """The second code: whether everything is to be erased."""
        armed = self._armed_until is not None and now <= self._armed_until
        self.disarm()
        return armed
