"""What an account asks of its shell, and what it tells its owner (RFC 5626 §4, RFC 3263)."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.base.vocabulary import FlowReport, PathAddress
from offhook.phone.call.call import Call
from offhook.phone.call.call_events import CallEvent
from offhook.phone.call.incoming import IncomingCall
from offhook.protocols.sip.locate import DnsQuery


@dataclass(frozen=True, slots=True)
class Lookup:
    """Look this up in DNS and feed the answer to `looked_up`."""

    query: DnsQuery


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """Open a verified TLS flow to this address; then `flow_opened` or `flow_failed`."""

    address: PathAddress


@dataclass(frozen=True, slots=True)
class CloseFlow:
    """Close the flow; nothing more is to be fed from it."""


Action = Lookup | OpenFlow | CloseFlow


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar took our Contact for `expires_s` seconds."""

    expires_s: float


@dataclass(frozen=True, slots=True)
class Unregistered:
    """Not reachable, and why; `retry_s` seconds from now it is tried again."""

    reason: str
    status: int | None
    retry_s: float | None


@dataclass(frozen=True, slots=True)
class FlowReady:
    """A verified flow is open."""

    report: FlowReport


@dataclass(frozen=True, slots=True)
class CallArrived:
    """Somebody calls; accept or reject the call."""

    call: IncomingCall


@dataclass(frozen=True, slots=True)
class CallChanged:
    """Something happened to a call."""

    call: Call
    event: CallEvent


@dataclass(frozen=True, slots=True)
class BadBytes:
    """The peer sent what can't be read or answered; it was refused or dropped. For a log."""

    reason: str


AccountEvent = Registered | Unregistered | FlowReady | CallArrived | CallChanged | BadBytes
