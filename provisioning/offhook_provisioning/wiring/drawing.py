"""The wiring diagram: the header at the left, the telephone's parts at the right (SVG, A4)."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.hardware_profile import HardwareProfile
from offhook_provisioning.wiring.plan import POSITION, SUPPLY, Part, Wire, parts, warnings

WIDTH: Final = 297.0
HEIGHT: Final = 210.0
_TOP: Final = 26.0
_PITCH: Final = 7.6
"""Between two rows of the header, mm; wide, since a second wire leaves between them."""
_HEADER_X: Final = 47.0
_BUS_X: Final = 84.0
_BUS_PITCH: Final = 2.5
_PARTS_X: Final = 146.0
_PARTS_WIDTH: Final = 106.0
_ROW: Final = 6.0
_HEAD: Final = 6.2
_COLOURS: Final = (
    *("#c0392b", "#1f618d", "#1e8449", "#b9770e", "#6c3483", "#117a65", "#7b241c", "#2e4053"),
    *("#d35400", "#2471a3"),
)
_LED: Final = {"red": "#e00", "green": "#0a0", "blue": "#06f", "led": "#fc0"}
_NAMED: Final = {position: gpio for gpio, position in POSITION.items()}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A wire with where it leaves the header and where it enters its part (mm)."""

    wire: Wire
    out: float
    into: float
    colour: str


def draw(profile: HardwareProfile) -> str:
    """The SVG document. Raises LocalError where the parts are too many for one page."""
    page = _Page()
    told = sorted(parts(profile), key=_middle)
    placed: list[_Placed] = []
    y = _TOP
    for part in told:
        wires = sorted(part.wires, key=lambda wire: wire.position)
        page.part(part, wires, y)
        for wire in wires:
            into = y + _HEAD + (wires.index(wire) + 0.5) * _ROW
            colour = _COLOURS[len(placed) % len(_COLOURS)]
            placed.append(_Placed(wire, _out(wire.position), into, colour))
        y += _HEAD + len(wires) * _ROW + 3.0
    if y > HEIGHT - 14:
        raise LocalError("the profile has more parts than one page of the diagram holds")
    page.title(profile)
    page.wires(placed)
    page.header({each.wire.position for each in placed})
    page.foot(warnings(profile))
    return page.document()


def _middle(part: Part) -> float:
    return sum(_out(wire.position) for wire in part.wires) / len(part.wires)


def _y(position: int) -> float:
    return _TOP + 4 + (position - 1) // 2 * _PITCH


def _out(position: int) -> float:
    """Even pins leave at their own height, odd ones between the rows."""
    return _y(position) + (0 if position % 2 == 0 else _PITCH / 2)


