"""What a stream sends, and sends again (RFC 6189 §5, §6)."""

from __future__ import annotations

from offhook.base.randomness import Randomness
from offhook.protocols.keying.zrtp.messages import Message
from offhook.protocols.keying.zrtp.packet import ZrtpPacket, serialise_packet
from offhook.protocols.keying.zrtp.timers import RESPONDER, Schedule, Timer
from offhook.protocols.keying.zrtp.writing import serialise


class Sender:
    """Our packets and the one timer. A message that is sent again is the same, octet by octet."""

    __slots__ = ("_answer", "_asked", "_datagrams", "_sequence", "_ssrc", "timer")

    def __init__(self, ssrc: int, randomness: Randomness) -> None:
        self.timer = Timer()
        self._ssrc = ssrc
        # bzrtp drops what counts lower than before: the count must not wrap.
        self._sequence = int.from_bytes(randomness.octets(2), "big") & 0x0FFF
        self._asked = self._answer = b""
        self._datagrams: list[bytes] = []

    def ask(self, octets: bytes, schedule: Schedule, now: float) -> None:
        """Send what wants an answer."""
        self._asked = octets
        self.timer.start(schedule, now)
        self._put(octets)

    def ask_again(self) -> None:
        """The timer was due and goes on by itself."""
        self._put(self._asked)

    def answer(self, octets: bytes, now: float) -> None:
        """Send a responder's message, and wait for the initiator's next."""
        self._answer = octets
        self.answer_again(now)

    def answer_again(self, now: float) -> None:
        """The initiator has asked again."""
        self.timer.start(RESPONDER, now)
        self._put(self._answer)

    def send(self, message: Message) -> None:
        """Send what is never repeated of itself."""
        self._put(serialise(message))

    def datagrams_to_send(self) -> list[bytes]:
        """What is to be sent now, in this order."""
        sent, self._datagrams = self._datagrams, []
        return sent

    def _put(self, octets: bytes) -> None:
        self._sequence += 1
        self._datagrams.append(serialise_packet(ZrtpPacket(self._sequence, self._ssrc, octets)))
