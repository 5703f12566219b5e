"""The last calls, each with how it came out and how it was protected: bounded, frozen, a document.

Beside `history`, which is for calling again, this one is for finding out. No key is in it, nothing
that was said or compared, and no digit that was pressed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from offhook.base.errors import LocalError
from offhook.phone.call.record import CallRecord

MOST_CALLS: Final = 100
"""The oldest is forgotten first."""
LONGEST_TEXT: Final = 240
"""Characters of a text; the rest is cut."""
MOST_REASONS: Final = 6


@dataclass(frozen=True, slots=True)
class Noted:
    """One call that is over. `at` is Unix seconds of its end, None where the clock wasn't known."""

    at: float | None
    account: str
    direction: str
    peer: str
    outcome: str
    reason: str
    ended_by: str
    sip_status: int | None
    keying: str | None
    suite: str | None
    trust: str
    reasons: tuple[str, ...]
    """Of the trust, the decisive one first."""
    attempts: int
    talked_s: float
    rejected: int
    """Packets that were not authentic, replayed or unparsable."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The latest call first."""

    calls: tuple[Noted, ...] = ()

    def with_call(self, record: CallRecord, account: str, at: float | None) -> Journal:
        """After a call is over and its record complete."""
        return Journal((_noted(record, account, at), *self.calls)[:MOST_CALLS])

    def to_document(self) -> dict[str, object]:
        """Strings, numbers and lists, for a store."""
        return {
            "calls": [
                {each.name: _plain(getattr(call, each.name)) for each in fields(Noted)}
                for call in self.calls
            ]
        }

    @classmethod
    def from_document(cls, document: object) -> Journal:
        """The reverse of `to_document`. Raises LocalError for anything else."""
        calls = document.get("calls") if isinstance(document, Mapping) else None
        if not isinstance(calls, list) or len(calls) > MOST_CALLS:
            raise LocalError(f"a journal is a table with a list of at most {MOST_CALLS} calls")
        return cls(tuple(_read(each) for each in calls))


def _noted(record: CallRecord, account: str, at: float | None) -> Noted:
    answered, ended = record.answered_ms, record.ended_ms
    talked = 0.0 if answered is None or ended is None else (ended - answered) / 1000
    return Noted(
        at=at,
        account=_cut(account),
        direction=record.direction.value,
        peer=_cut(record.peer),
        outcome=record.outcome.value,
        reason=_cut(record.reason),
        ended_by=record.ended_by,
        sip_status=record.status,
        keying=record.keying,
        suite=record.suite,
        trust=record.trust.level.value,
        reasons=tuple(_cut(each) for each in record.trust.reasons[:MOST_REASONS]),
        attempts=record.attempts,
        talked_s=round(max(0.0, talked), 3),
        rejected=record.statistics.rejected,
    )


def _cut(text: str) -> str:
    """It may come from a peer."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:LONGEST_TEXT])


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


_TEXTS: Final = ("account", "direction", "peer", "outcome", "reason", "ended_by", "trust")


def _read(raw: object) -> Noted:
    if not isinstance(raw, Mapping) or set(raw) != {each.name for each in fields(Noted)}:
        raise LocalError("a call of a journal has other keys")
    texts = {name: _text(raw[name]) for name in _TEXTS}
    reasons = raw["reasons"]
    if not isinstance(reasons, list) or len(reasons) > MOST_REASONS:
        raise LocalError("the reasons of a call are a short list")
    status, at = raw["sip_status"], raw["at"]
    return Noted(
        **texts,
        at=None if at is None else _number(at),
        sip_status=None if status is None else int(_number(status)),
        keying=None if raw["keying"] is None else _text(raw["keying"]),
        suite=None if raw["suite"] is None else _text(raw["suite"]),
        reasons=tuple(_text(each) for each in reasons),
        attempts=int(_number(raw["attempts"])),
        talked_s=_number(raw["talked_s"]),
        rejected=int(_number(raw["rejected"])),
    )


def _text(raw: object) -> str:
    if isinstance(raw, str) and len(raw) <= LONGEST_TEXT:
        return raw
    raise LocalError(f"a text of a journal has at most {LONGEST_TEXT} characters")


def _number(raw: object) -> float:
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and 0 <= raw < math.inf:
        return float(raw)
    raise LocalError("a number of a journal is not below 0")
