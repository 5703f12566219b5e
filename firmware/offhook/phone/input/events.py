"""What the input machines report; a `Key` is told in the vocabulary's own word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from offhook.base.vocabulary import Key


@dataclass(frozen=True, slots=True)
class HookUp:
    """The handset was lifted."""


@dataclass(frozen=True, slots=True)
class HookDown:
    """The handset was laid down, for longer than a flash may last."""


@dataclass(frozen=True, slots=True)
class Flash:
    """The hook was pressed and let go within the flash window; the handset is still up."""


@dataclass(frozen=True, slots=True)
class RotaryDigit:
    """The dial came to rest: `digit` is "0" to "9"."""

    digit: str


InputEvent: TypeAlias = HookUp | HookDown | Flash | Key | RotaryDigit
