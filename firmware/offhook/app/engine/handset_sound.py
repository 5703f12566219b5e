"""The handset's one sound in the engine: opened while it is needed, shared by calls and tones."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import enum
import logging
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from offhook.app.engine.mixer import Mixer
from offhook.app.engine.session import MAX_REASON
from offhook.base.errors import LocalError
from offhook.protocols.media.handset_messages import (
    Beep,
    CloseHandset,
    HandsetCommand,
    HandsetReport,
    Hush,
    Levels,
    OpenHandset,
    PlayTone,
    Say,
    SetMute,
    SetVolume,
    SoundFound,
    SoundLost,
    Spoken,
    StopTone,
    WatchLevels,
)
from offhook.protocols.media.tones import ToneGenerator, burst, check_tone
from offhook.protocols.media.volume import check_gain
from offhook.shells.audio.port import COMMON, Port
from offhook.shells.audio.sound import Sound

LINGER_S: Final = 0.25
"""How long the sound stays open with nothing to be heard: a tone's fall is still on its way."""
AGAIN_S: Final = 2.0
"""Between two attempts to open a sound that could not be."""

log = logging.getLogger(__name__)

_Subject = TypeVar("_Subject")

OnPresence = Callable[[bool, str], None]
"""Told by any thread: whether there is a sound card, and which, or why not."""


class HandsetCard(Sound, Protocol):
    """A sound with a side tone of its own."""

    def side_tone(self, gain_db: float | None) -> None:
        """From now on the ear hears what the mouth says this loud; None: not at all."""
        ...


CardFactory = Callable[[OnPresence], HandsetCard]
"""Makes the card anew for each time that it is opened."""
SpeechSource = Callable[[Say], bytes]
"""What is asked for as samples of COMMON's rate. LocalError where it can't be had."""


