"""The course of a ZRTP exchange on one stream as a table (RFC 6189 §3.1.1, §4.2, §4.6, §6).

`drawing.draw` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

from offhook.base.state_table import Table, step


class ZrtpState(Enum):
    """Where a stream's exchange stands."""

    IDLE = "Idle"
    SEEKING = "Seeking"
    ACKNOWLEDGED = "Acknowledged"
    HEARD = "Heard"
    SILENT = "Silent"
    COMMITTED = "Committed"
    RESPONDING = "Responding"
    DISCLOSED = "Disclosed"
    CONFIRMING = "Confirming"
    FINISHING = "Finishing"
    SECURE = "Secure"
    FAILING = "Failing"
    FAILED = "Failed"


class ZrtpInput(Enum):
    """What a stream can meet; a message counts only after its checks."""

    START = "start"
    READY = "peer ready"
    HELLO = "Hello"
    HELLO_AGAIN = "Hello again"
    HELLO_ACK = "HelloACK"
    COMMIT = "Commit"
    COMMIT_MULTISTREAM = "Commit, multistream"
    COMMIT_AGAIN = "Commit again"
    PART1 = "DHPart1"
    PART2 = "DHPart2"
    PART2_AGAIN = "DHPart2 again"
    CONFIRM1 = "Confirm1"
    CONFIRM2 = "Confirm2"
    CONFIRM2_AGAIN = "Confirm2 again"
    CONF2_ACK = "Conf2ACK"
    MEDIA = "authentic SRTP"
    ERROR = "Error"
    ERROR_ACK = "ErrorACK"
    REFUSED = "refused"
    AGAIN = "timer"
    EXHAUSTED = "no answer"


class ZrtpAction(Enum):
    """What a step does."""

    SEND_HELLO = "send Hello"
    SEND_HELLO_SOONER = "send Hello sooner"
    ACK_HELLO = "send HelloACK"
    AWAIT_HELLO = "await Hello"
    SEND_COMMIT = "send Commit"
    SEND_PART1 = "send DHPart1"
    SEND_PART2 = "send DHPart2"
    SEND_CONFIRM1 = "send Confirm1"
    SEND_CONFIRM2 = "send Confirm2"
    SEND_CONF2_ACK = "send Conf2ACK"
    SEND_ERROR = "send Error"
    ACK_ERROR = "send ErrorACK"
    REPEAT = "send again"
    ANSWER_AGAIN = "answer again"
    STOP_TIMER = "stop timer"
    TELL_EXPECTING = "tell receiving key"
    TELL_SECURE = "tell keys"
    TELL_SILENT = "tell silence"
    TELL_FAILED = "tell failure"


_S, _I, _A = ZrtpState, ZrtpInput, ZrtpAction

ZrtpTable: TypeAlias = Table[ZrtpState, ZrtpInput, ZrtpAction]

MEANINGS: Final[Mapping[ZrtpState, str]] = {
    _S.IDLE: "Not started.",
    _S.SEEKING: "Our Hello is out, nothing is heard.",
    _S.ACKNOWLEDGED: "Our Hello is acknowledged, theirs is awaited.",
    _S.HEARD: "Their Hello is heard, ours is not acknowledged.",
    _S.SILENT: "Nobody answers; who speaks late is still heard.",
    _S.COMMITTED: "We are to be the initiator.",
    _S.RESPONDING: "We are the responder; our public value is out.",
    _S.DISCLOSED: "We are the initiator; our public value is out.",
    _S.CONFIRMING: "We are the responder; the keys are made, the peer is to show that it has them.",
    _S.FINISHING: "We are the initiator; the peer has shown that it has the keys.",
    _S.SECURE: "Both sides have the keys.",
    _S.FAILING: "Refused; the peer is told why.",
    _S.FAILED: "Over, without keys.",
}

_fail: Final = step(_S.FAILING, _A.SEND_ERROR, _A.TELL_FAILED)
_failed: Final = step(_S.FAILED, _A.STOP_TIMER, _A.ACK_ERROR, _A.TELL_FAILED)
_respond: Final = step(_S.RESPONDING, _A.SEND_PART1)
_confirm: Final = step(_S.CONFIRMING, _A.SEND_CONFIRM1)

DISCOVERY: Final[ZrtpTable] = {
    (_S.IDLE, _I.START): step(_S.SEEKING, _A.SEND_HELLO),
    (_S.SEEKING, _I.AGAIN): step(_S.SEEKING, _A.REPEAT),
    (_S.SEEKING, _I.READY): step(_S.SEEKING, _A.SEND_HELLO),
    (_S.SEEKING, _I.HELLO): step(_S.HEARD, _A.ACK_HELLO, _A.SEND_HELLO_SOONER),
    (_S.SEEKING, _I.HELLO_ACK): step(_S.ACKNOWLEDGED, _A.AWAIT_HELLO),
    (_S.SEEKING, _I.EXHAUSTED): step(_S.SILENT, _A.TELL_SILENT),
    (_S.ACKNOWLEDGED, _I.HELLO): step(_S.COMMITTED, _A.ACK_HELLO, _A.SEND_COMMIT),
    (_S.ACKNOWLEDGED, _I.EXHAUSTED): step(_S.SILENT, _A.TELL_SILENT),
    (_S.HEARD, _I.AGAIN): step(_S.HEARD, _A.REPEAT),
    (_S.HEARD, _I.READY): step(_S.HEARD, _A.SEND_HELLO),
    (_S.HEARD, _I.HELLO_AGAIN): step(_S.HEARD, _A.ACK_HELLO),
    (_S.HEARD, _I.HELLO_ACK): step(_S.COMMITTED, _A.SEND_COMMIT),
    (_S.HEARD, _I.COMMIT): _respond,
    (_S.HEARD, _I.COMMIT_MULTISTREAM): _confirm,
    (_S.HEARD, _I.EXHAUSTED): step(_S.SILENT, _A.TELL_SILENT),
    (_S.SILENT, _I.HELLO): step(_S.HEARD, _A.SEND_HELLO, _A.ACK_HELLO),
    (_S.SILENT, _I.HELLO_AGAIN): step(_S.HEARD, _A.SEND_HELLO, _A.ACK_HELLO),
    (_S.SILENT, _I.COMMIT): _respond,
    (_S.SILENT, _I.COMMIT_MULTISTREAM): _confirm,
}
"""Finding out that the other side speaks ZRTP (§4.1)."""

