"""What is wrong with a document, said so that its author can mend it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.secret import SHOWN

MISSING: Final = "(missing)"
LONGEST_SHOWN: Final = 80
"""Characters of a value that a problem repeats."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect: where it is, what stands there, what should, and how to mend it.

    `path` is like `accounts[0].password`, empty for the document as a whole; `value` is shown as
    TOML, `•••` under a secret key, the kind alone of a table or list, `(missing)` of nothing.
    """

    path: str
    value: str
    expectation: str
    remedy: str

    def __str__(self) -> str:
        where = self.path or "the document"
        return f"{where}: {self.value}: expected {self.expectation}. {self.remedy}"


class DocumentInvalid(LocalError):
    """A document that breaks its schema; `problems` holds every defect, in document order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def show(value: object, *, hidden: bool = False) -> str:
    """`value` as TOML on one line, cut at 80 characters; a container shows its kind alone."""
    if hidden:
        return SHOWN
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    text = _printable(value) if isinstance(value, str) else _number(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def join(path: str, key: str) -> str:
    """The path of `key` in the table at `path`; a key that isn't bare is quoted."""
    shown = key if key and _is_bare(key) else show(key)
    return f"{path}.{shown}" if path else shown


def _is_bare(key: str) -> bool:
    return key.isascii() and key.replace("-", "").replace("_", "").isalnum() and len(key) <= 40


def _printable(text: str) -> str:
    quoted = json.dumps(text[: LONGEST_SHOWN + 1], ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in quoted)


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very large number"
    return str(value)