class State(enum.Enum):
    """Where the sound stands; what takes time is done by a worker's thread."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


class HandsetSound:
    """Carries out the handset's commands on the running loop; `port` is each call's part in it."""

    def __init__(
        self,
        make_card: CardFactory,
        speech: SpeechSource,
        report: Callable[[HandsetReport], None],
    ) -> None:
        self._make_card, self._speech, self._report = make_card, speech, report
        self._loop = asyncio.get_running_loop()
        self._worker = concurrent.futures.ThreadPoolExecutor(1, "handset sound")
        self._mixer = Mixer(
            lambda utterance: self._from_sound(self._said, utterance),
            lambda: self._from_sound(self._settle),
            lambda mouth, ear: self._from_sound(self._report, Levels(mouth, ear)),
        )
        self._state = State.CLOSED
        self._card: HandsetCard | None = None
        self._held = self._muted = self._ended = self._lost = False
        self._side_tone_db: float | None = None
        self._utterance: int | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    def port(self, _session: int) -> Sound:
        """A call's part in the sound."""
        return Port(self._attach)

    def handle(self, command: HandsetCommand) -> None:
        """Carry out one command; one that can't be is logged, for none of these can fail a call."""
        try:
            self._carry_out(command)
        except LocalError as error:
            log.warning("handset: %s dropped: %s", type(command).__name__, error)
        self._settle()

    def _carry_out(self, command: HandsetCommand) -> None:
        match command:
            case OpenHandset():
                self._held = True
            case CloseHandset():
                self._held = False
            case SetMute(muted=muted):
                self._muted = self._mixer.muted = muted
                self._set_side_tone()
            case SetVolume(ear_db=ear_db, side_tone_db=side_tone_db):
                check_gain(ear_db)
                check_gain(side_tone_db)
                self._mixer.ear_db = ear_db
                self._side_tone_db = side_tone_db
                self._set_side_tone()
            case WatchLevels(every_ms=every_ms):
                self._mixer.watch(every_ms)
            case _:
                self._sound(command)

    def close(self) -> None:
        """Give the sound back; waits for the worker."""
        self._ended = True
        for timer in (self._linger, self._retry):
            if timer is not None:
                timer.cancel()
        self._worker.shutdown(wait=True)
        if self._card is not None:
            self._card.close()
            self._card = None

    def _sound(self, command: PlayTone | StopTone | Beep | Say | Hush) -> None:
        match command:
            case PlayTone(shape=shape, gain_db=gain_db):
                check_tone(shape)
                check_gain(gain_db)
                self._mixer.play(ToneGenerator(shape, COMMON.rate), gain_db)
            case StopTone():
                self._mixer.stop_tone()
            case Beep(shape=shape):
                check_tone(shape)
                self._mixer.beep(burst(shape, COMMON.rate))
            case Say():
                self._say(command)
            case Hush():
                self._utterance = None
                self._mixer.hush()

    def _attach(self, port: Port, opened: bool) -> None:
        others = tuple(each for each in self._mixer.ports if each is not port)
        self._mixer.ports = (*others, port) if opened else others
        self._settle()

    # Speech

    def _say(self, command: Say) -> None:
        """Have the worker read it: files and resampling would hold up a call."""
        self._mixer.hush()
        self._utterance = command.utterance
        self._work(self._speech, command, self._speak)

    def _speak(self, command: Say, speech: bytes | LocalError) -> None:
        if self._utterance != command.utterance:
            return
        if isinstance(speech, LocalError):
            self._utterance = None
            self._report(Spoken(command.utterance, str(speech)[:MAX_REASON]))
            self._settle()
        else:
            self._mixer.say(command.utterance, speech)

    def _said(self, utterance: int) -> None:
        if self._utterance == utterance:
            self._utterance = None
            self._report(Spoken(utterance))
        self._settle()

    # The card

    @property
    def _wanted(self) -> bool:
        busy = self._mixer.sounds or self._utterance is not None
        return self._held or bool(self._mixer.ports) or busy

    def _settle(self) -> None:
        """Open or close, as things are; what is under way is waited for."""
        if self._ended:
            return
        if self._state is State.CLOSED and self._wanted:
            self._state = State.OPENING
            self._card = self._make_card(self._presence)
            self._set_side_tone()
            self._work(_open, (self._card, self._mixer), self._opened)
        elif self._state is State.OPEN and not self._wanted and self._linger is None:
            self._linger = self._loop.call_later(LINGER_S, self._lingered)

    def _opened(self, _subject: object, failed: bytes | LocalError) -> None:
        if isinstance(failed, LocalError):
            self._present(False, str(failed))
            self._state, self._card = State.CLOSING, None
            self._retry = self._loop.call_later(AGAIN_S, self._closed)
        else:
            self._state = State.OPEN
            self._settle()

    def _lingered(self) -> None:
        self._linger = None
        if self._card is not None and not self._wanted:
            card, self._card = self._card, None
            self._state = State.CLOSING
            self._work(_close, card, self._closed)

    def _closed(self, *_: object) -> None:
        self._state = State.CLOSED
        self._settle()

    def _set_side_tone(self) -> None:
        if self._card is not None:
            self._card.side_tone(None if self._muted else self._side_tone_db)

    def _presence(self, found: bool, told: str) -> None:
        self._from_sound(self._present, found, told)

    def _present(self, found: bool, told: str) -> None:
        """Tell of each loss, and of the card that is there after one."""
        if not found:
            self._report(SoundLost(told[:MAX_REASON]))
        elif self._lost:
            self._report(SoundFound(told))
        self._lost = not found

    # Threads

    def _work(
        self,
        job: Callable[[_Subject], bytes],
        subject: _Subject,
        done: Callable[[_Subject, bytes | LocalError], None],
    ) -> None:
        """Have the worker do it, and the loop take what came of it."""

        def work() -> None:
            try:
                made: bytes | LocalError = job(subject)
            except LocalError as error:
                made = error
            except Exception as error:
                # Untold, the state would wait for it for ever.
                log.exception("handset sound")
                made = LocalError(f"the sound failed: {type(error).__name__}")
            self._from_sound(done, subject, made)

        self._worker.submit(work)

    def _from_sound(self, what: Callable[..., None], *arguments: object) -> None:
        """Have the loop do it, whichever thread asks."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, the sound not yet
            self._loop.call_soon_threadsafe(what, *arguments)


def _open(subject: tuple[HandsetCard, Mixer]) -> bytes:
    card, mixer = subject
    card.open(COMMON, mixer.turn)
    return b""


def _close(card: HandsetCard) -> bytes:
    card.close()
    return b""
