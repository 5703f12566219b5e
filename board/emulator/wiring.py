"""How the emulated telephone is wired: the usual keypad, on the pins that gpio-sim makes."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from board.image.tools import ROOT

CHIP: Final = "offhook-sim"
"""The label that the test image gives its pins."""
PROFILE: Final = "keypad.toml"
KEYPAD: Final = (
    f'chips = ["{CHIP}"]\n'
    + (ROOT / "board/profiles/keypad-3x4.toml").read_text(encoding="utf-8")
    + "\n[times]\nrow_ms = 3\nkey_closed_ms = 50\nkey_open_ms = 50\ncrowd_ms = 100\n"
)
"""The profile, as it is laid down beside the settings: contacts made of software may be late."""

_WIRED: Final[dict[str, Any]] = tomllib.loads(KEYPAD)
HOOK: Final[int] = _WIRED["hook"]["pin"]
BELL: Final[int] = _WIRED["ringer"]["pin"]
MUTE: Final[int] = _WIRED["buttons"][0]["pin"]
LAMPS: Final[dict[str, Any]] = _WIRED["lamps"]


def keys_of(symbols: str) -> list[tuple[int, int]]:
    """Row and column, by their pins, of each of these keys. KeyError for one that there isn't."""
    keypad = _WIRED["keypad"]
    places = {
        symbol: (row, column)
        for row, line in zip(keypad["rows"], keypad["layout"], strict=True)
        for column, symbol in zip(keypad["columns"], line, strict=True)
    }
    return [places[symbol] for symbol in symbols]
