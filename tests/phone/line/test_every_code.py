"""What the telephone says and does on demand, as a person hears it: each promise, each language."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.phone.line.world import TERMS, World

from offhook.base.schema.feature_codes import Function
from offhook.base.schema.prompt_language import VALUES, ValueKind, prompt_language
from offhook.base.vocabulary import Key, PromptId, Sentence
from offhook.phone.call.call_events import Answered, Heard, MediaSilent
from offhook.phone.call.trust import TrustLevel
from offhook.phone.line import actions as do
from offhook.phone.line import events as on
from offhook.phone.line.memory import Memory
from offhook.phone.line.states import LineState
from offhook.phone.prompts.composer import PromptComposer
from offhook.phone.prompts.fragments import texts, word_texts

LANGUAGES = ("en", "de")
both = pytest.mark.parametrize("language", LANGUAGES)


def code(function: Function) -> str:
    found = TERMS.codes.code_of(function)
    assert found is not None
    return found


def heard(sentences: list[Sentence] | tuple[Sentence, ...], language: str) -> str:
    """What a voice says: the words of every fragment, which all have to be there."""
    words = prompt_language(language)
    spoken = texts(words) | word_texts()
    return " ".join(spoken[each.name] for each in PromptComposer(words).compose(sentences))


def asked(world: World, function: Function, language: str) -> str:
    """Dial what asks for it, and hear the answer to its end."""
    told = world.ask(code(function))
    assert told, f"{function} is answered by nothing"
    return heard(told, language)


def lifted(*, registered: bool = True) -> World:
    world = World(registered=registered)
    world.lift()
    return world


def talking(*, verified: bool = False) -> tuple[World, int]:
    """Somebody has called and is spoken with."""
    world = World()
    leg = world.arrive("030123", verified=verified)
    world.lift()
    world.change(leg, Answered())
    world.change(leg, Heard(), trust=TrustLevel.HOP_BY_HOP)
    return world, leg


# What it says on demand


@both
def test_it_says_its_number(language: str) -> None:
    told = asked(lifted(), "own-number", language)
    assert (
        told
        == {
            "en": "Your number is, four seven one one",
            "de": "Ihre Nummer ist, vier sieben eins eins",
        }[language]
    )


@both
def test_before_it_knows_its_number_it_says_that_it_is_not_registered(language: str) -> None:
    world = World(terms=replace(TERMS, number=""), registered=False)
    world.lift()
    assert (
        asked(world, "own-number", language)
        == {
            "en": "The telephone is not registered.",
            "de": "Das Telefon ist nicht angemeldet.",
        }[language]
    )


@both
def test_it_says_its_state(language: str) -> None:
    world = lifted()
    assert (
        asked(world, "state", language)
        == {
            "en": "The telephone is registered. It can call and be called.",
            "de": "Das Telefon ist angemeldet. Es kann anrufen und angerufen werden.",
        }[language]
    )
    world.feed(on.MessagesWaiting(12))
    assert asked(world, "state", language).endswith(
        {"en": "New messages, 12", "de": "Neue Nachrichten, 12"}[language]
    )


@both
@pytest.mark.parametrize("trouble", on.Trouble)
def test_it_says_why_it_is_not_registered(trouble: on.Trouble, language: str) -> None:
    world = lifted(registered=False)
    status = 503 if trouble in {on.Trouble.REFUSED, on.Trouble.SERVER_FAULT} else None
    world.feed(on.AccountDown(trouble, status))
    told = asked(world, "why-not-registered", language)
    first, _, last = {
        "en": "The telephone is not registered.|Emergency numbers are tried all the same.",
        "de": "Das Telefon ist nicht angemeldet.|Notrufe werden trotzdem versucht.",
    }[language].partition("|")
    assert told.startswith(first)
    assert told.endswith(last)
    reason = told.removeprefix(first).removesuffix(last).strip()
    assert reason, "there is a reason between"
    if status is not None:
        assert reason.endswith({"en": "five zero three", "de": "fünf null drei"}[language])


@both
def test_each_reason_is_told_in_words_of_its_own(language: str) -> None:
    reasons = set()
    for trouble in on.Trouble:
        world = lifted(registered=False)
        world.feed(on.AccountDown(trouble, 500))
        reasons.add(asked(world, "why-not-registered", language))
    assert len(reasons) == len(on.Trouble)


@both
def test_registered_it_says_so_when_it_is_asked_why_not(language: str) -> None:
    world = lifted()
    assert asked(world, "why-not-registered", language) == heard(
        [Sentence(PromptId.REGISTERED)], language
    )


SAFETY = {
    TrustLevel.NONE: {
        "en": "This call is not proven to be safe.",
        "de": "Die Sicherheit dieses Gesprächs ist nicht erwiesen.",
    },
    TrustLevel.HOP_BY_HOP: {
        "en": "This call is encrypted as far as your telephone company, which could listen.",
        "de": "Dieses Gespräch ist bis zu Ihrem Anbieter verschlüsselt. Er könnte mithören.",
    },
    TrustLevel.END_TO_END: {
        "en": "This call is encrypted from end to end. You have not verified it yet.",
        "de": "Dieses Gespräch ist von Ende zu Ende verschlüsselt. "
        "Sie haben es noch nicht geprüft.",
    },
    TrustLevel.VERIFIED: {
        "en": "This call is encrypted from end to end, and you have verified it.",
        "de": "Dieses Gespräch ist von Ende zu Ende verschlüsselt, und Sie haben es geprüft.",
    },
}


@both
@pytest.mark.parametrize("trust", TrustLevel)
def test_it_says_how_safe_the_present_call_is(trust: TrustLevel, language: str) -> None:
    world, leg = talking()
    world.change(leg, Heard(), trust=trust)
    world.feed(on.Spoken())
    world.flash()
    assert asked(world, "call-security", language) == SAFETY[trust][language]
    assert world.state is LineState.TALKING, "and the call goes on"


@both
def test_a_call_that_has_fallen_silent_is_not_said_to_be_safe(language: str) -> None:
    world, leg = talking()
    world.change(leg, MediaSilent(5000.0), trust=TrustLevel.HOP_BY_HOP)
    world.flash()
    assert asked(world, "call-security", language) == SAFETY[TrustLevel.NONE][language]


@both
def test_it_says_by_itself_that_a_call_has_become_less_safe(language: str) -> None:
    world, leg = talking()
    world.change(leg, Heard(), trust=TrustLevel.NONE)
    first = {
        "en": "Attention. This call is less safe than it was. ",
        "de": "Achtung. Dieses Gespräch ist weniger sicher als zuvor. ",
    }[language]
    assert heard(world.saying, language) == first + SAFETY[TrustLevel.NONE][language]


@both
@pytest.mark.parametrize("verified", [False, True])
def test_it_says_who_is_calling_and_whether_that_is_proven(verified: bool, language: str) -> None:
    world, _ = talking(verified=verified)
    world.flash()
    claimed, _, proven = {
        "en": "The caller claims to be, |The caller is proven to be, ",
        "de": "Der Anrufer nennt sich, |Der Anrufer ist nachweislich, ",
    }[language].partition("|")
    number = {"en": "zero three zero one two three", "de": "null drei null eins zwei drei"}
    told = asked(world, "who-is-calling", language)
    assert told == (proven if verified else claimed) + number[language]


@both
def test_it_says_whom_the_person_has_called(language: str) -> None:
    world = World()
    world.talk()
    world.flash()
    assert (
        asked(world, "who-is-calling", language)
        == {
            "en": "You called, zero three zero four five six",
            "de": "Sie haben, null drei null vier fünf sechs angerufen.",
        }[language]
    )


@both
def test_it_says_that_a_caller_tells_no_number(language: str) -> None:
    world = World()
    leg = world.arrive("")
    world.lift()
    world.change(leg, Answered())
    world.flash()
    told = {
        "en": "The caller does not tell a number.",
        "de": "Der Anrufer nennt keine Nummer.",
    }[language]
    assert asked(world, "who-is-calling", language) == told
    world.lay()
    world.lift()
    assert asked(world, "last-caller", language) == told


@both
@pytest.mark.parametrize("function", ["call-security", "who-is-calling"])
def test_without_a_call_it_says_so(function: Function, language: str) -> None:
    assert (
        asked(lifted(), function, language)
        == {
            "en": "There is no call.",
            "de": "Es besteht kein Gespräch.",
        }[language]
    )


@both
def test_it_says_who_called_last(language: str) -> None:
    world = lifted()
    assert (
        asked(world, "last-caller", language)
        == {
            "en": "Nobody has called yet.",
            "de": "Es hat noch niemand angerufen.",
        }[language]
    )
    world.lay()
    world.over(world.arrive("eva"))
    world.lift()
    assert (
        asked(world, "last-caller", language)
        == {
            "en": "The last caller was, Echo Victor Alfa",
            "de": "Der letzte Anrufer war, Essen Völklingen Aachen",
        }[language]
    )


@both
def test_it_says_which_calls_were_missed(language: str) -> None:
    world = World()
    for number in ("11", "22"):
        world.over(world.arrive(number))
    world.lift()
    assert (
        asked(world, "missed-callers", language)
        == {
            "en": "Missed calls, 2 The caller claims to be, two two "
            "The caller claims to be, one one",
            "de": "Verpasste Anrufe, 2 Der Anrufer nennt sich, zwei zwei "
            "Der Anrufer nennt sich, eins eins",
        }[language]
    )
    assert (
        asked(world, "missed-callers", language)
        == {
            "en": "There are no missed calls.",
            "de": "Es gibt keine verpassten Anrufe.",
        }[language]
    )


@both
def test_it_says_in_a_call_whether_the_person_is_muted(language: str) -> None:
    world, _ = talking()
    told = {
        False: {"en": "The microphone is on.", "de": "Das Mikrofon ist an."},
        True: {
            "en": "The microphone is off. You are not heard.",
            "de": "Das Mikrofon ist aus. Sie werden nicht gehört.",
        },
    }
    for muted in (False, True, False):
        world.flash()
        assert asked(world, "mute-state", language) == told[muted][language]
        assert world.state is LineState.TALKING
        world.feed(Key("mute"))


# What it does


@both
@pytest.mark.parametrize(
    ("function", "told", "kept"),
    [
        ("ear-louder", {"en": "Ear volume, 8", "de": "Hörerlautstärke, 8"}, (8, 6)),
        ("ear-softer", {"en": "Ear volume, 6", "de": "Hörerlautstärke, 6"}, (6, 6)),
        ("ring-louder", {"en": "Ringer volume, 7", "de": "Klingellautstärke, 7"}, (7, 7)),
        ("ring-softer", {"en": "Ringer volume, 5", "de": "Klingellautstärke, 5"}, (7, 5)),
    ],
)
@pytest.mark.parametrize("in_a_call", [False, True])
def test_a_volume_goes_by_a_step_is_told_and_kept(
    function: Function,
    told: dict[str, str],
    kept: tuple[int, int],
    in_a_call: bool,
    language: str,
) -> None:
    world = talking()[0] if in_a_call else lifted()
    if in_a_call:
        world.flash()
    assert asked(world, function, language) == told[language]
    remembered = world.asked(do.Remember)[-1]
    assert isinstance(remembered, do.Remember)
    again = Memory.from_document(json.loads(json.dumps(remembered.memory.to_document())))
    assert (again.ear_step, again.ring_step) == kept
    assert (world.state is LineState.TALKING) == in_a_call


def test_the_bell_rings_as_loud_as_it_was_set() -> None:
    world = lifted()
    world.ask(code("ring-softer"))
    world.lay()
    world.arrive()
    (ring,) = world.asked(do.StartRing)
    assert isinstance(ring, do.StartRing)
    assert ring.volume == 5


@both
def test_redial_calls_again_and_says_where_there_is_nothing_to(language: str) -> None:
    world = lifted()
    assert (
        asked(world, "redial", language)
        == {
            "en": "There is no number to redial.",
            "de": "Es gibt keine Nummer zur Wahlwiederholung.",
        }[language]
    )
    world.press("030456#")
    world.over(world.placed[-1].leg)
    world.flash()
    world.press(code("redial"))
    assert [each.number for each in world.placed] == ["030456", "030456"]


@both
def test_speed_dial_calls_and_says_where_a_key_is_empty(language: str) -> None:
    world = lifted()
    speed = code("speed-dial")
    assert (
        heard(world.ask(speed.replace("x", "7")), language)
        == {
            "en": "No number is stored under key, seven",
            "de": "Unter dieser Taste ist keine Nummer gespeichert, sieben",
        }[language]
    )
    world.press(speed.replace("x", "1"))
    assert world.placed[-1].number == "030111"


@both
def test_a_reset_is_armed_told_and_done_by_two_codes(language: str) -> None:
    world = lifted()
    world.ask(code("ear-softer"))
    assert (
        asked(world, "reset-confirm", language)
        == {
            "en": "Nothing was erased. Dial the first code before the second.",
            "de": "Es wurde nichts gelöscht. Wählen Sie den ersten Code vor dem zweiten.",
        }[language]
    )
    assert (
        asked(world, "reset-arm", language)
        == {
            "en": "Call lists, volumes and what this telephone shares with others will be erased "
            "if you dial the second code within, 30 seconds.",
            "de": "Anruflisten, Lautstärken und was dieses Telefon mit anderen teilt, werden "
            "gelöscht, wenn Sie den zweiten Code wählen. Sekunden bis dahin, 30",
        }[language]
    )
    assert (
        asked(world, "reset-confirm", language)
        == {
            "en": "Call lists, volumes and what this telephone shared with others are erased. "
            "The settings stay.",
            "de": "Anruflisten, Lautstärken und was dieses Telefon mit anderen teilte, sind "
            "gelöscht. Die Einstellungen bleiben.",
        }[language]
    )


def test_after_a_reset_the_line_itself_has_forgotten() -> None:
    world = World()
    world.over(world.arrive("030111"))
    world.over(world.call())
    world.lay()
    world.lift()
    world.ask(code("ear-softer"))
    world.ask(code("ring-softer"))
    world.ask(code("reset-arm"))
    world.ask(code("reset-confirm"))
    assert world.line.memory == Memory()
    done = world.done[world.done.index(do.ResetEverything()) :]
    assert [each for each in done if isinstance(each, do.SetVolume)] == [
        do.SetVolume(do.Volume.EAR, Memory().ear_step),
        do.SetVolume(do.Volume.RING, Memory().ring_step),
    ]
    assert not [each for each in done if isinstance(each, do.Remember)]
    assert world.ask(code("redial")) == [Sentence(PromptId.NOTHING_TO_REDIAL)]
    assert world.ask(code("missed-callers")) == [Sentence(PromptId.NO_MISSED_CALLS)]
    world.ask(code("ear-louder"))
    assert world.memory.ear_step == Memory().ear_step + 1


# What is said without being asked for


@both
@pytest.mark.parametrize("prompt", PromptId)
def test_every_sentence_can_be_said(prompt: PromptId, language: str) -> None:
    samples = {
        ValueKind.NUMBER: "0",
        ValueKind.CALLER: "zoé",
        ValueKind.COUNT: "3",
        ValueKind.STATUS: "404",
        ValueKind.SAS: "topmost Istanbul",
    }
    kind = VALUES.get(prompt)
    assert heard([Sentence(prompt, samples[kind] if kind else "")], language)
