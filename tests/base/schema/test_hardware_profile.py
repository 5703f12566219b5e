from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.base.schema.test_explain import every_field

from offhook.base.schema.explain import explanations
from offhook.base.schema.hardware_profile import HardwareProfile, read_hardware_profile
from offhook.base.schema.hardware_profile_pins import PINS, RESERVED, pin_uses
from offhook.base.schema.problem import DocumentInvalid, Problem
from offhook.base.schema.walker import walk

PROFILES = Path(__file__).parents[3] / "board" / "profiles"
FILES = sorted(PROFILES.glob("*.toml"))
SMALL = """
name = "small"
[hook]
pin = 4
[dial]
nsi = 5
"""
KEYPAD = """
[keypad]
rows = [22, 23, 24, 25]
columns = [5, 6, 16]
"""


def problems(text: str) -> list[Problem]:
    with pytest.raises(DocumentInvalid) as caught:
        read_hardware_profile(text)
    return list(caught.value.problems)


def only(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_profile_that_comes_along_is_sound_and_says_if_it_was_tried(path: Path) -> None:
    profile = read_hardware_profile(path.read_text())
    assert profile.name
    assert profile.description
    assert ("# Not tried on a board." in path.read_text()) is (profile.tried_on == ())


def test_the_profiles_have_the_pins_of_the_table() -> None:
    """Hook 4, columns 5, 6, 16 (26), rows 22 to 25, bell 13, message 12, mute 17, lamp 27, 26."""
    assert len(FILES) >= 5
    for path in FILES:
        profile = read_hardware_profile(path.read_text())
        assert profile.hook.pin == 4
        assert [(each.pin, each.symbol) for each in profile.buttons] == [(17, "mute")]
        assert profile.ringer is not None
        assert profile.ringer.pin == 13
        assert profile.lamps.message is not None
        assert profile.lamps.message.pin == 12
        assert profile.lamps.security is not None
        assert 27 in profile.lamps.security.leds.values()
        if profile.keypad is not None:
            assert profile.keypad.rows == (22, 23, 24, 25)
            assert profile.keypad.columns in {(5, 6, 16), (5, 6, 16, 26)}
        if profile.dial is not None:
            assert (profile.dial.nsi, profile.dial.nsa) == (5, 6)


def test_every_key_is_explained() -> None:
    from msgspec import inspect  # noqa: PLC0415  the name is taken by the standard library's

    keys = explanations(HardwareProfile)
    assert [each.path for each in keys] == every_field(inspect.type_info(HardwareProfile))
    assert len(keys) > 50
    for key in keys:
        assert len(key.explanation) > 15
        assert key.explanation.endswith(".")
        tomllib.loads(key.example)


def test_every_pin_of_the_schema_is_watched_for_clashes() -> None:
    text = (PROFILES / "keypad-3x4-rgb.toml").read_text()
    document = tomllib.loads(text)
    document["dial"] = {"nsi": 1, "nsa": 2}
    document["ringer"] |= {"toggle": 3}
    document["lamps"]["mute"] = {"red": 9, "green": 10, "blue": 11}

    def numbers(node: Any, name: str = "") -> list[int]:
        if isinstance(node, dict):
            return [pin for key, each in node.items() for pin in numbers(each, key)]
        if isinstance(node, list):
            return [pin for each in node for pin in numbers(each, name)]
        known = ("pin", "rows", "columns", "nsi", "nsa", "toggle", "red", "green", "blue")
        return [node] if name in known else []

    assert sorted(use.pin for use in pin_uses(document)) == sorted(numbers(document))


def test_a_clash_names_the_pin_both_users_and_the_way_out() -> None:
    problem = only(SMALL + "[ringer]\npin = 13\n[lamps]\nmessage = { pin = 13 }\n")
    assert problem.path == "lamps.message.pin"
    assert str(problem) == (
        "lamps.message.pin: 13: expected a pin of its own for the message lamp: GPIO 13 is the "
        "bell already (ringer.pin). Move one of the two to another pin (free: 6, 12, 16, 17, 22, "
        "23, 24, 25, 26, 27)."
    )


def test_a_pin_that_three_share_is_told_twice() -> None:
    text = KEYPAD.replace("22, 23, 24", "22, 22, 22") + "[lamps]\nmute = { pin = 12 }"
    found = problems('name = "x"\nhook = { pin = 4 }\n' + text)
    assert [each.path for each in found] == ["keypad.rows[1]", "keypad.rows[2]"]


@pytest.mark.parametrize(
    ("name", "pin"), [(name, pin) for name, pins in RESERVED.items() for pin in pins]
)
def test_a_pin_of_the_boards_own_is_refused_unless_the_profile_does_without(
    name: str, pin: int
) -> None:
    text = f'name = "x"\nhook = {{ pin = {pin} }}\ndial = {{ nsi = 5 }}\n'
    problem = only(text)
    assert problem.path == "hook.pin"
    assert f"GPIO {pin} belongs to {name}" in problem.expectation
    assert f'"{name}" to does_without' in problem.remedy
    assert read_hardware_profile(f'does_without = ["{name}"]\n{text}').hook.pin == pin


def test_a_bell_never_sits_on_a_pin_that_is_high_at_power_on() -> None:
    problem = only(SMALL + "[ringer]\npin = 6\n")
    assert "pulled down while the board starts" in problem.expectation
    assert "9 to 27" in problem.remedy


@pytest.mark.parametrize("pin", [28, -1, 54, 4.0, "4", True])
def test_a_pin_that_doesnt_exist_is_refused(pin: object) -> None:
    shown = str(pin).lower() if isinstance(pin, bool) else repr(pin).replace("'", '"')
    problem = only(f'name = "x"\nhook = {{ pin = {shown} }}\ndial = {{ nsi = 5 }}\n')
    assert problem.path == "hook.pin"
    assert "0 to 27" in problem.expectation


def test_everything_is_told_at_once_clashes_beside_what_is_broken_in_itself() -> None:
    found = problems(
        'name = "x"\nhook = { pin = 5 }\n[dial]\nnsi = 5\nnsa = 2\n[ringer]\npin = 4\nhz = 3\n'
        "[times]\nrow_ms = 9\n[lamps]\nmute = { red = 5 }\n[other]\n"
    )
    assert {each.path for each in found} == {
        *("dial.nsi", "dial.nsa", "ringer.pin", "ringer.hz", "times.row_ms"),
        *("lamps.mute", "lamps.mute.red", "other"),
    }
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("name = 'x'\nhook = { pin = 4 }", "keypad", "a keypad or a dial"),
        (KEYPAD + 'kind = "2-of-7"\nlayout = ["123"]', "keypad.layout", "4 pins in rows, not 1"),
        (KEYPAD + 'layout = ["12", "456", "789", "*0#"]', "keypad.layout[0]", "3 pins"),
        (KEYPAD + 'layout = ["123", "456", "789", "*0x"]', "keypad.layout", "not 'x'"),
        (KEYPAD + 'layout = ["123", "456", "789", "*01"]', "keypad.layout", "each key once"),
        (KEYPAD.replace("[5, 6, 16]", "[5, 6, 16, 26, 12]"), "keypad.columns", "a list"),
        (
            KEYPAD.replace("16]", "16, 26]")
            + 'kind = "2-of-7"\nlayout = ["123A", "456B", "789C", "*0#D"]',
            "keypad.rows",
            "not 4 and 4",
        ),
        ("[ringer]\nkind = 'module'\npin = 13\nhz = 25", "ringer.toggle", "F/R"),
        ("[ringer]\npin = 13\ntoggle = 12", "ringer.toggle", "no F/R"),
        ("[ringer]\nkind = 'module'\npin = 13\ntoggle = 12", "ringer.hz", "20 to 25 Hz"),
        ("[ringer]\npin = 13\nhz = 50", "ringer.hz", "100 to 5000 Hz"),
        ("[ringer]\npin = 13\nduty_percent = [50, 2]", "ringer.duty_percent", "don't fall"),
        ("[ringer]\npin = 13\nduty_percent = [80]", "ringer.duty_percent[0]", "0.5 to 50"),
        (
            "[ringer]\npin = 13\nlimits = { share_percent = 90 }",
            "ringer.limits.share_percent",
            "60",
        ),
        (
            "[ringer]\npin = 13\nlimits = { longest_on_ms = 9000 }",
            "ringer.limits.longest_on_ms",
            "",
        ),
        ("[lamps]\nsecurity = { pin = 27, red = 26 }", "lamps.security", "not pin and red"),
        ("[lamps]\nsecurity = { red = 27, blue = 26 }", "lamps.security", "red and green"),
        ("[lamps]\nsecurity = {}", "lamps.security", "not none"),
        ("[times]\nflash_ms = [80]", "times.flash_ms", "shortest and the longest"),
        ("[times]\nflash_ms = [500, 80]", "times.flash_ms", "50 to 1500"),
        ("[times]\nflash_ms = [50, 80]\nhook_down_ms = 50", "times.flash_ms", "hook_down_ms (50)"),
        ("[times]\npulse_ms = 11", "times.pulse_ms", "from 5 to 10"),
        ("[[buttons]]\npin = 17\nsymbol = 'hold'", "buttons[0].symbol", "mute"),
        (
            "[[buttons]]\npin = 17\nsymbol = 'mute'\n[[buttons]]\npin = 12\nsymbol = 'mute'",
            "buttons[1].symbol",
            "no other button",
        ),
    ],
)
def test_what_cant_be_wired_is_told_where_it_stands(text: str, path: str, words: str) -> None:
    if text.startswith("name"):
        start = ""
    else:
        start = "name = 'x'\nhook = { pin = 4 }\n"
        start += "" if "[keypad]" in text else "dial = { nsi = 5 }\n"
    problem = only(start + text)
    assert problem.path == path
    assert words in problem.expectation


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (KEYPAD + "layout = ['" + "1" * 900_000 + "']", "keypad.layout[0]"),
        (KEYPAD + "layout = [" + '"1",' * 200_000 + "]", "keypad.layout"),
        ("buttons = [" + '{pin=17,symbol="1"},' * 40_000 + "]\n" + SMALL, "buttons"),
    ],
    ids=["row", "rows", "buttons"],
)
def test_what_no_telephone_has_so_much_of_is_refused_before_it_is_compared(
    text: str, path: str
) -> None:
    start = "name = 'x'\nhook = { pin = 4 }\n" if text.startswith(KEYPAD) else ""
    begun = time.process_time()
    assert path in {each.path for each in problems(start + text)}
    assert time.process_time() - begun < 5


