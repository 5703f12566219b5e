"""The states of a call as a table: (state, cue) → next state.

A cue that a state does not list is not for it: it is a fault of our caller, never of the peer,
since the invite and the engine report only what their own machines allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from offhook.base.errors import LocalError


class CallState(Enum):
    """Where a call stands between the wish to speak and the last report of its end."""

    PREPARING = "preparing"
    """Outgoing: the engine opens a path."""
    CALLING = "calling"
    """Outgoing: the INVITE is on its way."""
    RINGING = "ringing"
    """Outgoing: the other telephone rings."""
    ALERTING = "alerting"
    """Incoming: we ring."""
    ACCEPTING = "accepting"
    """Incoming: the person has answered, the engine opens a path."""
    TALKING = "talking"
    """Keys are agreed and media flows."""
    ENDING = "ending"
    """Over for the person; dialog or engine have not yet let go."""
    ENDED = "ended"


class Cue(Enum):
    """What moves a call."""

    INVITE_SENT = "INVITE sent"
    PROGRESS = "progress"
    ACCEPTED = "accepted by the person"
    AGREED = "keys agreed"
    OVER = "over"
    RELEASED = "dialog and engine released"


_STATES: Final = CallState

TRANSITIONS: Final[Mapping[tuple[CallState, Cue], CallState]] = {
    (_STATES.PREPARING, Cue.INVITE_SENT): _STATES.CALLING,
    (_STATES.CALLING, Cue.INVITE_SENT): _STATES.CALLING,
    (_STATES.RINGING, Cue.INVITE_SENT): _STATES.CALLING,
    (_STATES.CALLING, Cue.PROGRESS): _STATES.RINGING,
    (_STATES.RINGING, Cue.PROGRESS): _STATES.RINGING,
    (_STATES.CALLING, Cue.AGREED): _STATES.TALKING,
    (_STATES.RINGING, Cue.AGREED): _STATES.TALKING,
    (_STATES.ALERTING, Cue.ACCEPTED): _STATES.ACCEPTING,
    (_STATES.ACCEPTING, Cue.AGREED): _STATES.TALKING,
    (_STATES.TALKING, Cue.AGREED): _STATES.TALKING,
    (_STATES.PREPARING, Cue.OVER): _STATES.ENDING,
    (_STATES.CALLING, Cue.OVER): _STATES.ENDING,
    (_STATES.RINGING, Cue.OVER): _STATES.ENDING,
    (_STATES.ALERTING, Cue.OVER): _STATES.ENDING,
    (_STATES.ACCEPTING, Cue.OVER): _STATES.ENDING,
    (_STATES.TALKING, Cue.OVER): _STATES.ENDING,
    (_STATES.ENDING, Cue.OVER): _STATES.ENDING,
    (_STATES.ENDING, Cue.RELEASED): _STATES.ENDED,
}


def next_state(state: CallState, cue: Cue) -> CallState:
    """The state that `cue` leads to; raises LocalError where the table has none."""
    try:
        return TRANSITIONS[state, cue]
    except KeyError:
        raise LocalError(f"a call that is {state.value} can't take the cue “{cue.value}”") from None
