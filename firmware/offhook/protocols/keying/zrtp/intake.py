"""From a peer's message to what it means in the present state (RFC 6189 §4, §6, §9).

The state is looked at first, then whether a message is a repeated one, then what it says.
"""

from __future__ import annotations

from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp import hearing
from offhook.protocols.keying.zrtp.dialogue import Dialogue, Peer
from offhook.protocols.keying.zrtp.hello_hash import HelloHash
from offhook.protocols.keying.zrtp.messages import Bare, Commit, Confirm, DhPart, Hello, Message
from offhook.protocols.keying.zrtp.packet import ZrtpPacket
from offhook.protocols.keying.zrtp.refusals import Discarded
from offhook.protocols.keying.zrtp.retained import Keepsakes, Remembered
from offhook.protocols.keying.zrtp.states import ZrtpInput, ZrtpState

_S, _I = ZrtpState, ZrtpInput

_BARE: Final = {"HelloACK": _I.HELLO_ACK, "Conf2ACK": _I.CONF2_ACK, "ErrorACK": _I.ERROR_ACK}
_CAN_MEET: Final = (_S.SEEKING, _S.ACKNOWLEDGED, _S.SILENT)
_CAN_COMMIT: Final = (_S.HEARD, _S.SILENT, _S.COMMITTED)


class Intake:
    """The peer's side of one stream."""

    def __init__(self, dialogue: Dialogue, ssrc: int) -> None:
        self.announced: tuple[HelloHash, ...] = ()
        self.asked: Peer | None = None
        """A peer whose Hello is good, and whose secrets are being looked up."""
        self._dialogue = dialogue
        self._ssrc = ssrc
        self._taken = b""
        """The last message that was taken: the same once more wants the same answer."""

    @property
    def peer(self) -> Peer | None:
        """The peer whose Hello was good."""
        return self._dialogue.peer or self.asked

    @property
    def was_announced(self) -> bool:
        """Whether signalling named a Hello of a version that we speak: one that came is that."""
        return any(each.usable for each in self.announced)

    def recall(self, remembered: Remembered) -> None:
        """Take the peer that was asked about, with what is kept of it."""
        peer, self.asked = self.asked, None
        if peer is None:
            raise LocalError("no secrets were asked for")
        self._dialogue.keepsakes = Keepsakes(remembered, self._dialogue.session.settings.aux)
        self._dialogue.meet(peer)

    def input_of(self, packet: ZrtpPacket, message: Message, state: ZrtpState) -> ZrtpInput | None:
        """What the message is to the table; None where it is nothing.

        Raises Discarded and Refused.
        """
        peer, octets = self.peer, packet.message
        if peer is not None and packet.source != peer.source:
            raise Discarded("a packet is of another source than the peer's Hello")
        if isinstance(message, Hello):
            return self._hello(message, packet, state)
        if isinstance(message, Bare):
            return _BARE.get(message.type)
        if self._dialogue.peer is None:
            raise Discarded("a message came before the peer's Hello")
        if isinstance(message, Commit):
            return self._commit(message, octets, state)
        if isinstance(message, DhPart):
            return self._part(message, octets, state)
        if isinstance(message, Confirm):
            return self._confirm(message, octets, state)
        raise Discarded("a message is of no use here")

    def _hello(self, hello: Hello, packet: ZrtpPacket, state: ZrtpState) -> ZrtpInput | None:
        known, octets, source = self.peer, packet.message, packet.source
        if known is not None:
            if octets != known.octets:
                raise Discarded("a second, different Hello")
            return None if self.asked else _I.HELLO_AGAIN
        if state not in _CAN_MEET:
            raise Discarded("a Hello came out of turn")
        hearing.check_announced(octets, self.announced)
        hearing.check_hello(self._dialogue, hello, octets, source, self._ssrc)
        peer = Peer(hello, octets, source)
        if not self._dialogue.further:
            self.asked = peer
            return None
        self._dialogue.meet(peer)
        return _I.HELLO

    def _commit(self, commit: Commit, octets: bytes, state: ZrtpState) -> ZrtpInput | None:
        if octets == self._taken:
            return _I.COMMIT_AGAIN
        if state not in _CAN_COMMIT:
            raise Discarded("a Commit came out of turn")
        if not hearing.hear_commit(self._dialogue, commit, octets):
            return None
        self._taken = octets
        return _I.COMMIT_MULTISTREAM if self._dialogue.further else _I.COMMIT

    def _part(self, part: DhPart, octets: bytes, state: ZrtpState) -> ZrtpInput:
        if part.part == 1:
            if state is not _S.COMMITTED or self._dialogue.further:
                raise Discarded("a DHPart1 came out of turn")
            hearing.hear_part1(self._dialogue, part, octets)
            return _I.PART1
        if octets == self._taken:
            return _I.PART2_AGAIN
        if state is not _S.RESPONDING:
            raise Discarded("a DHPart2 came out of turn")
        hearing.hear_part2(self._dialogue, part, octets)
        self._taken = octets
        return _I.PART2

    def _confirm(self, confirm: Confirm, octets: bytes, state: ZrtpState) -> ZrtpInput:
        if confirm.number == 1:
            wanted = _S.COMMITTED if self._dialogue.further else _S.DISCLOSED
            if state is not wanted:
                raise Discarded("a Confirm1 came out of turn")
            hearing.hear_confirm(self._dialogue, confirm)
            return _I.CONFIRM1
        if octets == self._taken:
            return _I.CONFIRM2_AGAIN
        if state is not _S.CONFIRMING:
            raise Discarded("a Confirm2 came out of turn")
        hearing.hear_confirm(self._dialogue, confirm)
        self._taken = octets
        return _I.CONFIRM2
