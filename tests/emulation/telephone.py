"""A whole emulated telephone: the image in QEMU, an account, and somebody who uses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from board.emulator.administrator import laid_down
from board.emulator.card import Card
from board.emulator.hands import Hands
from board.emulator.machine import Board, EmulationError, Machine, Terms
from board.emulator.network import HOST, TAP
from board.emulator.wiring import HOOK, keys_of
from tests.interop.lab.kamailio import Kamailio
from tests.interop.lab.laboratory import PASSWORDS, Laboratory

NUMBER: Final = "20"
DOWN_S, UP_S = 0.45, 0.3
"""How long a key is down, and up after it: the emulated board is slower than a finger is."""
BOOT_S: Final = 600.0
SOON_S: Final = 60.0
FAR_END: Final = "hw:Loopback,1"
SOUND: Final = ("-q", "-D", FAR_END, "-f", "S16_LE", "-r", "48000", "-c", "1")

Event = dict[str, Any]


def settings(registrar: Kamailio, anchor: Path) -> dict[str, bytes]:
    """The account at `registrar`, whose certificate is below `anchor`."""
    domain = registrar.domain
    account = f"""
user = "{NUMBER}"
domain = "{domain.name}"
server = "{HOST}:{domain.port}"
service_name = "{domain.name}"
[accounts.trunk]
profile = "generic"
digest = ["{domain.algorithm}"]
codecs = ["PCMU"]
"""
    return laid_down("lab", account, anchor, PASSWORDS[NUMBER].encode())


class Telephone:
    """The telephone and its user. Times are s since the machine was switched on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.hands = Hands(machine, self._happened)
        self.events: list[tuple[float, Event]] = []
        self.figures: dict[str, float | str] = {}
        """What was measured on the way, for a report."""
        self._changed = threading.Condition()

    @property
    def now(self) -> float:
        return time.monotonic() - self.machine.started_at

    def lift(self) -> None:
        self.hands.contact(HOOK, closed=True)

    def lay_down(self) -> None:
        self.hands.contact(HOOK, closed=False)

    def dial(self, symbols: str) -> None:
        self.hands.press(keys_of(symbols), DOWN_S, UP_S)

    def status(self) -> Event:
        """What the phone says of itself by its control socket."""
        return dict(self.hands.ask("status"))

    def until(
        self, told: Callable[[Event], bool], within_s: float = SOON_S, *, since: float = 0.0
    ) -> tuple[float, Event]:
        """The first event of which this is true, and when it came."""

        def found() -> tuple[float, Event] | None:
            return next((each for each in self.events if each[0] >= since and told(each[1])), None)

        with self._changed:
            if event := self._changed.wait_for(found, within_s):
                return event
        last = [event for _, event in self.events][-12:]
        raise EmulationError(f"this didn't happen within {within_s:g} s; the last events: {last}")

    def until_line(self, line: str, within_s: float = SOON_S, *, since: float = 0.0) -> float:
        """When the line was in this state."""

        def told(event: Event) -> bool:
            phone = event.get("status", {}).get("phone", {})
            return bool(event.get("line", phone.get("line")) == line)

        return self.until(told, within_s, since=since)[0]

    def _happened(self, event: Event) -> None:
        with self._changed:
            self.events.append((self.now, event))
            self._changed.notify_all()


@contextmanager
def switched_on(
    image: Path, lab: Laboratory, folder: Path, board: Board = Board.VIRT, rtc: str | None = None
) -> Iterator[Telephone]:
    """A telephone with an account at `stock.test`, somebody at its pins, and its events heard."""
    card = Card.copied(image / "offhook.img", folder / "card.img")
    card.lay(settings(lab.stock, lab.authority.root))
    machine = Machine(card, folder, Terms(board, TAP, rtc))
    try:
        telephone = Telephone(machine)
        telephone.figures["board"] = board.value
        telephone.figures["switched on to shell, s"] = telephone.hands.arrive(BOOT_S)
        machine.go_first()
        telephone.hands.ask("watch")
        yield telephone
    finally:
        machine.close()
