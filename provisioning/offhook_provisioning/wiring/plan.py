"""What a hardware profile means at the soldering iron: wires, parts to buy, warnings.

Values are those of firmware/docs/hardware.md; the header's positions are the Raspberry Pi's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from offhook.base.schema.hardware_profile import HardwareProfile
from offhook.base.schema.hardware_profile_parts import LampWiring
from offhook.base.schema.hardware_profile_pins import PULLED_UP_AT_RESET

POSITION: Final[Mapping[int, int]] = {
    2: 3,
    3: 5,
    4: 7,
    14: 8,
    15: 10,
    17: 11,
    18: 12,
    27: 13,
    22: 15,
    23: 16,
    24: 18,
    10: 19,
    9: 21,
    25: 22,
    11: 23,
    8: 24,
    7: 26,
    0: 27,
    1: 28,
    5: 29,
    6: 31,
    12: 32,
    13: 33,
    19: 35,
    16: 36,
    26: 37,
    20: 38,
    21: 40,
}
"""GPIO → place on the 40-pin header."""
SUPPLY: Final[Mapping[int, str]] = {
    1: "3.3 V",
    17: "3.3 V",
    2: "5 V",
    4: "5 V",
    **dict.fromkeys((6, 9, 14, 20, 25, 30, 34, 39), "ground"),
}
"""Place on the header → what it supplies."""

LED_OHM: Final = 330
_LED_MA: Final = (3.3 - 2.0) / LED_OHM * 1000
MOST_MA: Final = 50.0


@dataclass(frozen=True, slots=True)
class Wire:
    """One pin's way: `through` what stands in series, `ends` where it leads.

    `ends`: "switch" (a contact to ground), "open" (into the part), "base" (a transistor),
    "red", "green", "blue" or "led" (an LED to `to`). `to`: "ground" or "3.3 V".
    """

    gpio: int
    label: str
    ends: str
    through: str = ""
    to: str = "ground"
    pulled_down: bool = False

    @property
    def position(self) -> int:
        """Its place on the header."""
        return POSITION[self.gpio]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the telephone, its wires, and a remark for the drawing."""

    name: str
    wires: tuple[Wire, ...]
    remark: str = ""
    keys: tuple[str, ...] = ()


def parts(profile: HardwareProfile) -> tuple[Part, ...]:
    """Every part that the profile has."""
    found = [Part("Hook switch", (Wire(profile.hook.pin, _closed(profile), "switch"),))]
    if profile.keypad is not None:
        found.append(_keypad(profile))
    if profile.dial is not None:
        wires = [Wire(profile.dial.nsi, "nsi: opens per pulse", "switch")]
        if profile.dial.nsa is not None:
            wires.append(Wire(profile.dial.nsa, "nsa: closed off rest", "switch"))
        found.append(Part("Rotary dial", tuple(wires)))
    if profile.buttons:
        keys = tuple(Wire(each.pin, f"key {each.symbol}", "switch") for each in profile.buttons)
        found.append(Part("Keys", keys))
    if profile.ringer is not None:
        found.append(_ringer(profile))
    lamps = {"security": profile.lamps.security, "message": profile.lamps.message}
    lamps["mute"] = profile.lamps.mute
    found += [_lamp(name, lamp) for name, lamp in lamps.items() if lamp is not None]
    return tuple(found)


def _closed(profile: HardwareProfile) -> str:
    return f"closed while {profile.hook.closed_when}"


def _keypad(profile: HardwareProfile) -> Part:
    keypad = profile.keypad
    assert keypad is not None  # noqa: S101  the caller has looked
    common = keypad.kind == "2-of-7"
    ends = "switch" if common else "open"
    rows = [Wire(pin, f"row {n}", ends) for n, pin in enumerate(keypad.rows, 1)]
    columns = [Wire(pin, f"column {n}", ends) for n, pin in enumerate(keypad.columns, 1)]
    remark = "common wire to ground" if common else "no diodes, nothing to ground"
    name = "Keypad, 2 of 7" if common else "Keypad, matrix"
    return Part(name, (*rows, *columns), remark, keypad.layout)


def _ringer(profile: HardwareProfile) -> Part:
    ringer = profile.ringer
    assert ringer is not None  # noqa: S101  the caller has looked
    if ringer.kind == "module":
        wires = [Wire(ringer.pin, "RM", "open", pulled_down=True)]
        if ringer.toggle is not None:
            wires.append(Wire(ringer.toggle, "F/R", "open"))
        return Part("Ringing module", tuple(wires), "5 V supply; ABOVE 60 V at the bell")
    base = Wire(ringer.pin, "tone", "base", "1 kΩ", pulled_down=True)
    return Part("Piezo bell", (base,), "piezo between 3.3 V and the collector")


