"""Draws the table of a ZRTP exchange: what each state means, and a diagram for each chapter."""

from __future__ import annotations

from collections.abc import Iterator

from offhook.base.state_table import render
from offhook.protocols.keying.zrtp.states import CHAPTERS, MEANINGS


def draw() -> str:
    """Markdown: the list of states, then a Mermaid `stateDiagram-v2` for each chapter."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| State | |"
    yield "|---|---|"
    for state, meaning in MEANINGS.items():
        yield f"| {state.value} | {meaning} |"
    for title, table in CHAPTERS.items():
        yield from ("", f"## {title}", "", "```mermaid", render(table).rstrip(), "```")
    yield ""
