"""Draws the line's tables: one Mermaid diagram for each chapter, and a list of the states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from offhook.base.state_table import Step
from offhook.phone.line.states import (
    CHAPTERS,
    EVERY_LIFTED,
    STATES,
    Cue,
    Effect,
    LineState,
    LineTable,
)

BEGINS: Final = "<!-- drawn from phone/line/states.py: begins -->"
ENDS: Final = "<!-- drawn from phone/line/states.py: ends -->"


def draw() -> str:
    """Markdown: the list of states, then the chapters' diagrams."""
    return "\n".join(_lines())


def redrawn(page: str) -> str:
    """`page` with what stands between its two marks drawn anew. ValueError without marks."""
    before, begins, rest = page.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not begins or not ends:
        raise ValueError("the page has no marks for the drawing")
    return f"{before}{BEGINS}\n\n{draw()}\n{ENDS}{after}"


def diagram(table: LineTable) -> str:
    """One table as a Mermaid `stateDiagram-v2`, a line for each row in the table's order."""
    return "\n".join(
        [
            "stateDiagram-v2",
            *(f"    {_arrow(state, cue, reached)}" for (state, cue), reached in table.items()),
        ]
    )


def _lines() -> Iterator[str]:
    yield "| State | | Ear | Lasts |"
    yield "|---|---|---|---|"
    for state, terms in STATES.items():
        ear = terms.tone.value if terms.tone else "silence"
        lasts = "" if terms.lasts_s is None else f"{terms.lasts_s:g} s"
        yield f"| {state.value} | {terms.meaning} | {ear} | {lasts} |"
    yield ""
    for cue, reached in EVERY_LIFTED.items():
        yield (
            f"From every state with the handset up, unless a chapter says otherwise: "
            f"*{cue.value}* → {reached.state.value}{_doing(reached)}."
        )
    for title, table in CHAPTERS.items():
        yield from ("", f"## {title}", "", "```mermaid", diagram(table), "```")
    yield ""


def _arrow(state: LineState, cue: Cue, reached: Step[LineState, Effect]) -> str:
    return f"{state.value} --> {reached.state.value} : {cue.value}{_doing(reached)}"


def _doing(reached: Step[LineState, Effect]) -> str:
    return "".join(f" / {effect.value}" for effect in reached.actions)
