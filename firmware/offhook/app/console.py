"""Progress for a person goes to standard error; results alone to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Console:
    """Where commands say what they are doing; with `traces`, every SIP message too."""

    traces: bool = False

    def say(self, sentence: str) -> None:
        """One line of progress."""
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()

    @property
    def trace(self) -> Callable[[str], None] | None:
        """What takes SIP messages, or None where nobody wants them."""
        return self.say if self.traces else None


def result(text: str) -> None:
    """The command's result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Why the command could not do what it was told to."""
    sys.stderr.write(f"offhook: {text}\n")
    sys.stderr.flush()
