"""The states of an account's flow as a table: (state, cue) → next state (RFC 3263, RFC 5626)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from offhook.base.errors import LocalError


class FlowState(Enum):
    """Where the account stands on its way to a verified flow."""

    STOPPED = "stopped"
    LOCATING = "locating"
    """Names are being looked up."""
    CONNECTING = "connecting"
    """A TLS connection to one target is being made."""
    OPEN = "open"
    WAITING = "waiting"
    """Every target failed: wait, then locate anew."""


class FlowCue(Enum):
    """What moves an account's flow."""

    START = "start"
    LOCATED = "target found"
    NOWHERE = "no target left"
    OPENED = "flow opened"
    FAILED = "target failed"
    LOST = "flow lost"
    FAIL_OVER = "server of no use, another is known"
    RETRY = "waited long enough"
    STOP = "stop"


TRANSITIONS: Final[Mapping[tuple[FlowState, FlowCue], FlowState]] = {
    (FlowState.STOPPED, FlowCue.START): FlowState.LOCATING,
    (FlowState.LOCATING, FlowCue.LOCATED): FlowState.CONNECTING,
    (FlowState.LOCATING, FlowCue.NOWHERE): FlowState.WAITING,
    (FlowState.CONNECTING, FlowCue.OPENED): FlowState.OPEN,
    (FlowState.CONNECTING, FlowCue.FAILED): FlowState.LOCATING,
    (FlowState.OPEN, FlowCue.LOST): FlowState.WAITING,
    (FlowState.OPEN, FlowCue.FAIL_OVER): FlowState.LOCATING,
    (FlowState.WAITING, FlowCue.RETRY): FlowState.LOCATING,
    **{(state, FlowCue.STOP): FlowState.STOPPED for state in FlowState},
}


def next_state(state: FlowState, cue: FlowCue) -> FlowState:
    """The state that `cue` leads to; raises LocalError where the table has none."""
    try:
        return TRANSITIONS[state, cue]
    except KeyError:
        raise LocalError(f"a flow that is {state.value} can't take “{cue.value}”") from None
