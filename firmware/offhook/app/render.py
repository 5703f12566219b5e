"""Reports for people: the JSON's own keys and values, one line each, without the empty ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

_EMPTY: Final[tuple[object, ...]] = (None, "", (), [], {})


def render(report: msgspec.Struct) -> str:
    """The report as indented text, with nothing of a peer's that a terminal would obey."""
    return "\n".join(map(plain, _lines(msgspec.to_builtins(report), 0)))


def plain(text: str) -> str:
    """Text that may come from a peer, without what a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _lines(value: object, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(value, dict):
        for key, item in value.items():
            if item in _EMPTY:
                continue
            name = str(key).replace("_", " ")
            if isinstance(item, (dict, list, tuple)):
                yield f"{indent}{name}:"
                yield from _lines(item, depth + 1)
            else:
                yield f"{indent}{name}: {_shown(item)}"
    elif isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, dict):
                yield f"{indent}-"
                yield from _lines(item, depth + 1)
            else:
                yield f"{indent}- {_shown(item)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
