"""Bars of PESQ and delay as SVG: conditions side by side, telephones within each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.benchmarks.voice.impairment import CONDITIONS

_COLOURS = ("#0b6e4f", "#c8553d", "#7a89a8")
_WIDTH, _HEIGHT = 860, 470
_LEFT, _TOP, _PANEL, _BETWEEN = 56, 54, 160, 62
_LOWEST, _HIGHEST = 1.0, 4.7
_LONGEST_MS = 300.0
_BAR, _GAP = 30, 4


def bars(cells: dict[str, Any], codec: str, telephones: Sequence[str]) -> str:
    """PESQ above, delay below; a delay above 300 ms is cut there, and told."""
    begin = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="#222">'
    )
    parts = [begin, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    parts += _legend(codec, telephones)
    for panel, title in enumerate(("PESQ-WB, median of 8 s", "mouth to ear, ms")):
        top = _TOP + panel * (_PANEL + _BETWEEN)
        bottom = top + _PANEL
        parts.append(f'<text x="{_LEFT}" y="{top - 8}" font-weight="bold">{title}</text>')
        parts += _lines(panel, bottom)
        for place, condition in enumerate(CONDITIONS):
            x = _LEFT + 14 + place * (_WIDTH - _LEFT - 20) / len(CONDITIONS)
            middle = x + 1.5 * _BAR + _GAP
            parts.append(
                f'<text x="{middle:.0f}" y="{bottom + 18}" text-anchor="middle">'
                f"{condition.name}</text>"
            )
            for number, name in enumerate(telephones):
                cell = cells.get(f"{name}, {codec}, {condition.name}")
                if cell is not None:
                    parts += _bar(panel, cell, x + number * (_BAR + _GAP), bottom, number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(codec: str, telephones: Sequence[str]) -> list[str]:
    parts = [f'<text x="{_LEFT}" y="20" font-size="15" font-weight="bold">{codec}</text>']
    for number, name in enumerate(telephones):
        x = _LEFT + 90 + 130 * number
        parts.append(f'<rect x="{x}" y="9" width="12" height="12" fill="{_COLOURS[number]}"/>')
        parts.append(f'<text x="{x + 18}" y="20">{name}</text>')
    return parts


def _lines(panel: int, bottom: float) -> list[str]:
    marks = (1, 2, 3, 4) if panel == 0 else (0, 100, 200, 300)
    parts = []
    for mark in marks:
        y = bottom - _length(panel, mark)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 6}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>')
    return parts


def _length(panel: int, value: float) -> float:
    if panel == 0:
        return _PANEL * (value - _LOWEST) / (_HIGHEST - _LOWEST)
    return _PANEL * min(value, _LONGEST_MS) / _LONGEST_MS


def _bar(panel: int, cell: dict[str, Any], x: float, bottom: float, number: int) -> list[str]:
    value = cell["pesq_median"] if panel == 0 else cell["delay_ms_median"] or 0.0
    length = _length(panel, value)
    told = f"{value:.2f}" if panel == 0 else f"{value:.0f}"
    top = bottom - length
    bar = f'<rect x="{x:.1f}" y="{top:.1f}" width="{_BAR}" height="{length:.1f}"'
    text = f'<text x="{x + _BAR / 2:.1f}" y="{top - 3:.1f}" text-anchor="middle" font-size="10">'
    return [f'{bar} fill="{_COLOURS[number]}"/>', f"{text}{told}</text>"]
