"""The parts that schemas are made of: sections and keys that explain themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec


@dataclass(frozen=True, slots=True)
class Defect:
    """A problem as seen from inside a section: `key` is relative to it, may be empty or dotted."""

    key: str
    value: object
    expectation: str
    remedy: str


class Section(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """A table of the document. Every field carries its explanation by `key()`."""

    hides: ClassVar[bool] = False
    """True where nothing that stands in this table may be shown."""
    expected: ClassVar[str] = "a table"
    """What stands in such a section's place, in words."""

    @classmethod
    def shape(cls, raw: object) -> object | Defect:
        """The table that `raw` stands for, where a section has a short form of its own."""
        return raw

    def check(self) -> Iterable[Defect]:
        """What is wrong between keys that are each right."""
        return ()


def key(
    explanation: str,
    *,
    example: object,
    expects: str | None = None,
    remedy: str | None = None,
    **bounds: Any,
) -> msgspec.Meta:
    """One key's metadata: what it is for, an example, what it expects, how to mend it.

    `expects` replaces the expectation that follows from type and bounds; `bounds` are
    msgspec's (ge, le, pattern, min_length, …).
    """
    extra = {"expects": expects, "remedy": remedy}
    said = {name: text for name, text in extra.items() if text is not None}
    return msgspec.Meta(description=explanation, examples=[example], extra=said, **bounds)


def table(raw: object) -> Mapping[str, object] | None:
    """`raw` as a table of the document, or None."""
    if isinstance(raw, Mapping) and all(isinstance(name, str) for name in raw):
        return raw
    return None
