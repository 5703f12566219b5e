"""Draws what a command printed: `COMMAND | python -m scripts.lib.terminal_picture TITLE`."""

from __future__ import annotations

import sys
from html import escape
from typing import Final

LINE_PX: Final = 19
CHARACTER_PX: Final = 8.43
MARGIN_PX: Final = 18
BAR_PX: Final = 34


def draw(title: str, lines: list[str]) -> str:
    """An SVG of a terminal window; a line that begins with OK or FAILED is coloured."""
    width = max(len(title) + 12, *map(len, lines)) * CHARACTER_PX + 2 * MARGIN_PX
    height = BAR_PX + len(lines) * LINE_PX + 2 * MARGIN_PX
    rows = "\n".join(
        f'<text x="{MARGIN_PX}" y="{BAR_PX + MARGIN_PX + (index + 0.8) * LINE_PX:.0f}" '
        f'fill="{_colour(line)}" xml:space="preserve">{escape(line)}</text>'
        for index, line in enumerate(lines)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" \
font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="14">
<rect width="{width:.0f}" height="{height}" rx="9" fill="#10191f"/>
<circle cx="20" cy="17" r="5.5" fill="#ef5350"/><circle cx="38" cy="17" r="5.5" fill="#ffca28"/>\
<circle cx="56" cy="17" r="5.5" fill="#66bb6a"/>
<text x="{width / 2:.0f}" y="22" fill="#90a4ae" text-anchor="middle">{escape(title)}</text>
{rows}
</svg>
"""


def _colour(line: str) -> str:
    if line.startswith("OK"):
        return "#81c784"
    return "#ef9a9a" if line.startswith("FAILED") else "#eceff1"


if __name__ == "__main__":
    sys.stdout.write(draw(sys.argv[1], sys.stdin.read().rstrip().splitlines()))
