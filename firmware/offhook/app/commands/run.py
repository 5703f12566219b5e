"""`offhook run`: a telephone for a person, with its handset in the terminal."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from offhook.app.build import Builder
from offhook.app.commands.session import TalkOptions, running_telephone
from offhook.app.console import Console, complain
from offhook.app.exit_status import ExitStatus
from offhook.app.handset import Handset
from offhook.base.errors import LocalError
from offhook.base.schema.feature_codes import builtin_feature_codes
from offhook.base.vocabulary import Key
from offhook.phone.input.events import Flash, HookDown, HookUp
from offhook.phone.line.desk import LineTerms
from offhook.phone.line.line import MUTE_KEY
from offhook.phone.line.memory import Memory
from offhook.shells.pins import terminal
from offhook.shells.store.atomic import StoreError, read_whole, write_atomically

_MEMORY = "line.json"
_LONGEST_MEMORY = 1 << 20


async def run(builder: Builder, talk: TalkOptions, console: Console) -> ExitStatus:
    """Show the telephone until the person leaves it. LocalError without a terminal."""
    line = builder.settings.line
    terms = LineTerms(
        line.plan,
        builtin_feature_codes(),
        speed_dial=line.speed_dial,
        call_waiting=line.call_waiting,
    )
    memory = _Memory(builder.folder / builder.settings.store.directory / _MEMORY)
    async with running_telephone(builder, talk, console) as telephone:
        handset = Handset(telephone, terms, memory.read(), memory.write)
        person = _Person(handset)
        shown = terminal.TerminalHandset(person.press, handset.view)
        shown.open()
        try:
            await person.leaves(telephone.interrupted_event)
        finally:
            shown.close()
            handset.close()
    return ExitStatus.DONE


class _Person:
    """What the keys of a keyboard are to a telephone."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset
        self._off_hook = False
        self._left = asyncio.Event()

    def press(self, key: str) -> None:
        match key:
            case terminal.HOOK:
                self._off_hook = not self._off_hook
                self._handset.lifted(off_hook=self._off_hook)
                self._handset.receive(HookUp() if self._off_hook else HookDown())
            case terminal.FLASH:
                if self._off_hook:
                    self._handset.receive(Flash())
            case terminal.QUIT:
                self._left.set()
            case _:
                symbol = MUTE_KEY if key == terminal.MUTE else key
                self._handset.receive(Key(symbol))
                self._handset.receive(Key(symbol, pressed=False))

    async def leaves(self, interrupted: asyncio.Event) -> None:
        """Wait until the person has had enough."""
        waiting = [asyncio.ensure_future(each.wait()) for each in (self._left, interrupted)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()


class _Memory:
    """The line's memory in a file; what can't be read counts as nothing, and is said."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Memory:
        if not self._path.exists():
            return Memory()
        try:
            return Memory.from_document(json.loads(read_whole(self._path, _LONGEST_MEMORY)))
        except (LocalError, ValueError) as error:
            complain(f"{self._path}: {error}; volumes and history begin anew")
            return Memory()

    def write(self, memory: Memory) -> None:
        try:
            write_atomically(self._path, json.dumps(memory.to_document()).encode())
        except StoreError as error:
            complain(str(error))
