"""What the lamps tell, as data. No two looks of a lamp share a cadence: none needs colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.base.vocabulary import LampLook
from offhook.phone.call.trust import TrustLevel
from offhook.phone.line.legs import Leg

_RED: Final = (255, 0, 0)
_GREEN: Final = (0, 255, 0)
_YELLOW: Final = (255, 140, 0)
_BLUE: Final = (0, 60, 255)
_WHITE: Final = (160, 160, 160)

DARK: Final = LampLook("dark", ())
LIT: Final = LampLook("lit", (1000,), red=True, rgb=_WHITE)
BLINKING: Final = LampLook("blinking", (500, 1500), red=True, rgb=_WHITE)

READY: Final = LampLook("ready", (60, 4940), green=True, rgb=_GREEN)
"""Registered over a verified flow; no call."""
DOWN: Final = LampLook("not registered", (120, 200, 120, 2560), red=True, rgb=_RED)
UNPROVEN: Final = LampLook("not proven", (250, 250), red=True, green=True, rgb=_YELLOW)
"""A call, but no authenticated media both ways, or none lately."""
HOP_BY_HOP: Final = LampLook("hop by hop", (1500, 500), green=True, rgb=_GREEN)
END_TO_END: Final = LampLook("end to end", (3000, 150, 150, 150), green=True, rgb=_BLUE)
VERIFIED: Final = LampLook("verified end to end", (1000,), green=True, rgb=_BLUE)
LOWERED: Final = LampLook("lowered", (100, 100), red=True, rgb=_RED)
"""The call is less safe than it was."""

SECURITY_LOOKS: Final = (READY, DOWN, UNPROVEN, HOP_BY_HOP, END_TO_END, VERIFIED, LOWERED)

_BY_TRUST: Final[Mapping[TrustLevel, LampLook]] = {
    TrustLevel.NONE: UNPROVEN,
    TrustLevel.HOP_BY_HOP: HOP_BY_HOP,
    TrustLevel.END_TO_END: END_TO_END,
    TrustLevel.VERIFIED: VERIFIED,
}


def security_look(leg: Leg | None, *, registered: bool) -> LampLook:
    """The security lamp for the present call, or for none."""
    if leg is None:
        return READY if registered else DOWN
    if leg.lowered:
        return LOWERED
    return UNPROVEN if leg.silent else _BY_TRUST[leg.trust]


def message_look(messages: int, missed: int) -> LampLook:
    """Messages light it, missed calls make it blink."""
    if messages:
        return LIT
    return BLINKING if missed else DARK


def mute_look(*, muted: bool) -> LampLook:
    """Lit while the other side can't hear the person."""
    return LIT if muted else DARK
