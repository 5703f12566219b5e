"""The emulated telephone in this terminal, on a practice trunk: `scripts/emulate --help`."""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from board.emulator.administrator import laid_down
from board.emulator.card import Card
from board.emulator.hands import Hands
from board.emulator.machine import Board, EmulationError, Machine, Terms
from board.emulator.needs import obstacle
from board.emulator.network import HOST, TAP, Network
from board.emulator.view import view_of
from board.emulator.wiring import HOOK, MUTE, keys_of
from board.image.tools import BuildError
from offhook.base.errors import OffhookError
from offhook.base.secret import Secret
from offhook.base.vocabulary import HandsetView
from offhook.shells.pins.terminal import FLASH as FLASH_KEY
from offhook.shells.pins.terminal import HOOK as HOOK_KEY
from offhook.shells.pins.terminal import MUTE as MUTE_KEY
from offhook.shells.pins.terminal import QUIT, TerminalHandset
from offhook_practice.cli import DOMAIN, USER
from offhook_practice.extensions import EXTENSIONS
from offhook_practice.pki import make_practice_pki
from offhook_practice.trunk import PracticeTrunk

BOOT_S: Final = 900.0
PRESS_S: Final = 0.4
"""A key is down for so long, and up as long: the emulated board is slower than a finger is."""
FLASH_S: Final = 0.2

_ACCOUNT: Final = """\
user = "{user}"
domain = "{domain}"
server = "{host}:{port}"
trunk = "practice"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start it, and work its pins by this terminal's keys until the person leaves."""
    parser = argparse.ArgumentParser("scripts/emulate", description=__doc__)
    parser.add_argument("--image", type=Path, required=True, help="the folder of a test image")
    parser.add_argument("--board", type=Board, choices=list(Board), default=Board.VIRT)
    parser.add_argument("--check", action="store_true", help="end once it has a dial tone")
    chosen = parser.parse_args(arguments)
    try:
        return _start(chosen)
    except (EmulationError, BuildError, OffhookError, OSError) as error:
        sys.stderr.write(f"scripts/emulate: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 1


def _start(chosen: argparse.Namespace) -> int:
    if why := obstacle(building=False):
        raise EmulationError(why)
    with tempfile.TemporaryDirectory(prefix="offhook-emulator-") as folder:
        return asyncio.run(_run(chosen, Path(folder)))


async def _run(chosen: argparse.Namespace, folder: Path) -> int:
    with Network(folder):
        async with _practice(folder) as files:
            card = Card.copied(chosen.image / "offhook.img", folder / "card.img")
            card.lay(files)
            with closing(Machine(card, folder, Terms(chosen.board, TAP))) as machine:
                desk = Desk(machine)
                await desk.arrive()
                if chosen.check:
                    sys.stdout.write(json.dumps(await desk.check(), indent=1) + "\n")
                else:
                    await desk.serve()
    return 0


@asynccontextmanager
async def _practice(folder: Path) -> AsyncIterator[dict[str, bytes]]:
    """A practice trunk in the telephone's network; the files that make the telephone its user."""
    files = make_practice_pki(folder, DOMAIN)
    password = Secret(secrets.token_urlsafe(18))
    trunk = PracticeTrunk(DOMAIN, {USER: password}, files.certificate, files.key)
    address = await trunk.start(HOST)
    account = _ACCOUNT.format(user=USER, domain=DOMAIN, host=HOST, port=address.port)
    async with AsyncExitStack() as leaving:
        leaving.push_async_callback(trunk.stop)
        yield laid_down("practice", account, files.ca, password.reveal())


class Desk:
    """The telephone, and whoever sits before it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._loop = asyncio.get_running_loop()
        self._hands = Hands(machine, self._happened)
        self._changed = asyncio.Event()
        self._status: dict[str, Any] = {}
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._left = asyncio.Event()
        self._lifted = False

    async def arrive(self) -> None:
        """Wait for the system, and show that it comes up."""
        arriving = asyncio.create_task(asyncio.to_thread(self._hands.arrive, BOOT_S))
        with Console(stderr=True).status("switched on") as shown:
            while not arriving.done():
                await asyncio.wait([arriving], timeout=1)
                since = time.monotonic() - self._machine.started_at
                shown.update(f"{since:4.0f} s  {self._machine.last_line()}")
        took = await arriving
        self._machine.go_first()
        sys.stderr.write(f"The system is up after {took:.0f} s.\n")
        await asyncio.to_thread(self._hands.ask, "watch")

    async def check(self) -> dict[str, float]:
        """When it was registered, and how soon a lifted handset has a dial tone (s).

        Raises EmulationError where either doesn't come within BOOT_S.
        """
        wanted = "registration"
        try:
            async with asyncio.timeout(BOOT_S):
                await self._until(lambda status: status["accounts"][0]["registered"])
                registered = time.monotonic()
                wanted = "dial tone"
                await self._do("contact", pin=HOOK, closed=True)
                await self._until(lambda status: status["phone"]["line"] == "dial tone")
        except TimeoutError:
            raise EmulationError(f"no {wanted} within {BOOT_S:g} s") from None
        return {
            "registered_s": registered - self._machine.started_at,
            "off_hook_to_dial_tone_s": time.monotonic() - registered,
        }

    async def serve(self) -> None:
        """Show it, and press what is typed.

        Raises EmulationError once its pins don't answer any more.
        """
        sys.stderr.write("Numbers to dial, each ended with #:\n")
        sys.stderr.writelines(f"  {each.number}  {each.told}\n" for each in EXTENSIONS)
        work = [
            asyncio.create_task(self._until(lambda _: False)),
            asyncio.create_task(self._type()),
            asyncio.create_task(self._left.wait()),
        ]
        shown = TerminalHandset(self._pressed, self._view)
        with closing(shown):
            shown.open()
            ended, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        for each in work:
            each.cancel()
        for each in ended:
            each.result()

    async def _asked(self) -> dict[str, Any]:
        try:
            self._status = await asyncio.to_thread(self._hands.ask, "status")
        except EmulationError:
            # The phone isn't there yet, or is being started anew.
            self._status = {}
        return self._status

    async def _until(self, told: Callable[[dict[str, Any]], bool]) -> None:
        """Look again after each event until this is true of the status."""
        while not (status := await self._asked()) or not told(status):
            await self._changed.wait()
            self._changed.clear()

    async def _type(self) -> None:
        while True:
            key = await self._keys.get()
            if key == HOOK_KEY:
                self._lifted = not self._lifted
                await self._do("contact", pin=HOOK, closed=self._lifted)
            elif key == FLASH_KEY:
                await self._do("tap", pin=HOOK, closed=False, for_s=FLASH_S)
            elif key == MUTE_KEY:
                await self._do("tap", pin=MUTE, closed=True, for_s=PRESS_S)
            elif keys := _on_keypad(key):
                await self._do("press", keys=keys, down_s=PRESS_S, up_s=PRESS_S)

    async def _do(self, what: str, **terms: Any) -> None:
        await asyncio.to_thread(functools.partial(self._hands.ask, what, **terms))

    def _happened(self, _event: dict[str, Any]) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    def _pressed(self, key: str) -> None:
        if key == QUIT:
            self._left.set()
        else:
            self._keys.put_nowait(key)

    def _view(self) -> HandsetView:
        return view_of(self._status)


def _on_keypad(key: str) -> list[tuple[int, int]]:
    """Where it is; nowhere, for A to D of the terminal's keys."""
    try:
        return keys_of(key)
    except KeyError:
        return []


if __name__ == "__main__":
    sys.exit(main())
