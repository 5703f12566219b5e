"""What one call leaves behind: its outcome, its times and its counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from offhook.phone.call.trust import TrustLevel, TrustStatement
from offhook.protocols.media.messages import Statistics


class Direction(Enum):
    """Who asked for the call."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class Outcome(Enum):
    """How a call came out."""

    COMPLETED = "completed"
    """Answered, with authenticated packets both ways."""
    REFUSED = "refused"
    """The peer said no: its SIP status and reason stand beside."""
    CANCELLED = "cancelled"
    """Given up before it was answered."""
    INSECURE = "insecure"
    """Refused by us: what the peer offered or answered would not have been encrypted."""
    NO_MEDIA = "no media"
    """Answered, but no authenticated packet came, or none could be sent."""
    FAILED = "failed"
    """No final answer: the network, the engine or the flow gave way."""


@dataclass(slots=True)
class CallRecord:
    """One call as its owner is told of it. Times are in ms since the call began."""

    direction: Direction
    peer: str
    caller_verified: bool = False
    """Incoming: whether a PASSporT of the call proved `peer` (RFC 8224 §6, RFC 8225).

    Nothing sets it yet: the `Identity` header is not read. Whoever verifies it sets this, before
    the call is told as arrived.
    """
    outcome: Outcome = Outcome.FAILED
    status: int | None = None
    """The final SIP status, the peer's or ours."""
    sip_reason: str | None = None
    reason: str = ""
    """A sentence for a person."""
    ended_by: str = ""
    """"local", "peer", "network" or "policy"."""
    invited_ms: float | None = None
    """The first INVITE went out, or came in."""
    ringing_ms: float | None = None
    answered_ms: float | None = None
    ended_ms: float | None = None
    first_sent_ms: float | None = None
    first_received_ms: float | None = None
    suite: str | None = None
    keying: str | None = None
    codec: str | None = None
    digits_received: str = ""
    trust: TrustStatement = field(
        default_factory=lambda: TrustStatement(TrustLevel.NONE, ("the call was never answered",))
    )
    statistics: Statistics = field(default_factory=Statistics)
