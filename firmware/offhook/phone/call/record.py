"""What one call leaves behind: its outcome, its times and its counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from offhook.phone.call.keys_in_use import Sas
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


class Cause(Enum):
    """Why a call would not have been encrypted, as far as a person is told the difference."""

    NO_ZRTP = "the other side does not speak ZRTP"
    ZRTP_FAILED = "the two telephones could not agree on keys by ZRTP"
    NO_HANDSHAKE = "the other side began no DTLS handshake"
    ATTACKED = "somebody meddled with the agreement on keys"
    OTHER_CERTIFICATE = "the peer's certificate is another one than announced"


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
    cause: Cause | None = None
    """Beside INSECURE: what was wrong, where it is known."""
    ended_by: str = ""
    """"local", "peer", "network" or "policy"."""
    invited_ms: float | None = None
    """The first INVITE went out, or came in."""
    ringing_ms: float | None = None
    answered_ms: float | None = None
    ended_ms: float | None = None
    first_sent_ms: float | None = None
    first_received_ms: float | None = None
    attempts: int = 0
    """INVITEs sent, each with another form of the offer, credentials apart."""
    form: str | None = None
    """The form of the offer that was answered."""
    suite: str | None = None
    """That of the keys in use, as is `keying`."""
    keying: str | None = None
    sas: Sas | None = None
    broken_suite: str | None = None
    """A suite under which nothing was authentic; another one was asked for."""
    codec: str | None = None
    digits_received: str = ""
    trust: TrustStatement = field(
        default_factory=lambda: TrustStatement(TrustLevel.NONE, ("the call was never answered",))
    )
    statistics: Statistics = field(default_factory=Statistics)
