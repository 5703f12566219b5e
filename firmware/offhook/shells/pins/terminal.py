"""A handset in a terminal: its keys, and a picture that lives. Works over SSH."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import termios
import tty
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from offhook.base.errors import LocalError
from offhook.base.vocabulary import CallView, HandsetView, Lamp, LampLook

HOOK, FLASH, MUTE, QUIT = "hook", "flash", "mute", "quit"
KEYS: Final = {
    " ": HOOK,
    "f": FLASH,
    "m": MUTE,
    "q": QUIT,
    "\x03": QUIT,
    "\x04": QUIT,
    **{symbol: symbol for symbol in "0123456789*#ABCD"},
}
"""What a key of the keyboard is to the telephone."""
_SEQUENCE: Final = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]?|O.?|.)?", re.DOTALL)
"""What a terminal sends for a key without a character (ECMA-48 §5.4), or for Alt and another."""
LEGEND: Final = "space lift / lay down    0-9 * # dial    f flash    m mute    q quit"
REFRESH_S: Final = 0.1
BAR: Final = 16
QUIET_DB: Final = -60.0
TOO_LOUD_DB: Final = -6.0
"""In dB of a full-scale square wave: a sine has 3 dB less at its loudest."""


class TerminalHandset:
    """Reads the keyboard unbuffered and draws `view()`, ten times a second.

    `on_key` gets HOOK, FLASH, MUTE, QUIT or a dialled symbol. Raises LocalError where standard
    input is no terminal.
    """

    def __init__(self, on_key: Callable[[str], None], view: Callable[[], HandsetView]) -> None:
        self._on_key = on_key
        self._view = view
        self._live = Live(console=Console(), auto_refresh=False, screen=False)
        self._before: list[Any] = []
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Take the terminal."""
        if not sys.stdin.isatty():
            raise LocalError("a handset in the terminal needs one: standard input is none")
        number = sys.stdin.fileno()
        self._before = termios.tcgetattr(number)
        tty.setcbreak(number)
        asyncio.get_running_loop().add_reader(number, self._read)
        self._live.start()
        self._draw()

    def close(self) -> None:
        """Give the terminal back as it was."""
        if self._timer is not None:
            self._timer.cancel()
        if self._before:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._live.stop()
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)
            self._before = []

    def _read(self) -> None:
        try:
            typed = os.read(sys.stdin.fileno(), 64)
        except BlockingIOError:
            return
        except OSError:
            typed = b""
        if not typed:
            # The terminal is gone, as when the line to it breaks: nobody is left to type.
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._on_key(QUIT)
        for key in pressed(typed):
            self._on_key(key)

    def _draw(self) -> None:
        loop = asyncio.get_running_loop()
        self._live.update(picture(self._view(), loop.time()), refresh=True)
        self._timer = loop.call_later(REFRESH_S, self._draw)


def pressed(typed: bytes) -> list[str]:
    """The telephone's keys in what the terminal sent; every other key of the keyboard is none."""
    text = _SEQUENCE.sub(b"", typed).decode("ascii", "ignore")
    found = (KEYS.get(symbol, KEYS.get(symbol.lower())) for symbol in text)
    return [key for key in found if key is not None]


def picture(view: HandsetView, now: float) -> Panel:
    """The telephone as it is; lamps blink by `now` (s)."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=9)
    table.add_column()
    handset = Text("lifted" if view.off_hook else "on the hook")
    if view.muted:
        handset.append("  muted", style="red")
    table.add_row("line", plain(view.account))
    table.add_row("handset", handset)
    table.add_row("bell", Text("rings", "bold yellow") if view.ringing else Text("silent"))
    table.add_row("ear", plain(view.ear or "silence"))
    table.add_row("levels", _levels(view))
    table.add_row("dialled", plain(view.digits or "-"))
    table.add_row("lamps", _lamps(view.lamps, now))
    calls = [_call(each) for each in view.calls]
    return Panel(
        Group(table, *calls, Text(LEGEND, style="dim")),
        title="Offhook",
        title_align="left",
        width=78,
    )


def lit(look: LampLook, now: float) -> bool:
    """Whether a lamp of this look gives light at `now` (s)."""
    if len(look.cadence_ms) < 2:
        return bool(look.cadence_ms)
    at = (now * 1000) % sum(look.cadence_ms)
    for index, length in enumerate(look.cadence_ms):
        if at < length:
            return index % 2 == 0
        at -= length
    return False


def _levels(view: HandsetView) -> Text:
    """What goes out and what comes in, as bars; why there is neither."""
    if view.sound:
        return Text.assemble(("no sound: ", "bold red"), plain(view.sound))
    if view.mouth_db is None or view.ear_db is None:
        return Text("-")
    return Text.assemble("mouth ", _bar(view.mouth_db), "   ear ", _bar(view.ear_db))


def _bar(level_db: float) -> Text:
    """A level from QUIET_DB to 0 dB as a bar, red where it is too loud."""
    filled = round(BAR * (1 - min(max(level_db, QUIET_DB), 0.0) / QUIET_DB))
    style = "red" if level_db > TOO_LOUD_DB else "green"
    return Text.assemble(("▮" * filled, style), ("▯" * (BAR - filled), "grey30"))


def _lamps(lamps: tuple[tuple[Lamp, LampLook], ...], now: float) -> Text:
    text = Text()
    for lamp, look in lamps:
        colour = f"rgb({','.join(map(str, look.rgb))})" if lit(look, now) else "grey30"
        text.append("● ", style=colour)
        text.append(f"{lamp.value}: {look.name}   ")
    return text


def plain(text: str) -> Text:
    """Text that may come from a peer: neither markup nor an escape sequence."""
    return Text("".join(each if each.isprintable() else "\ufffd" for each in text))


def _call(view: CallView) -> Panel:
    arrow = "from" if view.incoming else "to"
    minutes, seconds = divmod(int(view.talked_s), 60)
    state = f"{view.state}{', held' if view.held else ''}  {minutes}:{seconds:02d}"
    keys = "  ".join(each for each in (view.suite, view.keying) if each)
    trust = Text.assemble((view.trust, "bold"), f"  {keys}")
    lines = Group(Text(state), trust, plain(view.reason))
    if view.sas:
        lines.renderables.append(Text.assemble("compare: ", (view.sas, "bold")))
    return Panel(lines, title=plain(f"{arrow} {view.peer}"), title_align="left")
