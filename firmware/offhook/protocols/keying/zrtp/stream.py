"""ZRTP on one media stream: packets and time in, packets and events out (RFC 6189 §3 to §7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp import hearing
from offhook.protocols.keying.zrtp.dialogue import Dialogue
from offhook.protocols.keying.zrtp.events import (
    Expecting,
    Failed,
    PacketRefused,
    SecretsWanted,
    Silent,
    ZrtpEvent,
)
from offhook.protocols.keying.zrtp.hello_hash import HelloHash, format_hello_hash
from offhook.protocols.keying.zrtp.intake import Intake
from offhook.protocols.keying.zrtp.messages import (
    CONF2_ACK,
    ERROR_ACK,
    HELLO_ACK,
    Error,
    GoClear,
    Message,
    Ping,
    PingAck,
    SasRelay,
)
from offhook.protocols.keying.zrtp.outcome import Outcome
from offhook.protocols.keying.zrtp.packet import ZrtpPacket, parse_packet
from offhook.protocols.keying.zrtp.reading import parse
from offhook.protocols.keying.zrtp.refusals import (
    ATTACKS,
    Discarded,
    ErrorCode,
    Refused,
    meaning,
)
from offhook.protocols.keying.zrtp.retained import Remembered
from offhook.protocols.keying.zrtp.sender import Sender
from offhook.protocols.keying.zrtp.session import ZrtpSession
from offhook.protocols.keying.zrtp.states import (
    TRANSITIONS,
    UNDECIDED,
    ZrtpAction,
    ZrtpInput,
    ZrtpState,
)
from offhook.protocols.keying.zrtp.timers import (
    AWAITING_HELLO,
    HELLO,
    HELLO_KNOWN,
    MESSAGE,
)
from offhook.protocols.keying.zrtp.writing import serialise

MOST_TOLD: Final = 16
"""Refused packets that are told one by one."""

_S, _I, _A = ZrtpState, ZrtpInput, ZrtpAction


class ZrtpStream:
    """One stream's exchange, as a machine.

    The owner sends what `datagrams_to_send` hands out to where the stream's media goes, gives
    `receive` what `demultiplex` tells to be ZRTP, calls `tick` at `deadline`, and heeds the
    events: `SecretsWanted` is answered by `recall`, and under `Expecting` the first authentic
    packet is told by `media_heard`. `ssrc` is that of our RTP.
    """

    def __init__(self, session: ZrtpSession, ssrc: int) -> None:
        self.state = ZrtpState.IDLE
        self.refused = 0
        """Packets that were not used."""
        self._session = session
        self._dialogue = Dialogue(session)
        self._intake = Intake(self._dialogue, ssrc)
        self._sender = Sender(ssrc, session.randomness)
        self._events: deque[ZrtpEvent] = deque()
        self._failure = Failed("the exchange was refused", 0, attack=False, by_peer=False)
        self._last_refusal = ""
        self._outcome: Outcome | None = None
        self._do = self._actions()

    def _actions(self) -> Mapping[ZrtpAction, Callable[[float], None]]:
        say, send = self._dialogue, self._sender
        return {
            _A.SEND_HELLO: self._send_hello,
            _A.SEND_HELLO_SOONER: self._send_hello_sooner,
            _A.ACK_HELLO: lambda _now: send.send(HELLO_ACK),
            _A.AWAIT_HELLO: lambda now: send.timer.start(AWAITING_HELLO, now),
            _A.SEND_COMMIT: lambda now: send.ask(say.say_commit(), MESSAGE, now),
            _A.SEND_PART1: lambda now: send.answer(say.say_part1(), now),
            _A.SEND_PART2: lambda now: send.ask(say.part2, MESSAGE, now),
            _A.SEND_CONFIRM1: lambda now: send.answer(say.say_confirm(), now),
            _A.SEND_CONFIRM2: lambda now: send.ask(say.say_confirm(), MESSAGE, now),
            _A.SEND_CONF2_ACK: lambda _now: send.send(CONF2_ACK),
            _A.SEND_ERROR: self._send_error,
            _A.ACK_ERROR: lambda _now: send.send(ERROR_ACK),
            _A.REPEAT: lambda _now: send.ask_again(),
            _A.ANSWER_AGAIN: send.answer_again,
            _A.STOP_TIMER: lambda _now: send.timer.stop(),
            _A.TELL_EXPECTING: lambda _now: self._tell_expecting(),
            _A.TELL_SECURE: lambda _now: self._succeed(),
            _A.TELL_SILENT: lambda _now: self._tell_silent(),
            _A.TELL_FAILED: lambda _now: self._fail(),
        }

    @property
    def hello_hash(self) -> str:
        """The value of `a=zrtp-hash` that announces this stream's Hello (§8.1)."""
        return format_hello_hash(self._dialogue.hello)

    def start(self, now: float) -> None:
        """Begin to send Hello."""
        self._meet(_I.START, now)

    def retry(self, now: float) -> None:
        """The other side is ready now: a Hello that it has not acknowledged goes out at once."""
        self._meet(_I.READY, now)

    def announce(self, hashes: Sequence[HelloHash], now: float) -> None:
        """What signalling says of the peer's Hello; one that was taken before must fit."""
        self._intake.announced = tuple(hashes)
        peer = self._intake.peer
        if peer is None:
            if self.state is _S.SEEKING and self._intake.was_announced:
                self._sender.timer.prolong(HELLO_KNOWN)
            return
        try:
            fits = hearing.check_announced(peer.octets, hashes)
        except Discarded as found:
            self._refuse(Refused(ErrorCode.HELLO_MISMATCH, found.reason), now)
            return
        if fits and self._outcome is not None:
            self._events.extend(self._outcome.announced())

    def recall(self, remembered: Remembered | None, now: float) -> None:
        """What is kept of the peer that `SecretsWanted` named, without what has expired."""
        self._intake.recall(remembered or Remembered())
        self._meet(_I.HELLO, now)

    def media_heard(self, now: float) -> None:
        """An authentic SRTP packet of the peer came: as good as its Conf2ACK."""
        self._meet(_I.MEDIA, now)

    def sas_compared(self, *, same: bool) -> None:
        """A person compared the SAS with the other side. LocalError before there is one."""
        if self._outcome is None:
            raise LocalError("there is no SAS yet")
        self._events.extend(self._outcome.compared(same=same))

    def receive(self, datagram: bytes, now: float) -> None:
        """Take one datagram; whatever it holds, nothing is raised."""
        try:
            packet = parse_packet(datagram)
            self._hear(packet, parse(packet.message), now)
        except Discarded as found:
            self._note(found.reason)
        except Refused as found:
            self._refuse(found, now)

    def tick(self, now: float) -> None:
        """Let the timer run."""
        again = self._sender.timer.due(now)
        if again:
            self._meet(_I.AGAIN, now)
        elif again is not None:
            bad = self._dialogue.bad_confirms
            self._blame(
                ErrorCode.CONFIRM_MAC if bad else ErrorCode.TIMEOUT,
                self._last_refusal if bad else "the peer stopped answering in ZRTP",
            )
            self._meet(_I.EXHAUSTED, now)

    def deadline(self) -> float | None:
        """When `tick` is due."""
        return self._sender.timer.deadline

    def next_event(self) -> ZrtpEvent | None:
        """The next thing to heed."""
        return self._events.popleft() if self._events else None

    def datagrams_to_send(self) -> list[bytes]:
        """What is to be sent now, in this order."""
        return self._sender.datagrams_to_send()

    def _hear(self, packet: ZrtpPacket, message: Message, now: float) -> None:
        if isinstance(message, Ping):
            self._sender.send(PingAck(self._session.zid[:8], message.endpoint, packet.source))
            return
        if isinstance(message, Error):
            self._hear_error(packet, message, now)
            return
        if isinstance(message, GoClear | SasRelay):
            self._hear_later(packet, message)
            return
        before = self._intake.asked
        met = self._intake.input_of(packet, message, self.state)
        asked = self._intake.asked
        if asked is not None and before is None:
            self._events.append(SecretsWanted(asked.hello.zid, asked.hello.client))
        if met is not None:
            self._meet(met, now)

    def _hear_error(self, packet: ZrtpPacket, error: Error, now: float) -> None:
        peer = self._dialogue.peer
        if peer is None or peer.source != packet.source:
            raise Discarded("an Error came from a stranger")
        if self.state is _S.SECURE:
            raise Discarded("an Error came after the keys were agreed on")
        if self.state in UNDECIDED:
            reason = f"the peer ended the exchange: {meaning(error.code)}"
            attack = error.code in {each.value for each in ATTACKS}
            self._failure = Failed(reason, error.code, attack=attack, by_peer=True)
        self._meet(_I.ERROR, now)

    def _hear_later(self, packet: ZrtpPacket, message: GoClear | SasRelay) -> None:
        peer, outcome = self._dialogue.peer, self._outcome
        if outcome is None or peer is None or peer.source != packet.source:
            raise Discarded("a message for after the exchange came before")
        answer, told = outcome.hear(message)
        self._sender.send(answer)
        self._events.extend(told)

    def _meet(self, met: ZrtpInput, now: float) -> None:
        reached = TRANSITIONS.get((self.state, met))
        if reached is None:
            return
        self.state = reached.state
        if met is _I.HELLO:
            self._sender.timer.prolong(HELLO_KNOWN)
        try:
            for action in reached.actions:
                self._do[action](now)
        except Refused as found:
            self._refuse(found, now)

    def _refuse(self, found: Refused, now: float) -> None:
        self.refused += 1
        self._blame(found.code, found.reason)
        self._meet(_I.REFUSED, now)

    def _note(self, reason: str) -> None:
        self.refused += 1
        self._last_refusal = reason
        if self.refused <= MOST_TOLD:
            self._events.append(PacketRefused(reason))

    def _blame(self, code: ErrorCode, reason: str) -> None:
        self._failure = Failed(reason, code.value, attack=code in ATTACKS, by_peer=False)

    def _send_hello(self, now: float) -> None:
        known = self._intake.peer is not None or self._intake.was_announced
        self._sender.ask(self._dialogue.hello, HELLO_KNOWN if known else HELLO, now)

    def _send_hello_sooner(self, now: float) -> None:
        """The peer may have come just now: it is not to wait for a Hello that has become rare."""
        if self._sender.timer.slowed:
            self._send_hello(now)

    def _send_error(self, now: float) -> None:
        self._sender.ask(serialise(Error(self._failure.code)), MESSAGE, now)

    def _tell_expecting(self) -> None:
        dialogue = self._dialogue
        self._events.append(Expecting(dialogue.keys.of(dialogue.own_role.other).srtp))

    def _tell_silent(self) -> None:
        self._events.append(Silent(self._last_refusal or "nobody answered in ZRTP"))

    def _succeed(self) -> None:
        self._outcome = Outcome(self._dialogue, announced=self._intake.was_announced)
        self._dialogue.erase()
        self._events.extend(self._outcome.events())

    def _fail(self) -> None:
        if not self._dialogue.further:
            self._session.agreed = None
            self._session.meeting_under_way = False
        self._outcome = None
        self._dialogue.erase()
        self._events.append(self._failure)
