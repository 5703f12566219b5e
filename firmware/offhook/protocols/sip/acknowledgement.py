"""RFC 3261 §13.3.1.4: a 2xx to INVITE is sent again until its ACK comes, on every transport."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Response
    from offhook.protocols.sip.timers import Timers


class AckDue(enum.Enum):
    """What the wait asks for at a tick."""

    NOTHING = "nothing"
    RESEND = "send the 2xx again"
    GIVE_UP = "no ACK within 64*T1: end the call"


class AckWait:
    """The wait for the ACK of one 2xx: intervals from T1, doubling up to T2, for 64*T1 in all."""

    __slots__ = ("_interval", "_longest", "_next", "_until", "cseq", "response", "transaction")

    def __init__(self, transaction: str, response: Response, timers: Timers, now: float) -> None:
        self.transaction = transaction
        self.response = response
        self.cseq = response.cseq.number
        self._interval = timers.T1
        self._longest = timers.T2
        self._next = now + timers.T1
        self._until = now + timers.transaction

    def deadline(self) -> float:
        """When to ask again (s)."""
        return min(self._next, self._until)

    def due(self, now: float) -> AckDue:
        """What to do at `now`; each resending is asked for once."""
        if now >= self._until:
            return AckDue.GIVE_UP
        if now < self._next:
            return AckDue.NOTHING
        self._interval = min(2 * self._interval, self._longest)
        self._next = now + self._interval
        return AckDue.RESEND
