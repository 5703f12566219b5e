"""A line, a real account and the practice trunk: from the hook to SIP and back in virtual time."""

from __future__ import annotations

import itertools
import json

import pytest
from tests.phone.call.desk import Desk
from tests.phone.line.world import TERMS

from offhook.base.vocabulary import Key, Lamp, PromptId, Ring, Sentence, Tone
from offhook.phone.call.account_events import CallArrived
from offhook.phone.call.history import Entry
from offhook.phone.call.states import CallState
from offhook.phone.input.events import Flash, HookDown, HookUp
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line import lamps
from offhook.phone.line.exchange import Exchange
from offhook.phone.line.line import Line
from offhook.phone.line.memory import Memory
from offhook.phone.line.states import LineState
from offhook.protocols.keying.methods import Keying
from offhook.protocols.media import keying_messages as keys
from offhook.protocols.media import messages as engine
from offhook_practice.extensions import find_extension


class Telephone:
    """A handset, its exchange, and the desk with the trunk behind it."""

    def __init__(self, *, password: str = "right", register: bool = True) -> None:  # noqa: S107  a test
        self.desk = Desk(password=password, register=register)
        legs = itertools.count(1)
        self.line = Line(TERMS, Memory(), legs)
        self.exchange = Exchange(self.line, [self.desk.account], legs)
        self.done: list[do.Action] = []
        self.desk.start()
        self.pump()

    def feed(self, *events: on.LineEvent) -> None:
        for event in events:
            self.exchange.receive(event, self.desk.now)
            self.pump()

    def press(self, keys: str) -> None:
        self.feed(*(Key(each) for each in keys))

    def pump(self) -> None:
        self.desk.settle()
        while self.desk.events:
            events, self.desk.events = self.desk.events, []
            for event in events:
                self.exchange.take(self.desk.account, event, self.desk.now, 1.7e9)
            self.desk.settle()
        self.done += self.exchange.actions()

    def wait(self, seconds: float) -> None:
        self.desk.wait(seconds)
        self.exchange.tick(self.desk.now)
        self.pump()

    def talk(self, leg: int) -> None:
        call = self.exchange.call_of(leg)
        assert call is not None
        self.desk.confirm_media(call)
        self.pump()

    def last(self, kind: type[do.Action]) -> do.Action:
        return [each for each in self.done if isinstance(each, kind)][-1]

    @property
    def state(self) -> LineState:
        return self.line.state

    @property
    def look(self) -> object:
        looks = [each for each in self.done if isinstance(each, do.SetLamp)]
        return [each.look for each in looks if each.lamp is Lamp.SECURITY][-1]

    @property
    def said(self) -> list[PromptId]:
        said = [each for each in self.done if isinstance(each, do.Say)]
        return [sentence.prompt for each in said for sentence in each.sentences]


def test_dialled_answered_heard_and_hung_up() -> None:
    telephone = Telephone()
    assert telephone.look == lamps.READY
    telephone.feed(HookUp())
    assert telephone.last(do.PlayTone) == do.PlayTone(Tone.DIAL)
    telephone.press("600#")
    assert telephone.state is LineState.TALKING
    assert telephone.look == lamps.UNPROVEN
    telephone.talk(1)
    assert telephone.look == lamps.HOP_BY_HOP
    telephone.press("5")
    (digit,) = telephone.desk.phone_engine.posted(engine.SendDtmf)
    assert isinstance(digit, engine.SendDtmf)
    assert digit.digits == "5"
    telephone.feed(HookDown())
    assert telephone.look == lamps.READY
    assert not telephone.desk.account.calls
    assert telephone.exchange.call_of(1) is None


def test_a_busy_extension_is_heard_as_busy() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("603#")
    assert telephone.last(do.PlayTone) == do.PlayTone(Tone.BUSY)


def test_an_extension_that_rings_is_heard_ringing_and_given_up_by_laying_down() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("604#")
    assert telephone.last(do.PlayTone) == do.PlayTone(Tone.RINGBACK)
    telephone.feed(HookDown())
    assert not telephone.desk.account.calls


