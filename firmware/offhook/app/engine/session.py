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
from offhook.base.errors import LocalError, OffhookError
from offhook.base.randomness import Randomness
from offhook.base.vocabulary import PathAddress
from offhook.protocols.keying.dtls.setup import make_tls_id
from offhook.protocols.media.keyed_stream import KeyedStream
from offhook.protocols.media.keying_messages import KeyingCommand
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
from offhook.protocols.media.stream import MediaStream, PeerLeft
from offhook.shells.audio.ring import ChunkRing
from offhook.shells.audio.sound import Sound
from offhook.shells.net.udp import UdpPort, open_pair

CAPTURED: Final = 16
"""Periods the sound may be ahead of the loop before captured ones are lost."""
LEAD: Final = 1
"""Periods held ready for the sound at first: what the loop may be late without being heard."""
MOST_LEAD: Final = 3
"""Periods held ready at most, where the loop has been later than that."""
LESS_AFTER: Final = 250
"""Periods in a row that found more than enough held ready, before one is left out."""
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
    **{(state, kind): state for state in _PREPARED for kind in typing.get_args(KeyingCommand)},
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
        self._rtp: UdpPort | None = None
        self._rtcp: UdpPort | None = None
        self._keyed: KeyedStream | None = None
        self._stream: MediaStream | None = None
        """The one whose sound is open."""
        self._opening = False
        self._sound: Sound | None = None
        self._captured = ChunkRing(CAPTURED, 0)
        self._playing = ChunkRing(MOST_LEAD, 0)
        self._plenty = 0
        self._silence = b""
        self._timer: asyncio.TimerHandle | None = None
        self._missed = self._overflowed = self._overflow_seen = 0

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
        keyed = KeyedStream(
            command, self._randomness, self._loop.time(), dtls=dtls, delay_ms=self._delay_ms
        )
        self._rtp, self._rtcp = open_pair(command.local_host, command.dscp, self._ports)
        self._rtp.start(self._loop, self._on_rtp)
        self._rtcp.start(self._loop, self._on_rtcp)
        self._keyed = keyed
        self._report(
            LocalReady(
                self._number,
                self._rtp.local,
                self._rtcp.local,
                keyed.crypto,
                fingerprint=self._dtls.fingerprint() if command.dtls else None,
                tls_id=make_tls_id(self._randomness) if command.dtls else "",
                zrtp_hash=keyed.zrtp_hash,
            )
        )

    def _agree(self, command: Command) -> None:
        if self._keyed is None:
            raise LocalError("nothing is prepared yet")
        now = self._loop.time()
        if isinstance(command, SetRemote):
            self._keyed.set_remote(command, now)
        elif isinstance(command, Start):
            self._keyed.start(now)
        elif isinstance(command, KeyingCommand):
            self._keyed.handle(command, now)
        self._flush()

    def _open_sound(self, stream: MediaStream) -> None:
        octets = stream.format.octets
        self._captured = ChunkRing(CAPTURED, octets)
        self._playing = ChunkRing(MOST_LEAD, octets)
        self._silence = bytes(octets)
        for _ in range(LEAD):
            self._playing.put(self._silence)
        sound = self._make_sound(self._number)
        sound.open(stream.format, self._on_period)
        self._stream, self._sound = stream, sound

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()
        self._stream = self._sound = None

    def _follow(self, keyed: KeyedStream) -> None:
        """Open the sound where there is a stream now, close it where there is none any more."""
        while keyed.stream is not self._stream:
            self._close_sound()
            if keyed.stream is None or self._rtp is None or self.state is State.STOPPED:
                return
            self._open_sound(keyed.stream)
            # What came while the sound was opened is old: played, it would make what follows as
            # late. It is dropped there, but for what belongs to a handshake.
            self._rtp.poll()
            keyed.begin(self._loop.time())

    def _send_dtmf(self, command: SendDtmf) -> None:
        if self._stream is None:
            log.warning("session %d: digits dropped: it is not running", self._number)
            return
        try:
            self._stream.send_dtmf(command.digits, command.duration_ms, command.gap_ms)
        except LocalError as error:
            log.warning("session %d: digits dropped: %s", self._number, error)

    def _on_period(self, captured: bytes) -> bytes:
        """The sound's callback, in the sound's thread: copies, and wakes the loop."""
        if not self._captured.put(captured):
            self._overflowed += 1
        played = self._playing.get()
        with contextlib.suppress(RuntimeError):  # the loop has ended, the sound not yet
            self._loop.call_soon_threadsafe(self._pump)
        if played is None:
            self._missed += 1
            return self._silence
        return played

    def _pump(self) -> None:
        """Carry periods between the rings and the stream.

        A period is played out for each one captured. The sound having missed one because the loop
        was late, the next are held ready that much longer, up to MOST_LEAD; where that proves to
        be more than enough, one is left out.
        """
        stream = self._stream
        if stream is None or self._rtp is None:
            return
        if len(self._captured) > 1:
            # The loop was held up, and packets wait in the socket: they are due with the periods.
            self._rtp.poll()
        now = self._loop.time()
        period_s = stream.format.period_ms / 1000
        lost = self._overflowed - self._overflow_seen
        self._overflow_seen += lost
        while (captured := self._captured.get()) is not None:
            waited = (len(self._captured) + lost) * period_s
            stream.capture(captured, now - waited)
            self._play(stream.playout(now))
        for still in range(lost, 0, -1):
            stream.capture(b"", now - (still - 1) * period_s)
            stream.playout(now)
        self._flush()

    def _play(self, period: bytes) -> None:
        self._plenty = self._plenty + 1 if len(self._playing) >= LEAD else 0
        if self._plenty > LESS_AFTER:
            self._plenty = 0
        else:
            self._playing.put(period)

    def _on_rtp(self, data: bytes, source: PathAddress) -> None:
        self._on_datagram(data, source, rtcp=False)

    def _on_rtcp(self, data: bytes, source: PathAddress) -> None:
        self._on_datagram(data, source, rtcp=True)

    def _on_datagram(self, data: bytes, source: PathAddress, *, rtcp: bool) -> None:
        if self._keyed is not None:
            self._keyed.receive_datagram(data, source, self._loop.time(), rtcp=rtcp)
            self._flush()

    def _tick(self) -> None:
        self._timer = None
        if self._keyed is not None:
            self._keyed.tick(self._loop.time())
            self._flush()

    def _flush(self) -> None:
        """Send, open or close the sound, re-arm and report, after anything that went in."""
        keyed = self._keyed
        if self._opening or keyed is None or self._rtp is None or self._rtcp is None:
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
            (self._rtcp if rtcp else self._rtp).send(data, destination)
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
            self._sound = None
        if self._keyed is not None:
            self._pump()
            self._keyed.end(self._loop.time())
            self._flush()
            statistics = self._statistics(self._keyed)
        self._keyed = self._stream = None
        if self._timer is not None:
            self._timer.cancel()
        for port in (self._rtp, self._rtcp):
            if port is not None:
                port.close()
        self._report(Stopped(self._number, statistics))

    def _statistics(self, keyed: KeyedStream) -> Statistics:
        counted = keyed.statistics()
        return replace(counted, underruns=counted.underruns + self._missed)
