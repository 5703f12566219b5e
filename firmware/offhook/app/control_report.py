"""What a running telephone says of itself beside its accounts: the part `phone` of a status.

Never a dialled digit, never a key. Calls have their numbers: who may ask is the phone's own user.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from offhook.phone.call.keys_in_use import Sas

Seconds = Annotated[float, Meta(ge=0)]
Step = Annotated[int, Meta(ge=0)]
CallId = Annotated[int, Meta(description="tells the calls of one run of the phone apart")]

LineName = Literal[
    "on hook",
    "ringing",
    "opening",
    "dial tone",
    "not registered",
    "dialling",
    "speaking",
    "calling",
    "ringback",
    "answering",
    "talking",
    "call waiting",
    "call offered",
    "call held",
    "call kept",
    "recall",
    "ended",
    "busy",
    "unreachable",
    "reorder",
    "howler",
    "parked",
]
TrustName = Literal["none", "hop by hop", "end to end", "verified end to end"]
DirectionName = Literal["outgoing", "incoming"]
CallStateName = Literal["preparing", "calling", "ringing", "alerting", "accepting", "talking"]
OutcomeName = Literal["completed", "refused", "cancelled", "insecure", "no media", "failed"]


class SasPart(msgspec.Struct, frozen=True, kw_only=True):
    """What two people can compare (RFC 6189 §7), and what is known of the other telephone."""

    text: Annotated[str, Meta(description="letters and digits, or words")]
    compared: Annotated[
        Literal["same", "different"] | None, Meta(description="what was found in this call")
    ]
    verified: Annotated[bool, Meta(description="whether it was compared, now or before")]
    met_before: bool
    mismatch: Annotated[bool, Meta(description="the secret of earlier calls was not shown")]


class CallPart(msgspec.Struct, frozen=True, kw_only=True):
    """A call in hand. It leaves the list as soon as it is over for the person."""

    id: CallId
    account: str
    direction: DirectionName
    peer: str
    state: CallStateName
    trust: TrustName
    reasons: Annotated[tuple[str, ...], Meta(description="why the trust is so, decisive first")]
    suite: str | None
    keying: str | None
    codec: str | None
    sas: SasPart | None
    held: Annotated[bool, Meta(description="whether the phone holds the other side")]
    talked_s: Seconds


class EndedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is over."""

    id: CallId
    account: str
    direction: DirectionName
    peer: str
    outcome: Annotated[OutcomeName | None, Meta(description="null: not known any more")]
    reason: str
    ended_by: str
    sip_status: int | None
    trust: TrustName
    reasons: tuple[str, ...]
    suite: str | None
    keying: str | None
    codec: str | None
    talked_s: Seconds


class Volumes(msgspec.Struct, frozen=True, kw_only=True):
    """In steps: the ear's lowest is 1, the bell's is 0 and silent."""

    ear: Step
    ring: Step


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """The sound card."""

    state: Annotated[
        Literal["unknown", "there", "lost"], Meta(description="unknown until it was needed")
    ]
    name: str | None = None
    reason: str | None = None


class PhonePart(msgspec.Struct, frozen=True, kw_only=True):
    """The telephone as it is now."""

    pid: int
    running_s: Annotated[Seconds, Meta(description="since it began, by a clock that is never set")]
    line: LineName
    lifted: bool
    calls: tuple[CallPart, ...]
    ended: Annotated[tuple[EndedCall, ...], Meta(description="the last few calls, oldest first")]
    muted: bool
    volumes: Volumes
    lamps: Annotated[dict[str, str], Meta(description="lamp → the name of its look")]
    sound: Sound
    messages: Annotated[Step | None, Meta(description="waiting at the trunk; null: not known")]


def sas_part(sas: Sas | None) -> SasPart | None:
    """What is said of it; None where there is nothing to compare."""
    if sas is None:
        return None
    verdicts: dict[bool | None, Literal["same", "different"] | None] = {
        True: "same",
        False: "different",
        None: None,
    }
    return SasPart(
        text=sas.text,
        compared=verdicts[sas.compared],
        verified=sas.verified,
        met_before=not sas.first,
        mismatch=sas.mismatch,
    )
