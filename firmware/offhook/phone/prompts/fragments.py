"""The fragments that every sentence of a language is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from offhook.base.schema.prompt_language import PromptLanguage
from offhook.base.schema.sas_words import sas_words
from offhook.base.vocabulary import PromptId

COUNTS: Final = range(100)
"""The counts that are spoken as one number; larger ones digit by digit."""
UNKNOWN: Final = "sign.unknown"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of speech by its name (unique within a language) and the silence after it in ms."""

    language: str
    name: str
    pause_ms: int


def sign_name(sign: str) -> str:
    """The name of the fragment that says a digit, a letter or another sign."""
    return f"sign.{ord(sign):04x}"


def count_name(count: int) -> str:
    """The name of the fragment that says `count` (COUNTS)."""
    return f"count.{count}"


def piece_name(prompt: PromptId, place: int) -> str:
    """The name of the fragment with a sentence's words before (0) or after (1) its value."""
    return f"{prompt.name.lower()}.{place}"


def word_name(octet: int, place: int) -> str:
    """The name of the fragment that says an octet of a SAS at a place (RFC 6189 §5.1.6)."""
    return f"word.{octet:02x}.{place % 2}"


def word_texts() -> dict[str, str]:
    """The words of a SAS by fragment name: English in every language, since two compare them."""
    return {
        word_name(octet, place): word
        for octet, words in enumerate(sas_words())
        for place, word in enumerate(words)
    }


def texts(language: PromptLanguage) -> dict[str, str]:
    """Everything that a synthesiser has to say once: text by fragment name.

    A piece after which a value follows ends in a comma, so that the voice stays up.
    """
    spoken = {UNKNOWN: language.unknown_sign}
    for table in (language.signs, language.letters):
        spoken |= {sign_name(sign): text for sign, text in table.items()}
    spoken |= {count_name(count): str(count) for count in COUNTS}
    for prompt in PromptId:
        before, after = language.pieces(prompt)
        follows = "{" in language.sentences[prompt.name.lower()]
        if before:
            spoken[piece_name(prompt, 0)] = before.rstrip(",:") + "," if follows else before
        if after:
            spoken[piece_name(prompt, 1)] = after
    return spoken
