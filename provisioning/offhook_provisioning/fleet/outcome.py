"""What a command did, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Outcome:
    """`changed` is the exit status: 0 for no, 2 for yes. No line and no datum holds a secret."""

    changed: bool = False
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def say(self, line: str, *, changed: bool = False) -> None:
        """One thing that was found, or done."""
        self.lines.append(line)
        self.changed = self.changed or changed

    def warn(self, line: str) -> None:
        """Something that the operator has to see to."""
        self.warnings.append(line)

    def join(self, other: Outcome) -> None:
        """What a part of the command did."""
        self.changed = self.changed or other.changed
        self.lines += other.lines
        self.warnings += other.warnings
        self.data.update(other.data)
