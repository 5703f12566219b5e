"""From what is to be said to the fragments that say it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from offhook.base.errors import LocalError
from offhook.base.schema.prompt_language import DIAL_SIGNS, VALUES, PromptLanguage, ValueKind
from offhook.base.schema.sas_words import octets_of
from offhook.base.vocabulary import Sentence
from offhook.phone.prompts.fragments import (
    COUNTS,
    UNKNOWN,
    Fragment,
    count_name,
    piece_name,
    word_name,
)
from offhook.phone.prompts.fragments import sign_name as named

PIECE_MS: Final = 60
"""Silence between the words and their value."""
SIGN_MS: Final = 90
GROUP_MS: Final = 260
"""Silence after every third sign, as people read numbers out."""
GROUP: Final = 3
SENTENCE_MS: Final = 450
MOST_SIGNS: Final = 40
"""Signs read out of one value: it may come from a peer."""
SEPARATORS: Final = " -./()"
"""Signs in a telephone number that only part it (RFC 3966 §3)."""


class PromptComposer:
    """Composes sentences in one language."""

    def __init__(self, language: PromptLanguage) -> None:
        self._language = language

    def compose(self, sentences: Iterable[Sentence]) -> tuple[Fragment, ...]:
        """The fragments that say `sentences`, one after the other.

        Raises LocalError where a value is missing, not wanted, or no number where a count is asked
        for. Any text is accepted as a caller's name, however long and of whatever script.
        """
        return tuple(fragment for each in sentences for fragment in self._sentence(each))

    def spell(self, text: str) -> tuple[Fragment, ...]:
        """The fragments that say `text` sign by sign: a name, or a SAS (RFC 6189 §5.1.6, B32)."""
        return self._ended(self._signs(text))

    def words(self, octets: bytes) -> tuple[Fragment, ...]:
        """The fragments that say octets word by word: a SAS of type B256 (RFC 6189 §5.1.6).

        Raises LocalError where there are none.
        """
        if not octets:
            raise LocalError("a short authentication string has words")
        return self._ended(
            [
                self._fragment(word_name(octet, place), GROUP_MS)
                for place, octet in enumerate(octets)
            ]
        )

    def _sentence(self, sentence: Sentence) -> tuple[Fragment, ...]:
        prompt, kind = sentence.prompt, VALUES.get(sentence.prompt)
        if (kind is None) != (not sentence.value):
            wanted = "no value" if kind is None else f"a {kind.value}"
            raise LocalError(f"{prompt.name} is said with {wanted}")
        before, after = self._language.pieces(prompt)
        said = []
        if before:
            said.append(self._fragment(piece_name(prompt, 0), PIECE_MS))
        if kind is not None:
            said += self._value(kind, sentence.value)
        if after:
            said[-1] = self._fragment(said[-1].name, PIECE_MS)
            said.append(self._fragment(piece_name(prompt, 1), PIECE_MS))
        return self._ended(said)

    def _value(self, kind: ValueKind, value: str) -> list[Fragment]:
        if kind is ValueKind.COUNT:
            return self._count(value)
        if kind is ValueKind.SAS:
            return self._sas(value.split())
        if kind is ValueKind.CALLER and not _is_number(value):
            return self._signs(value)
        return self._signs("".join(each for each in value if each not in SEPARATORS))

    def _count(self, value: str) -> list[Fragment]:
        if not (value.isascii() and value.isdigit()):
            raise LocalError(f"{value!r} is no count")
        if len(value) <= 2 and int(value) in COUNTS:
            return [self._fragment(count_name(int(value)), PIECE_MS)]
        return self._signs(value)

    def _sas(self, parts: list[str]) -> list[Fragment]:
        """Letters and digits, or words of RFC 6189 §5.1.6: told apart by how long they are."""
        if all(len(each) == 1 for each in parts):
            return self._signs("".join(parts))
        octets = octets_of(parts)
        return [self._fragment(word_name(o, place), GROUP_MS) for place, o in enumerate(octets)]

    def _signs(self, text: str) -> list[Fragment]:
        names = [name for each in _printed(text) for name in self._names(each)][:MOST_SIGNS]
        return [
            self._fragment(name, SIGN_MS if place % GROUP else GROUP_MS)
            for place, name in enumerate(names or [UNKNOWN], 1)
        ]

    def _names(self, sign: str) -> list[str]:
        """The fragments of one sign; a letter that the language lacks, by its base letter.

        A mark of punctuation that the language has no word for is passed over.
        """
        known = self._language.signs.keys() | self._language.letters.keys()
        for form in (sign.lower(), unicodedata.normalize("NFKD", sign).lower()):
            found = [named(each) for each in form if each in known]
            if found:
                return found
        return [] if unicodedata.category(sign)[0] in "MP" else [UNKNOWN]

    def _fragment(self, name: str, pause_ms: int) -> Fragment:
        return Fragment(self._language.language, name, pause_ms)

    def _ended(self, said: list[Fragment]) -> tuple[Fragment, ...]:
        return (*said[:-1], self._fragment(said[-1].name, SENTENCE_MS))


def _is_number(text: str) -> bool:
    return any(each in DIAL_SIGNS for each in text) and all(
        each in DIAL_SIGNS or each in SEPARATORS for each in text
    )


def _printed(text: str) -> Iterable[str]:
    """The signs to be read: composed as far as possible, without spaces and controls."""
    composed = unicodedata.normalize("NFC", text[: 4 * MOST_SIGNS])
    return (each for each in composed if each.isprintable() and not each.isspace())
