"""A sound card through PyAudio at its own rate; lost and found again while a call goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from offhook.base.errors import LocalError
from offhook.base.vocabulary import PcmFormat
from offhook.shells.audio.blocking import BlockingDrive
from offhook.shells.audio.drives import CallbackDrive, Counts, Drive, go_first
from offhook.shells.audio.exchange import Exchange
from offhook.shells.audio.portaudio import CardLost, PortAudio
from offhook.shells.audio.resampler import Samples
from offhook.shells.audio.sound import OnPeriod

RETRY_S: Final = 1.0
"""Between two attempts to find a lost card again."""
CLOSED_WITHIN_S: Final = 1.5
"""What a card that hangs may take to be let go, before it is left behind."""

log = logging.getLogger(__name__)


class CardSound:
    """The card whose name contains `device` (None: the system's choice) as a Sound.

    While the card is away, `on_period` goes on being called, with nothing captured, at the pace of
    the clock; `on_presence(found, told)` tells of the card that is there when it is opened, of each
    loss and of each return, the last two in the sound's thread. A `patient` one is opened even
    where there is no card yet. Only one may be open in a process: PortAudio looks for cards anew
    only when all is closed.
    """

    def __init__(
        self,
        device: str | None = None,
        *,
        blocking: bool = True,
        patient: bool = False,
        on_presence: Callable[[bool, str], None] = lambda _found, _reason: None,
    ) -> None:
        self._device, self._on_presence = device, on_presence
        self._patient = patient
        self._side_tone = 0.0
        self._make: type[CallbackDrive | BlockingDrive] = (
            BlockingDrive if blocking else CallbackDrive
        )
        self._stopped = threading.Event()
        self._found = threading.Event()
        self._host: PortAudio | None = None
        self._drive: Drive | None = None
        self._thread: threading.Thread | None = None
        self._search_thread: threading.Thread | None = None
        self._last = 0.0
        self._absent = "there is no sound card"
        self.counts = Counts()

    def open(self, pcm_format: PcmFormat, on_period: OnPeriod) -> None:
        """Begin at once. LocalError where there is no such card, or none for this format."""
        if self._thread is not None:
            raise LocalError("the sound is open already")
        self._format, self._on_period = pcm_format, on_period
        self._stopped.clear()
        try:
            self._connect()
        except LocalError as error:
            if not self._patient:
                raise
            self._absent = str(error)
        else:
            self._on_presence(True, self.card or "")
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="sound card", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; waits for a call of `on_period` that is under way."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(2 * CLOSED_WITHIN_S)

    def side_tone(self, gain_db: float | None) -> None:
        """From now on the ear hears what the mouth says this loud; None: not at all."""
        self._side_tone = 0.0 if gain_db is None else 10 ** (gain_db / 20)
        drive = self._drive
        if drive is not None:
            drive.side_tone = self._side_tone

    @property
    def card(self) -> str | None:
        """The name of the card in use, None while there is none."""
        drive = self._drive
        return None if drive is None else drive.terms.name

    def _connect(self) -> None:
        host = PortAudio()
        try:
            terms = host.find(self._device)
            exchange = Exchange(terms.rate, self._format, self._on_period)
            ahead = exchange.chunks_per_period
            drive: Drive = self._make(host, terms, self.counts, ahead)
        except LocalError:
            host.close()
            raise
        drive.side_tone = self._side_tone
        self._host, self._exchange, self._drive = host, exchange, drive

    def _disconnect(self) -> None:
        """Let card and PortAudio go, or leave them behind where PortAudio hangs on a lost card.

        Then PortAudio's list of devices stays as it is: the card is found again by the same name.
        """
        drive, self._drive = self._drive, None
        host, self._host = self._host, None

        def let_go() -> None:
            if (drive is None or drive.close()) and host is not None:
                host.close()

        thread = threading.Thread(target=let_go, name="sound card close", daemon=True)
        thread.start()
        thread.join(CLOSED_WITHIN_S)
        if thread.is_alive():
            log.warning("sound: PortAudio doesn't let the lost card go; it is left behind")

    def _run(self) -> None:
        go_first()
        try:
            while not self._stopped.is_set():
                try:
                    self._serve()
                except CardLost as lost:
                    self._survive(str(lost))
        finally:
            if self._search_thread is None or not self._search_thread.is_alive():
                self._disconnect()

    def _serve(self) -> None:
        drive = self._drive
        if drive is None:
            raise CardLost(self._absent)
        channels = drive.terms.channels
        while not self._stopped.is_set():
            chunk = drive.take()
            if chunk is not None:
                self._last = time.monotonic()
                samples = np.frombuffer(chunk, np.int16)[::channels]
                for played in self._exchange.turn(samples):
                    drive.give(_spread(played, channels))

    def _survive(self, reason: str) -> None:
        """Keep time until the card is found again. Another thread looks: it may have to wait."""
        log.warning("sound: %s", reason)
        self.counts.losses += 1
        self._on_presence(False, reason)
        self._found.clear()
        search = threading.Thread(target=self._search, name="sound card search", daemon=True)
        self._search_thread = search
        search.start()
        # What was missed until the loss was noticed is made up for.
        period, due = self._format.period_ms / 1000, self._last
        while not self._stopped.is_set() and not self._found.is_set():
            self._on_period(b"")
            due += period
            self._found.wait(max(0.0, due - time.monotonic()))
        if self._found.is_set():
            log.info("sound: %s is there again", self.card)
            self._on_presence(True, self.card or "")
        search.join(CLOSED_WITHIN_S)

    def _search(self) -> None:
        """Ends with a card only where it is still wanted: `_run` doesn't wait for ever."""
        self._disconnect()
        while not self._stopped.wait(RETRY_S):
            try:
                self._connect()
                while self._drive is not None and self._drive.take() is None:
                    pass
            except LocalError as error:
                log.debug("sound: %s", error)
                self._disconnect()
            else:
                if not self._stopped.is_set():
                    self._found.set()
                    return
        self._disconnect()


def _spread(samples: Samples, channels: int) -> bytes:
    """One channel's samples on every channel."""
    return (samples if channels == 1 else np.repeat(samples, channels)).tobytes()
