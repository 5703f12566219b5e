"""What changed between two states of the phone, as one event each: a pure function of the two.

Clocks (`running_s`, `talked_s`, `timing_ms`) are no change. Each event carries the whole of what
it is about, so that whoever has the status and takes every event knows the status that followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, replace

from offhook.app.control_report import (
    CallPart,
    EndedCall,
    LineName,
    PhonePart,
    Seconds,
    Sound,
    Step,
    TrustName,
    Volumes,
)
from offhook.app.report import AccountStatus, StatusReport, Timing


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What all but levels have."""

    running_s: Annotated[Seconds, Meta(description="when: seconds since the phone began")]


class AccountRegistered(_Event, frozen=True, kw_only=True, tag="registered"):
    """An account can be called, or its registration is another than before."""

    account: AccountStatus


class AccountConnected(_Event, frozen=True, kw_only=True, tag="connected"):
    """An account has a verified connection, and isn't to be registered."""

    account: AccountStatus


class AccountUnregistered(_Event, frozen=True, kw_only=True, tag="unregistered"):
    """An account can't be called, for this reason."""

    account: AccountStatus


class AccountGone(_Event, frozen=True, kw_only=True, tag="account gone"):
    """The settings have it no more."""

    name: str


class LineChanged(_Event, frozen=True, kw_only=True, tag="line"):
    """What the person can do now."""

    line: LineName
    lifted: bool


class CallArrived(_Event, frozen=True, kw_only=True, tag="call arrived"):
    """Somebody calls."""

    call: CallPart


class CallPlaced(_Event, frozen=True, kw_only=True, tag="call placed"):
    """The person calls somebody."""

    call: CallPart


class CallAnswered(_Event, frozen=True, kw_only=True, tag="call answered"):
    """Keys are agreed and media may flow."""

    call: CallPart


class TrustChanged(_Event, frozen=True, kw_only=True, tag="trust changed"):
    """How far the call can be trusted, or why; or there is something to compare."""

    before: TrustName
    call: CallPart


class CallChanged(_Event, frozen=True, kw_only=True, tag="call changed"):
    """Anything else of a call: it rings at the other side, is held, has another codec."""

    call: CallPart


class CallOver(_Event, frozen=True, kw_only=True, tag="call over"):
    """How a call came out."""

    call: EndedCall


class MuteChanged(_Event, frozen=True, kw_only=True, tag="mute"):
    """Whether the other side hears silence."""

    muted: bool


class VolumesChanged(_Event, frozen=True, kw_only=True, tag="volumes"):
    """Ear or bell is turned up or down."""

    volumes: Volumes


class LampChanged(_Event, frozen=True, kw_only=True, tag="lamp"):
    """A lamp has another look; null: there is no such lamp any more."""

    lamp: str
    look: str | None


class SoundFound(_Event, frozen=True, kw_only=True, tag="sound found"):
    """There is a sound card, or another one."""

    sound: Sound


class SoundLost(_Event, frozen=True, kw_only=True, tag="sound lost"):
    """There is no sound card now."""

    sound: Sound


class MessagesChanged(_Event, frozen=True, kw_only=True, tag="messages"):
    """How many messages wait; null: not known any more."""

    messages: Step | None


class LevelsMeasured(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="levels"):
    """How loud it is, in dBFS; told only to those who ask for levels."""

    mouth_db: Annotated[float, Meta(description="what calls get")]
    ear_db: float


Change: TypeAlias = (
    AccountRegistered
    | AccountConnected
    | AccountUnregistered
    | AccountGone
    | LineChanged
    | CallArrived
    | CallPlaced
    | CallAnswered
    | TrustChanged
    | CallChanged
    | CallOver
    | MuteChanged
    | VolumesChanged
    | LampChanged
    | SoundFound
    | SoundLost
    | MessagesChanged
)
Event: TypeAlias = Change | LevelsMeasured


