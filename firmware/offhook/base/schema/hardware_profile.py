"""A hardware profile: what of a telephone is wired to which pin of the board.

Pins, pulls and reserved functions are those of the Raspberry Pi's 40-pin header.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from offhook.base.schema.hardware_profile_parts import (
    ButtonWiring,
    ContactTimes,
    DialWiring,
    HookWiring,
    KeypadWiring,
    LampsWiring,
    RingerWiring,
)
from offhook.base.schema.hardware_profile_pins import PINS, BoardFunction, pin_defects
from offhook.base.schema.problem import DocumentInvalid, Problem, show
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.settings import parse_toml
from offhook.base.schema.walker import walk

Board = Literal["3B", "3B+", "Zero 2 W", "4B", "CM4", "5"]
ChipLabel = Annotated[str, msgspec.Meta(min_length=1, max_length=31)]


class HardwareProfile(Section, frozen=True):
    """One way of wiring a telephone."""

    name: Annotated[
        str, key("What it is called.", example="Keypad of 3 by 4", min_length=1, max_length=64)
    ]
    hook: Annotated[HookWiring, key("The hook switch, as [hook].", example={"pin": 4})]
    description: Annotated[
        str, key("What is wired, for a person.", example="A keypad and a piezo buzzer")
    ] = ""
    boards: Annotated[
        tuple[Board, ...],
        key("The Raspberry Pi boards it is made for.", example=["3B", "4B"], min_length=1),
    ] = ("3B", "3B+", "Zero 2 W", "4B", "CM4", "5")
    tried_on: Annotated[
        tuple[Board, ...],
        key("The boards on which somebody tried it. None: it was never tried.", example=["4B"]),
    ] = ()
    chips: Annotated[
        tuple[ChipLabel, ...],
        key(
            "Labels of the GPIO chip that has these pins; the first that the kernel knows is used.",
            example=["pinctrl-bcm2711"],
            min_length=1,
        ),
    ] = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
    does_without: Annotated[
        tuple[BoardFunction, ...],
        key(
            "Functions of the board that this telephone doesn't use, so that their pins are free: "
            "hat-eeprom 0 and 1, i2c 2 and 3, spi 7 to 11, uart 14 and 15, i2s 18 to 21.",
            example=["i2s"],
        ),
    ] = ()
    keypad: Annotated[
        KeypadWiring | None, key("The keypad, as [keypad].", example={"rows": [22, 23, 24, 25]})
    ] = None
    dial: Annotated[
        DialWiring | None, key("The rotary dial, as [dial].", example={"nsi": 5, "nsa": 6})
    ] = None
    buttons: Annotated[
        tuple[ButtonWiring, ...],
        key(
            "Keys with a contact of their own, as [[buttons]].",
            example=[{"pin": 17, "symbol": "mute"}],
            expects=f"at most {len(PINS)} keys, each a table",
            max_length=len(PINS),
        ),
    ] = ()
    ringer: Annotated[
        RingerWiring | None, key("The bell, as [ringer].", example={"pin": 13, "hz": 2000})
    ] = None
    lamps: Annotated[
        LampsWiring, key("The lamps, as [lamps].", example={"message": {"pin": 12}})
    ] = LampsWiring()
    times: Annotated[
        ContactTimes,
        key("How long contacts must last, as [times].", example={"hook_up_ms": 20}),
    ] = ContactTimes()

    def check(self) -> Iterator[Defect]:
        """Numbers can be dialled, each pin has one user, each button is another one."""
        if self.keypad is None and self.dial is None:
            yield Defect("keypad", None, "a keypad or a dial", "Add [keypad] or [dial].")
        untold = sorted(set(self.tried_on) - set(self.boards))
        if untold:
            yield Defect(
                "tried_on",
                self.tried_on,
                "boards that stand in boards too",
                f"Add {', '.join(untold)} to boards.",
            )
        keys = [each.symbol for each in self.buttons]
        for index, pressed in enumerate(keys):
            if pressed in keys[:index]:
                yield Defect(
                    f"buttons.[{index}].symbol",
                    pressed,
                    "a key that no other button is",
                    "Give each button another key, or wire both contacts to one pin.",
                )
        yield from pin_defects(msgspec.to_builtins(self))


def read_hardware_profile(text: str | bytes) -> HardwareProfile:
    """A profile out of TOML. Raises DocumentInvalid with all problems, those of pins among them."""
    document = parse_toml(text)
    try:
        return walk(HardwareProfile, document)
    except DocumentInvalid as invalid:
        # What is wrong between tables is checked only once each is right in itself.
        known = {(problem.path, problem.expectation) for problem in invalid.problems}
        more = (_problem(defect) for defect in pin_defects(document))
        added = tuple(each for each in more if (each.path, each.expectation) not in known)
        raise DocumentInvalid(invalid.problems + added) from None


def _problem(defect: Defect) -> Problem:
    path = defect.key.replace(".[", "[")
    return Problem(path, show(defect.value), defect.expectation, defect.remedy)
