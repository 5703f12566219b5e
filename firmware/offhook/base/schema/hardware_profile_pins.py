"""Who uses which pin of the header: clashes, reserved pins, a bell that would sound at power-on.

Works on a document that may be broken elsewhere, so that all problems are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from offhook.base.schema.section import Defect

BoardFunction = Literal["hat-eeprom", "i2c", "spi", "uart", "i2s"]

PINS: Final = range(28)
"""The GPIO of the 40-pin header, by their BCM numbers."""

RESERVED: Final[Mapping[BoardFunction, tuple[int, ...]]] = {
    "hat-eeprom": (0, 1),
    "i2c": (2, 3),
    "spi": (7, 8, 9, 10, 11),
    "uart": (14, 15),
    "i2s": (18, 19, 20, 21),
}
"""Pins that the board's own functions have: EEPROM of a HAT, clock chip, TPM, console, sound."""

PULLED_UP_AT_RESET: Final = range(9)
"""The other pins are pulled down until a program sets them."""

_USERS: Final = {
    "hook.pin": "the hook",
    "keypad.rows[]": "keypad row {}",
    "keypad.columns[]": "keypad column {}",
    "dial.nsi": "the dial's pulse contact (nsi)",
    "dial.nsa": "the dial's rest contact (nsa)",
    "buttons[].pin": "button {}",
    "ringer.pin": "the bell",
    "ringer.toggle": "the bell's polarity (F/R)",
    **{
        f"lamps.{lamp}.{led}": f"the {lamp} lamp" + (f"'s {led} LED" if led != "pin" else "")
        for lamp in ("security", "message", "mute")
        for led in ("pin", "red", "green", "blue")
    },
}
"""Every key of a profile that names a pin, and what is wired there."""


@dataclass(frozen=True, slots=True)
class PinUse:
    """One pin as the document names it: `key` as in a Defect, `user` in words."""

    key: str
    pin: int
    user: str

    @property
    def path(self) -> str:
        """Where it stands, for a person."""
        return self.key.replace(".[", "[")


def pin_uses(document: Mapping[str, object]) -> tuple[PinUse, ...]:
    """All pins of a parsed profile, in the order of the table above; what is no pin is left out."""
    return tuple(
        use
        for pattern, user in _USERS.items()
        for use in _uses(document, pattern.replace("[]", ".[]").split("."), user, "")
    )


def pin_defects(document: Mapping[str, object]) -> Iterator[Defect]:
    """What is wrong with the pins of a parsed profile, in the order of `pin_uses`."""
    uses = pin_uses(document)
    without = document.get("does_without", ())
    freed = without if isinstance(without, list | tuple) else ()
    reserved = {pin: name for name, pins in RESERVED.items() if name not in freed for pin in pins}
    taken = {use.pin for use in uses}
    free = [str(pin) for pin in PINS if pin not in taken and pin not in reserved]
    hint = f" (free: {', '.join(free)})" if free else " (none is free)"
    first: dict[int, PinUse] = {}
    for use in uses:
        other = first.setdefault(use.pin, use)
        if other is not use:
            yield Defect(
                use.key,
                use.pin,
                f"a pin of its own for {use.user}: GPIO {use.pin} is {other.user} already"
                f" ({other.path})",
                f"Move one of the two to another pin{hint}.",
            )
        if use.pin in reserved:
            name = reserved[use.pin]
            yield Defect(
                use.key,
                use.pin,
                f"a pin that the board leaves to {use.user}: GPIO {use.pin} belongs to {name}",
                f'Move it to another pin{hint}, or add "{name}" to does_without if nothing of '
                "that kind is connected.",
            )
        if use.key.startswith("ringer.") and use.pin in PULLED_UP_AT_RESET:
            yield Defect(
                use.key,
                use.pin,
                f"a pin that is pulled down while the board starts: on GPIO {use.pin} {use.user} "
                "could be on until the telephone is up",
                "Move it to one of GPIO 9 to 27.",
            )


def _uses(node: object, parts: list[str], user: str, key: str) -> Iterator[PinUse]:
    if not parts:
        if isinstance(node, int) and not isinstance(node, bool) and node in PINS:
            yield PinUse(key, node, user)
    elif parts[0] == "[]":
        for index, each in enumerate(node if isinstance(node, list | tuple) else ()):
            yield from _uses(each, parts[1:], user.format(index + 1), f"{key}.[{index}]")
    elif isinstance(node, Mapping) and parts[0] in node:
        where = f"{key}.{parts[0]}" if key else parts[0]
        yield from _uses(node[parts[0]], parts[1:], user, where)
