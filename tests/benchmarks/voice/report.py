"""Draws firmware/docs/voice.md and its pictures: `python -m tests.benchmarks.voice.report`.

Tables stand between comments that name them; all else in the page is written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.voice.impairment import CLEAN, CONDITIONS, CONTROL
from tests.benchmarks.voice.picture import bars
from tests.benchmarks.voice.results import FILE, ROOT
from tests.interop.lab import wideband

PAGE = ROOT / "firmware" / "docs" / "voice.md"
PICTURES = ROOT / "firmware" / "docs" / "pictures"
CODEC_TABLE = FILE.with_name("codecs.json")
TELEPHONES = ("Offhook", "linphonec", "baresip")
_MARK = "<!-- {name}: drawn -->"
_WIDE = ("G722", "opus")
_ENOUGH = 0.3
"""The bar: with Opus, linphonec's PESQ less so much, or better."""


def quality_table(cells: dict[str, Any], codec: str) -> list[str]:
    """PESQ, delay and silence of every telephone that has this codec, one condition a row."""
    measured = {cell["telephone"] for cell in cells.values() if cell["codec"] == codec}
    names = [name for name in TELEPHONES if name in measured]
    if not names:
        return ["Not measured yet."]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for condition in CONDITIONS:
        shown = [_shown(cells.get(f"{name}, {codec}, {condition.name}")) for name in names]
        lines.append(f"| {condition.name} | " + " | ".join(shown) + " |")
    return lines


def _shown(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "not measured"
    delay = cell["delay_ms_median"]
    told = "none" if delay is None else f"{delay:.0f}"
    return (
        f"**{cell['pesq_median']:.2f}** ({cell['pesq_worst']:.2f}) / **{told}** / "
        f"{cell['silent_ms_per_minute']}"
    )


def control_table(cells: dict[str, Any]) -> list[str]:
    """The measured delay with 100 ms more in the relay, less that without."""
    lines = ["| | without, ms | with, ms | more, ms |", "|---|---|---|---|"]
    for name in TELEPHONES:
        pair = [cells.get(f"{name}, Opus, {each.name}") for each in (CLEAN, CONTROL)]
        if all(pair):
            one, other = (cell["delay_ms_median"] for cell in pair if cell)
            lines.append(f"| {name} | {one:.1f} | {other:.1f} | {other - one:.1f} |")
    return lines


def codec_table(rows: dict[str, Any]) -> list[str]:
    """Codec x direction x who calls, from tests/interop/test_codecs.py."""
    lines = [
        "| Codec | Direction | Offhook calls | baresip calls |",
        "|---|---|---|---|",
    ]
    kinds = dict.fromkeys((row["codec"], row["direction"]) for row in rows.values())
    for codec, direction in kinds:
        found = [
            rows.get(f"{codec}, {caller}, {direction}")
            for caller in ("offhook calls", "baresip calls")
        ]
        lines.append(f"| {codec} | {direction} | " + " | ".join(map(_row, found)) + " |")
    return lines


def _row(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not measured"
    pesq = "none" if row["pesq"] is None else f"{row['pesq']:.2f}"
    if row["pesq"] is not None and row["codec"] in _WIDE and row["pesq"] < wideband.GOOD:
        pesq += f" (**below {wideband.GOOD}**)"
    return f"{pesq}, {row['lost']} lost, {row['suite']}"


def facts(results: dict[str, Any]) -> list[str]:
    """Where, when and of what it was measured."""
    cells = results["cells"].values()
    dates = sorted(cell["date"][:16].replace("T", " ") for cell in cells)
    commits = ", ".join(sorted({cell["commit"] for cell in cells}))
    loads = sorted(cell["load_average"][0] for cell in cells)
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    told = (
        f"{len(cells)} cells, each {8 * results['segments']} s of speech both ways, "
        f"{dates[0]} to {dates[-1]} UTC, commit {commits}, seed `{results['seed']}`; "
        f"{results['machine']}; {versions}; load average at the begin of a cell "
        f"{loads[0]:.1f} to {loads[-1]:.1f}, half of them below {loads[len(loads) // 2]:.1f}."
    )
    return [told]


def bar(results: dict[str, Any]) -> list[str]:
    """Opus with FEC beside linphonec, less 0.3."""
    lines = ["| | Offhook | linphonec less 0.3 | |", "|---|---|---|---|"]
    for condition in CONDITIONS:
        pair = [
            results["cells"].get(f"{name}, Opus, {condition.name}")
            for name in ("Offhook", "linphonec")
        ]
        if all(pair):
            ours, theirs = (cell["pesq_median"] for cell in pair if cell)
            held = "held" if ours >= theirs - _ENOUGH else "**not held**"
            lines.append(f"| {condition.name} | {ours:.2f} | {theirs - _ENOUGH:.2f} | {held} |")
    return lines


def with_parts(page: str, parts: Mapping[str, Sequence[str]]) -> str:
    """The page with each part anew. Raises ValueError where the page has no place for one."""
    for name, lines in parts.items():
        begin, end = (_MARK.format(name=each) for each in (name, f"{name} ends"))
        if begin not in page or end not in page:
            raise ValueError(f"the page has no {begin}")
        before, _, rest = page.partition(begin)
        page = "\n".join([before + begin, "", *lines, "", end + rest.partition(end)[2]])
    return page


def draw(source: Path = FILE) -> None:
    """All anew."""
    results = json.loads(source.read_text())
    cells = results["cells"]
    rows = json.loads(CODEC_TABLE.read_text()) if CODEC_TABLE.is_file() else {}
    parts = {
        "facts": facts(results),
        "opus": quality_table(cells, "Opus"),
        "bar": bar(results),
        "g722": quality_table(cells, "G.722"),
        "pcma": quality_table(cells, "PCMA"),
        "control": control_table(cells),
        "codecs": codec_table(rows),
    }
    PAGE.write_text(with_parts(PAGE.read_text(), parts))
    for codec, name in (("Opus", "voice-opus.svg"), ("G.722", "voice-g722.svg")):
        (PICTURES / name).write_text(bars(cells, codec, TELEPHONES))


if __name__ == "__main__":
    draw()
