"""Writes plain data as a TOML 1.0 document: settings for a phone, a device's file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from offhook.base.errors import LocalError

_DEEPEST: Final = 2
"""Tables of this depth stand on one line."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(document: Mapping[str, Any]) -> str:
    """`document` as text: values first, then tables, in the order given. Raises LocalError."""
    return "".join(_table(document, ())).lstrip("\n")


def _table(table: Mapping[str, Any], path: tuple[str, ...], depth: int = 0) -> list[str]:
    lines = []
    below = []
    for name, value in table.items():
        where = (*path, _key(name))
        title = ".".join(where)
        if isinstance(value, Mapping) and value and depth < _DEEPEST:
            below.append(f"\n[{title}]\n" + "".join(_table(value, where, depth + 1)))
        elif _is_tables(value) and depth == 0:
            head = f"\n[[{title}]]\n"
            below.extend(head + "".join(_table(each, where, _DEEPEST)) for each in value)
        else:
            lines.append(f"{_key(name)} = {_value(value)}\n")
    return lines + below


def _is_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    raise LocalError(f"{type(value).__name__} has no place in settings")


def _text(text: str) -> str:
    # TOML's basic strings are JSON's, but for DEL, which TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
