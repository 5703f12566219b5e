"""Every fragment of every language is rendered by the real synthesiser."""

from __future__ import annotations

import json
import wave
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from scripts.lib import render_prompts
from scripts.lib.render_prompts import LEVEL_DBOV, RATE, NotRendered, prune, render

from offhook.base import schema
from offhook.base.schema.prompt_language import (
    PromptLanguage,
    prompt_language,
    prompt_languages,
    read_prompt_language,
)
from offhook.phone.prompts.fragments import count_name, sign_name, texts, word_texts

LANGUAGES = [prompt_language(tag) for tag in prompt_languages()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prompts")
    render(LANGUAGES, made)
    return made


def files(folder: Path, tag: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / f"{tag}.json").read_text())["fragments"]
    return found


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768


@pytest.mark.parametrize("language", LANGUAGES, ids=prompt_languages())
def test_every_fragment_is_there_audible_and_cut_close(
    folder: Path, language: PromptLanguage
) -> None:
    found = files(folder, language.language)
    spoken = texts(language) | word_texts()
    assert found.keys() == spoken.keys()
    for name, text in spoken.items():
        sound = samples(folder / found[name])
        per_sign = len(sound) / RATE / len(text)
        assert 0.02 < per_sign < 0.9, (name, text, per_sign)
        assert np.abs(sound).max() <= 0.91
        edge = RATE // 200
        assert max(np.abs(sound[:edge]).max(), np.abs(sound[-edge:]).max()) < 0.1, (name, text)


@pytest.mark.parametrize("language", LANGUAGES, ids=prompt_languages())
def test_fragments_are_about_equally_loud(folder: Path, language: PromptLanguage) -> None:
    levels = {}
    for name, file in files(folder, language.language).items():
        sound = samples(folder / file)
        windows = sound[: len(sound) // 320 * 320].reshape(-1, 320)
        powers = (windows**2).mean(axis=1)
        levels[name] = 10 * np.log10(powers[powers > powers.max() / 1000].mean())
    assert min(levels.values()) > LEVEL_DBOV - 4
    assert max(levels.values()) < LEVEL_DBOV + 2


@pytest.mark.parametrize("language", LANGUAGES, ids=prompt_languages())
def test_what_differs_in_words_differs_in_sound(folder: Path, language: PromptLanguage) -> None:
    """But "0" is "zero", and "Zulu" a letter and a word: each kind is compared in itself."""
    found, spoken = files(folder, language.language), texts(language) | word_texts()
    kinds = {"count": list[str](), "word": list[str](), "other": list[str]()}
    for name in found:
        kind = name.partition(".")[0]
        kinds[kind if kind in kinds else "other"].append(name)
    for names in kinds.values():
        sounds = {samples(folder / found[name]).tobytes() for name in names}
        assert len(sounds) == len({spoken[name] for name in names}) == len(names)


def test_the_two_languages_do_not_share_a_voice(folder: Path) -> None:
    english, german = files(folder, "en"), files(folder, "de")
    assert english[count_name(7)] != german[count_name(7)]
    assert english[sign_name("x")] != german[sign_name("x")]


def test_what_is_there_is_not_rendered_again(folder: Path) -> None:
    before = {each.name: each.stat().st_mtime_ns for each in folder.glob("*.wav")}
    assert render(LANGUAGES, folder) == 0
    assert {each.name: each.stat().st_mtime_ns for each in folder.glob("*.wav")} == before


ENGLISH = (resources.files(schema) / "prompts" / "en.toml").read_text("utf-8")


def altered(old: str, new: str) -> PromptLanguage:
    assert old in ENGLISH
    return read_prompt_language(ENGLISH.replace(old, new))


def test_another_text_another_voice_another_version_have_files_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(folder, "en")
    assert render([altered('"zero"', '"oh"')], folder) == 1
    assert {name for name, file in files(folder, "en").items() if file != before[name]} == {
        sign_name("0")
    }
    monkeypatch.setattr(render_prompts, "version", lambda: "0.0")
    render([altered('"Zulu"', '"Zebra"')], folder)
    assert not set(files(folder, "en").values()) & set(before.values())
    monkeypatch.undo()
    assert render(LANGUAGES, folder) == 0
    assert prune(folder) > 100
    assert render(LANGUAGES, folder) == 0


def test_a_voice_that_there_is_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotRendered, match="in nobody"):
        render([altered('"en-gb"', '"nobody"')], tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_a_machine_without_the_synthesiser_is_told_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_prompts, "SYNTHESISER", "no-such-synthesiser")
    with pytest.raises(NotRendered, match="apt install espeak-ng"):
        render(LANGUAGES, tmp_path)
