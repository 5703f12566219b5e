"""The media engine: commands in, reports out, any number of sessions on one event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from offhook.app.engine.dtls_own import DtlsOwn
from offhook.app.engine.session import Session, State
from offhook.base.errors import LocalError
from offhook.base.randomness import Randomness
from offhook.protocols.media.handset_messages import HandsetCommand, Say, Spoken
from offhook.protocols.media.jitter import DEFAULT_DELAY_MS
from offhook.protocols.media.messages import (
    Command,
    Prepare,
    Report,
    SessionCommand,
    SessionFailed,
    Stop,
)
from offhook.shells.audio.sound import Sound

MAX_SESSIONS: Final = 64

SoundFactory = Callable[[int], Sound]
"""Makes the sound of the session with this number; LocalError where there is none for it."""


class Handset(Protocol):
    """The one sound that is heard and spoken into, with a call or without."""

    def handle(self, command: HandsetCommand) -> None:
        """Carry out one command."""

    def close(self) -> None:
        """Give the sound back."""


class Engine:
    """Carries out commands and reports through `on_report`, in the loop that runs it.

    `ports` is the range of UDP ports to choose from, None for the system's choice; `delay_ms` the
    playout delay begun with. No command raises: what can't be done is a SessionFailed, after which
    there is no session of that number. Without a `handset` its commands do nothing: each session
    has a sound of its own, and what was to be said is told to be impossible. Certificates are
    made and judged at `wall_time` (s since 1970).
    """

    def __init__(
        self,
        sound_factory: SoundFactory,
        randomness: Randomness,
        on_report: Callable[[Report], None],
        *,
        ports: range | None = None,
        delay_ms: int = DEFAULT_DELAY_MS,
        handset: Handset | None = None,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        if ports is not None and not (ports.start > 0 and ports.stop <= 65536):
            raise LocalError(f"UDP ports {ports.start} to {ports.stop - 1} don't exist")
        self._sound_factory = sound_factory
        self._randomness = randomness
        self._on_report = on_report
        self._ports, self._delay_ms = ports, delay_ms
        self._handset = handset
        self._dtls = DtlsOwn(wall_time)
        self._sessions: dict[int, Session] = {}

    def handle(self, command: Command) -> None:
        """Carry out one command; its reports may come before this returns."""
        if not isinstance(command, HandsetCommand):
            self._handle_session(command)
        elif self._handset is not None:
            self._handset.handle(command)
        elif isinstance(command, Say):
            self._on_report(Spoken(command.utterance, "there is no handset"))

    def _handle_session(self, command: SessionCommand) -> None:
        number = command.session
        session = self._sessions.get(number)
        if isinstance(command, Prepare) and session is None:
            if len(self._sessions) >= MAX_SESSIONS:
                self._on_report(SessionFailed(number, f"more than {MAX_SESSIONS} sessions"))
                return
            session = self._sessions[number] = self._make(number)
        if session is None:
            if isinstance(command, Stop):
                # Told already: an answer could call forth the next Stop, and so on for ever.
                return
            self._on_report(SessionFailed(number, "there is no session of this number"))
            return
        session.handle(command)
        if session.state is State.STOPPED and self._sessions.get(number) is session:
            del self._sessions[number]

    def _make(self, number: int) -> Session:
        return Session(
            number,
            self._sound_factory,
            self._randomness,
            self._on_report,
            ports=self._ports,
            delay_ms=self._delay_ms,
            dtls=self._dtls,
        )

    def post(self, command: Command) -> None:
        """`handle`, under the name by which the engine's process is spoken to."""
        self.handle(command)

    async def send(self, command: Command) -> None:
        """`post`, for one that awaits."""
        self.handle(command)

    def close(self) -> None:
        """Stop every session, each with its Stopped, and give the handset's sound back."""
        for session in list(self._sessions.values()):
            session.close()
        self._sessions.clear()
        if self._handset is not None:
            self._handset.close()
