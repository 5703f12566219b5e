"""What the line keeps over a restart: volumes and call history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from offhook.base.errors import LocalError
from offhook.phone.call.history import History

EAR_STEPS: Final = range(1, 11)
"""The ear is never silent: nobody is to take that for a dead line."""
RING_STEPS: Final = range(10)
"""Step 0 is a silent bell."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Volumes in steps, and the history."""

    ear_step: int = 7
    ring_step: int = 6
    history: History = field(default_factory=History)

    def to_document(self) -> dict[str, object]:
        """Strings, numbers and lists, for a store."""
        return {
            "ear_step": self.ear_step,
            "ring_step": self.ring_step,
            "history": self.history.to_document(),
        }

    @classmethod
    def from_document(cls, document: object) -> Memory:
        """The reverse of `to_document`. Raises LocalError for anything else."""
        if not isinstance(document, Mapping):
            raise LocalError("a line's memory is a table")
        return cls(
            _step(document.get("ear_step", 7), EAR_STEPS),
            _step(document.get("ring_step", 6), RING_STEPS),
            History.from_document(document.get("history", {})),
        )


def _step(raw: object, steps: range) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and raw in steps:
        return raw
    raise LocalError(f"a volume is a step from {steps[0]} to {steps[-1]}")
