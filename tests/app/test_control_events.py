from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from msgspec.structs import asdict, replace
from tests.app.phone_states import ACCOUNT, CALL, ENDED, STATES, STATUS, status

from offhook.app import control_events as on
from offhook.app.control_events import Change, changes
from offhook.app.control_report import CallPart, PhonePart, Sound, Volumes
from offhook.app.report import AccountStatus, Failure, StatusReport, Timing


@dataclass
class Watcher:
    """What somebody knows who got a status and every event after it."""

    accounts: dict[str, AccountStatus]
    calls: dict[int, CallPart]
    over: set[int]
    rest: dict[str, object] = field(default_factory=dict)
    lamps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, report: StatusReport) -> Watcher:
        phone = report.phone
        assert phone is not None
        plain = ("line", "lifted", "muted", "volumes", "sound", "messages")
        return cls(
            {each.name: replace(each, timing_ms=Timing()) for each in report.accounts},
            {each.id: replace(each, talked_s=0.0) for each in phone.calls},
            {each.id for each in phone.ended},
            {name: getattr(phone, name) for name in plain},
            dict(phone.lamps),
        )

    def take(self, event: Change) -> None:
        match event:
            case on.AccountRegistered() | on.AccountConnected() | on.AccountUnregistered():
                account = replace(event.account, timing_ms=Timing())
                self.accounts[account.name] = account
            case on.AccountGone(name=name):
                del self.accounts[name]
            case on.CallOver(call=ended):
                self.calls.pop(ended.id, None)
                self.over.add(ended.id)
            case on.LampChanged(lamp=lamp, look=None):
                del self.lamps[lamp]
            case on.LampChanged(lamp=lamp, look=str(look)):
                self.lamps[lamp] = look
            case _:
                self._take(asdict(event))

    def _take(self, told: dict[str, object]) -> None:
        call = told.get("call")
        if isinstance(call, CallPart):
            self.calls[call.id] = replace(call, talked_s=0.0)
        self.rest.update({name: told[name] for name in self.rest if name in told})


@settings(deadline=None)
@given(STATES, STATES)
def test_whoever_takes_every_event_knows_the_state_that_followed(
    before: StatusReport, after: StatusReport
) -> None:
    watcher, truth = Watcher.of(before), Watcher.of(after)
    for event in changes(before, after):
        watcher.take(event)
    # Calls that are over are told once; how many of them a status still lists is no news.
    assert watcher.over >= truth.over
    assert dataclasses.replace(watcher, over=set()) == dataclasses.replace(truth, over=set())


@settings(deadline=None)
@given(STATES, STATES)
def test_without_a_difference_there_is_no_event_and_with_one_there_is(
    before: StatusReport, after: StatusReport
) -> None:
    assert changes(before, before) == ()
    old, new = Watcher.of(before), Watcher.of(after)
    new_over = new.over - old.over
    same = dataclasses.replace(old, over=set()) == dataclasses.replace(new, over=set())
    assert bool(changes(before, after)) == (not same or bool(new_over))


@settings(deadline=None)
@given(STATES, STATES)
def test_every_event_says_when_and_no_call_is_told_twice_for_one_reason(
    before: StatusReport, after: StatusReport
) -> None:
    told = changes(before, after)
    assert after.phone is not None
    assert {each.running_s for each in told} <= {after.phone.running_s}
    assert len(set(map(repr, told))) == len(told)


TALKING = replace(
    CALL,
    state="talking",
    suite="AEAD_AES_256_GCM",
    keying="sdes",
    codec="opus",
    trust="hop by hop",
    reasons=("who could listen",),
)
HELD = replace(TALKING, held=True)
DOWN = replace(
    ACCOUNT,
    registered=False,
    expires_s=None,
    signalling=None,
    failure=Failure(stage="signalling", reason="reset"),
)
CONNECTED = replace(ACCOUNT, registered=False, expires_s=None)


