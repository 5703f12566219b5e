from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import cast

import jsonschema
import msgspec
from tests.phone.line.test_exchange import Telephone

from offhook.app.control_events import CallOver, changes
from offhook.app.control_report import CallPart, PhonePart
from offhook.app.control_status import _CALL_STATES, LINE_NAMES, MOST_ENDED, Ledger
from offhook.app.report import StatusReport, schema
from offhook.app.runner import AccountRunner, FlowTimes
from offhook.base.vocabulary import FlowReport, Lamp, LampLook
from offhook.phone.call.account import Account
from offhook.phone.call.states import CallState
from offhook.phone.input.events import HookDown, HookUp
from offhook.phone.line import actions as do
from offhook.phone.line.states import LineState
from offhook.protocols.media.handset_messages import Levels, SoundFound, SoundLost
from offhook_practice.extensions import find_extension

BEGAN = 990.0


@dataclass
class StandInRunner:
    """An account that a test runs."""

    account: Account
    times: FlowTimes = field(default_factory=FlowTimes)
    last_flow: FlowReport | None = None


class ToldTelephone(Telephone):
    """A telephone whose events go to a ledger first."""

    def __init__(self, *, password: str = "right", register: bool = True) -> None:  # noqa: S107  a test
        self.ledger = Ledger(BEGAN)
        super().__init__(password=password, register=register)

    @property
    def runner(self) -> AccountRunner:
        return cast("AccountRunner", StandInRunner(self.desk.account))

    def pump(self) -> None:
        self.desk.settle()
        while self.desk.events:
            events, self.desk.events = self.desk.events, []
            for event in events:
                self.ledger.note(self.runner, event, self.desk.now)
                self.exchange.take(self.desk.account, event, self.desk.now, 1.7e9)
            self.desk.settle()
        self.done += self.exchange.actions()

    @property
    def report(self) -> StatusReport:
        lamps: dict[Lamp, LampLook] = {
            each.lamp: each.look for each in self.done if isinstance(each, do.SetLamp)
        }
        made = self.ledger.report((self.runner,), self.line, lamps, None, self.desk.now)
        jsonschema.validate(json.loads(msgspec.json.encode(made)), schema("status"))
        return made

    @property
    def phone(self) -> PhonePart:
        assert self.report.phone is not None
        return self.report.phone

    @property
    def call(self) -> CallPart:
        (only,) = self.phone.calls
        return only


def test_every_state_of_line_and_call_has_a_name() -> None:
    assert set(LINE_NAMES) == set(LineState)
    assert len(set(LINE_NAMES.values())) == len(LineState)
    assert set(CallState) - set(_CALL_STATES) == {CallState.ENDING, CallState.ENDED}


def test_a_phone_at_rest_tells_its_account_lamps_and_volumes() -> None:
    telephone = ToldTelephone()
    (account,) = telephone.report.accounts
    assert (account.name, account.registered, account.failure) == ("practice", True, None)
    assert account.expires_s
    assert account.signalling is not None
    assert account.signalling.cipher == "TLS_AES_256_GCM_SHA384"
    phone = telephone.phone
    assert (phone.line, phone.lifted, phone.calls, phone.muted) == ("on hook", False, (), False)
    assert phone.lamps["security"] == "ready"
    assert (phone.sound.state, phone.messages, phone.running_s) == ("unknown", None, 10.0)


def test_why_an_account_is_not_registered_is_told() -> None:
    (refused,) = ToldTelephone(password="wrong").report.accounts
    assert not refused.registered
    assert refused.failure is not None
    assert refused.failure.stage == "registration"
    telephone = ToldTelephone()
    telephone.desk.cut()
    telephone.pump()
    (lost,) = telephone.report.accounts
    assert (lost.registered, lost.signalling, lost.expires_s) == (False, None, None)
    assert lost.failure is not None
    assert (lost.failure.stage, lost.failure.reason) == ("signalling", "the connection was reset")


def test_an_account_that_is_not_to_be_registered_is_connected() -> None:
    (account,) = ToldTelephone(register=False).report.accounts
    assert (account.registered, account.failure) == (False, None)
    assert account.signalling is not None


