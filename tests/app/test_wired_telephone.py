"""A whole telephone whose handset is wired: pins, line, accounts, engines, a practice trunk.

Only the pins are a stand-in. Everything runs in real time, and the test waits for conditions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.app.practice_desk import PATIENCE_S, PracticeDesk, practice_desk
from tests.app.wired_desk import HOOK, MUTE, profile
from tests.shells.pins.stand_in_gpio import GROUND, StandInGpio

from offhook.app.commands.session import TalkOptions, read_builder, running_telephone
from offhook.app.console import Console
from offhook.app.handset import Handset
from offhook.app.handset_terms import engine_options, store_of, terms_of
from offhook.app.line_store import LineStore
from offhook.app.wired_handset import WiredHandset
from offhook.base.schema.hardware_profile import HardwareProfile
from offhook.base.vocabulary import HandsetView, Lamp
from offhook.phone.line.lamps import DARK, HOP_BY_HOP, LIT, READY
from offhook.phone.line.memory import Memory

BELL, RED, GREEN = 13, 27, 26
HELD_S = 0.1
"""How long a finger stays on a key, and off it."""


@dataclass
class Telephone:
    """A person's hands, and what they can see and hear."""

    gpio: StandInGpio
    profile: HardwareProfile
    handset: Handset

    def lift(self, *, lifted: bool = True) -> None:
        closed = lifted == (self.profile.hook.closed_when == "lifted")
        self.gpio.contact(HOOK, GROUND, closed=closed)

    async def dial(self, keys: str) -> None:
        keypad = self.profile.keypad
        assert keypad is not None
        for symbol in keys:
            row = next(n for n, line in enumerate(keypad.layout) if symbol in line)
            place = keypad.rows[row], keypad.columns[keypad.layout[row].index(symbol)]
            await self.hold_until_taken(*place)

    async def hold_until_taken(self, one: int, other: int) -> None:
        before = self.taken
        self.gpio.contact(one, other, closed=True)
        await self.until(lambda: self.taken != before)
        self.gpio.contact(one, other, closed=False)
        await asyncio.sleep(HELD_S)

    @property
    def taken(self) -> tuple[object, ...]:
        """What shows that a key was taken: the digits so far, or what became of them."""
        view = self.handset.view()
        return view.digits, view.calls

    async def press(self, one: int, other: int) -> None:
        for closed in (True, False):
            self.gpio.contact(one, other, closed=closed)
            await asyncio.sleep(HELD_S)

    async def sees(self, what: Callable[[HandsetView], object]) -> None:
        await self.until(lambda: what(self.handset.view()))

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  hands and pins have no event
                await asyncio.sleep(0.01)

    def look(self, lamp: Lamp) -> object:
        return dict(self.handset.view().lamps).get(lamp)

    def did(self, pin: int, state: str) -> bool:
        """Whether the pin was ever like that, "wave" for any wave."""
        return any(
            isinstance(each, tuple) if state == "wave" else each == state
            for _, each in self.gpio.states(pin)
        )


@asynccontextmanager
async def telephone(desk: PracticeDesk) -> AsyncIterator[Telephone]:
    wired_as, gpio = profile("keypad-3x4"), StandInGpio()
    builder = read_builder(desk.settings)
    talk = TalkOptions(None, None, None, None, "")
    store = LineStore(store_of(builder))
    options = engine_options(builder, talk, None, logged=True)
    async with running_telephone(builder, talk, Console(), options) as signalling:

        def find_pins(_: HardwareProfile) -> StandInGpio:
            gpio.setmode(gpio.BCM)
            return gpio

        wired = WiredHandset(
            wired_as,
            lambda event: made.handset.receive(event),  # noqa: PLW0108  made below
            find_pins=find_pins,
        )
        wired.open()
        handset = Handset(signalling, terms_of(builder, store), Memory(), wired)
        made = Telephone(gpio, wired_as, handset)
        try:
            await made.sees(lambda view: "registered as" in view.account)
            yield made
        finally:
            handset.close()
            wired.close()
    assert not gpio.claimed()
    assert not gpio.faults


def test_a_person_lifts_a_wired_handset_dials_talks_mutes_and_lays_down(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk, telephone(desk) as phone:
            await phone.until(lambda: phone.look(Lamp.SECURITY) == READY)
            await phone.until(lambda: phone.did(GREEN, "high"))
            phone.lift()
            await phone.sees(lambda view: view.ear == "dial tone")
            await phone.dial("600#")
            await phone.sees(lambda view: view.calls and view.calls[0].trust == "hop by hop")
            assert phone.look(Lamp.SECURITY) == HOP_BY_HOP
            await phone.press(MUTE, GROUND)
            await phone.sees(lambda view: view.muted)
            assert phone.look(Lamp.MUTE) == LIT
            await phone.press(MUTE, GROUND)
            await phone.sees(lambda view: not view.muted)
            assert phone.look(Lamp.MUTE) == DARK
            phone.lift(lifted=False)
            await phone.sees(lambda view: not view.calls and not view.off_hook)
            await phone.until(lambda: phone.look(Lamp.SECURITY) == READY)

    asyncio.run(run())


def test_a_wired_bell_rings_until_the_handset_is_lifted(tmp_path: Path) -> None:
    async def run() -> None:
        async with practice_desk(tmp_path) as desk, telephone(desk) as phone:
            assert desk.trunk.call("phone", "echo")
            await phone.until(lambda: phone.did(BELL, "wave"))
            phone.lift()
            await phone.sees(lambda view: view.calls and view.calls[0].trust == "hop by hop")
            await phone.until(lambda: phone.gpio.state(BELL) in {"low", "in"})
            phone.lift(lifted=False)
            await phone.sees(lambda view: not view.calls)

    asyncio.run(run())