def names(before: StatusReport, after: StatusReport) -> list[str]:
    return [each.__struct_config__.tag for each in changes(before, after)]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (STATUS, status(running_s=99.0), []),
        (STATUS, replace(STATUS, accounts=(replace(ACCOUNT, timing_ms=Timing()),)), []),
        (STATUS, replace(STATUS, accounts=(DOWN,)), ["unregistered"]),
        (replace(STATUS, accounts=(DOWN,)), STATUS, ["registered"]),
        (STATUS, replace(STATUS, accounts=(replace(ACCOUNT, expires_s=60.0),)), ["registered"]),
        (STATUS, replace(STATUS, accounts=(CONNECTED,)), ["connected"]),
        (STATUS, replace(STATUS, accounts=()), ["account gone"]),
        (STATUS, status(line="dialling", lifted=True), ["line"]),
        (STATUS, status(calls=(CALL,)), ["call placed"]),
        (STATUS, status(calls=(replace(CALL, direction="incoming"),)), ["call arrived"]),
        (STATUS, status(calls=(TALKING,)), ["call placed", "call answered"]),
        (
            status(calls=(CALL,)),
            status(calls=(replace(CALL, state="ringing"),)),
            ["call changed"],
        ),
        (
            status(calls=(CALL,)),
            status(calls=(TALKING,)),
            ["call answered", "trust changed"],
        ),
        (status(calls=(TALKING,)), status(calls=(replace(TALKING, talked_s=9.0),)), []),
        (status(calls=(TALKING,)), status(calls=(HELD,)), ["call changed"]),
        (
            status(calls=(CALL,)),
            status(calls=(HELD,)),
            ["call answered", "trust changed", "call changed"],
        ),
        (status(calls=(TALKING,)), status(ended=(ENDED,)), ["call over"]),
        (status(calls=(TALKING,)), status(), ["call over"]),
        (STATUS, status(ended=(ENDED,)), ["call over"]),
        (status(ended=(ENDED,)), STATUS, []),
        (STATUS, status(muted=True), ["mute"]),
        (STATUS, status(volumes=Volumes(ear=8, ring=6)), ["volumes"]),
        (STATUS, status(lamps={"security": "ready"}), ["lamp", "lamp"]),
        (STATUS, status(sound=Sound(state="lost", reason="unplugged")), ["sound lost"]),
        (STATUS, status(sound=Sound(state="there", name="other")), ["sound found"]),
        (STATUS, status(messages=2), ["messages"]),
        (replace(STATUS, phone=None), STATUS, []),
    ],
)
def test_each_change_has_its_event(
    before: StatusReport, after: StatusReport, told: list[str]
) -> None:
    assert names(before, after) == told


def test_a_call_that_vanished_is_over_and_nobody_knows_how() -> None:
    (over,) = changes(status(calls=(TALKING,)), STATUS)
    assert isinstance(over, on.CallOver)
    assert (over.call.outcome, over.call.trust) == (None, "hop by hop")


def test_a_change_of_trust_says_what_it_was() -> None:
    lower = replace(TALKING, trust="none", reasons=("silent",))
    (changed,) = changes(status(calls=(TALKING,)), status(calls=(lower,)))
    assert isinstance(changed, on.TrustChanged)
    assert (changed.before, changed.call.trust) == ("hop by hop", "none")


FORGETFUL: dict[str, Callable[[PhonePart], PhonePart]] = {
    "mute": lambda phone: replace(phone, muted=not phone.muted),
    "line": lambda phone: replace(phone, line="howler"),
    "messages": lambda phone: replace(phone, messages=9),
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_control_a_watcher_who_misses_an_event_knows_something_else(name: str) -> None:
    assert STATUS.phone is not None
    after = replace(STATUS, phone=FORGETFUL[name](STATUS.phone))
    (missed,) = changes(STATUS, after)
    assert Watcher.of(STATUS) != Watcher.of(after)
    knowing = Watcher.of(STATUS)
    knowing.take(missed)
    assert knowing == Watcher.of(after)