def test_only_a_board_that_it_is_made_for_can_have_tried_it() -> None:
    start = 'boards = ["4B"]\ntried_on = ["5", "4B"]\n'
    assert only(start + SMALL).remedy == "Add 5 to boards."


def test_no_flash_may_be_wished_for() -> None:
    assert read_hardware_profile(SMALL + "[times]\nflash_ms = []").times.flash_ms == ()


def test_a_profile_that_isnt_toml_is_refused_as_such() -> None:
    assert "TOML" in only("name =").expectation


def test_a_parsed_document_is_checked_alike() -> None:
    with pytest.raises(DocumentInvalid, match="GPIO 5 is the hook already"):
        walk(HardwareProfile, {"name": "x", "hook": {"pin": 5}, "dial": {"nsi": 5}})


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 60) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("pin", "rows", "hook", "lamps", "security", "red", "ringer", "nsi")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    document=st.dictionaries(
        st.sampled_from(("hook", "keypad", "dial", "buttons", "ringer", "lamps", "does_without")),
        JUNK,
    )
)
def test_no_document_is_so_broken_that_its_pins_cant_be_looked_at(
    document: dict[str, object],
) -> None:
    assert all(use.pin in PINS for use in pin_uses(document))


@given(pins=st.lists(st.integers(0, 27), min_size=6, max_size=6))
def test_a_profile_is_sound_only_if_its_pins_are_apart_and_free(pins: list[int]) -> None:
    hook, nsi, nsa, button, bell, lamp = pins
    text = (
        f'name = "x"\nhook = {{ pin = {hook} }}\ndial = {{ nsi = {nsi}, nsa = {nsa} }}\n'
        f'buttons = [{{ pin = {button}, symbol = "mute" }}]\nringer = {{ pin = {bell} }}\n'
        f"lamps = {{ mute = {{ pin = {lamp} }} }}\n"
    )
    reserved = {pin for each in RESERVED.values() for pin in each}
    sound = len(set(pins)) == 6 and not set(pins) & reserved and bell > 8
    if sound:
        assert read_hardware_profile(text).hook.pin == hook
    else:
        assert problems(text)
