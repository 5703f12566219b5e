"""What the line is told, beside hook, flash and keys: accounts, calls, messages, prompts.

A *leg* is a call as the line names it: an integer, drawn from one counter by the line for the
calls that it places and by whoever announces those that arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from offhook.phone.call.call_events import CallEvent
from offhook.phone.call.trust import Caution, TrustLevel
from offhook.phone.input.events import InputEvent


class Trouble(Enum):
    """Why no account is registered, as far as a person can do something about it."""

    STARTING = "starting"
    NO_NETWORK = "no network"
    NO_SERVER = "server not found"
    UNTRUSTED = "certificate not trusted"
    CREDENTIALS = "user or password refused"
    REFUSED = "refused by the server"
    SERVER_FAULT = "the server has a fault"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, or who is called."""

    number: str = ""
    """A number or name; empty: withheld."""
    verified: bool = False
    """Whether the caller's identity was proven, not merely claimed."""


@dataclass(frozen=True, slots=True)
class AccountReady:
    """The account with which this line calls is registered."""

    number: str
    """Its own number or name."""


@dataclass(frozen=True, slots=True)
class AccountDown:
    """It is not registered, and why."""

    trouble: Trouble
    status: int | None = None
    """The SIP status, where one was the reason."""


@dataclass(frozen=True, slots=True)
class MessagesWaiting:
    """How many messages wait at the trunk (RFC 3842)."""

    count: int


@dataclass(frozen=True, slots=True)
class LegArrived:
    """Somebody calls."""

    leg: int
    caller: Caller
    wall_time: float | None = None
    """Unix seconds, None while the clock isn't known."""


@dataclass(frozen=True, slots=True)
class LegChanged:
    """Something happened to a call that the line placed or was told of."""

    leg: int
    event: CallEvent
    status: int | None = None
    """The record's final SIP status, where there is one."""
    trust: TrustLevel = TrustLevel.NONE
    """The record's trust as it is now."""
    cautions: tuple[Caution, ...] = ()
    """What lowers it."""


@dataclass(frozen=True, slots=True)
class LegFailed:
    """A call that the line asked for could not even be begun."""

    leg: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """What `Say` asked for is said to its end, or can't be said."""

    utterance: int | None = None
    """Which one; None: whatever is being said. One that was broken off is no news."""


LineEvent: TypeAlias = (
    InputEvent
    | AccountReady
    | AccountDown
    | MessagesWaiting
    | LegArrived
    | LegChanged
    | LegFailed
    | Spoken
)
