"""One call's media in the engine: ports, sound and stream, as a table of states."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import typing
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from offhook.app.engine.dtls_own import DtlsOwn
from offhook.app.engine.session_path import SessionPath
from offhook.app.engine.session_sound import SessionSound
from offhook.base.errors import LocalError, OffhookError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import IceDescription, PathAddress
from offhook.protocols.keying.dtls.fingerprint import Fingerprint
from offhook.protocols.keying.dtls.setup import make_tls_id
from offhook.protocols.media.keyed_stream import KeyedStream
from offhook.protocols.media.keying_messages import KeyingCommand, PeerReady
from offhook.protocols.media.messages import (
    Command,
    LocalReady,
    Prepare,
    Report,
    SendDtmf,
    SessionFailed,
    SetRemote,
    Start,
    Statistics,
    Stop,
    Stopped,
)
from offhook.protocols.media.path_messages import GatherAgain, PathFound, PathLost
from offhook.protocols.media.stream import PeerLeft, check_parameters
from offhook.shells.audio.sound import Sound
from offhook.shells.net.path import PathReport, PathState

MAX_REASON: Final = 300
"""Characters of a reason: it may quote what was sent or asked for."""

log = logging.getLogger(__name__)


class State(enum.Enum):
    """Where a session stands."""

    NEW = "new"
    READY = "ready"
    AGREED = "agreed"
    RUNNING = "running"
    STOPPED = "stopped"


_PREPARED: Final = (State.READY, State.AGREED, State.RUNNING)

TRANSITIONS: Final[dict[tuple[State, type[Command]], State]] = {
    (State.NEW, Prepare): State.READY,
    (State.READY, SetRemote): State.AGREED,
    (State.AGREED, SetRemote): State.AGREED,
    (State.AGREED, Start): State.RUNNING,
    (State.RUNNING, SetRemote): State.RUNNING,
    (State.READY, SendDtmf): State.READY,
    (State.AGREED, SendDtmf): State.AGREED,
    (State.RUNNING, SendDtmf): State.RUNNING,
    **{
        (state, kind): state
        for state in _PREPARED
        for kind in (GatherAgain, *typing.get_args(KeyingCommand))
    },
    (State.NEW, Stop): State.STOPPED,
    (State.READY, Stop): State.STOPPED,
    (State.AGREED, Stop): State.STOPPED,
    (State.RUNNING, Stop): State.STOPPED,
}


class Session:
    """Takes the commands of one session and reports what comes of them.

    A command that fails ends the session: SessionFailed tells why, and Stopped comes last of all,
    as after Stop. Only digits that can't be sent are dropped, and logged. From Start on there is
    a sound exactly while there are keys.
    """

    def __init__(
        self,
        number: int,
        sound: Callable[[int], Sound],
        randomness: Randomness,
        report: Callable[[Report], None],
        *,
        ports: range | None,
        delay_ms: int,
        dtls: DtlsOwn,
    ) -> None:
        self._number = number
        self._make_sound = sound
        self._randomness = randomness
        self._report = report
        self._ports, self._delay_ms, self._dtls = ports, delay_ms, dtls
        self._loop = asyncio.get_running_loop()
        self.state = State.NEW
        self._path: SessionPath | None = None
        self._waiting: SetRemote | None = None
        """What was agreed, while the first path is looked for."""
        self._start_came: float | None = None
        self._keyed: KeyedStream | None = None
        self._opening = False
        self._fingerprint: Fingerprint | None = None
        self._sound: SessionSound | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._missed = self._overflowed = 0
        """What the sounds that are closed have missed, and what nobody took of theirs."""

    def handle(self, command: Command) -> None:
        """Carry out one command. A report may call back into the engine before this returns."""
        if self.state is State.STOPPED:
            return
        after = TRANSITIONS.get((self.state, type(command)))
        if after is None:
            self.fail(f"{type(command).__name__} does not fit a session that is {self.state.value}")
            return
        if after is not State.STOPPED:
            self.state = after
        try:
            self._carry_out(command)
        except OffhookError as error:
            self.fail(str(error))

    def fail(self, reason: str) -> None:
        """End the session for this reason."""
        self._report(SessionFailed(self._number, reason[:MAX_REASON]))
        self.close()

    def _carry_out(self, command: Command) -> None:
        match command:
            case Prepare():
                self._prepare(command)
            case SendDtmf():
                self._send_dtmf(command)
            case Stop():
                self.close()
            case _:
                self._agree(command)

    def _prepare(self, command: Prepare) -> None:
        dtls = self._dtls.session() if command.dtls else None
        self._keyed = KeyedStream(
            command, self._randomness, self._loop.time(), dtls=dtls, delay_ms=self._delay_ms
        )
        self._path = SessionPath(
            command,
            self._ports,
            self._randomness,
            self._on_datagram,
            self._on_path,
            wall_time=self._dtls.wall_time,
        )
        self._fingerprint = self._dtls.fingerprint() if command.dtls else None
        if command.ice is None:
            self._ready(None)
        else:
            self._path.gather(self._ready)

    def _ready(self, ice: IceDescription | None) -> None:
        if self._path is None or self._keyed is None:
            return
        self._report(
            LocalReady(
                self._number,
                self._path.local,
                self._path.local_rtcp,
                self._keyed.crypto,
                fingerprint=self._fingerprint,
                tls_id=make_tls_id(self._randomness) if self._fingerprint else "",
                zrtp_hash=self._keyed.zrtp_hash,
                ice=ice,
            )
        )

    def _agree(self, command: Command) -> None:
        keyed, path, now = self._keyed, self._path, self._loop.time()
        if keyed is None or path is None:
            raise LocalError("nothing is prepared yet")
        if isinstance(command, SetRemote):
            check_parameters(command)
            path.follow(command.ice)
            self._waiting = command
            self._go_on()
        elif isinstance(command, Start):
            self._start_came = now
            if self._waiting is None:
                keyed.start(now)
        elif isinstance(command, GatherAgain):
            path.gather(self._ready)
        elif isinstance(command, KeyingCommand):
            keyed.handle(command, now)
        self._flush()

    def _go_on(self) -> None:
        """Take up what was agreed, unless the way to the peer is still looked for."""
        keyed, path, agreed = self._keyed, self._path, self._waiting
        if keyed is None or path is None or agreed is None or not path.ready:
            return
        now, self._waiting = self._loop.time(), None
        if agreed.ice is not None and path.remote is not None:
            # Of the address that is signalled nothing is left but its place in the SDP.
            agreed = replace(agreed, remote=path.remote)
        keyed.set_remote(agreed, now)
        if self._start_came is not None:
            keyed.start(now, self._start_came)

    def _on_path(self, report: PathReport) -> None:
        if self.state is State.STOPPED:
            return
        if report.state is not PathState.CONNECTED:
            standing = report.state is PathState.FAILED and self._way_stands
            self._report(PathLost(self._number, report.detail[:MAX_REASON], standing))
            return
        self._report(PathFound(self._number, report.detail[:MAX_REASON]))
        try:
            self._go_on()
        except OffhookError as error:
            self.fail(str(error))
            return
        if self._keyed is not None:
            self._keyed.handle(PeerReady(self._number), self._loop.time())
        self._flush()

    @property
    def _way_stands(self) -> bool:
        return self._path is not None and self._path.remote is not None

    def _follow(self, keyed: KeyedStream) -> None:
        """Open the sound where there is a stream now, close it where there is none any more."""
        while keyed.stream is not (None if self._sound is None else self._sound.stream):
            self._close_sound()
            if keyed.stream is None or self._path is None or self.state is State.STOPPED:
                return
            sound = self._make_sound(self._number)
            self._sound = SessionSound(keyed.stream, sound, self._wake)
            # What came while the sound was opened is old: played, it would make what follows as
            # late. It is dropped there, but for what belongs to a handshake.
            self._path.poll()
            keyed.begin(self._loop.time())

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()
            self._missed += self._sound.missed
            self._overflowed += self._sound.overflowed
            self._sound = None

    def _send_dtmf(self, command: SendDtmf) -> None:
        if self._sound is None:
            log.warning("session %d: digits dropped: it is not running", self._number)
            return
        try:
            self._sound.stream.send_dtmf(command.digits, command.duration_ms, command.gap_ms)
        except LocalError as error:
            log.warning("session %d: digits dropped: %s", self._number, error)

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, the sound not yet
            self._loop.call_soon_threadsafe(self._pump)

    def _pump(self) -> None:
        if self._sound is None or self._path is None:
            return
        if self._sound.behind:
            # Packets wait in the socket: they are due with the periods.
            self._path.poll()
        if self._sound is not None:
            self._sound.carry(self._loop.time())
        self._flush()

    def _on_datagram(self, data: bytes, source: PathAddress, rtcp: bool) -> None:
        self._let(lambda keyed, now: keyed.receive_datagram(data, source, now, rtcp=rtcp))

    def _tick(self) -> None:
        self._timer = None
        self._let(lambda keyed, now: keyed.tick(now))

    def _let(self, happen: Callable[[KeyedStream, float], None]) -> None:
        """Keys may come of it of which no stream can be made: that ends the session."""
        if self._keyed is None:
            return
        try:
            happen(self._keyed, self._loop.time())
        except OffhookError as error:
            self.fail(str(error))
        else:
            self._flush()

    def _flush(self) -> None:
        """Send, open or close the sound, re-arm and report, after anything that went in."""
        keyed = self._keyed
        if self._opening or keyed is None or self._path is None:
            return
        self._opening = True
        try:
            self._follow(keyed)
        except OffhookError as error:
            self._opening = False
            self.fail(str(error))
            return
        self._opening = False
        for data, destination, rtcp in keyed.datagrams_to_send():
            self._path.send(data, destination, rtcp=rtcp)
        self._arm(keyed.deadline())
        while self._keyed is keyed and (event := keyed.next_report()) is not None:
            if isinstance(event, PeerLeft):
                log.info("session %d: the peer's source said goodbye", self._number)
            else:
                self._report(event)

    def _arm(self, deadline: float | None) -> None:
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def close(self) -> None:
        """Say goodbye, give everything back and report Stopped."""
        if self.state is State.STOPPED:
            return
        self.state = State.STOPPED
        statistics = Statistics()
        if self._sound is not None:
            self._sound.close()
        if self._keyed is not None:
            self._pump()
            self._keyed.end(self._loop.time())
            self._flush()
            statistics = self._statistics(self._keyed)
            self._keyed = None
        if self._timer is not None:
            self._timer.cancel()
        if self._path is not None:
            self._path.close()
            self._path = None
        self._report(Stopped(self._number, statistics))

    def _statistics(self, keyed: KeyedStream) -> Statistics:
        counted = keyed.statistics()
        return replace(counted, underruns=counted.underruns + self._missed)
