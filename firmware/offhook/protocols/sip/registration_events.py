"""What a registration is told and what it reports (RFC 3261 §10.2, RFC 5626 §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.protocols.sip.backoff import BASE_S, MAX_S

if TYPE_CHECKING:
    from offhook.protocols.sip.values import NameAddr


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """How to register; all times in s.

    A refresh is sent `margin_s` before the binding runs out, or a tenth of the granted interval
    if that is longer, and up to a fifth of that earlier, so that a fleet spreads out; but never
    in the first two fifths of the interval.
    """

    expires_s: int = 3600
    longest_s: int = 86400
    """No Min-Expires or Retry-After beyond it is followed, and no refresh comes later."""
    shortest_s: float = 10.0
    """Two refreshes are never closer, however short a binding the registrar grants."""
    margin_s: float = 100.0
    refused_retry_s: float = 1800.0
    """After an answer that won't change by itself, such as 403 or 404 (up to a fifth longer)."""
    backoff_base_s: float = BASE_S
    backoff_max_s: float = MAX_S
    replace_binding: bool = True
    """Whether the first REGISTER on a new flow also removes the dead flow's Contact."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar holds our binding for `expires_s` from now."""

    expires_s: float
    contact: NameAddr
    """As the registrar lists it."""
    refreshed: bool = False
    """False for the first binding on a flow."""
    bindings: int = 1
    """All bindings of the address of record; 0 where the registrar lists none."""
    flow_timer_s: int | None = None
    """The Flow-Timer header field (RFC 5626 §4.4), for `KeepAlive.flow_timer`."""
    outbound: bool = False
    """Whether the registrar did outbound (RFC 5626 §4.2.1)."""


@dataclass(frozen=True, slots=True)
class RegistrationFailed:
    """The attempt failed; `status` is None where no answer came. The next one is at `retry_at`.

    `fail_over`: another server of the domain may be tried at once (RFC 3263 §4.3).
    """

    status: int | None
    reason: str
    retry_at: float | None
    fail_over: bool = False


@dataclass(frozen=True, slots=True)
class Unregistered:
    """There is no binding on this flow any more: removed, run out, or the flow is lost."""

    reason: str


RegistrationEvent = Registered | RegistrationFailed | Unregistered
