"""What the line asks for. Each is carried out at once and in order; none waits for another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from offhook.base.vocabulary import Lamp, LampLook, Ring, Sentence, Tone
from offhook.phone.line.memory import Memory


@dataclass(frozen=True, slots=True)
class PlayTone:
    """Let the ear hear this tone until `StopTone`; it replaces the one before."""

    tone: Tone


@dataclass(frozen=True, slots=True)
class StopTone:
    """Silence, as far as tones go."""


@dataclass(frozen=True, slots=True)
class KeyTone:
    """Let the ear hear that this key was pressed, over whatever else it hears."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Say:
    """Say these sentences once, then report `Spoken`; no tone plays meanwhile, a call goes on."""

    sentences: tuple[Sentence, ...]
    utterance: int
    """Its number, for `Spoken`."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop saying; no `Spoken` follows."""


@dataclass(frozen=True, slots=True)
class StartRing:
    """Ring the bell until `StopRing`. `volume` is a step, 0 silent."""

    ring: Ring
    volume: int


@dataclass(frozen=True, slots=True)
class StopRing:
    """Stop the bell."""


@dataclass(frozen=True, slots=True)
class SetLamp:
    """From now on this lamp looks like that."""

    lamp: Lamp
    look: LampLook


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """Call this number; what comes of it is told as `LegChanged` or `LegFailed`.

    An emergency call is tried on any account that has a flow, registered or not.
    """

    leg: int
    number: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Accept the call that arrived."""

    leg: int


class Refusal(Enum):
    """Why a call that arrived isn't taken; the value is the SIP status."""

    BUSY = 486
    NO_ANSWER = 480


@dataclass(frozen=True, slots=True)
class RefuseCall:
    """Reject the call that arrived."""

    leg: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, whatever it is doing; the line has forgotten it."""

    leg: int


@dataclass(frozen=True, slots=True)
class HoldCall:
    """Hold the call (RFC 3264 §8.4): the other hears nothing of the person."""

    leg: int


@dataclass(frozen=True, slots=True)
class ResumeCall:
    """End the hold."""

    leg: int


@dataclass(frozen=True, slots=True)
class SendDigit:
    """Send one key as a telephone-event (RFC 4733)."""

    leg: int
    digit: str


@dataclass(frozen=True, slots=True)
class CompareSas:
    """The person found that the other side has the same string, or another one (RFC 6189 §7)."""

    leg: int
    same: bool


@dataclass(frozen=True, slots=True)
class SetMute:
    """Send silence instead of the person's voice, or the voice again. The stream goes on."""

    muted: bool


class Volume(Enum):
    """What has a volume of its own."""

    EAR = "ear"
    RING = "ring"


@dataclass(frozen=True, slots=True)
class SetVolume:
    """From now on this loud; `step` as in `Memory`."""

    volume: Volume
    step: int


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep this over a restart; it replaces what was kept before."""

    memory: Memory


@dataclass(frozen=True, slots=True)
class ResetEverything:
    """Erase what `reset.STORE` says: the person has dialled both codes.

    The line has already forgotten it, and gives no `Remember` for that.
    """


Action: TypeAlias = (
    PlayTone
    | StopTone
    | KeyTone
    | Say
    | Hush
    | StartRing
    | StopRing
    | SetLamp
    | PlaceCall
    | AnswerCall
    | RefuseCall
    | HangUp
    | HoldCall
    | ResumeCall
    | SendDigit
    | CompareSas
    | SetMute
    | SetVolume
    | Remember
    | ResetEverything
)
