"""What a user agent tells the phone of its account and its calls (RFC 3261 §8, §10, §13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from offhook.protocols.sip.endpoint_events import BadBytes, FlowFailed, RequestReceived
from offhook.protocols.sip.registration_events import (
    Registered,
    RegistrationFailed,
    Unregistered,
)

if TYPE_CHECKING:
    from offhook.protocols.sip.invite_client import OutgoingInvite
    from offhook.protocols.sip.invite_events import InviteEvent
    from offhook.protocols.sip.invite_server import IncomingInvite

__all__ = [
    "AgentEvent",
    "BadBytes",
    "CallEvent",
    "FlowFailed",
    "IncomingCall",
    "Registered",
    "RegistrationFailed",
    "RequestReceived",
    "Unregistered",
]


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Somebody calls: `ring`, `accept` or `reject` the invite."""

    invite: IncomingInvite


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something happened to a call."""

    invite: OutgoingInvite | IncomingInvite
    event: InviteEvent


AgentEvent: TypeAlias = (
    Registered
    | RegistrationFailed
    | Unregistered
    | IncomingCall
    | CallEvent
    | RequestReceived
    | FlowFailed
    | BadBytes
)
