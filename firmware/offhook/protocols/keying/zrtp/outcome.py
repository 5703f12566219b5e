"""What comes of an exchange that succeeded, and what is said after it (RFC 6189 §4.6, §7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from offhook.base.errors import LocalError
from offhook.protocols.keying.zrtp.confirm import is_authentic
from offhook.protocols.keying.zrtp.dialogue import Dialogue
from offhook.protocols.keying.zrtp.events import (
    GoClearRefused,
    SasRelayRefused,
    Secured,
    ZrtpEvent,
    ZrtpTrust,
)
from offhook.protocols.keying.zrtp.keeper import Keeper
from offhook.protocols.keying.zrtp.messages import RELAY_ACK, Error, GoClear, Message, SasRelay
from offhook.protocols.keying.zrtp.refusals import Discarded, ErrorCode
from offhook.protocols.keying.zrtp.sas import Sas
from offhook.protocols.keying.zrtp.session import Agreed

RELAYED: Final = {
    True: "the exchange relays a string of somebody behind it; that is not compared here",
    False: "the peer relays a string, and has not said that it is an exchange",
}


class Outcome:
    """Keys, SAS and trust of one stream, made once, when both sides have shown their keys."""

    def __init__(self, dialogue: Dialogue, *, announced: bool) -> None:
        keys, role = dialogue.keys, dialogue.own_role
        self._peer = dialogue.met.hello
        self._hash = dialogue.chosen.hash
        self._peer_keys = keys.of(role.other)
        self._keeper: Keeper | None = None
        self._told: set[ZrtpEvent] = set()
        if not dialogue.further:
            dialogue.session.agree(self._meeting(dialogue, announced=announced))
        agreed = dialogue.session.first()
        self.secured = Secured(
            send=keys.of(role).srtp,
            receive=self._peer_keys.srtp,
            role=role,
            chosen=dialogue.chosen,
            sas=agreed.sas,
            trust=agreed.trust,
        )

    def _meeting(self, dialogue: Dialogue, *, announced: bool) -> Agreed:
        shared, meeting, inside = dialogue.shared, dialogue.keys.meeting, dialogue.confirmed
        if shared is None or meeting is None or inside is None:
            raise LocalError("the exchange is not complete")
        remembered = dialogue.keepsakes.remembered
        trust = ZrtpTrust(
            verified=dialogue.continued and remembered.verified,
            continuity=shared.continuity,
            peer_verified=inside.verified,
            announced=announced,
            aux=shared.aux,
            pbx=shared.pbx,
            disclosure=inside.disclosure,
            relay=self._peer.relay,
        )
        self._keeper = Keeper(
            self._peer.zid,
            remembered,
            meeting.retained,
            min(dialogue.session.settings.keep_s, inside.expires_s),
            trust,
        )
        sas = Sas(dialogue.chosen.sas, meeting.sas_hash[:4])
        return Agreed(self._peer.zid, dialogue.chosen, meeting, sas, trust)

    def events(self) -> Sequence[ZrtpEvent]:
        """What is told at once."""
        return [self.secured, *(self._keeper.secured() if self._keeper else ())]

    def compared(self, *, same: bool) -> Sequence[ZrtpEvent]:
        """A person compared the SAS. LocalError on a stream that has none of its own."""
        if self._keeper is None:
            raise LocalError("the SAS belongs to the call's first stream")
        return self._keeper.compared() if same else self._keeper.differed()

    def announced(self) -> Sequence[ZrtpEvent]:
        """Signalling named the peer's Hello, later than it came."""
        return self._keeper.announced() if self._keeper else ()

    def hear(self, message: GoClear | SasRelay) -> tuple[Message, Sequence[ZrtpEvent]]:
        """The answer to a message of the time after the exchange, and what is told of it.

        Told once: the peer repeats it, and anybody can play it back. Discarded where it is not
        authentic.
        """
        if not is_authentic(self._hash, self._peer_keys, message):
            raise Discarded("a message after the exchange is not authentic")
        answer: Message = RELAY_ACK
        event: ZrtpEvent = SasRelayRefused(RELAYED[self._peer.relay])
        if isinstance(message, GoClear):
            answer, event = Error(ErrorCode.GO_CLEAR.value), GoClearRefused()
        if event in self._told:
            return answer, ()
        self._told.add(event)
        return answer, (event,)