def _lamp(name: str, lamp: LampWiring) -> Part:
    to = "ground" if lamp.active == "high" else "3.3 V"
    wires = tuple(
        Wire(pin, "LED" if led == "pin" else led, "led" if led == "pin" else led, "330 Ω", to)
        for led, pin in lamp.leds.items()
    )
    return Part(f"{name.capitalize()} lamp", wires)


def pin_table(profile: HardwareProfile) -> list[dict[str, object]]:
    """One row for each wire, by its place on the header."""
    rows = [
        {
            "position": wire.position,
            "gpio": wire.gpio,
            "part": part.name,
            "wire": wire.label,
            "through": _through(wire),
            "to": wire.to if wire.ends != "open" else part.name,
        }
        for part in parts(profile)
        for wire in part.wires
    ]
    return sorted(rows, key=lambda row: int(str(row["position"])))


def _through(wire: Wire) -> str:
    said = [wire.through] if wire.through else []
    if wire.pulled_down:
        said.append("10 kΩ to ground at the pin")
    return ", ".join(said)


def bill_of_materials(profile: HardwareProfile) -> list[tuple[int, str]]:
    """How many of what; what is in the telephone already is said to be."""
    count: Counter[str] = Counter()
    count["Raspberry Pi with 40-pin header: " + ", ".join(profile.boards)] = 1
    if "i2s" in profile.does_without:
        count["USB sound adapter (the profile takes the pins of I2S)"] = 1
    else:
        count["sound card: USB adapter, or an I2S card that leaves these pins"] = 1
    for part in parts(profile):
        count.update(each for wire in part.wires for each in _needed(wire))
        if part.name == "Ringing module":
            count["ringing module of the Ag1171 kind, with its supply's capacitors"] += 1
            count["bell (in the telephone)"] += 1
        if part.keys or part.name in ("Hook switch", "Rotary dial"):
            count[f"{part.name.lower()} (in the telephone, or bought)"] += 1
        if part.name == "Keys":
            count["push button, normally open"] += len(part.wires)
    return [(number, what) for what, number in count.items()]


def _needed(wire: Wire) -> Iterator[str]:
    if wire.ends in ("led", "red", "green", "blue"):
        yield f"LED{'' if wire.ends == 'led' else f', {wire.ends}'}, 20 mA type or smaller"
    if wire.through:
        yield f"resistor {wire.through}"
    if wire.pulled_down:
        yield "resistor 10 kΩ (pull-down)"
    if wire.ends == "base":
        yield "NPN transistor, for instance BC547"
        yield "piezo sounder without its own oscillator"


def warnings(profile: HardwareProfile) -> list[str]:
    """What destroys a board, hurts a person, or surprises."""
    return list(_warnings(profile))


def _warnings(profile: HardwareProfile) -> Iterator[str]:
    yield "3.3 V only: 5 V or a telephone line at any of these pins destroys the board."
    leds = [wire for part in parts(profile) for wire in part.wires if wire.through == "330 Ω"]
    total = len(leds) * _LED_MA
    yield (
        f"A pin gives 16 mA at most, all together {MOST_MA:g} mA: the {len(leds)} LEDs take about "
        f"{total:.0f} mA with 330 Ω each (at 2 V forward)."
    )
    yield (
        "Microphone bias comes from the sound card, never from a pin: electret capsules want about "
        "2 to 5 V through 1 to 2.2 kΩ and have a polarity. Handsets differ: measure first."
    )
    if profile.ringer is not None and profile.ringer.kind == "module":
        yield (
            "DANGER: the ringing module makes about 60 V and more at the bell. Nothing of it may "
            "be touched: cover it, keep it off the board's wires, unplug before opening the case."
        )
    if profile.ringer is not None:
        yield "Fit the bell's 10 kΩ pull-down: without it it may sound until the phone runs."
    early = sorted({wire.gpio for wire in leds if wire.gpio in PULLED_UP_AT_RESET})
    if early:
        yield f"LEDs at GPIO {', '.join(map(str, early))} glow until the telephone runs."
    for function in profile.does_without:
        yield f"The pins of {function} are taken: nothing of that kind may be connected."
    yield (
        "Wires longer than a metre, or beside the bell's, want 1 kΩ in series and 4.7 kΩ to 3.3 V "
        "at the pin (from practice, not measured)."
    )
    if not profile.tried_on:
        yield "Nobody has tried this profile on a board yet."
