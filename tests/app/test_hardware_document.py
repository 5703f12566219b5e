"""The document shows the profiles, looks and keys that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.wired_desk import PROFILES

from offhook.base.schema.explain import explanations
from offhook.base.schema.hardware_profile import HardwareProfile, read_hardware_profile
from offhook.base.schema.hardware_profile_parts import LampWiring
from offhook.base.schema.hardware_profile_pins import RESERVED
from offhook.phone.line.lamps import SECURITY_LOOKS

DOCUMENT = (Path(__file__).parents[2] / "firmware" / "docs" / "hardware.md").read_text()


def profile_rows() -> list[str]:
    return [_profile_row(path) for path in sorted(PROFILES.glob("*.toml"))]


def look_rows() -> list[str]:
    rows = []
    for look in SECURITY_LOOKS:
        cadence = ", ".join(map(str, look.cadence_ms))
        cadence = "steady" if len(look.cadence_ms) == 1 else cadence
        two = "yellow" if look.red and look.green else "red" if look.red else "green"
        rows.append(f"| {look.name} | {cadence} | {two} | {', '.join(map(str, look.rgb))} |")
    return rows


def key_rows() -> list[str]:
    return [
        f"| `{key.path}` | {_default(key.default)} | {key.explanation} |"
        for key in explanations(HardwareProfile)
    ]


def _default(default: str | None) -> str:
    return "must be given" if default is None else default if " " in default else f"`{default}`"


def _profile_row(path: Path) -> str:
    made = read_hardware_profile(path.read_text())
    ringer, lamps, keypad = made.ringer, made.lamps, made.keypad
    assert ringer is not None
    if keypad is not None:
        input_by = f"{keypad.kind}: rows {_list(keypad.rows)}, columns {_list(keypad.columns)}"
    else:
        assert made.dial is not None
        input_by = f"nsi {made.dial.nsi}, nsa {made.dial.nsa}"
    bell = f"{ringer.pin}" if ringer.toggle is None else f"RM {ringer.pin}, F/R {ringer.toggle}"
    cells = (
        f"`{path.name}`",
        made.hook.pin,
        input_by,
        made.buttons[0].pin,
        bell,
        _lamp(lamps.security),
        _lamp(lamps.message),
        _lamp(lamps.mute),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _list(pins: tuple[int, ...]) -> str:
    return ", ".join(map(str, pins))


def _lamp(wiring: LampWiring | None) -> str:
    if wiring is None:
        return "none"
    leds = wiring.leds
    return str(leds["pin"]) if "pin" in leds else ", ".join(f"{k} {v}" for k, v in leds.items())


@pytest.mark.parametrize("row", [*profile_rows(), *look_rows(), *key_rows()])
def test_each_profile_look_and_key_is_shown_as_it_is(row: str) -> None:
    assert f"\n{row}\n" in DOCUMENT


def test_the_reserved_pins_are_shown() -> None:
    for name, pins in RESERVED.items():
        assert f"\n| {name} | {_list(pins)} |" in DOCUMENT
