"""RFC 3261 §13-15, RFC 3264: what a call's INVITE usage tells its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Response


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response to our INVITE, 100 Trying included.

    `body` is its SDP or None: an early answer, which binds only this `early_dialog` (the peer's
    tag, "" where the response makes no dialog). Several dialogs mean that the call was forked.
    """

    status: int
    reason: str
    body: bytes | None
    early_dialog: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The first 2xx to our INVITE, its ACK on the way. `body` is the SDP answer, maybe empty."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """Our INVITE is over without an answer. The last event of an outgoing call that had none.

    `response` is the peer's final one; None for a time-out (408) or a flow that failed (503).
    """

    status: int
    reason: str
    response: Response | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; always the last event. `reason` is a sentence or the peer's Reason."""

    by: Literal["local", "peer"]
    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller gave up before we answered; the last event of an incoming call that had none.

    `reason` is the CANCEL's Reason header field, as when the call was answered elsewhere.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Established:
    """The ACK of our 2xx came. `body` is the SDP answer if our 2xx had made the offer."""

    body: bytes


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """A re-INVITE or UPDATE proposes to change the session.

    Answer it by `accept_offer` or `refuse_offer` with `transaction`. An empty `body` asks for an
    offer of ours; its answer comes as AnswerReceived.
    """

    transaction: str
    method: str
    body: bytes


@dataclass(frozen=True, slots=True)
class OfferWithdrawn:
    """The peer cancelled the re-INVITE `transaction`, or ended the call while it was pending."""

    transaction: str


@dataclass(frozen=True, slots=True)
class AnswerReceived:
    """The ACK of our 2xx to a re-INVITE without SDP: `body` answers our offer."""

    body: bytes


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """Our re-INVITE was answered 2xx with `body`."""

    body: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our re-INVITE was not accepted: the session stays as it was, and the call lives on."""

    status: int
    reason: str


InviteEvent: TypeAlias = (
    Progress
    | Answered
    | Refused
    | Ended
    | Cancelled
    | Established
    | OfferReceived
    | OfferWithdrawn
    | AnswerReceived
    | OfferAccepted
    | OfferRefused
)
