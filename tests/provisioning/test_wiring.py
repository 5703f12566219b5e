from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.project.tree import ROOT

from offhook.base.schema.hardware_profile import HardwareProfile, read_hardware_profile
from offhook.base.schema.hardware_profile_pins import PINS, pin_uses
from offhook_provisioning.wiring.drawing import HEIGHT, WIDTH, draw
from offhook_provisioning.wiring.plan import (
    POSITION,
    SUPPLY,
    bill_of_materials,
    parts,
    pin_table,
    warnings,
)

PROFILES = sorted((ROOT / "board" / "profiles").glob("*.toml"))
SVG = "{http://www.w3.org/2000/svg}"


def profile_of(path: Path) -> HardwareProfile:
    return read_hardware_profile(path.read_bytes())


def named(name: str) -> HardwareProfile:
    return profile_of(ROOT / "board" / "profiles" / f"{name}.toml")


def test_every_place_of_the_header_is_a_gpio_or_a_supply() -> None:
    assert sorted([*POSITION.values(), *SUPPLY]) == list(range(1, 41))
    assert sorted(POSITION) == list(PINS)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_pin_of_a_profile_is_one_wire_of_the_table(path: Path) -> None:
    profile = profile_of(path)
    uses = {use.pin for use in pin_uses(msgspec.to_builtins(profile))}
    rows = pin_table(profile)
    assert {row["gpio"] for row in rows} == uses
    assert len(rows) == len(uses)
    assert all(row["position"] == POSITION[int(str(row["gpio"]))] for row in rows)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_the_diagram_shows_every_part_and_wire_within_the_page(path: Path) -> None:
    profile = profile_of(path)
    tree = ET.fromstring(draw(profile))  # noqa: S314  our own drawing
    texts = [each.text or "" for each in tree.iter(f"{SVG}text")]
    for part in parts(profile):
        assert part.name in texts
        for wire in part.wires:
            assert texts.count(f"GPIO {wire.gpio}") == 2, wire
            assert wire.label in texts
    wires = [each for each in tree.iter(f"{SVG}path") if each.get("stroke-width") == ".6"]
    assert len(wires) == len(pin_table(profile))
    verticals = [re.findall(r"H([\d.]+) V", each.get("d") or "")[0] for each in wires]
    assert len(set(verticals)) == len(verticals)
    for each in tree.iter(f"{SVG}text"):
        assert 0 <= float(each.get("x") or -1) <= WIDTH
        assert 0 <= float(each.get("y") or -1) <= HEIGHT
        if each.get("text-anchor") == "start":
            wide = len(each.text or "") * float(each.get("font-size") or 0) * 0.6
            assert float(each.get("x") or 0) + wide < WIDTH + 12, each.text


def test_only_a_ringing_module_is_a_danger_and_the_diagram_says_so_itself() -> None:
    assert any(each.startswith("DANGER") for each in warnings(named("rotary-bell")))
    assert "DANGER" in draw(named("rotary-bell"))
    assert not any(each.startswith("DANGER") for each in warnings(named("rotary")))


def test_of_what_a_pin_bears_the_leds_share_is_told() -> None:
    told = next(each for each in warnings(named("keypad-3x4-rgb")) if "16 mA" in each)
    assert "the 5 LEDs take about 20 mA" in told


def test_a_profile_that_nobody_tried_says_so() -> None:
    assert any("Nobody has tried" in each for each in warnings(named("rotary")))
    tried = msgspec.structs.replace(named("rotary"), tried_on=("4B",))
    assert not any("Nobody has tried" in each for each in warnings(tried))


def test_the_bill_counts_what_is_to_be_bought() -> None:
    bill = {what: count for count, what in bill_of_materials(named("keypad-3x4-rgb"))}
    assert bill["resistor 330 Ω"] == 5
    assert bill["LED, blue, 20 mA type or smaller"] == 1
    assert bill["resistor 10 kΩ (pull-down)"] == 1
    assert any(what.startswith("USB sound adapter") for what in bill)
    module = {what for _, what in bill_of_materials(named("rotary-bell"))}
    assert any("Ag1171" in what for what in module)
    assert not any("piezo" in what for what in module)


def test_a_lamp_that_hangs_on_the_supply_leads_there() -> None:
    text = (ROOT / "board" / "profiles" / "rotary.toml").read_text()
    low = read_hardware_profile(
        text.replace("message = { pin = 12 }", 'message = { pin = 12, active = "low" }')
    )
    row = next(row for row in pin_table(low) if row["gpio"] == 12)
    assert row["to"] == "3.3 V"
    assert draw(low).count(">3.3 V<") == draw(named("rotary")).count(">3.3 V<") + 1
