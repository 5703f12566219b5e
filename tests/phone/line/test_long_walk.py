"""A long random walk: every row of the table is taken, and the laws of `test_people` hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from tests.phone.line.test_people import CODES, HAPPENINGS, People

from offhook.phone.call import call_events as call
from offhook.phone.call.keys_in_use import Sas
from offhook.phone.call.record import Outcome
from offhook.phone.call.trust import TrustLevel
from offhook.phone.line import events as on
from offhook.phone.line import line as room
from offhook.phone.line.states import TRANSITIONS, WITH_HELD, Cue, LineState

LEAST, MOST = 20_000, 200_000
"""Steps: at least so many, and then until every row was taken."""
LAWS: list[Callable[[People], None]] = [
    People.the_machine_knows_where_the_handset_is,
    People.with_the_handset_down_nothing_is_heard_and_no_call_is_open,
    People.the_bell_rings_only_on_the_hook_and_only_for_a_call,
    People.a_conversation_is_not_disturbed,
    People.the_line_is_never_dead,
    People.calls_are_few_and_none_is_lost,
    People.lamps_words_and_time_are_in_order,
]
NOBODY_CAN = {
    (LineState.OPENING, Cue.HOOK_DOWN),
    (LineState.HELD, Cue.HOOK_DOWN),
    (LineState.KEPT, Cue.HOOK_DOWN),
}
"""Rows of a state that is left within the step that enters it, or never without a held call."""


def two_compare(people: People, chance: Random) -> None:
    """One asks what to compare and answers, while another call waits or does not."""
    world = people.world
    people.a_call_changes(0, call.SasKnown(Sas(("a", "3", "k", "7"))), None, TrustLevel.END_TO_END)
    people.flash()
    people.dial("#15")
    people.spoken()
    if world.state is LineState.TALKING and chance.random() < 0.5:
        people.somebody_calls("030111")
    people.key(chance.choice("12"), False)


def somebody_acts(people: People, chance: Random) -> None:
    if people.world.state is LineState.TALKING and chance.random() < 0.1:
        two_compare(people, chance)
        return
    if people.world.state is LineState.IDLE and chance.random() < 0.3:
        people.converse()
        return
    if people.world.state is LineState.HELD and chance.random() < 0.7:
        people.dial(chance.choice(["030456#", "030456#", "***", *CODES]))
        return
    deeds: list[Callable[[], object]] = [
        people.lift,
        people.lift,
        people.lay,
        people.flash,
        people.flash,
        people.flash,
        people.mute,
        lambda: people.key(chance.choice("0123456789*#"), chance.random() < 0.3),
        lambda: people.dial(chance.choice(["112", "030456#", "030456#", "***", "12", *CODES])),
        lambda: people.dial("030456#"),
    ]
    chance.choice(deeds)()


def a_call_happens(people: People, chance: Random) -> None:
    world = people.world
    if not world.open_calls | world.offered or chance.random() < 0.25:
        people.somebody_calls(chance.choice(["", "030111"]))
    elif world.state in {LineState.CALLING, LineState.RINGBACK} and chance.random() < 0.3:
        world.over(world.placed[-1].leg, Outcome.REFUSED, chance.choice([404, 486]))
    elif world.open_calls and chance.random() < 0.5:
        rang: list[call.CallEvent] = [call.Rang(), call.Rang(), call.Answered()]
        world.change(max(world.open_calls), chance.choice(rang))
    else:
        status = chance.choice([200, 486, 503])
        event, trust = chance.choice(HAPPENINGS), chance.choice(list(TrustLevel))
        people.a_call_changes(chance.randrange(5), event, status, trust)


def time_passes(people: People, chance: Random) -> None:
    world = people.world
    due = world.line.deadline()
    if due is None or chance.random() < 0.3:
        people.wait(chance.choice([0.1, 3.0, 5.0, 15.0]))
    else:
        people.wait(due - world.now)


def the_world_turns(people: People, chance: Random) -> None:
    if chance.random() < 0.5:
        people.spoken()
    else:
        ready = chance.random() < 0.55
        people.the_account_changes(None if ready else chance.choice(list(on.Trouble)), 403)


DEEDS = (somebody_acts, a_call_happens, time_passes, the_world_turns)
WEIGHTS = (8, 6, 4, 3)


def test_every_row_is_taken_and_the_laws_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: Counter[tuple[LineState, Cue]] = Counter()
    cue_of = room.Line._cue

    def counted(line: room.Line, cue: Cue) -> None:
        own = WITH_HELD.get(cue, cue)
        if line.legs.held is not None and (line.state, own) in TRANSITIONS:
            taken[line.state, own] += 1
        else:
            taken[line.state, cue] += 1
        cue_of(line, cue)

    monkeypatch.setattr(room.Line, "_cue", counted)
    chance, people = Random("line"), People()  # noqa: S311  a walk, no secret
    for step in range(MOST):
        deed = chance.choices(DEEDS, WEIGHTS)[0]
        deed(people, chance)
        for law in LAWS:
            law(people)
        if step % 500 == 499:
            people.go_home()
            people.world.done.clear()
            if step > LEAST and set(TRANSITIONS) - set(taken) <= NOBODY_CAN:
                break
    assert set(TRANSITIONS) - set(taken) == NOBODY_CAN
