"""The handset's sound on a running loop, with a card whose thread the test turns by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import nan

import numpy as np
import pytest

from offhook.app.engine import handset_sound
from offhook.app.engine.handset_sound import HandsetSound, OnPresence
from offhook.app.engine.mixer import SILENCE
from offhook.base.errors import LocalError
from offhook.base.schema.tone_plan import ToneSegment, ToneShape
from offhook.base.vocabulary import PcmFormat
from offhook.protocols.media import handset_messages as ask
from offhook.shells.audio.sound import OnPeriod

PATIENCE_S = 10.0
BEEP = ToneShape(once=(ToneSegment(hz=(1000,), ms=30),))
DIAL = ToneShape(cadence=(ToneSegment(hz=(425,)),))
WORDS = (("sign.0031", 60),)


@dataclass
class Card:
    """Stands in for a sound card: its periods come when the test says so."""

    on_presence: OnPresence
    fails: str | None = None
    breaks: bool = False
    on_period: OnPeriod | None = None
    opened: int = 0
    closed: int = 0
    side_tones: list[float | None] = field(default_factory=list)

    def open(self, _pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        if self.fails is not None:
            raise LocalError(self.fails)
        if self.breaks:
            raise ValueError
        self.opened += 1
        self.on_period = on_period

    def close(self) -> None:
        self.closed += 1
        self.on_period = None

    def side_tone(self, gain_db: float | None) -> None:
        self.side_tones.append(gain_db)


class Desk:
    def __init__(self) -> None:
        self.cards: list[Card] = []
        self.reports: list[ask.HandsetReport] = []
        self.fails: str | None = None
        self.breaks = False
        self.may_read = threading.Event()
        self.may_read.set()
        self.sound = HandsetSound(self._make, self._speech, self.reports.append)

    def _make(self, on_presence: OnPresence) -> Card:
        self.cards.append(Card(on_presence, self.fails, self.breaks))
        return self.cards[-1]

    def _speech(self, say: ask.Say) -> bytes:
        self.may_read.wait(PATIENCE_S)
        if not say.language:
            raise ValueError
        if say.language != "en":
            raise LocalError(f"nothing is rendered in {say.language}")
        return np.full(2 * 480, 5000, np.int16).tobytes()

    def tell(self, *commands: ask.HandsetCommand) -> None:
        for command in commands:
            self.sound.handle(command)

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  a thread sets no event of the loop's
                await asyncio.sleep(0.001)

    async def opened(self, card: int = 0) -> Card:
        await self.until(lambda: len(self.cards) > card and self.cards[card].on_period)
        return self.cards[card]

    @staticmethod
    async def turn(card: Card, chunks: int = 1) -> bytes:
        assert card.on_period is not None
        heard = b"".join(card.on_period(SILENCE) for _ in range(chunks))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return heard


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    try:
        yield made
    finally:
        made.sound.close()


def played(scene: Callable[[Desk], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        async with desk() as made:
            await scene(made)

    asyncio.run(run())


def test_the_sound_is_opened_for_a_lifted_handset_and_closed_a_little_after() -> None:
    async def scene(desk: Desk) -> None:
        assert desk.cards == []
        desk.tell(ask.OpenHandset())
        card = await desk.opened()
        desk.tell(ask.CloseHandset())
        assert not card.closed
        await desk.until(lambda: card.closed)

    played(scene)


def test_a_handset_lifted_again_at_once_keeps_its_sound() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset())
        card = await desk.opened()
        desk.tell(ask.CloseHandset(), ask.OpenHandset())
        await asyncio.sleep(2 * handset_sound.LINGER_S)
        assert (card.closed, len(desk.cards)) == (0, 1)

    played(scene)


def test_a_handset_laid_down_and_lifted_while_it_closes_gets_a_new_sound() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset())
        card = await desk.opened()
        desk.tell(ask.CloseHandset())
        await desk.until(lambda: card.closed)
        desk.tell(ask.OpenHandset())
        await desk.opened(1)

    played(scene)


def test_a_tone_that_ends_by_itself_opens_the_sound_and_lets_it_close() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.PlayTone(BEEP))
        card = await desk.opened()
        heard = await desk.turn(card, 6)
        assert np.abs(np.frombuffer(heard, np.int16)).max() > 1000
        await desk.until(lambda: card.closed)

    played(scene)


def test_what_is_said_is_told_when_it_is_said() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset(), ask.Say(3, "en", WORDS))
        card = await desk.opened()

        def said() -> bool:
            assert card.on_period is not None
            card.on_period(SILENCE)
            return ask.Spoken(3) in desk.reports

        await desk.until(said)

    played(scene)


def test_what_can_not_be_said_is_told_with_its_reason() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.Say(4, "fr", WORDS))
        await desk.until(lambda: desk.reports)
        assert desk.reports == [ask.Spoken(4, "nothing is rendered in fr")]

    played(scene)


def test_what_is_hushed_before_it_was_read_is_never_heard_nor_told() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset())
        card = await desk.opened()
        desk.tell(ask.Say(5, "en", WORDS), ask.Hush())
        await asyncio.sleep(0.05)
        assert await desk.turn(card, 5) == 5 * SILENCE
        assert desk.reports == []

    played(scene)


def test_the_side_tone_is_the_cards_and_silent_while_muted() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.SetVolume(0.0, -15.0), ask.OpenHandset())
        card = await desk.opened()
        desk.tell(ask.SetMute(muted=True), ask.SetMute(muted=False), ask.SetVolume(0.0, None))
        assert card.side_tones == [-15.0, None, -15.0, None]

    played(scene)


def test_a_call_has_its_part_while_it_is_open() -> None:
    async def scene(desk: Desk) -> None:
        port, got = desk.sound.port(1), list[bytes]()

        def on_period(captured: bytes) -> bytes:
            got.append(captured)
            return captured

        port.open(PcmFormat(8000, 20), on_period)
        card = await desk.opened()
        await desk.turn(card, 10)
        assert len(got) == 5
        port.close()
        await desk.until(lambda: card.closed)
        assert len(got) == 5

    played(scene)


def test_a_sound_that_can_not_be_opened_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handset_sound, "AGAIN_S", 0.01)

    async def scene(desk: Desk) -> None:
        desk.fails = "no such file"
        desk.tell(ask.OpenHandset())
        await desk.until(lambda: len(desk.cards) > 1)
        assert desk.reports[0] == ask.SoundLost("no such file")
        desk.fails = None
        await desk.until(lambda: desk.cards[-1].on_period)

    played(scene)


def test_loss_and_return_of_the_card_are_told() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset())
        card = await desk.opened()
        card.on_presence(True, "USB Audio")
        card.on_presence(False, "unplugged")
        card.on_presence(True, "USB Audio")
        card.on_presence(True, "USB Audio")
        await desk.until(lambda: len(desk.reports) == 2)
        assert desk.reports == [ask.SoundLost("unplugged"), ask.SoundFound("USB Audio")]

    played(scene)


def test_levels_are_told_while_the_sound_is_open() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.WatchLevels(50), ask.OpenHandset(), ask.PlayTone(DIAL))
        card = await desk.opened()
        await desk.turn(card, 6)
        await desk.until(lambda: desk.reports)
        (levels,) = desk.reports
        assert isinstance(levels, ask.Levels)
        assert levels.mouth_db == -96.0
        assert -30 < levels.ear_db < -8

    played(scene)


def test_closing_gives_an_open_sound_back() -> None:
    async def run() -> Card:
        made = Desk()
        made.tell(ask.OpenHandset())
        card = await made.opened()
        made.sound.close()
        return card

    assert asyncio.run(run()).closed == 1


@pytest.mark.parametrize("command", [ask.Hush(), ask.StopTone(), ask.WatchLevels(100)])
def test_what_makes_no_sound_opens_no_microphone(command: ask.HandsetCommand) -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(command)
        await asyncio.sleep(0.02)
        assert desk.cards == []

    played(scene)


def test_the_microphone_closes_when_what_is_said_to_a_laid_down_handset_is_hushed() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset(), ask.Say(6, "en", WORDS))
        card = await desk.opened()
        await asyncio.sleep(0.05)
        await desk.turn(card)
        desk.tell(ask.CloseHandset(), ask.Hush())
        await desk.turn(card)
        await desk.until(lambda: card.closed)

    played(scene)


def test_the_microphone_closes_when_what_was_to_be_said_can_not_be() -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset())
        card = await desk.opened()
        desk.may_read.clear()
        desk.tell(ask.Say(7, "fr", WORDS), ask.CloseHandset())
        await asyncio.sleep(0)
        desk.may_read.set()
        await desk.until(lambda: card.closed)
        assert desk.reports == [ask.Spoken(7, "nothing is rendered in fr")]

    played(scene)


def test_an_error_that_nobody_thought_of_is_told_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handset_sound, "AGAIN_S", 0.01)

    async def scene(desk: Desk) -> None:
        desk.breaks = True
        desk.tell(ask.OpenHandset(), ask.Say(8, "", WORDS))
        await desk.until(lambda: len(desk.cards) > 1)
        assert ask.Spoken(8, "the sound failed: ValueError") in desk.reports
        assert ask.SoundLost("the sound failed: ValueError") in desk.reports
        desk.breaks = False
        await desk.until(lambda: desk.cards[-1].on_period)

    played(scene)


@pytest.mark.parametrize(
    "command",
    [
        ask.Beep(ToneShape(once=(ToneSegment(hz=(1000,)),))),
        ask.PlayTone(ToneShape(cadence=(ToneSegment(hz=(400, 500), modulated_hz=16),))),
        ask.PlayTone(ToneShape()),
        ask.PlayTone(DIAL, 1e6),
        ask.SetVolume(1e6, None),
        ask.SetVolume(nan, None),
        ask.SetVolume(0.0, 1e6),
    ],
)
def test_a_command_that_can_not_be_carried_out_is_dropped(command: ask.HandsetCommand) -> None:
    async def scene(desk: Desk) -> None:
        desk.tell(ask.OpenHandset(), command)
        card = await desk.opened()
        assert await desk.turn(card, 3) == 3 * SILENCE
        assert desk.reports == []

    played(scene)
