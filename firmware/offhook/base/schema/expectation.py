"""What a schema's node expects, in words, out of its type, its bounds and its metadata."""

from __future__ import annotations

import json
from typing import Any

from msgspec import NODEFAULT, inspect


def peel(node: inspect.Type) -> inspect.Type:
    """The node under its metadata."""
    while isinstance(node, inspect.Metadata):
        node = node.type
    return node


def inner(node: inspect.Type) -> inspect.Type:
    """The node that stands for a present value: metadata kept, `| None` taken off."""
    core = peel(node)
    if isinstance(core, inspect.UnionType):
        arms = [arm for arm in core.types if not isinstance(arm, inspect.NoneType)]
        if len(arms) == 1:
            return inner(arms[0])
    return node


def extra_of(node: inspect.Type) -> dict[str, Any]:
    """`expects` and `remedy` as given by `section.key`, the outer one first."""
    found: dict[str, Any] = {}
    while isinstance(node, inspect.Metadata):
        found = {**(node.extra or {}), **found}
        node = node.type
    nested = inner(node)
    return {**extra_of(nested), **found} if nested is not node else found


def schema_of(node: inspect.Type) -> dict[str, Any]:
    """`description` and `examples` as given by `section.key`."""
    return (node.extra_json_schema or {}) if isinstance(node, inspect.Metadata) else {}


def expectation_of(node: inspect.Type) -> str:
    """A noun phrase: "a whole number from 1 to 65535", "true or false", …"""
    said = extra_of(node).get("expects")
    return said if isinstance(said, str) else _by_type(peel(inner(node)))


def _by_type(core: inspect.Type) -> str:
    match core:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number" + _bounds(core)
        case inspect.FloatType():
            return "a number" + _bounds(core)
        case inspect.StrType():
            return "a text" + (f" that matches {core.pattern}" if core.pattern else "")
        case inspect.LiteralType():
            return "one of " + ", ".join(json.dumps(value) for value in core.values)
        case inspect.VarTupleType():
            least = f" with at least {core.min_length}" if core.min_length else ""
            return f"a list{least}, each {expectation_of(core.item_type)}"
        case inspect.StructType():
            return str(getattr(core.cls, "expected", "a table"))
        case _:
            return "another type"


def _bounds(core: inspect.IntType | inspect.FloatType) -> str:
    if core.ge is not None and core.le is not None:
        return f" from {core.ge} to {core.le}"
    if core.ge is not None:
        return f" of at least {core.ge}"
    return ""


def as_toml(value: object) -> str:
    """`value` as it would be written in TOML; `(none)` where the key is simply left out."""
    if value is None:
        return "(none)"
    if isinstance(value, dict):
        inside = ", ".join(f"{name} = {as_toml(child)}" for name, child in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(as_toml(child) for child in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def example(path: str, node: inspect.Type) -> str:
    """How to write the key at `path`: its table's heading, or a line that sets an example."""
    core = peel(inner(node))
    heading = path.replace("[]", "").split("[")[0] if "." not in path else path
    if isinstance(core, inspect.VarTupleType) and isinstance(
        peel(core.item_type), inspect.StructType
    ):
        return f"[[{heading}]] tables"
    examples = schema_of(node).get("examples")
    name = path.rsplit(".", maxsplit=1)[-1]
    if examples:
        return f"for instance {name} = {as_toml(examples[0])}"
    if isinstance(core, inspect.StructType):
        return f"it as a table headed [{heading}]"
    return f"{expectation_of(node)} for {name}"


def default_of(field: inspect.Field) -> object:
    """The field's default, NODEFAULT where it is required."""
    if field.default is not NODEFAULT:
        return field.default
    return NODEFAULT if field.default_factory is NODEFAULT else field.default_factory()
