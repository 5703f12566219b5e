from __future__ import annotations

from importlib import resources

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema import prompt_language as schema
from offhook.base.schema.feature_codes import builtin_feature_codes
from offhook.base.schema.problem import DocumentInvalid
from offhook.base.schema.prompt_language import (
    SENTENCES,
    VALUES,
    prompt_language,
    prompt_languages,
    read_prompt_language,
)
from offhook.base.vocabulary import PromptId

ENGLISH = (resources.files(schema.__package__) / "prompts" / "en.toml").read_text("utf-8")


def problems(text: str) -> dict[str, str]:
    with pytest.raises(DocumentInvalid) as caught:
        read_prompt_language(text)
    return {each.path: each.expectation for each in caught.value.problems}


def changed(old: str, new: str) -> str:
    assert old in ENGLISH
    return ENGLISH.replace(old, new)


def test_english_and_german_come_with_the_phone() -> None:
    assert {"de", "en"} <= set(prompt_languages())


@pytest.mark.parametrize("tag", prompt_languages())
def test_every_language_has_every_sentence_of_the_phone_and_no_other(tag: str) -> None:
    language = prompt_language(tag)
    assert language.language == tag
    assert set(language.sentences) == set(SENTENCES) == {each.name.lower() for each in PromptId}


@pytest.mark.parametrize("tag", prompt_languages())
def test_no_two_sentences_of_a_language_are_the_same(tag: str) -> None:
    said = list(prompt_language(tag).sentences.values())
    assert len(set(said)) == len(said)


def test_no_sentence_of_one_language_was_left_in_the_other() -> None:
    english, german = (prompt_language(tag).sentences for tag in ("en", "de"))
    assert not {name for name in SENTENCES if english[name] == german[name]}


@pytest.mark.parametrize(("tag", "letters"), [("en", "letters"), ("de", "Buchstaben")])
def test_what_people_compare_may_be_words_so_that_nothing_fixed_calls_it_letters(
    tag: str, letters: str
) -> None:
    said = " ".join(prompt_language(tag).sentences.values())
    printed = " ".join(
        f"{each.name[tag]} {each.does[tag]}" for each in builtin_feature_codes().codes
    )
    assert letters.lower() not in f"{said} {printed}".lower()


@pytest.mark.parametrize("tag", prompt_languages())
def test_no_two_signs_or_letters_sound_the_same(tag: str) -> None:
    language = prompt_language(tag)
    said = [*language.signs.values(), *language.letters.values()]
    assert len(set(said)) == len(said)


def test_a_piece_is_empty_where_only_punctuation_stands() -> None:
    assert prompt_language("en").pieces(PromptId.OWN_NUMBER) == ("Your number is", "")
    before, after = prompt_language("en").pieces(PromptId.RESET_ARMED)
    assert before.startswith("Call lists")
    assert after == "seconds."


def test_a_further_language_is_a_file_and_nothing_else() -> None:
    dutch = changed('language = "en"', 'language = "nl"').replace("Your number is", "Uw nummer is")
    assert read_prompt_language(dutch).pieces(PromptId.OWN_NUMBER)[0] == "Uw nummer is"


@pytest.mark.parametrize("tag", ["fr", "EN", "", "../trunks/generic"])
def test_a_language_without_a_file_is_refused_and_told_which_there_are(tag: str) -> None:
    with pytest.raises(LocalError, match="de, en"):
        prompt_language(tag)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('no_call = "There is no call."\n', "", "sentences.no_call"),
        ("no_call =", 'nobody = "x"\nno_call =', "sentences.nobody"),
        ("is {number}.", "is.", "sentences.own_number"),
        ("is {number}.", "is {caller}.", "sentences.own_number"),
        ("is {number}.", "is {number} {number}.", "sentences.own_number"),
        ("is {number}.", "is {number.", "sentences.own_number"),
        ("Your number is {number}.", "{number}.", "sentences.own_number"),
        ("is no call.", "is no {count}.", "sentences.no_call"),
        ('0 = "zero"\n', "", "signs.0"),
        ('z = "Zulu"\n', "", "letters.z"),
        ('z = "Zulu"\n', 'z = "Zulu"\nZ = "Zet"\n', "letters.Z"),
        ('voice = "en-gb"', 'voice = "en; reboot"', "voice"),
    ],
)
def test_what_a_language_lacks_or_has_too_much_is_told(old: str, new: str, path: str) -> None:
    assert path in problems(changed(old, new))


def test_each_value_that_a_docstring_announces_has_a_place_in_the_data() -> None:
    with_places = {name for name, text in prompt_language("en").sentences.items() if "{" in text}
    assert with_places == {prompt.name.lower() for prompt in VALUES}
