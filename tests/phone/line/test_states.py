from __future__ import annotations

import pytest
from tests.phone.line.redraw import PAGE

from offhook.base.vocabulary import Tone
from offhook.phone.line.drawing import diagram, redrawn
from offhook.phone.line.states import (
    CHAPTERS,
    STATES,
    TRANSITIONS,
    WITH_HELD,
    Cue,
    Effect,
    LineState,
)

LIFTED = [state for state, terms in STATES.items() if terms.lifted]


def test_every_state_has_its_terms_and_can_be_reached() -> None:
    assert set(STATES) == set(LineState)
    reached = {LineState.IDLE}
    for _ in LineState:
        reached |= {step.state for (state, _), step in TRANSITIONS.items() if state in reached}
    assert reached == set(LineState)


@pytest.mark.parametrize("state", LIFTED)
def test_laying_the_handset_down_leads_to_silence_from_every_state(state: LineState) -> None:
    downs = [TRANSITIONS.get((state, cue)) for cue in (Cue.HOOK_DOWN, Cue.HOOK_DOWN_HELD)]
    assert downs[0] is not None
    for down in downs:
        if down is not None:
            assert not STATES[down.state].lifted
            assert STATES[down.state].tone is None


def test_nothing_but_hook_down_leads_from_a_lifted_handset_to_one_that_is_down() -> None:
    for (state, cue), step in TRANSITIONS.items():
        if STATES[state].lifted and not STATES[step.state].lifted:
            assert cue in {Cue.HOOK_DOWN, Cue.HOOK_DOWN_HELD}
        if not STATES[state].lifted and STATES[step.state].lifted:
            assert cue is Cue.HOOK_UP


def test_a_conversation_has_no_tone_but_that_of_a_waiting_call() -> None:
    assert STATES[LineState.TALKING].tone is None
    assert STATES[LineState.WAITING].tone is Tone.CALL_WAITING


@pytest.mark.parametrize("state", LineState)
def test_a_state_that_ends_by_time_has_a_step_for_it(state: LineState) -> None:
    timed = STATES[state].lasts_s is not None or state is LineState.DIAL_TONE
    if state in {LineState.OPENING, LineState.HELD}:
        return
    assert ((state, Cue.TIMEOUT) in TRANSITIONS) == timed


def test_no_row_stands_in_two_chapters() -> None:
    rows = [pair for table in CHAPTERS.values() for pair in table]
    assert len(rows) == len(set(rows))


def test_every_cue_and_every_effect_is_used() -> None:
    assert {cue for _, cue in TRANSITIONS} == set(Cue)
    used = {effect for step in TRANSITIONS.values() for effect in step.actions}
    assert used == set(Effect)


def test_calls_are_placed_and_answered_only_on_their_way_to_a_conversation() -> None:
    for step in TRANSITIONS.values():
        if Effect.PLACE in step.actions:
            assert step.state is LineState.CALLING
        if Effect.ANSWER in step.actions:
            assert step.state is LineState.ANSWERING
        if Effect.RESUME in step.actions:
            assert step.state is LineState.TALKING


def test_what_a_person_does_leads_back_to_a_held_call_or_swaps() -> None:
    for (_, cue), step in TRANSITIONS.items():
        if cue in {Cue.FLASH_HELD, Cue.SPOKEN_HELD}:
            assert step.state is LineState.TALKING
            assert {Effect.RESUME, Effect.SWAP} & set(step.actions)


def test_time_alone_never_lets_a_held_call_hear_the_room() -> None:
    for (_, cue), step in TRANSITIONS.items():
        if cue in {Cue.TIMEOUT, Cue.TIMEOUT_HELD, Cue.HELD_OVER, Cue.HOOK_DOWN_HELD}:
            assert not {Effect.RESUME, Effect.SWAP} & set(step.actions)


def test_a_cue_of_a_held_call_is_told_apart_where_it_matters() -> None:
    assert set(WITH_HELD.values()) == {each for each in Cue if each.name.endswith("_HELD")}


def test_the_page_shows_the_tables_as_they_are() -> None:
    page = PAGE.read_text()
    assert redrawn(page) == page, "draw it anew: python -m tests.phone.line.redraw"


def test_control_a_changed_table_would_be_found() -> None:
    page = PAGE.read_text()
    assert redrawn(page.replace("Idle --> Opening", "Idle --> Talking")) == page
    assert "Idle --> Talking" not in page
    with pytest.raises(ValueError, match="marks"):
        redrawn("no marks")


def test_a_diagram_has_one_line_for_each_row() -> None:
    for table in CHAPTERS.values():
        assert len(diagram(table).splitlines()) == len(table) + 1