def test_an_answer_without_keys_is_refused_in_words() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("606#")
    assert telephone.said == [PromptId.CALL_NOT_SECURE]


def test_an_incoming_call_rings_and_is_answered_by_lifting() -> None:
    telephone = Telephone()
    echo = find_extension("echo")
    assert echo is not None
    telephone.desk.ring_phone(echo)
    telephone.pump()
    assert telephone.last(do.StartRing) == do.StartRing(Ring.CALL, Memory().ring_step)
    telephone.feed(HookUp())
    assert telephone.state is LineState.TALKING
    caller = telephone.line.memory.history.last_caller
    assert caller is not None
    assert caller.number == "practice"


@pytest.mark.parametrize(
    ("verified", "said"), [(False, PromptId.CALLER), (True, PromptId.CALLER_VERIFIED)]
)
def test_who_calls_is_said_as_proven_only_where_the_call_says_so(
    verified: bool, said: PromptId
) -> None:
    telephone = Telephone()
    echo = find_extension("echo")
    assert echo is not None
    telephone.desk.ring_phone(echo)
    for event in telephone.desk.events:
        if isinstance(event, CallArrived):
            assert not event.call.record.caller_verified, "nothing proves a caller yet"
            event.call.record.caller_verified = verified
    telephone.pump()
    telephone.feed(HookUp(), Flash())
    telephone.press("*#05")
    assert telephone.last(do.Say) == do.Say((Sentence(said, "practice"),), 1)


def test_whom_the_person_called_is_said_as_such() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    telephone.talk(1)
    telephone.feed(Flash())
    telephone.press("*#05")
    assert telephone.last(do.Say) == do.Say((Sentence(PromptId.CALLED, "600"),), 1)


def test_when_somebody_called_is_kept_as_the_date_was_then() -> None:
    telephone = Telephone()
    echo = find_extension("echo")
    assert echo is not None
    telephone.desk.ring_phone(echo)
    telephone.pump()
    telephone.desk.wait(200.0)
    telephone.exchange.tick(telephone.desk.now)
    telephone.pump()
    kept = telephone.last(do.Remember)
    assert isinstance(kept, do.Remember)
    read = Memory.from_document(json.loads(json.dumps(kept.memory.to_document()))).history
    assert read.callers == read.missed == (Entry("practice", 1.7e9),)


def test_a_number_that_does_not_exist_is_heard_as_such() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("999999#")
    assert telephone.said == [PromptId.NUMBER_UNREACHABLE]
    telephone.feed(on.Spoken())
    assert telephone.last(do.PlayTone) == do.PlayTone(Tone.SPECIAL_INFORMATION)


def test_a_call_that_is_held_or_refuses_to_be_hears_nothing_of_the_person() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    telephone.talk(1)
    telephone.desk.cut()
    telephone.feed(Flash())
    (*_, remote) = telephone.desk.phone_engine.posted(engine.SetRemote)
    assert isinstance(remote, engine.SetRemote)
    assert not remote.sending
    assert not remote.receiving


def test_a_second_call_is_taken_by_a_flash_while_the_first_is_held() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    telephone.talk(1)
    tone = find_extension("tone")
    assert tone is not None
    telephone.desk.ring_phone(tone)
    telephone.pump()
    assert telephone.last(do.PlayTone) == do.PlayTone(Tone.CALL_WAITING)
    telephone.feed(Flash())
    assert telephone.state is LineState.TALKING
    first, second = telephone.exchange.call_of(1), telephone.exchange.call_of(2)
    assert first is not None
    assert second is not None
    assert (first.held, second.held) == (True, False)
    telephone.feed(Flash())
    assert (first.held, second.held) == (False, True)
    telephone.feed(HookDown())
    assert telephone.last(do.StartRing) == do.StartRing(Ring.RECALL, Memory().ring_step)
    assert first.state is CallState.ENDED
    assert second.held
    telephone.feed(HookUp(), HookDown())
    assert first.state is second.state is CallState.ENDED