AGREEMENT: Final[ZrtpTable] = {
    (_S.COMMITTED, _I.AGAIN): step(_S.COMMITTED, _A.REPEAT),
    (_S.COMMITTED, _I.HELLO_AGAIN): step(_S.COMMITTED, _A.ACK_HELLO),
    (_S.COMMITTED, _I.COMMIT): _respond,
    (_S.COMMITTED, _I.COMMIT_MULTISTREAM): _confirm,
    (_S.COMMITTED, _I.PART1): step(_S.DISCLOSED, _A.SEND_PART2),
    (_S.COMMITTED, _I.CONFIRM1): step(_S.FINISHING, _A.TELL_EXPECTING, _A.SEND_CONFIRM2),
    (_S.RESPONDING, _I.HELLO_AGAIN): step(_S.RESPONDING, _A.ACK_HELLO),
    (_S.RESPONDING, _I.COMMIT_AGAIN): step(_S.RESPONDING, _A.ANSWER_AGAIN),
    (_S.RESPONDING, _I.PART2): _confirm,
    (_S.DISCLOSED, _I.AGAIN): step(_S.DISCLOSED, _A.REPEAT),
    (_S.DISCLOSED, _I.CONFIRM1): step(_S.FINISHING, _A.TELL_EXPECTING, _A.SEND_CONFIRM2),
}
"""Agreeing on keys (§4.2, §4.4)."""

CONFIRMATION: Final[ZrtpTable] = {
    (_S.CONFIRMING, _I.HELLO_AGAIN): step(_S.CONFIRMING, _A.ACK_HELLO),
    (_S.CONFIRMING, _I.COMMIT_AGAIN): step(_S.CONFIRMING, _A.ANSWER_AGAIN),
    (_S.CONFIRMING, _I.PART2_AGAIN): step(_S.CONFIRMING, _A.ANSWER_AGAIN),
    (_S.CONFIRMING, _I.CONFIRM2): step(_S.SECURE, _A.STOP_TIMER, _A.SEND_CONF2_ACK, _A.TELL_SECURE),
    (_S.FINISHING, _I.AGAIN): step(_S.FINISHING, _A.REPEAT),
    (_S.FINISHING, _I.CONF2_ACK): step(_S.SECURE, _A.STOP_TIMER, _A.TELL_SECURE),
    (_S.FINISHING, _I.MEDIA): step(_S.SECURE, _A.STOP_TIMER, _A.TELL_SECURE),
    (_S.SECURE, _I.CONFIRM2_AGAIN): step(_S.SECURE, _A.SEND_CONF2_ACK),
    (_S.SECURE, _I.REFUSED): _fail,
}
"""Showing that both sides have them (§4.6)."""

UNDER_WAY: Final = (
    _S.COMMITTED,
    _S.RESPONDING,
    _S.DISCLOSED,
    _S.CONFIRMING,
    _S.FINISHING,
)
UNDECIDED: Final = (_S.SEEKING, _S.ACKNOWLEDGED, _S.HEARD, _S.SILENT, *UNDER_WAY)

FAILURE: Final[ZrtpTable] = {
    **{(state, _I.EXHAUSTED): _fail for state in UNDER_WAY},
    **{(state, _I.REFUSED): _fail for state in UNDECIDED},
    **{(state, _I.ERROR): _failed for state in UNDECIDED},
    (_S.FAILING, _I.AGAIN): step(_S.FAILING, _A.REPEAT),
    (_S.FAILING, _I.ERROR): step(_S.FAILED, _A.STOP_TIMER, _A.ACK_ERROR),
    (_S.FAILING, _I.ERROR_ACK): step(_S.FAILED, _A.STOP_TIMER),
    (_S.FAILING, _I.EXHAUSTED): step(_S.FAILED),
    (_S.FAILED, _I.ERROR): step(_S.FAILED, _A.ACK_ERROR),
}
"""The end without keys (§4.7.1)."""

CHAPTERS: Final[Mapping[str, ZrtpTable]] = {
    "Discovery": DISCOVERY,
    "Agreement": AGREEMENT,
    "Confirmation": CONFIRMATION,
    "Failure": FAILURE,
}
TRANSITIONS: Final[ZrtpTable] = {
    row: reached for chapter in CHAPTERS.values() for row, reached in chapter.items()
}
"""All of them. A pair of state and input that isn't here changes nothing."""
