"""RFC 3261 §17, §18: what one flow's endpoint tells the UA core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from offhook.protocols.sip.message import Request, Response


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A new request, neither ACK nor CANCEL: answer it by `Endpoint.respond`.

    `to_tag` is the tag that every response of ours to it carries, but for 100.
    """

    transaction: str
    request: Request
    to_tag: str


@dataclass(frozen=True, slots=True)
class AckReceived:
    """An ACK for a 2xx of ours, or a stray one: only a dialog can tell."""

    request: Request


@dataclass(frozen=True, slots=True)
class InviteCancelled:
    """A CANCEL met the pending INVITE `transaction`; it was answered 200, the INVITE wants 487."""

    transaction: str
    cancel: Request


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """A response to the request of ours sent as `transaction`."""

    transaction: str
    response: Response


@dataclass(frozen=True, slots=True)
class TransactionTimedOut:
    """No final response came within 64*T1: to be treated as a 408 (§8.1.3.1)."""

    transaction: str
    method: str


@dataclass(frozen=True, slots=True)
class TransactionFailed:
    """The transaction's request or response can't be carried: as a 503 (§8.1.3.1)."""

    transaction: str
    reason: str


@dataclass(frozen=True, slots=True)
class FlowFailed:
    """The flow can't be used any longer and must be closed."""

    reason: str


@dataclass(frozen=True, slots=True)
class BadBytes:
    """A message was refused or dropped; `reason` is fit for a log."""

    reason: str


EndpointEvent: TypeAlias = (
    RequestReceived
    | AckReceived
    | InviteCancelled
    | ResponseReceived
    | TransactionTimedOut
    | TransactionFailed
    | FlowFailed
    | BadBytes
)