def test_before_anything_happened_no_account_counts_as_registered() -> None:
    telephone = ToldTelephone()
    telephone.ledger = Ledger(BEGAN)
    (account,) = telephone.report.accounts
    assert not account.registered
    assert account.failure is not None
    assert account.failure.reason == "not registered yet"


def test_a_call_is_told_from_dialling_to_its_end() -> None:
    telephone = ToldTelephone()
    telephone.feed(HookUp())
    assert (telephone.phone.line, telephone.phone.lifted) == ("dial tone", True)
    telephone.press("600#")
    call = telephone.call
    assert (call.direction, call.peer, call.state) == (
        "outgoing",
        "sip:600@practice.example",
        "talking",
    )
    assert call.trust == "none"
    telephone.talk(1)
    telephone.wait(2.0)
    call = telephone.call
    assert (call.trust, call.keying, call.held) == ("hop by hop", "sdes", False)
    assert call.suite
    assert call.codec
    assert call.talked_s >= 2.0
    telephone.feed(HookDown())
    phone = telephone.phone
    assert phone.calls == ()
    (ended,) = phone.ended
    assert (ended.id, ended.outcome, ended.trust) == (call.id, "completed", "hop by hop")
    assert ended.talked_s >= 2.0


def test_a_call_that_was_hung_up_is_over_at_once_and_told_once() -> None:
    telephone = ToldTelephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    telephone.talk(1)
    talking = telephone.report
    # The account has its news still to tell.
    telephone.exchange.receive(HookDown(), telephone.desk.now)
    hung_up = telephone.report
    (over,) = (each for each in changes(talking, hung_up) if isinstance(each, CallOver))
    assert over.call.outcome == "completed"
    telephone.pump()
    assert [each for each in changes(hung_up, telephone.report) if isinstance(each, CallOver)] == []


def test_a_call_that_ends_and_is_let_go_before_anybody_looks_is_told_as_it_was() -> None:
    telephone = ToldTelephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    talking = telephone.report
    telephone.exchange.receive(HookDown(), telephone.desk.now)
    telephone.desk.settle()
    assert telephone.desk.account.calls == ()
    (over,) = (each for each in changes(talking, telephone.report) if isinstance(each, CallOver))
    assert over.call.outcome == "no media"
    telephone.pump()
    assert len(telephone.phone.ended) == 1


def test_a_call_that_comes_in_is_told() -> None:
    telephone = ToldTelephone()
    extension = find_extension("echo")
    assert extension is not None
    telephone.desk.ring_phone(extension)
    telephone.pump()
    assert telephone.phone.line == "ringing"
    assert (telephone.call.direction, telephone.call.state) == ("incoming", "alerting")


def test_of_calls_that_are_over_the_last_few_are_told() -> None:
    telephone = ToldTelephone()
    for _ in range(MOST_ENDED + 2):
        telephone.feed(HookUp())
        telephone.press("600#")
        telephone.feed(HookDown())
        telephone.wait(1.0)
    numbers = [each.id for each in telephone.phone.ended]
    assert len(numbers) == MOST_ENDED
    assert numbers == sorted(numbers)


def test_sound_is_told_as_it_was_reported_last() -> None:
    telephone = ToldTelephone()
    telephone.ledger.note_sound(SoundFound("usb"))
    assert (telephone.phone.sound.state, telephone.phone.sound.name) == ("there", "usb")
    telephone.ledger.note_sound(SoundLost("unplugged"))
    telephone.ledger.note_sound(Levels(-10.0, -20.0))
    assert (telephone.phone.sound.state, telephone.phone.sound.reason) == ("lost", "unplugged")


def test_no_digit_that_is_dialled_and_no_secret_is_told() -> None:
    telephone = ToldTelephone()
    telephone.feed(HookUp())
    before = telephone.phone
    telephone.press("9")
    dialling = telephone.report
    telephone.press("371")
    assert telephone.line.dialled == "9371"
    assert telephone.report == dialling
    assert before != dialling.phone
    telephone.press("*")
    told = msgspec.json.encode(telephone.report).decode()
    assert "9371" not in told
    telephone.feed(HookDown(), HookUp())
    telephone.press("600#")
    telephone.talk(1)
    telephone.press("9371")
    told = msgspec.json.encode(telephone.report).decode()
    assert "9371" not in told
    assert "right" not in told
    assert "•••" not in told
