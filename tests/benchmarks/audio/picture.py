"""The figures of `scripts/bench audio` as a picture and as tables.

`python -m tests.benchmarks.audio.picture` renews them in firmware/docs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).parents[3] / "firmware" / "docs"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
WIDTH: Final = 860
HEIGHT: Final = 580
INK, FAINT = "#263238", "#78909c"
LEFT, RIGHT = 210, 830
RUNS: Final = (
    ("callback", "idle", "#1565c0", ""),
    ("callback", "busy", "#1565c0", "5 3"),
    ("blocking", "idle", "#ef6c00", ""),
    ("blocking", "busy", "#ef6c00", "5 3"),
)
SHOWN: Final = {"idle": "call", "busy": "call, 500 SIP/s"}
LATEST_MS: Final = 30
LONGEST_MS: Final = 150

Told = dict[str, Any]


def text(
    x: float, y: float, what: str, fill: str = INK, *, anchor: str = "start", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" '
        f'font-size="{size}">{escape(what)}</text>'
    )


def axis(top: float, bottom: float, most: int, step: int, unit: str) -> Iterator[str]:
    for value in range(0, most + 1, step):
        x = LEFT + (RIGHT - LEFT) * value / most
        yield f'<path d="M{x:.1f} {top}V{bottom}" stroke="#cfd8dc"/>'
        yield text(x, bottom + 15, str(value), FAINT, anchor="middle", size=10)
    yield text(RIGHT, bottom + 28, unit, FAINT, anchor="end", size=10)


def lateness(told: Told) -> Iterator[str]:
    """For each run, the share of the callbacks that came no later than so many ms."""
    top, bottom = 60, 230
    yield text(12, 30, "How late the card's chunks of 10 ms come", size=14)
    yield from axis(
        top, bottom, LATEST_MS, 5, "ms after the due time, by the earliest of each second"
    )
    for share in (0, 50, 100):
        y = bottom - (bottom - top) * share / 100
        yield text(LEFT - 6, y + 4, f"{share} %", FAINT, anchor="end", size=10)
    for place, (way, load, colour, dashes) in enumerate(RUNS):
        counts = told[way][load]["callback_late_by_ms"]
        path = f"M{LEFT} {bottom}"
        for ms, below in enumerate(accumulate(counts), 1):
            x = LEFT + (RIGHT - LEFT) * min(ms, LATEST_MS) / LATEST_MS
            y = bottom - (bottom - top) * below / sum(counts)
            path += f"L{x:.1f} {y:.1f}"
        path += f"H{RIGHT}"
        style = f'stroke="{colour}" stroke-width="1.6" stroke-dasharray="{dashes}" fill="none"'
        yield f'<path d="{path}" {style}/>'
        y = top + 22 + 20 * place
        yield f'<path d="M12 {y - 4}h26" {style}/>'
        yield text(44, y, f"{way}, {SHOWN[load]}", size=10)


def felt(told: Told) -> Iterator[str]:
    """Each time that was measured, and their median."""
    top, row = 330, 23
    rows = list(deeds(told))
    bottom = top + row * len(rows)
    yield text(12, top - 20, "From a deed to the sound", size=14)
    yield from axis(top, bottom, LONGEST_MS, 25, "ms")
    for place, (deed, where, figures) in enumerate(rows):
        y = top + row * (place + 0.5)
        colour = "#2e7d32" if where == "back from the sink" else "#1565c0"
        if deed:
            yield text(12, y + 4, deed, size=11)
        for value in figures["values"]:
            x = LEFT + (RIGHT - LEFT) * min(value, LONGEST_MS) / LONGEST_MS
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}" fill-opacity="0.35"/>'
        x = LEFT + (RIGHT - LEFT) * figures["median"] / LONGEST_MS
        yield f'<path d="M{x:.1f} {y - 8:.1f}v16" stroke="{colour}" stroke-width="2"/>'
    yield text(LEFT, top - 20, "● handed to the card, or sent", "#1565c0", size=10)
    yield text(LEFT + 190, top - 20, "● captured back from the null sink", "#2e7d32", size=10)


def deeds(told: Told) -> Iterator[tuple[str, str, Told]]:
    for deed, ways in told["felt"].items():
        if isinstance(ways, dict):
            for place, (where, figures) in enumerate(ways.items()):
                yield ("" if place else deed), where, figures


def picture(told: Told) -> str:
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        '<g font-family="sans-serif">',
        "<title>How late callbacks are, and how long a person waits</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *lateness(told),
        *felt(told),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def spread(figures: Told) -> str:
    return f"{figures['median']:.1f} ({figures['min']:.1f} to {figures['max']:.1f})"


def tables(told: Told) -> Iterator[str]:
    """The tables of the documentation."""
    runs = [(way, load) for way in ("callback", "blocking") for load in ("bare", "idle", "busy")]
    columns = [told[way][load] for way, load in runs]
    yield "| | " + " | ".join(f"{way}, {load}" for way, load in runs) + " |"
    yield "|---" * (1 + len(runs)) + "|"

    def row(name: str, cells: list[str]) -> str:
        return f"| {name} | " + " | ".join(cells) + " |"

    yield row("round trip, ms", [spread(each["round_trip_ms"]) for each in columns])
    late = [each["callback_late_ms"] for each in columns]
    yield row(
        "chunk late, ms: median / 99 % / most",
        [f"{each['median']:.1f} / {each['p99']:.1f} / {each['max']:.1f}" for each in late],
    )
    for name, key in (
        ("chunks not ready (our underruns)", "underruns"),
        ("captured chunks not taken (overflows)", "overflows"),
        ("underruns that ALSA tells", "alsa_underruns"),
        ("holes in what was captured", "holes_captured"),
    ):
        yield row(name, [str(each[key]) for each in columns])
    for name in ("engine", "signalling"):
        cells = [each["cpu_percent"].get(name) for each in columns]
        yield row(f"CPU of the {name}, %", ["" if each is None else f"{each}" for each in cells])
    answered = [each.get("answered_a_second") for each in columns]
    yield row("OPTIONS answered a second", ["" if each is None else f"{each}" for each in answered])
    yield ""
    yield "| After 5 times 80 ms in which the engine stood still | callback | blocking |"
    yield "|---|---|---|"
    held = [told[way]["held_up"] for way in ("callback", "blocking")]
    for name, key in (
        ("CPU of the engine after each, %", "cpu_percent_after"),
        ("round trip at the end, ms", "round_trip_at_the_end_ms"),
        ("card lost", "losses"),
    ):
        cells = [each[key] for each in held]
        yield row(name, [", ".join(map(str, x)) if isinstance(x, list) else str(x) for x in cells])
    yield ""
    yield "| From | to | n | ms: median | most |"
    yield "|---|---|---|---|---|"
    for deed, where, figures in deeds(told):
        yield (
            f"| {deed} | {where} | {figures['n']} | "
            f"{figures['median']:.0f} | {figures['max']:.0f} |"
        )


def renewed(page: str, told: Told) -> str:
    """The page with these tables in place of those between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    about = told["about"]
    taken = (
        f"{about['date'][:10]}, {about['cores']} cores, load average {about['load_average'][0]}, "
        f"Python {about['python']}, PyAudio {about['pyaudio']}, PulseAudio "
        f"{about['pulseaudio'].rpartition(' ')[2]}; {told['seconds']:g} s a run, in one run."
    )
    return "\n".join([before + BEGIN, "", taken, "", *tables(told), "", END + after])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=Path, default=DOCS / "data" / "audio-bench.json")
    chosen = parser.parse_args()
    told = json.loads(chosen.figures.read_text())
    (DOCS / "pictures" / "audio-bench.svg").write_text(picture(told))
    page = DOCS / "audio.md"
    page.write_text(renewed(page.read_text(), told))


if __name__ == "__main__":
    main()
