"""The desk card: what can be dialled and what the lamp says, on one A5 page of SVG."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.dial_plan import DialPlan
from offhook.base.schema.feature_codes import FeatureCode, FeatureCodes
from offhook.base.vocabulary import LampLook
from offhook.phone.line import lamps

WIDTH_MM: Final = 210
HEIGHT_MM: Final = 148

_MARGIN: Final = 9.0
_COLUMN: Final = 93.0
_GAP: Final = 6.0
_CODE_WIDTH: Final = 18.0
_GLYPH: Final = 0.53
"""Width of an average letter, in heights of the type."""
_BAR_MS: Final = 5000
"""Time that a lamp's bar shows."""
_BAR: Final = 26.0


@dataclass(frozen=True, slots=True)
class CardTerms:
    """What is printed beside the table of codes."""

    language: str = "en"
    number: str = ""
    """The telephone's own number."""
    emergency: tuple[str, ...] = ()
    speed_dial: Mapping[str, str] = field(default_factory=dict)
    """Key → whom it calls, as it should be printed."""

    @classmethod
    def for_plan(cls, plan: DialPlan, language: str, number: str = "") -> CardTerms:
        """The terms of a country's dial plan."""
        return cls(language, number, plan.emergency)


_HEADINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "This telephone",
        "ask": "Ask the telephone",
        "call": "Call",
        "volume": "Louder, softer",
        "reset": "Factory reset",
        "lamp": "What the lamp says",
        "emergency": "Emergency",
        "flash": "In a call: press the hook briefly, then dial a code. "
        "Press it briefly again to return to the call.",
        "rotary": "With a dial: a brief press of the hook is *, a second one #.",
    },
    "de": {
        "title": "Dieses Telefon",
        "ask": "Das Telefon fragen",
        "call": "Anrufen",
        "volume": "Lauter, leiser",
        "reset": "Werkszustand",
        "lamp": "Was die Lampe sagt",
        "emergency": "Notruf",
        "flash": "Im Gespräch: kurz auf die Gabel drücken, dann einen Code wählen. "
        "Nochmals kurz drücken führt zum Gespräch zurück.",
        "rotary": "Mit Wählscheibe: ein kurzer Druck auf die Gabel ist *, ein zweiter #.",
    },
}

_LOOKS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        lamps.READY.name: "ready",
        lamps.DOWN.name: "not registered; emergency calls are tried",
        lamps.UNPROVEN.name: "a call, nothing proven yet",
        lamps.HOP_BY_HOP.name: "encrypted; the provider could listen",
        lamps.END_TO_END.name: "encrypted from end to end",
        lamps.VERIFIED.name: "end to end, and the other is verified",
        lamps.LOWERED.name: "less safe than before",
    },
    "de": {
        lamps.READY.name: "bereit",
        lamps.DOWN.name: "nicht angemeldet; Notrufe werden versucht",
        lamps.UNPROVEN.name: "ein Gespräch, noch nichts bewiesen",
        lamps.HOP_BY_HOP.name: "verschlüsselt; der Anbieter könnte mithören",
        lamps.END_TO_END.name: "Ende zu Ende verschlüsselt",
        lamps.VERIFIED.name: "Ende zu Ende, der andere ist geprüft",
        lamps.LOWERED.name: "weniger sicher als zuvor",
    },
}


def render_card(codes: FeatureCodes, terms: CardTerms) -> str:
    """An SVG document.

    Raises LocalError for a language that the card isn't written in, or a table too long for it.
    """
    if terms.language not in _HEADINGS:
        raise LocalError(
            f"the card is not written in {terms.language!r}; languages: {', '.join(_HEADINGS)}"
        )
    page = _Page(terms)
    page.title()
    right = _MARGIN + _COLUMN + _GAP
    page.begin(_MARGIN)
    page.codes(codes, "ask")
    page.looks()
    page.begin(right)
    for group in ("call", "volume", "reset"):
        page.codes(codes, group)
    page.hint("flash")
    page.hint("rotary")
    return page.document()


