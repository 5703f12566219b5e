"""Which pin is what: the part of a hardware profile that the input machines need.

Every contact closes its pin to ground and is pulled up where it is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from offhook.phone.input.matrix import LAYOUT_3X4


@dataclass(frozen=True, slots=True)
class HookPin:
    """The hook switch; `closed_up`: closed while the handset is lifted."""

    pin: str
    closed_up: bool = True


@dataclass(frozen=True, slots=True)
class KeypadPins:
    """A keypad: a matrix whose rows are driven, or (`switches`) one of the "2 of 7" kind."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    layout: tuple[str, ...] = LAYOUT_3X4
    switches: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The pins whose edges matter."""
        return (*self.rows, *self.columns) if self.switches else self.columns


@dataclass(frozen=True, slots=True)
class DialPins:
    """A rotary dial: nsi, nsa where it is wired, and the digit for each number of pulses."""

    nsi: str
    nsa: str | None = None
    digit_map: str = "international"


@dataclass(frozen=True, slots=True)
class Button:
    """A key with a contact of its own."""

    pin: str
    symbol: str


@dataclass(frozen=True, slots=True)
class HandsetWiring:
    """All contacts of one telephone; what it hasn't got is None."""

    hook: HookPin | None
    keypad: KeypadPins | None = None
    dial: DialPins | None = None
    buttons: tuple[Button, ...] = ()

    def pins(self) -> Iterator[str]:
        """Every pin, driven ones too; one that is wired twice comes twice."""
        if self.hook:
            yield self.hook.pin
        if self.keypad:
            yield from (*self.keypad.rows, *self.keypad.columns)
        if self.dial:
            yield from (pin for pin in (self.dial.nsi, self.dial.nsa) if pin)
        yield from (button.pin for button in self.buttons)
