"""Explains every key of a schema, out of the same metadata that the walker checks by."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from msgspec import NODEFAULT, inspect

from offhook.base.schema.expectation import (
    as_toml,
    default_of,
    expectation_of,
    inner,
    peel,
    schema_of,
)
from offhook.base.schema.problem import join
from offhook.base.schema.section import Section


@dataclass(frozen=True, slots=True)
class KeyExplanation:
    """One key: `path` has `[]` where a list's index stands; `default` and `example` are TOML.

    `default` is None where the key must be given, `(none)` where it is simply absent.
    """

    path: str
    explanation: str
    expectation: str
    default: str | None
    example: str
    secret: bool


def explanations(section: type[Section]) -> tuple[KeyExplanation, ...]:
    """Every key of `section` and of the sections in it, in the order of the schema."""
    node = inspect.type_info(section)
    assert isinstance(node, inspect.StructType)  # noqa: S101  a Section is a Struct
    return tuple(_keys(node, ""))


def explain(section: type[Section]) -> str:
    """All explanations as text of at most 88 columns, to be read by a person."""
    return "\n".join(_paragraph(each) for each in explanations(section))


def explain_data(section: type[Section]) -> list[dict[str, object]]:
    """All explanations as data for JSON."""
    return [asdict(each) for each in explanations(section)]


def _keys(node: inspect.StructType, path: str) -> Iterator[KeyExplanation]:
    for field in node.fields:
        below = peel(inner(field.type))
        where = join(path, field.encode_name)
        default = default_of(field)
        section: inspect.Type | None = below
        deeper = where
        if isinstance(below, inspect.VarTupleType):
            section, deeper = peel(inner(below.item_type)), f"{where}[]"
        said = schema_of(field.type)
        hides = (
            isinstance(section, inspect.StructType)
            and issubclass(section.cls, Section)
            and section.cls.hides
        )
        yield KeyExplanation(
            path=where,
            explanation=said["description"],
            expectation=expectation_of(field.type),
            default=None if default is NODEFAULT else _shown(default),
            example=f"{field.encode_name} = {as_toml(said['examples'][0])}",
            secret=hides,
        )
        if isinstance(section, inspect.StructType):
            yield from _keys(section, deeper)


def _shown(default: object) -> str:
    return "its keys' defaults" if isinstance(default, Section) else as_toml(default)


def _paragraph(key: KeyExplanation) -> str:
    default = "required" if key.default is None else f"default: {key.default}"
    lines = [
        *textwrap.wrap(key.explanation, 84),
        *textwrap.wrap(f"expects: {key.expectation}", 84, subsequent_indent="  "),
        *textwrap.wrap(default, 84, subsequent_indent="  "),
        f"example: {key.example}",
    ]
    return f"{key.path}\n" + "".join(f"    {line}\n" for line in lines)
