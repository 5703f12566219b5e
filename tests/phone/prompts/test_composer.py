from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.base.errors import LocalError
from offhook.base.schema.prompt_language import VALUES, ValueKind, prompt_language, prompt_languages
from offhook.base.vocabulary import PromptId, Sentence
from offhook.phone.prompts.composer import GROUP_MS, MOST_SIGNS, SENTENCE_MS, PromptComposer
from offhook.phone.prompts.fragments import UNKNOWN, Fragment, texts, word_texts

EXAMPLES = {
    ValueKind.NUMBER: "+49 (30) 12-34*#",
    ValueKind.CALLER: "Anna",
    ValueKind.COUNT: "12",
    ValueKind.STATUS: "403",
    ValueKind.SAS: "a 3 k 7",
}


def heard(fragments: tuple[Fragment, ...], tag: str) -> list[str]:
    known = texts(prompt_language(tag)) | word_texts()
    return [known[each.name] for each in fragments]


def said(prompt: PromptId, value: str = "", tag: str = "en") -> list[str]:
    composer = PromptComposer(prompt_language(tag))
    return heard(composer.compose([Sentence(prompt, value)]), tag)


@pytest.mark.parametrize("tag", prompt_languages())
@pytest.mark.parametrize("prompt", PromptId)
def test_every_sentence_is_made_of_fragments_that_the_language_has(
    prompt: PromptId, tag: str
) -> None:
    kind = VALUES.get(prompt)
    assert said(prompt, "" if kind is None else EXAMPLES[kind], tag)


def test_a_number_is_read_sign_by_sign() -> None:
    assert said(PromptId.OWN_NUMBER, "+49 30-7") == [
        "Your number is,",
        *("plus", "four", "nine", "three", "zero", "seven"),
    ]


def test_a_count_is_spoken_as_a_number_and_a_large_one_digit_by_digit() -> None:
    assert said(PromptId.MISSED_CALLS, "12") == ["Missed calls,", "12"]
    assert said(PromptId.MISSED_CALLS, "120") == ["Missed calls,", "one", "two", "zero"]


def test_words_may_follow_the_value() -> None:
    assert said(PromptId.RESET_ARMED, "30")[1:] == ["30", "seconds."]


def test_a_status_is_read_digit_by_digit() -> None:
    assert said(PromptId.WHY_REFUSED, "403")[1:] == ["four", "zero", "three"]


@pytest.mark.parametrize(
    ("name", "tag", "spelt"),
    [
        ("Eve", "en", ["Echo", "Victor", "Echo"]),
        ("Öl", "de", ["Umlaut Offenbach", "Leipzig"]),
        ("O\u0308l", "de", ["Umlaut Offenbach", "Leipzig"]),
        ("Öl", "en", ["Oscar", "Lima"]),
        ("O'Hé", "en", ["Oscar", "Hotel", "Echo"]),
        ("a@b.c", "en", ["Alfa", "at", "Bravo", "dot", "Charlie"]),
        ("李", "en", ["unknown sign"]),
        ("\r\n", "en", ["unknown sign"]),
        ("+49 30", "en", ["plus", "four", "nine", "three", "zero"]),
    ],
)
def test_a_caller_without_a_number_is_spelt(name: str, tag: str, spelt: list[str]) -> None:
    assert said(PromptId.CALLER, name, tag)[1:] == spelt


def test_a_sas_of_four_signs_is_spelt() -> None:
    composer = PromptComposer(prompt_language("en"))
    assert heard(composer.spell("y8g1"), "en") == ["Yankee", "eight", "Golf", "one"]


def test_sentences_follow_one_another_with_a_pause_between() -> None:
    composer = PromptComposer(prompt_language("de"))
    why = [Sentence(PromptId.NOT_REGISTERED), Sentence(PromptId.WHY_NO_NETWORK)]
    fragments = composer.compose(why)
    assert [each.pause_ms for each in fragments] == [SENTENCE_MS, SENTENCE_MS]
    assert {each.language for each in fragments} == {"de"}


def test_digits_come_in_groups_of_three() -> None:
    fragments = PromptComposer(prompt_language("en")).spell("1234567")
    assert [place for place, each in enumerate(fragments, 1) if each.pause_ms == GROUP_MS] == [3, 6]


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        (PromptId.NO_CALL, "1"),
        (PromptId.OWN_NUMBER, ""),
        (PromptId.MISSED_CALLS, "many"),
        (PromptId.MISSED_CALLS, "-1"),
        (PromptId.MISSED_CALLS, "²"),
    ],
)
def test_a_value_that_does_not_fit_its_sentence_is_refused(prompt: PromptId, value: str) -> None:
    with pytest.raises(LocalError):
        said(prompt, value)


@pytest.mark.parametrize("tag", prompt_languages())
@given(name=st.text(min_size=1))
def test_whatever_a_peer_calls_itself_is_said_within_bounds(tag: str, name: str) -> None:
    language = prompt_language(tag)
    fragments = PromptComposer(language).compose([Sentence(PromptId.CALLER, name)])
    assert len(fragments) <= MOST_SIGNS + 2
    assert {each.name for each in fragments} <= texts(language).keys()


def test_a_name_without_a_sign_that_can_be_read_is_not_passed_over_in_silence() -> None:
    assert said(PromptId.CALLER, "!?", "en")[-1] == texts(prompt_language("en"))[UNKNOWN]


@pytest.mark.parametrize("tag", ["en", "de"])
def test_the_words_of_a_sas_are_said_one_after_the_other_in_english(tag: str) -> None:
    fragments = PromptComposer(prompt_language(tag)).words(b"\xe5\x82")
    assert [word_texts()[each.name] for each in fragments] == ["topmost", "Istanbul"]
    assert {each.language for each in fragments} == {tag}
    with pytest.raises(LocalError):
        PromptComposer(prompt_language(tag)).words(b"")


def test_a_sas_is_read_by_the_spelling_alphabet_or_word_by_word() -> None:
    assert said(PromptId.SAS_TELL, "a 3 k 7")[1:] == ["Alfa", "three", "Kilo", "seven"]
    assert said(PromptId.SAS_TELL, "topmost Istanbul")[1:] == ["topmost", "Istanbul"]
    with pytest.raises(LocalError):
        said(PromptId.SAS_TELL, "topmost nonsense")