def test_a_wrong_password_is_told_in_words() -> None:
    telephone = Telephone(password="wrong")
    telephone.feed(HookUp())
    assert PromptId.WHY_CREDENTIALS in telephone.said


@pytest.mark.parametrize("number", ["110", "112"])
def test_an_emergency_number_is_tried_without_registration(number: str) -> None:
    telephone = Telephone(password="wrong")
    telephone.feed(HookUp())
    telephone.press(number)
    sent = b"".join(telephone.desk.sent)
    assert b"INVITE sip:" + number.encode() in sent


def test_an_emergency_call_without_any_flow_is_told_to_have_failed() -> None:
    telephone = Telephone()
    telephone.desk.refuse.add("192.0.2.1")
    telephone.desk.cut()
    telephone.pump()
    telephone.feed(HookUp())
    telephone.press("112")
    assert telephone.state is LineState.REORDER
    assert telephone.said[-1] is PromptId.CALL_FAILED


def test_an_account_that_never_registers_is_ready_with_its_flow() -> None:
    telephone = Telephone(register=False)
    telephone.feed(HookUp())
    assert telephone.state is LineState.DIAL_TONE


def secured_by_zrtp() -> Telephone:
    """A conversation whose engine tells that ZRTP has its keys and a string to compare."""
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    telephone.talk(1)
    sas = keys.SasStanding(1, b"peer's ZID..", ("a", "3", "k", "7"))
    for report in (
        sas,
        keys.Keyed(1, Keying.ZRTP, "AES_CM_128_HMAC_SHA1_80", 90.0),
        engine.KeysConfirmed(1, 110.0),
    ):
        telephone.desk.report(report)
    telephone.pump()
    return telephone


@pytest.mark.parametrize(
    ("key", "look", "said"),
    [
        ("1", lamps.VERIFIED, PromptId.SAS_SAME),
        ("2", lamps.LOWERED, PromptId.WARN_DIFFERENT),
    ],
)
def test_people_compare_what_zrtp_gave_them_and_the_lamp_and_the_engine_know(
    key: str, look: object, said: PromptId
) -> None:
    telephone = secured_by_zrtp()
    assert telephone.look == lamps.END_TO_END
    assert telephone.said == [PromptId.SAS_OFFER]
    telephone.feed(Flash())
    telephone.press("#15")
    telephone.feed(on.Spoken())
    telephone.press(key)
    assert telephone.desk.phone_engine.posted(keys.SasCompared) == [
        keys.SasCompared(1, same=key == "1")
    ]
    assert not telephone.desk.phone_engine.posted(engine.SendDtmf)
    assert telephone.look == look
    assert said in telephone.said


def test_a_call_whose_keys_fail_ends_with_its_reason_in_words() -> None:
    telephone = secured_by_zrtp()
    telephone.desk.report(keys.KeyingFailed(1, Keying.ZRTP, "a lie", attack=True))
    telephone.pump()
    assert telephone.state is LineState.ENDED
    assert telephone.said[-1] is PromptId.CALL_ATTACKED


def test_silence_is_heard_as_less_safe_at_once() -> None:
    telephone = Telephone()
    telephone.feed(HookUp())
    telephone.press("600#")
    telephone.talk(1)
    telephone.desk.report(engine.MediaLost(1, 5000.0))
    telephone.pump()
    assert telephone.said == [PromptId.TRUST_LOWERED, PromptId.TRUST_NONE]
    assert telephone.look == lamps.LOWERED


def test_an_emergency_call_is_in_a_hurry() -> None:
    telephone = Telephone()
    telephone.desk.learned.worked("practice", "sip:600@practice.example", "sdes with feedback")
    telephone.feed(HookUp())
    telephone.press("112")
    (invite, *_) = [data for data in telephone.desk.sent if data.startswith(b"INVITE")]
    assert b"RTP/SAVPF" in invite
