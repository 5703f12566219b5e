"""The states of one DTLS-SRTP association, as a table (RFC 5763 §5, RFC 8122 §6.2)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from offhook.base.state_table import Table, step


class DtlsState(Enum):
    """Where an association stands."""

    IDLE = "Idle"
    LISTENING = "Listening"
    SHAKING = "Shaking"
    HELD = "Held"
    KEYED = "Keyed"
    FAILED = "Failed"
    CLOSED = "Closed"


class DtlsInput(Enum):
    """What it can meet."""

    START_ACTIVE = "start as active"
    START_PASSIVE = "start as passive"
    HELLO = "ClientHello"
    OTHER_HELLO = "another ClientHello"
    UNVOUCHED = "finished, nobody vouches yet"
    VOUCHED = "finished, fingerprint matches"
    FAULT = "fault"
    PATIENCE_ENDS = "patience ends"
    PEER_CLOSES = "close_notify"
    CLOSE = "close"


class DtlsAction(Enum):
    """What it does about it."""

    BEGIN = "begin with OpenSSL"
    HAND_OUT = "hand out keys"
    SAY_GOODBYE = "send close_notify"
    LET_GO = "let go of OpenSSL and the keys"
    TELL_FAILED = "tell failed"
    TELL_CLOSED = "tell closed"


_S, _I, _A = DtlsState, DtlsInput, DtlsAction
_FAIL: Final = step(_S.FAILED, _A.SAY_GOODBYE, _A.LET_GO, _A.TELL_FAILED)
_CLOSE: Final = step(_S.CLOSED, _A.SAY_GOODBYE, _A.LET_GO, _A.TELL_CLOSED)

ASSOCIATION: Final[Table[DtlsState, DtlsInput, DtlsAction]] = {
    (_S.IDLE, _I.START_ACTIVE): step(_S.SHAKING, _A.BEGIN),
    (_S.IDLE, _I.START_PASSIVE): step(_S.LISTENING),
    (_S.IDLE, _I.CLOSE): _CLOSE,
    (_S.LISTENING, _I.HELLO): step(_S.SHAKING, _A.BEGIN),
    (_S.LISTENING, _I.PATIENCE_ENDS): _FAIL,
    (_S.LISTENING, _I.CLOSE): _CLOSE,
    (_S.SHAKING, _I.OTHER_HELLO): step(_S.SHAKING, _A.LET_GO, _A.BEGIN),
    (_S.SHAKING, _I.UNVOUCHED): step(_S.HELD),
    (_S.SHAKING, _I.VOUCHED): step(_S.KEYED, _A.HAND_OUT),
    (_S.SHAKING, _I.FAULT): _FAIL,
    (_S.SHAKING, _I.PATIENCE_ENDS): _FAIL,
    (_S.SHAKING, _I.PEER_CLOSES): _FAIL,
    (_S.SHAKING, _I.CLOSE): _CLOSE,
    (_S.HELD, _I.VOUCHED): step(_S.KEYED, _A.HAND_OUT),
    (_S.HELD, _I.FAULT): _FAIL,
    (_S.HELD, _I.PEER_CLOSES): _FAIL,
    (_S.HELD, _I.CLOSE): _CLOSE,
    (_S.KEYED, _I.FAULT): step(_S.KEYED, _A.LET_GO),
    (_S.KEYED, _I.PEER_CLOSES): _CLOSE,
    (_S.KEYED, _I.CLOSE): _CLOSE,
}
"""Once there are keys, only what is authentic ends them: a fault merely ends OpenSSL's part.

A pair that isn't here changes nothing. `state_table.render(ASSOCIATION)` draws it."""
