"""What a call tells the line: it rings, it is answered, something is heard, it is over."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.phone.call.keys_in_use import Sas
from offhook.phone.call.record import Cause, Outcome
from offhook.phone.call.trust import Caution


@dataclass(frozen=True, slots=True)
class Rang:
    """The other telephone rings (outgoing), or ours does (incoming)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Keys are agreed and media may flow."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The first authenticated packet came in: now the keys are proven."""


@dataclass(frozen=True, slots=True)
class TrustRestated:
    """The record's trust is another than before."""


@dataclass(frozen=True, slots=True)
class SasKnown:
    """There is a string to compare, or more is known of it."""

    sas: Sas


@dataclass(frozen=True, slots=True)
class Warned:
    """The person is to hear this at once; the call goes on."""

    caution: Caution


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """The peer pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class MediaSilent:
    """No authenticated packet for a while: the call stands, its owner should know."""

    silent_ms: float


@dataclass(frozen=True, slots=True)
class HeardAgain:
    """An authenticated packet came after `MediaSilent`, `silent_ms` after the one before it."""

    silent_ms: float


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """The peer has agreed to be held or resumed, or has refused: now it stands like this."""

    held: bool


@dataclass(frozen=True, slots=True)
class Over:
    """Over for the person; the record is complete once `Released` follows."""

    outcome: Outcome
    reason: str
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """Dialog and engine have let go; nothing more comes."""


CallEvent = (
    Rang
    | Answered
    | Heard
    | TrustRestated
    | SasKnown
    | Warned
    | DigitHeard
    | MediaSilent
    | HeardAgain
    | HoldChanged
    | Over
    | Released
)