def changes(before: StatusReport, after: StatusReport) -> tuple[Change, ...]:
    """Everything in which `after` differs from `before`, both of a phone that runs.

    Of calls that are over only those are told that are new. Without `phone` nothing is told.
    """
    if before.phone is None or after.phone is None:
        return ()
    old, new, now = before.phone, after.phone, after.phone.running_s
    return (
        *_of_accounts(before.accounts, after.accounts, now),
        *_of_handset(old, new, now),
        *_of_calls(old, new, now),
        *_of_surroundings(old, new, now),
    )


def _of_accounts(
    before: tuple[AccountStatus, ...], after: tuple[AccountStatus, ...], now: float
) -> Iterator[Change]:
    known = {each.name: _without_clocks(each) for each in before}
    for account in after:
        if known.pop(account.name, None) == _without_clocks(account):
            continue
        if account.registered:
            yield AccountRegistered(running_s=now, account=account)
        elif account.failure is None:
            yield AccountConnected(running_s=now, account=account)
        else:
            yield AccountUnregistered(running_s=now, account=account)
    for name in known:
        yield AccountGone(running_s=now, name=name)


def _without_clocks(account: AccountStatus) -> AccountStatus:
    return replace(account, timing_ms=Timing())


def _of_handset(before: PhonePart, after: PhonePart, now: float) -> Iterator[Change]:
    if (before.line, before.lifted) != (after.line, after.lifted):
        yield LineChanged(running_s=now, line=after.line, lifted=after.lifted)
    if before.muted != after.muted:
        yield MuteChanged(running_s=now, muted=after.muted)
    if before.volumes != after.volumes:
        yield VolumesChanged(running_s=now, volumes=after.volumes)


def _of_calls(before: PhonePart, after: PhonePart, now: float) -> Iterator[Change]:
    known = {each.id: each for each in before.calls}
    told = {each.id for each in before.ended}
    for ended in after.ended:
        known.pop(ended.id, None)
        if ended.id not in told:
            yield CallOver(running_s=now, call=ended)
    for call in after.calls:
        was = known.pop(call.id, None)
        if was is not None:
            yield from _of_call(was, call, now)
            continue
        begun = CallArrived if call.direction == "incoming" else CallPlaced
        yield begun(running_s=now, call=call)
        if call.state == "talking":
            yield CallAnswered(running_s=now, call=call)
    for vanished in known.values():
        yield CallOver(running_s=now, call=_vanished(vanished))


_OF_ANSWER = {"state", "suite", "keying", "codec"}
_OF_TRUST = {"trust", "reasons", "sas"}


def _of_call(before: CallPart, after: CallPart, now: float) -> Iterator[Change]:
    was, became = asdict(before), asdict(after)
    differing = {name for name in became if was[name] != became[name]} - {"talked_s"}
    if "state" in differing and after.state == "talking":
        differing -= _OF_ANSWER
        yield CallAnswered(running_s=now, call=after)
    if differing & _OF_TRUST:
        differing -= _OF_TRUST
        yield TrustChanged(running_s=now, before=before.trust, call=after)
    if differing:
        yield CallChanged(running_s=now, call=after)


def _vanished(call: CallPart) -> EndedCall:
    return EndedCall(
        id=call.id,
        account=call.account,
        direction=call.direction,
        peer=call.peer,
        outcome=None,
        reason="",
        ended_by="",
        sip_status=None,
        trust=call.trust,
        reasons=call.reasons,
        suite=call.suite,
        keying=call.keying,
        codec=call.codec,
        talked_s=call.talked_s,
    )


def _of_surroundings(before: PhonePart, after: PhonePart, now: float) -> Iterator[Change]:
    for lamp, look in after.lamps.items():
        if before.lamps.get(lamp) != look:
            yield LampChanged(running_s=now, lamp=lamp, look=look)
    for lamp in before.lamps:
        if lamp not in after.lamps:
            yield LampChanged(running_s=now, lamp=lamp, look=None)
    if before.sound != after.sound:
        found = SoundLost if after.sound.state == "lost" else SoundFound
        yield found(running_s=now, sound=after.sound)
    if before.messages != after.messages:
        yield MessagesChanged(running_s=now, messages=after.messages)
