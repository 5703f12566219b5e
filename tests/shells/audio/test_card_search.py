"""A card that comes and goes, with PortAudio stood in for: who holds it at the end of it all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio import card, portaudio
from offhook.shells.audio.card import CardSound
from offhook.shells.audio.portaudio import CardLost, PortAudio, Terms

FORMAT = PcmFormat(48000, 10)
PATIENCE_S = 10.0


@dataclass
class World:
    """Whether there is a card, and who holds it."""

    there: bool = True
    unhurried: threading.Event = field(default_factory=threading.Event)
    looking: threading.Event = field(default_factory=threading.Event)
    hosts: int = 0
    drives: int = 0

    def host(self) -> Host:
        self.hosts += 1
        return Host(self)


class Host:
    def __init__(self, world: World) -> None:
        self.world = world

    def find(self, _name: str | None) -> Terms:
        self.world.looking.set()
        self.world.unhurried.wait(PATIENCE_S)
        if not self.world.there:
            raise CardLost("there is no sound card")
        return Terms("still", 0, 0, FORMAT.rate, 1)

    def close(self) -> None:
        self.world.hosts -= 1


class Drive:
    def __init__(self, host: Host, terms: Terms, *_: object) -> None:
        self.terms, self._world, self.side_tone = terms, host.world, 0.0
        self._world.drives += 1

    def take(self) -> bytes:
        time.sleep(0.01)
        if not self._world.there:
            raise CardLost("still has stopped")
        return bytes(FORMAT.octets)

    def give(self, chunk: bytes) -> None:
        pass

    def close(self) -> bool:
        self._world.drives -= 1
        return True


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    made.unhurried.set()
    monkeypatch.setattr(card, "PortAudio", made.host)
    monkeypatch.setattr(card, "BlockingDrive", Drive)
    monkeypatch.setattr(card, "RETRY_S", 0.01)
    monkeypatch.setattr(card, "go_first", lambda: None)
    yield made
    made.unhurried.set()


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_the_card_that_is_there_its_loss_and_its_return_are_told(world: World) -> None:
    told: list[tuple[bool, str]] = []
    sound = CardSound(on_presence=lambda *both: told.append(both))
    sound.open(FORMAT, bytes)
    until(lambda: sound.card)
    world.there = False
    until(lambda: len(told) == 2)
    world.there = True
    until(lambda: len(told) == 3)
    sound.close()
    assert told == [(True, "still"), (False, "still has stopped"), (True, "still")]
    assert (world.drives, world.hosts) == (0, 0)


def test_a_card_that_is_found_while_the_sound_is_closed_is_let_go_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "CLOSED_WITHIN_S", 0.05)
    world.there = False
    sound = CardSound(patient=True)
    sound.open(FORMAT, bytes)
    world.looking.clear()
    world.unhurried.clear()
    until(world.looking.is_set)
    sound.close()
    world.there = True
    world.unhurried.set()
    until(lambda: sound._search_thread is not None and not sound._search_thread.is_alive())
    assert (world.drives, world.hosts) == (0, 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sound_whose_thread_breaks_keeps_no_card(world: World) -> None:
    def broken(_captured: bytes) -> bytes:
        raise ZeroDivisionError

    sound = CardSound()
    sound.open(FORMAT, broken)
    until(lambda: world.hosts == 0)
    sound.close()
    assert world.drives == 0


def test_a_portaudio_that_does_not_know_its_own_devices_has_no_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def invalid(_index: int) -> None:
        raise OSError("Invalid device info")

    made = SimpleNamespace(get_device_count=lambda: 1, get_device_info_by_index=invalid)
    monkeypatch.setattr(portaudio, "_pyaudio", lambda: SimpleNamespace(PyAudio=lambda: made))
    with pytest.raises(LocalError, match="can't tell of its cards: Invalid device info"):
        PortAudio().find("still")
