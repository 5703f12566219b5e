"""What may be absent from a test run, and why: `tests/allowed-absences.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parents[2] / "tests" / "allowed-absences.toml"


@dataclass(frozen=True, slots=True)
class Absences:
    """Reasons by stage and by test.

    A test's name is pytest's, without its parameters; a file's stands for all tests in it.
    """

    stages: dict[str, str]
    tests: dict[str, str]


def read(file: Path = FILE) -> Absences:
    """The allowed absences. Raises ValueError for an entry without reason or with two subjects."""
    stages: dict[str, str] = {}
    tests: dict[str, str] = {}
    for entry in tomllib.loads(file.read_text()).get("absence", []):
        match entry:
            case {"stage": str(stage), "reason": str(reason), **rest} if reason and not rest:
                stages[stage] = reason
            case {"test": str(test), "reason": str(reason), **rest} if reason and not rest:
                tests[test] = reason
            case _:
                raise ValueError(f"{file.name}: {entry} is not one stage or test with a reason")
    return Absences(stages, tests)
