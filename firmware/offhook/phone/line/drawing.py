"""Draws the line's tables: states, a Mermaid diagram for each chapter, endings, the reset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from offhook.base.state_table import Step
from offhook.phone.line.endings import ENDINGS, ending
from offhook.phone.line.reset import STAYS, STORE
from offhook.phone.line.states import (
    CHAPTERS,
    EVERY_HOLDING,
    EVERY_LIFTED,
    STATES,
    TRANSITIONS,
    Cue,
    Effect,
    LineState,
    LineTable,
)

BEGINS: Final = "<!-- drawn from phone/line/states.py: begins -->"
ENDS: Final = "<!-- drawn from phone/line/states.py: ends -->"


def draw() -> str:
    """Markdown: the list of states, the chapters' diagrams, endings, and what a reset erases."""
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
    for cue, reached in EVERY_HOLDING.items():
        yield (f"Where a call is held: *{cue.value}* → {reached.state.value}{_doing(reached)}.")
    for title, table in CHAPTERS.items():
        yield from ("", f"## {title}", "", "```mermaid", diagram(table), "```")
    yield from ("", *_endings(), "", *_reset(), "")


def _endings() -> Iterator[str]:
    yield from ("## What an answer sounds like", "", "| SIP status | | State |", "|---|---|---|")
    for status, (cue, meaning) in ENDINGS.items():
        reached = TRANSITIONS[LineState.CALLING, cue].state
        yield f"| {status} | {meaning} | {reached.value} |"
    failed = TRANSITIONS[LineState.CALLING, ending(None)].state
    yield f"| any other, or none | | {failed.value} |"


def _reset() -> Iterator[str]:
    yield from ("## What a factory reset erases", "", "| | Holds | Erased | |", "|---|---|---|---|")
    for entry in STORE:
        erased = "yes" if entry.erased else "no"
        yield f"| `{entry.name}` | {entry.holds} | {erased} | {entry.why} |"
    for name, holds in STAYS.items():
        yield f"| {name} | {holds} | no | the administrator's; the telephone only reads them |"


def _arrow(state: LineState, cue: Cue, reached: Step[LineState, Effect]) -> str:
    return f"{state.value} --> {reached.state.value} : {cue.value}{_doing(reached)}"


def _doing(reached: Step[LineState, Effect]) -> str:
    return "".join(f" / {effect.value}" for effect in reached.actions)