class _Page:
    """Elements of the drawing, the later above the earlier."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def document(self) -> str:
        """The whole drawing."""
        inside = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}mm" height="{HEIGHT:g}mm" '
            f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-family="sans-serif" fill="#111">\n'
            f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#fff"/>\n{inside}\n</svg>\n'
        )

    def title(self, profile: HardwareProfile) -> None:
        """Name and description."""
        self._text(12, 12, profile.name, 5.5, bold=True)
        self._text(12, 18, profile.description, 3.4, colour="#444")

    def foot(self, told: list[str]) -> None:
        """The warnings that may not be overlooked, and where the others are."""
        danger = [each for each in told if each.startswith("DANGER")]
        text = danger[0] if danger else f"{told[0]} All warnings: offhook-provision wiring."
        for index, line in enumerate(textwrap.wrap(text, 145)):
            self._text(12, HEIGHT - 10 + index * 4.4, line, 3.2, colour="#b00", bold=True)

    def header(self, used: set[int]) -> None:
        """The 40 pins, seen from above; those in use stand out."""
        x = _HEADER_X
        self._rect(x - 4, _TOP, 16, 20 * _PITCH + 1, "none", "#333")
        for position in range(1, 41):
            left = position % 2 == 1
            at = x if left else x + 8
            name = SUPPLY.get(position) or f"GPIO {_NAMED[position]}"
            fill = "#111" if position in used else _supply_colour(SUPPLY.get(position))
            self._parts.append(
                f'<circle cx="{at:g}" cy="{_y(position):.5g}" r="1.9" fill="{fill}" '
                'stroke="#333" stroke-width=".2"/>'
            )
            light = position in used or SUPPLY.get(position) == "ground"
            self._text(
                at,
                _y(position) + 0.7,
                str(position),
                2,
                "middle",
                colour="#fff" if light else "#333",
            )
            colour = "#111" if position in used else "#999"
            place, anchor = (x - 6, "end") if left else (x + 14, "start")
            height = _y(position) + (1 if left else -0.8)
            self._text(place, height, name, 2.6, anchor, colour=colour, bold=position in used)

    def part(self, part: Part, wires: list[Wire], y: float) -> None:
        """A box with a row for each wire."""
        height = _HEAD + len(wires) * _ROW
        self._rect(_PARTS_X, y, _PARTS_WIDTH, height, "#f7f7f4", "#555")
        self._text(_PARTS_X + 3, y + 4.4, part.name, 3.5, bold=True)
        self._text(
            _PARTS_X + _PARTS_WIDTH - 3,
            y + 4.4,
            part.remark,
            2.7,
            "end",
            colour="#b00" if "60 V" in part.remark else "#444",
        )
        for index, wire in enumerate(wires):
            self._row(wire, y + _HEAD + (index + 0.5) * _ROW)
        for index, keys in enumerate(part.keys):
            spaced = "  ".join(keys)
            place = y + _HEAD + 4 + index * 4.6
            self._text(_PARTS_X + _PARTS_WIDTH - 17, place, spaced, 3.6, "middle", colour="#333")

    def wires(self, placed: list[_Placed]) -> None:
        """Each wire by a channel of its own between header and parts."""
        falling = [each for each in placed if each.into >= each.out]
        rising = [each for each in placed if each.into < each.out]
        # So no two wires of one direction cross where pins and parts stand in one order.
        order = sorted(rising, key=lambda each: each.out)
        order += sorted(falling, key=lambda each: -each.out)
        for index, each in enumerate(order):
            x = _BUS_X + index * _BUS_PITCH
            odd = each.wire.position % 2 == 1
            start = f"M{_HEADER_X + (0 if odd else 8):g} {_y(each.wire.position):.5g}"
            lead = f" L{_HEADER_X + 4:g} {each.out:.5g}" if odd else ""
            path = f"{start}{lead} H{x:.5g} V{each.into:.5g} H{_PARTS_X:g}"
            self._parts.append(
                f'<path d="{path}" fill="none" stroke="#fff" stroke-width="1.3"/>'
                f'<path d="{path}" fill="none" stroke="{each.colour}" stroke-width=".6" '
                'stroke-linejoin="round"/>'
            )

    def _row(self, wire: Wire, y: float) -> None:
        x = _PARTS_X
        self._parts.append(f'<circle cx="{x:g}" cy="{y:.5g}" r="1" fill="#333"/>')
        self._text(x + 3, y + 1, f"GPIO {wire.gpio}", 2.8, bold=True)
        self._text(x + 18, y + 1, wire.label, 2.8)
        at = x + 50.0
        if wire.pulled_down:
            self._text(x + 26, y + 1, "10 kΩ to ground", 2.5, colour="#444")
        if wire.ends == "open":
            return
        self._line(at - 1, y, at + 32, y)
        if wire.through:
            self._rect(at + 1, y - 1.2, 9, 2.4, "#fff", "#333")
            self._text(at + 5.5, y + 0.8, wire.through, 2.1, "middle")
        if wire.ends == "switch":
            self._rect(at + 14, y - 1.8, 7, 3, "#f7f7f4", "none")
            self._line(at + 14, y, at + 20, y - 2)
        elif wire.ends == "base":
            self._text(at + 20.5, y - 0.8, "base; emitter to", 2.1, "middle", colour="#444")
        else:
            self._parts.append(
                f'<path d="M{at + 15:g} {y - 1.7:.5g} v3.4 l3.2 -1.7 z" '
                f'fill="{_LED[wire.ends]}" stroke="#333" stroke-width=".2"/>'
            )
            self._line(at + 18.2, y - 1.7, at + 18.2, y + 1.7)
        self._end(at + 32, y, wire.to)

    def _end(self, x: float, y: float, to: str) -> None:
        if to == "ground":
            for step, half in enumerate((1.7, 1.1, 0.5)):
                self._line(x + step * 0.7, y - half, x + step * 0.7, y + half)
        else:
            self._text(x + 1, y + 1, to, 2.6, bold=True, colour="#b00")

    def _line(self, *ends: float) -> None:
        x1, y1, x2, y2 = (f"{each:.5g}" for each in ends)
        self._parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#333" stroke-width=".35"/>'
        )

    def _rect(self, x: float, y: float, width: float, height: float, *colours: str) -> None:
        fill, stroke = colours
        self._parts.append(
            f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" rx="1" '
            f'fill="{fill}" stroke="{stroke}" stroke-width=".3"/>'
        )

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        anchor: str = "start",
        *,
        colour: str = "#111",
        bold: bool = False,
    ) -> None:
        style = f'text-anchor="{anchor}" fill="{colour}"' + ' font-weight="bold"' * bold
        place = f'x="{x:.5g}" y="{y:.5g}" font-size="{size:g}"'
        self._parts.append(f'<text {place} {style} xml:space="preserve">{html.escape(text)}</text>')


def _supply_colour(supply: str | None) -> str:
    return {"3.3 V": "#f5b041", "5 V": "#e57373", "ground": "#666"}.get(supply or "", "#eee")
