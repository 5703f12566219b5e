"""The line's states as tables: what each is, and what leads from one to the next (ITU-T E.180).

`STATES` says what a state means, what the ear hears in it and how long it may last; `CHAPTERS` has
the steps, in the order in which a person meets them. A pair that no chapter has changes nothing.
`drawing.draw` draws both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from offhook.base.state_table import Step, Table, step
from offhook.base.vocabulary import Tone


class LineState(Enum):
    """What the person can do now."""

    IDLE = "Idle"
    RINGING = "Ringing"
    OPENING = "Opening"
    DIAL_TONE = "DialTone"
    NOT_REGISTERED = "NotRegistered"
    DIALLING = "Dialling"
    SPEAKING = "Speaking"
    CALLING = "Calling"
    RINGBACK = "Ringback"
    ANSWERING = "Answering"
    TALKING = "Talking"
    WAITING = "Waiting"
    OFFERED = "Offered"
    HELD = "Held"
    KEPT = "Kept"
    RECALL = "Recall"
    ENDED = "Ended"
    BUSY = "Busy"
    UNREACHABLE = "Unreachable"
    REORDER = "Reorder"
    HOWLER = "Howler"
    PARKED = "Parked"


class Cue(Enum):
    """What moves the line. Where a call is held, its own cue is tried before the plain one."""

    HOOK_UP = "hook up"
    HOOK_DOWN = "hook down"
    HOOK_DOWN_HELD = "hook down, a call is held"
    FLASH = "flash"
    FLASH_HELD = "flash, a call is held"
    KEY = "key"
    COMPARED = "key, two people compare"
    TIMEOUT = "time is up"
    TIMEOUT_HELD = "time is up, a call is held"
    SPOKEN = "said"
    SPOKEN_HELD = "said, a call is held"
    REGISTERED = "registered"
    REGISTERED_HELD = "registered, a call is held"
    UNREGISTERED = "not registered"
    MORE = "more digits needed"
    NUMBER = "number complete"
    BARRED = "number complete, not registered"
    CODE = "own code complete"
    NO_NUMBER = "no such number or code"
    ARRIVED = "call arrives"
    CALLER_GONE = "caller gives up"
    UNTAKEN = "rung long enough"
    RANG = "other side rings"
    ANSWERED = "answered"
    REFUSED_BUSY = "other side busy"
    NO_SUCH = "no such number, or not to be reached"
    FAILED = "call failed"
    OVER = "other side hung up"
    HELD_OVER = "held call over"


class Effect(Enum):
    """What a step does beside its change of state and tone."""

    NEW_NUMBER = "begin a number"
    PLACE = "place call"
    ANSWER = "answer"
    REFUSE = "refuse"
    MISS = "note missed call"
    HANG_UP = "hang up"
    HANG_UP_ALL = "hang up every call"
    LEAVE = "hang up, keep the held call"
    FORGET = "forget call"
    HOLD = "hold"
    RESUME = "resume"
    SWAP = "swap"
    SEND_DIGIT = "send digit"
    COMPARE = "take what they found"
    RUN = "do what the code says"
    EXPLAIN = "say why"


@dataclass(frozen=True, slots=True)
class StateTerms:
    """What holds in one state."""

    meaning: str
    tone: Tone | None = None
    lasts_s: float | None = None
    """Seconds until `TIMEOUT`; None: as long as need be, or as the dial plan says."""
    lifted: bool = True
    """Whether the handset is up."""


_S, _C, _E = LineState, Cue, Effect

STATES: Final[Mapping[LineState, StateTerms]] = {
    _S.IDLE: StateTerms("The handset is down.", lifted=False),
    _S.RINGING: StateTerms("The bell rings.", lifted=False),
    _S.OPENING: StateTerms("Left at once, as the account stands.", lasts_s=0.0),
    _S.DIAL_TONE: StateTerms("Dial; a stuttering tone tells of messages.", Tone.DIAL),
    _S.NOT_REGISTERED: StateTerms(
        "Said why; own codes and emergency numbers can be dialled.",
        Tone.CONGESTION,
        30.0,
    ),
    _S.DIALLING: StateTerms("A number or code is being dialled."),
    _S.SPEAKING: StateTerms("The telephone says what a code asked for."),
    _S.CALLING: StateTerms("The call is on its way.", lasts_s=60.0),
    _S.RINGBACK: StateTerms("The other telephone rings.", Tone.RINGBACK, 180.0),
    _S.ANSWERING: StateTerms("A call is accepted, its keys are being agreed.", lasts_s=20.0),
    _S.TALKING: StateTerms("A conversation; nothing else is heard."),
    _S.WAITING: StateTerms("A conversation, and another call waits.", Tone.CALL_WAITING),
    _S.OFFERED: StateTerms("The conversation is over, another call waits.", Tone.CALL_WAITING),
    _S.HELD: StateTerms("A call is held, another may be dialled.", Tone.DIAL, 30.0),
    _S.KEPT: StateTerms("A call is held, and the dial tone is over."),
    _S.RECALL: StateTerms(
        "The bell rings: a call is still held.",
        lasts_s=60.0,
        lifted=False,
    ),
    _S.ENDED: StateTerms("The other side hung up.", Tone.BUSY, 20.0),
    _S.BUSY: StateTerms("The other side is busy.", Tone.BUSY, 30.0),
    _S.UNREACHABLE: StateTerms(
        "The number does not exist, or can't be reached.", Tone.SPECIAL_INFORMATION, 15.0
    ),
    _S.REORDER: StateTerms("Number, trunk or other side would not do.", Tone.CONGESTION, 30.0),
    _S.HOWLER: StateTerms("The handset was left off the hook.", Tone.HOWLER, 60.0),
    _S.PARKED: StateTerms("Nobody heard the howler; silence."),
}

LineTable = Table[LineState, Cue, Effect]

_LIFTING: Final[LineTable] = {
    (_S.IDLE, _C.HOOK_UP): step(_S.OPENING),
    (_S.OPENING, _C.REGISTERED): step(_S.DIAL_TONE),
    (_S.OPENING, _C.UNREGISTERED): step(_S.NOT_REGISTERED, _E.EXPLAIN),
    (_S.DIAL_TONE, _C.UNREGISTERED): step(_S.NOT_REGISTERED, _E.EXPLAIN),
    (_S.NOT_REGISTERED, _C.REGISTERED): step(_S.DIAL_TONE),
    (_S.DIAL_TONE, _C.KEY): step(_S.DIALLING, _E.NEW_NUMBER),
    (_S.NOT_REGISTERED, _C.KEY): step(_S.DIALLING, _E.NEW_NUMBER),
    (_S.DIALLING, _C.MORE): step(_S.DIALLING),
    (_S.DIALLING, _C.FLASH): step(_S.OPENING),
    (_S.DIALLING, _C.NUMBER): step(_S.CALLING, _E.PLACE),
    (_S.DIALLING, _C.BARRED): step(_S.NOT_REGISTERED, _E.EXPLAIN),
    (_S.DIALLING, _C.NO_NUMBER): step(_S.REORDER, _E.EXPLAIN),
    (_S.DIALLING, _C.CODE): step(_S.SPEAKING, _E.RUN),
    (_S.SPEAKING, _C.KEY): step(_S.DIALLING, _E.NEW_NUMBER),
    (_S.SPEAKING, _C.FLASH): step(_S.OPENING),
    (_S.SPEAKING, _C.SPOKEN): step(_S.OPENING),
}

_CALL_OUT: Final[LineTable] = {
    (_S.CALLING, _C.RANG): step(_S.RINGBACK),
    (_S.CALLING, _C.ANSWERED): step(_S.TALKING),
    (_S.CALLING, _C.REFUSED_BUSY): step(_S.BUSY, _E.FORGET),
    (_S.CALLING, _C.NO_SUCH): step(_S.UNREACHABLE, _E.FORGET, _E.EXPLAIN),
    (_S.CALLING, _C.FAILED): step(_S.REORDER, _E.FORGET, _E.EXPLAIN),
    (_S.CALLING, _C.TIMEOUT): step(_S.REORDER, _E.HANG_UP),
    (_S.CALLING, _C.FLASH): step(_S.OPENING, _E.HANG_UP),
    (_S.RINGBACK, _C.ANSWERED): step(_S.TALKING),
    (_S.RINGBACK, _C.REFUSED_BUSY): step(_S.BUSY, _E.FORGET),
    (_S.RINGBACK, _C.NO_SUCH): step(_S.UNREACHABLE, _E.FORGET, _E.EXPLAIN),
    (_S.RINGBACK, _C.FAILED): step(_S.REORDER, _E.FORGET, _E.EXPLAIN),
    (_S.RINGBACK, _C.TIMEOUT): step(_S.REORDER, _E.HANG_UP),
    (_S.RINGBACK, _C.FLASH): step(_S.OPENING, _E.HANG_UP),
    (_S.TALKING, _C.KEY): step(_S.TALKING, _E.SEND_DIGIT),
    (_S.TALKING, _C.COMPARED): step(_S.TALKING, _E.COMPARE),
    (_S.TALKING, _C.OVER): step(_S.ENDED, _E.FORGET, _E.EXPLAIN),
}

_CALL_IN: Final[LineTable] = {
    (_S.IDLE, _C.ARRIVED): step(_S.RINGING),
    (_S.RINGING, _C.CALLER_GONE): step(_S.IDLE, _E.MISS),
    (_S.RINGING, _C.UNTAKEN): step(_S.IDLE, _E.REFUSE, _E.MISS),
    (_S.RINGING, _C.HOOK_UP): step(_S.ANSWERING, _E.ANSWER),
    (_S.ANSWERING, _C.ANSWERED): step(_S.TALKING),
    (_S.ANSWERING, _C.FAILED): step(_S.REORDER, _E.FORGET, _E.EXPLAIN),
    (_S.ANSWERING, _C.TIMEOUT): step(_S.REORDER, _E.HANG_UP),
}

_WAITING_CALL: Final[LineTable] = {
    (_S.TALKING, _C.ARRIVED): step(_S.WAITING),
    (_S.WAITING, _C.KEY): step(_S.WAITING, _E.SEND_DIGIT),
    (_S.WAITING, _C.COMPARED): step(_S.WAITING, _E.COMPARE),
    (_S.WAITING, _C.CALLER_GONE): step(_S.TALKING, _E.MISS),
    (_S.WAITING, _C.UNTAKEN): step(_S.TALKING, _E.REFUSE, _E.MISS),
    (_S.WAITING, _C.FLASH): step(_S.ANSWERING, _E.HOLD, _E.ANSWER),
    (_S.WAITING, _C.OVER): step(_S.OFFERED, _E.FORGET),
    (_S.WAITING, _C.HOOK_DOWN): step(_S.RINGING, _E.HANG_UP_ALL),
    (_S.OFFERED, _C.CALLER_GONE): step(_S.ENDED, _E.MISS),
    (_S.OFFERED, _C.UNTAKEN): step(_S.ENDED, _E.REFUSE, _E.MISS),
    (_S.OFFERED, _C.FLASH): step(_S.ANSWERING, _E.ANSWER),
    (_S.OFFERED, _C.HOOK_DOWN): step(_S.RINGING, _E.HANG_UP_ALL),
}

_BACK: Final = step(_S.TALKING, _E.RESUME)
_KEEP: Final[Step[LineState, Effect]] = step(_S.HELD)
"""Time alone never lets a held call hear the room again: that takes a person."""
_DROP_AND_BACK: Final = step(_S.TALKING, _E.HANG_UP, _E.RESUME)

_HELD_CALL: Final[LineTable] = {
    (_S.TALKING, _C.FLASH): step(_S.HELD, _E.HOLD),
    (_S.TALKING, _C.FLASH_HELD): step(_S.TALKING, _E.SWAP),
    (_S.HELD, _C.KEY): step(_S.DIALLING, _E.NEW_NUMBER),
    (_S.HELD, _C.HELD_OVER): step(_S.ENDED),
    (_S.HELD, _C.FLASH_HELD): _BACK,
    (_S.HELD, _C.TIMEOUT_HELD): step(_S.KEPT),
    (_S.KEPT, _C.KEY): step(_S.DIALLING, _E.NEW_NUMBER),
    (_S.KEPT, _C.HELD_OVER): step(_S.ENDED),
    (_S.KEPT, _C.FLASH_HELD): _BACK,
    (_S.DIALLING, _C.FLASH_HELD): _BACK,
    (_S.SPEAKING, _C.FLASH_HELD): _BACK,
    (_S.SPEAKING, _C.SPOKEN_HELD): _BACK,
    (_S.CALLING, _C.FLASH_HELD): _DROP_AND_BACK,
    (_S.RINGBACK, _C.FLASH_HELD): _DROP_AND_BACK,
    (_S.ANSWERING, _C.FLASH_HELD): _DROP_AND_BACK,
    (_S.NOT_REGISTERED, _C.REGISTERED_HELD): _KEEP,
    (_S.NOT_REGISTERED, _C.FLASH_HELD): _BACK,
    (_S.NOT_REGISTERED, _C.TIMEOUT_HELD): _KEEP,
    (_S.ENDED, _C.FLASH_HELD): _BACK,
    (_S.ENDED, _C.TIMEOUT_HELD): _KEEP,
    (_S.BUSY, _C.FLASH_HELD): _BACK,
    (_S.BUSY, _C.TIMEOUT_HELD): _KEEP,
    (_S.UNREACHABLE, _C.FLASH_HELD): _BACK,
    (_S.UNREACHABLE, _C.TIMEOUT_HELD): _KEEP,
    (_S.REORDER, _C.FLASH_HELD): _BACK,
    (_S.REORDER, _C.TIMEOUT_HELD): _KEEP,
    (_S.RECALL, _C.HOOK_UP): _BACK,
    (_S.RECALL, _C.HELD_OVER): step(_S.IDLE),
    (_S.RECALL, _C.TIMEOUT): step(_S.IDLE, _E.HANG_UP_ALL),
}

_NEGLECT: Final[LineTable] = {
    (_S.DIAL_TONE, _C.TIMEOUT): step(_S.REORDER),
    (_S.NOT_REGISTERED, _C.TIMEOUT): step(_S.HOWLER),
    (_S.ENDED, _C.FLASH): step(_S.OPENING),
    (_S.ENDED, _C.TIMEOUT): step(_S.HOWLER),
    (_S.BUSY, _C.FLASH): step(_S.OPENING),
    (_S.BUSY, _C.TIMEOUT): step(_S.HOWLER),
    (_S.UNREACHABLE, _C.FLASH): step(_S.OPENING),
    (_S.UNREACHABLE, _C.TIMEOUT): step(_S.REORDER),
    (_S.REORDER, _C.FLASH): step(_S.OPENING),
    (_S.REORDER, _C.TIMEOUT): step(_S.HOWLER),
    (_S.HOWLER, _C.FLASH): step(_S.OPENING),
    (_S.HOWLER, _C.TIMEOUT): step(_S.PARKED),
    (_S.PARKED, _C.FLASH): step(_S.OPENING),
}

CHAPTERS: Final[Mapping[str, LineTable]] = {
    "Lifting and dialling": _LIFTING,
    "A call out": _CALL_OUT,
    "A call in": _CALL_IN,
    "Another call waits": _WAITING_CALL,
    "A call is held": _HELD_CALL,
    "A handset left off the hook": _NEGLECT,
}

EVERY_LIFTED: Final[Mapping[Cue, Step[LineState, Effect]]] = {
    _C.HOOK_DOWN: step(_S.IDLE, _E.HANG_UP_ALL),
}
"""Rows of every state with the handset up that has none of its own for the cue."""

EVERY_HOLDING: Final[Mapping[Cue, Step[LineState, Effect]]] = {
    _C.HOOK_DOWN_HELD: step(_S.RECALL, _E.LEAVE),
}
"""Rows of every state in which a flash leads back to a held call."""

TRANSITIONS: Final[LineTable] = {
    **{
        (state, cue): reached
        for state, terms in STATES.items()
        if terms.lifted
        for cue, reached in EVERY_LIFTED.items()
    },
    **{
        (state, cue): reached
        for state, own in _HELD_CALL
        if own is _C.FLASH_HELD
        for cue, reached in EVERY_HOLDING.items()
    },
    **{pair: reached for table in CHAPTERS.values() for pair, reached in table.items()},
}

WITH_HELD: Final[Mapping[Cue, Cue]] = {
    _C.HOOK_DOWN: _C.HOOK_DOWN_HELD,
    _C.REGISTERED: _C.REGISTERED_HELD,
    _C.FLASH: _C.FLASH_HELD,
    _C.TIMEOUT: _C.TIMEOUT_HELD,
    _C.SPOKEN: _C.SPOKEN_HELD,
}
"""What a cue is while a call is held."""

CONVERSATION: Final = frozenset({_S.TALKING, _S.WAITING})
"""Where words are said beside a call, not in its place."""

COMPARING_S: Final = 180.0
"""Seconds in which a key says what two people found, from when one asked what to compare."""
COMPARING_KEYS: Final[Mapping[str, bool]] = {"1": True, "2": False}
"""What it says: whether the other side has the same."""
RINGS_S: Final = 120.0
"""Seconds that a call may ring or wait until it is refused."""
LONGEST_PROMPT_S: Final = 60.0
"""Seconds after which something is taken to be said though no `Spoken` came."""