class _Page:
    """Elements of the drawing, and the place where the next one stands (mm)."""

    def __init__(self, terms: CardTerms) -> None:
        self._terms = terms
        self._said = _HEADINGS[terms.language]
        self._parts: list[str] = []
        self._x = self._y = _MARGIN
        self._lowest = 0.0

    def document(self) -> str:
        """The whole drawing. Raises LocalError where it has grown out of the page."""
        if self._lowest > HEIGHT_MM - _MARGIN / 2:
            raise LocalError("the feature codes are too many for one card")
        inside = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm" '
            f'viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}" font-family="sans-serif" fill="#111">\n'
            f'<rect width="{WIDTH_MM}" height="{HEIGHT_MM}" fill="#fff"/>\n{inside}\n</svg>\n'
        )

    def begin(self, x: float) -> None:
        """A column."""
        self._x, self._y = x, 23.0

    def title(self) -> None:
        """The number at the left, whom to call for help at the right."""
        said, terms = self._said, self._terms
        title = f"{said['title']}: {terms.number}" if terms.number else said["title"]
        self._text(_MARGIN, 13, title, 5.5, 'font-weight="bold"')
        if terms.emergency:
            told = f"{said['emergency']}: {' · '.join(terms.emergency)}"
            style = 'font-weight="bold" fill="#b00" text-anchor="end"'
            self._text(WIDTH_MM - _MARGIN, 13, told, 5.5, style)

    def codes(self, codes: FeatureCodes, group: str) -> None:
        """A heading and its codes."""
        self._heading(self._said[group])
        for code in codes.codes:
            if code.group == group:
                self._code(code)
        self._y += 2.6

    def looks(self) -> None:
        """What the lamp says: colour, and five seconds of its cadence."""
        self._heading(self._said["lamp"])
        for look in lamps.SECURITY_LOOKS:
            self._cadence(look)
            self._text(self._x + _BAR + 3, self._y, _LOOKS[self._terms.language][look.name], 2.9)
            self._y += 4.6

    def hint(self, name: str) -> None:
        """Small print."""
        for line in _wrapped(self._said[name], _COLUMN, 2.8):
            self._text(self._x, self._y, line, 2.8, 'fill="#444"')
            self._y += 3.6
        self._y += 1.4

    def _heading(self, text: str) -> None:
        self._text(self._x, self._y, text, 3.8, 'font-weight="bold" fill="#036"')
        line = f'x1="{self._x:g}" y1="{self._y + 1.3:.4g}" x2="{self._x + _COLUMN:g}"'
        self._parts.append(
            f'<line {line} y2="{self._y + 1.3:.4g}" stroke="#036" stroke-width=".3"/>'
        )
        self._y += 6.2

    def _code(self, code: FeatureCode) -> None:
        language = self._terms.language
        self._text(self._x, self._y, code.code, 4, 'font-family="monospace" font-weight="bold"')
        name = code.name.get(language, code.name["en"])
        self._text(self._x + _CODE_WIDTH, self._y, name, 3.3, 'font-weight="bold"')
        lines = _wrapped(code.explanation(language), _COLUMN - _CODE_WIDTH, 2.6)
        if code.function == "speed-dial" and self._terms.speed_dial:
            kept = " · ".join(
                f"{key} {whom}" for key, whom in sorted(self._terms.speed_dial.items())
            )
            lines += _wrapped(kept, _COLUMN - _CODE_WIDTH, 2.6)
        for line in lines:
            self._y += 3.3
            self._text(self._x + _CODE_WIDTH, self._y, line, 2.6, 'fill="#444"')
        self._y += 4.3

    def _cadence(self, look: LampLook) -> None:
        """Lit times as bars on a line of `_BAR_MS`."""
        colour = "#{:02x}{:02x}{:02x}".format(*look.rgb)
        y, scale = self._y - 2.6, _BAR / _BAR_MS
        self._parts.append(
            f'<rect x="{self._x:g}" y="{y:.4g}" width="{_BAR:g}" height="2.8" fill="#ddd"/>'
        )
        at = 0
        for index, lasts in enumerate(_cadence_over(look.cadence_ms, _BAR_MS)):
            if index % 2 == 0:
                place = f'x="{self._x + at * scale:.5g}" y="{y:.4g}" width="{lasts * scale:.4g}"'
                self._parts.append(f'<rect {place} height="2.8" fill="{colour}"/>')
            at += lasts

    def _text(self, x: float, y: float, text: str, size: float, style: str = "") -> None:
        self._lowest = max(self._lowest, y)
        place = f'x="{x:.5g}" y="{y:.5g}" font-size="{size:g}"'
        self._parts.append(f"<text {place} {style}>{html.escape(text)}</text>")


def _cadence_over(cadence_ms: tuple[int, ...], until_ms: int) -> list[int]:
    """On, off, on, off … (ms) for so long; a steady light is one long on."""
    if len(cadence_ms) == 1:
        return [until_ms]
    spans: list[int] = []
    while (left := until_ms - sum(spans)) > 0:
        spans.append(min(left, cadence_ms[len(spans) % len(cadence_ms)]))
    return spans


def _wrapped(text: str, width: float, size: float) -> list[str]:
    return textwrap.wrap(text, int(width / (size * _GLYPH)))
