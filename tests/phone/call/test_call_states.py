from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.phone.call.states import TRANSITIONS, CallState, Cue, next_state


def test_every_state_leads_to_the_end() -> None:
    ends = {CallState.ENDED}
    for _ in CallState:
        ends |= {source for (source, _), target in TRANSITIONS.items() if target in ends}
    assert ends == set(CallState)


def test_a_call_that_has_ended_takes_no_cue() -> None:
    for cue in Cue:
        with pytest.raises(LocalError):
            next_state(CallState.ENDED, cue)


def test_nobody_talks_without_agreed_keys() -> None:
    to_talking = {cue for (_, cue), target in TRANSITIONS.items() if target is CallState.TALKING}
    assert to_talking == {Cue.AGREED}
