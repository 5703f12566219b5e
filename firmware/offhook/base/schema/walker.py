"""Converts a document to its schema's sections node by node, and finds every defect in one walk."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from offhook.base.schema.expectation import example, expectation_of, extra_of, peel
from offhook.base.schema.problem import MISSING, DocumentInvalid, Problem, join, show
from offhook.base.schema.section import Defect, Section, table
from offhook.base.secret import SHOWN

SectionT = TypeVar("SectionT", bound=Section)

_BROKEN: Final = object()
"""Stands for a node whose problems are already listed."""


def walk(section: type[SectionT], document: object) -> SectionT:
    """`document` (nested dicts, lists, scalars as TOML gives them) as `section`.

    Raises DocumentInvalid with all problems. Nothing is coerced but an integer to a float.
    """
    walker = _Walker()
    node = inspect.type_info(section)
    value = walker.visit(node, section, document, "", hidden=False)
    if walker.problems or not isinstance(value, section):
        raise DocumentInvalid(tuple(walker.problems))
    return value


class _Walker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def visit(self, node: inspect.Type, hint: Any, raw: object, path: str, *, hidden: bool) -> Any:
        core, core_hint = _core(node, hint)
        if isinstance(core, inspect.StructType):
            return self._section(core, raw, path, hidden=hidden)
        if isinstance(core, inspect.VarTupleType) and isinstance(raw, list):
            return self._list(node, core, core_hint, raw, path, hidden=hidden)
        return self._leaf(node, hint, raw, path, hidden=hidden)

    def _section(self, node: inspect.StructType, raw: object, path: str, *, hidden: bool) -> object:
        section = cast("type[Section]", node.cls)
        hidden = hidden or section.hides
        shaped = section.shape(raw)
        if isinstance(shaped, Defect):
            return self._defect(shaped, path, hidden=hidden)
        content = table(shaped)
        if content is None:
            return self._wrong(node, raw, path, hidden=hidden)
        known = {each.encode_name: each for each in node.fields}
        hints = get_type_hints(section, include_extras=True)
        values: dict[str, object] = {}
        for name, child in content.items():
            if name not in known:
                self._unknown(path, name, tuple(known), hidden=hidden)
                continue
            values[name] = self.visit(
                known[name].type, hints[name], child, join(path, name), hidden=hidden
            )
        for name, field in known.items():
            if field.required and name not in content:
                self._missing(join(path, name), field.type)
                values[name] = _BROKEN
        if any(value is _BROKEN for value in values.values()):
            return _BROKEN
        built = section(**values)
        defects = list(built.check())
        for defect in defects:
            self._defect(defect, path, hidden=hidden)
        return _BROKEN if defects else built

    def _list(
        self,
        outer: inspect.Type,
        node: inspect.VarTupleType,
        hint: Any,
        raw: list[object],
        path: str,
        *,
        hidden: bool,
    ) -> object:
        least, most = node.min_length or 0, node.max_length
        if len(raw) < least or (most is not None and len(raw) > most):
            return self._wrong(outer, raw, path, hidden=hidden)
        item_hint = get_args(hint)[0]
        items = [
            self.visit(node.item_type, item_hint, child, f"{path}[{index}]", hidden=hidden)
            for index, child in enumerate(raw)
        ]
        return _BROKEN if any(item is _BROKEN for item in items) else tuple(items)

    def _leaf(self, node: inspect.Type, hint: Any, raw: object, path: str, *, hidden: bool) -> Any:
        if isinstance(raw, str) and not raw.isprintable():
            self._add(
                path,
                show(raw, hidden=hidden),
                "text without control characters",
                "Take the control characters out.",
            )
            return _BROKEN
        try:
            return msgspec.convert(raw, hint, strict=True)
        except msgspec.ValidationError:
            return self._wrong(node, raw, path, hidden=hidden)

    def _wrong(self, node: inspect.Type, raw: object, path: str, *, hidden: bool) -> object:
        remedy = extra_of(node).get("remedy") or f"Write {example(path, node)}."
        self._add(path, show(raw, hidden=hidden), expectation_of(node), remedy)
        return _BROKEN

    def _missing(self, path: str, node: inspect.Type) -> None:
        self._add(path, MISSING, expectation_of(node), f"Add {example(path, node)}.")

    def _unknown(self, path: str, name: str, known: tuple[str, ...], *, hidden: bool) -> None:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        expectation = f"one of the keys {', '.join(known)}"
        remedy = f"Did you mean {nearest[0]}?" if nearest else "Remove it."
        where = f"{path}.{SHOWN}" if hidden else join(path, name)
        # The value of an unknown key may be a secret under a misspelt name.
        self._add(where, SHOWN, expectation, remedy)

    def _defect(self, defect: Defect, path: str, *, hidden: bool) -> object:
        where = path
        for part in filter(None, defect.key.split(".")):
            where = join(where, part) if not part.startswith("[") else where + part
        value = MISSING if defect.value is None else show(defect.value, hidden=hidden)
        self._add(where, value, defect.expectation, defect.remedy)
        return _BROKEN

    def _add(self, path: str, value: str, expectation: str, remedy: str) -> None:
        self.problems.append(Problem(path, value, expectation, remedy))


def _core(node: inspect.Type, hint: Any) -> tuple[inspect.Type, Any]:
    """The node and its hint without metadata and without `| None` (TOML has no null)."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    core = peel(node)
    if not isinstance(core, inspect.UnionType):
        return core, hint
    nodes = [arm for arm in core.types if not isinstance(arm, inspect.NoneType)]
    hints = [arm for arm in get_args(hint) if arm is not type(None)]
    return _core(nodes[0], hints[0]) if len(nodes) == 1 else (core, hint)
