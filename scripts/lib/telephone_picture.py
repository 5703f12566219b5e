"""Draws a person's session in the terminal: `python -m scripts.lib.telephone_picture`.

The session is a real one: the telephone registers at the practice trunk, a person lifts, dials,
talks, and calls somebody who would not encrypt. Each moment is the picture that the terminal shows.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console as Screen
from rich.table import Table
from rich.text import Text
from scripts.lib.render_prompts import FOLDER, render

from offhook.app.commands.session import TalkOptions, read_builder, running_telephone
from offhook.app.console import Console
from offhook.app.handset import Handset
from offhook.app.handset_terms import engine_options, store_of, terms_of
from offhook.app.line_store import LineStore
from offhook.base.schema.prompt_language import prompt_language
from offhook.base.secret import Secret
from offhook.base.vocabulary import HandsetView, Key
from offhook.phone.input.events import HookDown, HookUp
from offhook.phone.line.memory import Memory
from offhook.shells.pins.terminal import picture
from offhook_practice.files import PhoneAccess, write_phone_settings
from offhook_practice.pki import make_practice_pki
from offhook_practice.speech import SOUNDS
from offhook_practice.trunk import PracticeTrunk

PICTURE: Final = Path("firmware/docs/pictures/terminal.svg")
DOMAIN, USER = "practice.example", "phone"
PATIENCE_S: Final = 20.0
LIT_AT_S: Final = 0.03
"""When in their cadence the lamps are drawn: while the blinking ones give light."""


class Session:
    """A person at a telephone, and the pictures kept of it."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset
        self._kept: list[tuple[str, HandsetView]] = []

    async def sees(self, what: Callable[[HandsetView], object]) -> None:
        """Wait until the telephone is like that."""
        async with asyncio.timeout(PATIENCE_S):
            while not what(self._handset.view()):  # noqa: ASYNC110  what is awaited has no event
                await asyncio.sleep(0.02)

    def press(self, keys: str) -> None:
        """Press and let go one key after the other."""
        for symbol in keys:
            self._handset.receive(Key(symbol))
            self._handset.receive(Key(symbol, pressed=False))

    def keep(self, told: str) -> None:
        """Keep the picture of now, under these words."""
        self._kept.append((told, self._handset.view()))

    async def go(self) -> None:
        """Lift, dial, talk, lay down; then call one who would not encrypt."""
        await self.sees(lambda view: "registered as" in view.account)
        self._handset.receive(HookUp())
        await self.sees(lambda view: view.ear == "dial tone" and (view.ear_db or -96) > -40)
        self.keep("The handset is lifted: dial tone.")
        self.press("600")
        await self.sees(lambda view: (view.ear_db or 0) < -80)
        self.keep("Digits; # or a pause sends them.")
        self.press("#")
        await self.sees(lambda view: view.calls and view.calls[0].talked_s > 5)
        await self.sees(lambda view: (view.ear_db or -96) > -35 and (view.mouth_db or -96) > -35)
        self.keep("A call: who, how safe, and why it is no safer than that.")
        self._handset.receive(HookDown())
        await self.sees(lambda view: not view.calls)
        self._handset.receive(HookUp())
        await self.sees(lambda view: view.ear == "dial tone")
        self.press("606#")
        await self.sees(lambda view: "not be encrypted" in view.ear)
        await self.sees(lambda view: (view.ear_db or -96) > -40)
        self.keep("The other side would not encrypt: refused, and said aloud.")

    def draw(self) -> str:
        """All pictures as one SVG."""
        screen = Screen(record=True, width=160, file=io.StringIO())
        table = Table.grid(padding=(0, 2))
        cells = []
        for number, (told, view) in enumerate(self._kept, 1):
            cell = Table.grid()
            cell.add_row(Text(f"{number}  {told}", "bold"))
            cell.add_row(picture(view, LIT_AT_S))
            cells.append(cell)
        for first, second in zip(cells[::2], cells[1::2], strict=True):
            table.add_row(first, second)
        screen.print(table)
        return screen.export_svg(title="scripts/run")


async def _session(folder: Path) -> str:
    files = make_practice_pki(folder, DOMAIN)
    password = Secret("for a picture")
    trunk = PracticeTrunk(DOMAIN, {USER: password}, files.certificate, files.key)
    address = await trunk.start()
    access = PhoneAccess(DOMAIN, USER, password, address, files.ca)
    builder = read_builder(write_phone_settings(folder, access))
    voice = next(SOUNDS.rglob("demo-congrats.wav"))
    talk = TalkOptions(None, voice, None, None, "")
    options = engine_options(builder, talk, FOLDER, logged=True)
    try:
        async with running_telephone(builder, talk, Console(), options) as telephone:
            handset = Handset(telephone, terms_of(builder, LineStore(store_of(builder))), Memory())
            handset.voice.watch_levels(wanted=True)
            session = Session(handset)
            await session.go()
            handset.close()
        return session.draw()
    finally:
        await trunk.stop()


def main() -> None:
    """Draw it anew. Raises NotRendered where what the telephone says can't be made."""
    render([prompt_language("en")])
    with tempfile.TemporaryDirectory(prefix="offhook-picture-") as folder:
        PICTURE.write_text(asyncio.run(_session(Path(folder))), encoding="utf-8")
    print(PICTURE)


if __name__ == "__main__":
    main()
