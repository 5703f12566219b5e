"""`offhook run`: a telephone for a person, its handset wired to pins or in the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from offhook.app.build import Builder
from offhook.app.call_store import CallStore
from offhook.app.commands.session import TalkOptions, running_telephone
from offhook.app.console import Console, complain
from offhook.app.control import Control, default_socket
from offhook.app.control_events import LevelsMeasured
from offhook.app.exit_status import ExitStatus
from offhook.app.handset import Handset, HandsetTerms, Pins
from offhook.app.handset_terms import engine_options, profile_of, store_of, terms_of
from offhook.app.line_store import LineStore
from offhook.app.service import Service
from offhook.app.telephone import Telephone
from offhook.base.errors import LocalError
from offhook.base.schema.hardware_profile import HardwareProfile
from offhook.base.vocabulary import Key
from offhook.phone.input.events import Flash, HookDown, HookUp
from offhook.phone.line.line import MUTE_KEY
from offhook.phone.line.memory import Memory

TERMINAL: Final = "terminal"
WIRED: Final = "wired"
HANDSETS: Final = (TERMINAL, WIRED)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line says of a telephone."""

    talk: TalkOptions
    handset: str = TERMINAL
    prompts: Path | None = None
    """The folder of rendered prompts; None: the one of the settings."""
    socket: Path | None = None
    """The control socket; None: the usual one."""
    engine: Path | None = None
    """The socket of a media engine that is a service; None: one is started here."""


async def run(builder: Builder, options: RunOptions, console: Console) -> ExitStatus:
    """Be a telephone until the person leaves it, or this is interrupted.

    Raises LocalError without a terminal, or without the pins that the hardware profile names.
    """
    in_terminal = options.handset == TERMINAL
    profile = None if in_terminal else profile_of(builder)
    store = LineStore(store_of(builder))
    terms = terms_of(builder, store)
    engine = engine_options(builder, options.talk, options.prompts, logged=in_terminal)
    with closing(CallStore(store_of(builder))) as calls:
        async with running_telephone(
            builder,
            options.talk,
            console,
            engine,
            every=True,
            remote=options.engine,
            calls=calls,
        ) as telephone:
            socket = options.socket or default_socket()
            desk = _Desk(telephone, terms, store.read(), socket)
            if profile is None:
                await _in_terminal(desk)
            else:
                await _wired(desk, profile, builder.settings.line.country)
    return ExitStatus.DONE


@dataclass(frozen=True, slots=True)
class _Desk:
    telephone: Telephone
    terms: HandsetTerms
    memory: Memory
    socket: Path

    @contextmanager
    def handset(self, pins: Pins | None = None) -> Iterator[Handset]:
        """The handset and its control socket; a phone that nobody can ask still rings."""
        handset = Handset(self.telephone, self.terms, self.memory, pins)
        watchers = Control(
            self.socket,
            handset.status,
            on_levels=lambda wanted: handset.voice.watch_levels(wanted=wanted or pins is None),
        )
        service = Service(self.telephone)

        def changed() -> None:
            watchers.refresh()
            service.stands(handset.view().account)

        handset.on_change = changed
        handset.on_levels = lambda heard: watchers.publish(
            LevelsMeasured(mouth_db=heard.mouth_db, ear_db=heard.ear_db)
        )
        handset.voice.watch_levels(wanted=pins is None)
        with closing(watchers), closing(handset):
            try:
                watchers.open()
            except LocalError as error:
                complain(f"{error}; nobody can ask or watch this phone")
            with service.attended():
                yield handset


async def _in_terminal(desk: _Desk) -> None:
    # Imported when needed: nothing else draws.
    from offhook.shells.pins.terminal import TerminalHandset  # noqa: PLC0415

    with desk.handset() as handset:
        person = _Person(handset)
        shown = TerminalHandset(person.press, handset.view)
        with closing(shown):
            shown.open()
            await person.leaves(desk.telephone.interrupted_event)


async def _wired(desk: _Desk, profile: HardwareProfile, country: str) -> None:
    from offhook.app.wired_handset import WiredHandset  # noqa: PLC0415  only where there are pins

    wired = WiredHandset(
        profile,
        lambda event: handset.receive(event),  # noqa: PLW0108  made below
        country=country,
    )
    wired.open()
    with closing(wired), desk.handset(wired) as handset:
        await desk.telephone.interrupted_event.wait()


class _Person:
    """What the keys of a keyboard are to a telephone."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset
        self._left = asyncio.Event()

    def press(self, key: str) -> None:
        match key:
            case "hook":
                self._handset.receive(HookDown() if self._handset.off_hook else HookUp())
            case "flash":
                if self._handset.off_hook:
                    self._handset.receive(Flash())
            case "quit":
                self._left.set()
            case _:
                symbol = MUTE_KEY if key == "mute" else key
                self._handset.receive(Key(symbol))
                self._handset.receive(Key(symbol, pressed=False))

    async def leaves(self, interrupted: asyncio.Event) -> None:
        """Wait until the person has had enough."""
        waiting = [asyncio.ensure_future(each.wait()) for each in (self._left, interrupted)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
