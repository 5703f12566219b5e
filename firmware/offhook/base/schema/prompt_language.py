"""What the telephone says in one language: sentences, digits and letters, as data."""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Iterator
from enum import Enum
from importlib import resources
from typing import Annotated, Final

import msgspec

from offhook.base.errors import LocalError
from offhook.base.schema.section import Defect, Section, key
from offhook.base.schema.walker import walk
from offhook.base.vocabulary import PromptId


class ValueKind(Enum):
    """What a sentence's one value is, and by this how it is spoken."""

    NUMBER = "number"
    """Sign by sign: a telephone number, a key."""
    CALLER = "caller"
    """A telephone number sign by sign, a name letter by letter."""
    COUNT = "count"
    """As a number: "twelve"."""
    STATUS = "status"
    """A SIP status, digit by digit."""
    SAS = "sas"
    """Letters and digits sign by sign, or words of a SAS (RFC 6189 §5.1.6), blanks between."""


VALUES: Final = {
    PromptId.OWN_NUMBER: ValueKind.NUMBER,
    PromptId.MESSAGES_WAITING: ValueKind.COUNT,
    PromptId.WHY_REFUSED: ValueKind.STATUS,
    PromptId.WHY_SERVER_FAULT: ValueKind.STATUS,
    PromptId.SAS_TELL: ValueKind.SAS,
    PromptId.CALLER: ValueKind.CALLER,
    PromptId.CALLER_VERIFIED: ValueKind.CALLER,
    PromptId.CALLED: ValueKind.CALLER,
    PromptId.LAST_CALLER: ValueKind.CALLER,
    PromptId.MISSED_CALLS: ValueKind.COUNT,
    PromptId.EAR_VOLUME: ValueKind.COUNT,
    PromptId.RING_VOLUME: ValueKind.COUNT,
    PromptId.SPEED_DIAL_EMPTY: ValueKind.NUMBER,
    PromptId.CALL_REFUSED: ValueKind.STATUS,
    PromptId.NUMBER_UNREACHABLE: ValueKind.STATUS,
    PromptId.RESET_ARMED: ValueKind.COUNT,
}
"""The sentences that have a value; in the data it stands as `{caller}` and so on."""

SENTENCES: Final = {prompt.name.lower(): prompt for prompt in PromptId}
"""The sentences that a language has to have, by the names that they have in the data."""
DIAL_SIGNS: Final = "0123456789*#+"
LETTERS: Final = string.ascii_lowercase
_PLACE: Final = re.compile(r"\{([^{}]*)\}")

Spoken = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class PromptLanguage(Section, frozen=True):
    """One language. A sentence is spoken in pieces: the text around its value, and the value."""

    language: Annotated[
        str, key("BCP 47 tag.", example="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
    ]
    name: Annotated[str, key("The language's own name.", example="English", min_length=1)]
    voice: Annotated[
        str, key("The synthesiser's voice.", example="en-gb", pattern=r"^[A-Za-z0-9+-]+\Z")
    ]
    words_per_minute: Annotated[int, key("How fast it is spoken.", example=150, ge=80, le=300)]
    sentences: Annotated[dict[str, Spoken], key("What is said, by prompt.", example={})]
    signs: Annotated[dict[str, Spoken], key("Digits and signs, as spoken.", example={"*": "star"})]
    letters: Annotated[
        dict[str, Spoken], key("Letters by a spelling alphabet.", example={"a": "Alfa"})
    ]
    unknown_sign: Annotated[
        Spoken, key("Said of what is neither digit, letter nor sign.", example="unknown sign")
    ]

    def check(self) -> Iterator[Defect]:
        """Every sentence is there, with its own value and no other; so is every sign."""
        yield from _complete("sentences", self.sentences, SENTENCES, only=True)
        yield from _complete("signs", self.signs, DIAL_SIGNS)
        yield from _complete("letters", self.letters, LETTERS)
        for table, content in (("signs", self.signs), ("letters", self.letters)):
            for sign in content:
                if len(sign) != 1 or sign != sign.lower():
                    yield Defect(f"{table}.{sign}", sign, "one sign, in lower case", "Split it.")
        for name, text in self.sentences.items():
            if name in SENTENCES:
                yield from _places(name, text)

    def pieces(self, prompt: PromptId) -> tuple[str, str]:
        """The text before and after the value; all of it before where there is none."""
        before, _, after = _PLACE.sub("\0", self.sentences[prompt.name.lower()]).partition("\0")
        return _spoken(before), _spoken(after)


def _spoken(text: str) -> str:
    text = text.strip()
    return text if any(each.isalnum() for each in text) else ""


def _complete(
    table: str, found: dict[str, str], wanted: dict[str, PromptId] | str, *, only: bool = False
) -> Iterator[Defect]:
    for name in wanted:
        if name not in found:
            yield Defect(f"{table}.{name}", None, "a text", "Add it.")
    for name, text in found.items():
        if only and name not in wanted:
            yield Defect(f"{table}.{name}", text, "a prompt of this phone", "Remove it.")


def _places(name: str, text: str) -> Iterator[Defect]:
    kind = VALUES.get(SENTENCES[name])
    wanted = [] if kind is None else [kind.value]
    if _PLACE.findall(text) != wanted or "{" in _PLACE.sub("", text):
        told = f"{{{wanted[0]}}} once" if wanted else "no {…}"
        yield Defect(f"sentences.{name}", text, told, f"Write a text with {told}.")
    if not any(each.isalnum() for each in _PLACE.sub("", text)):
        yield Defect(f"sentences.{name}", text, "words", "Say what the value is.")


def prompt_languages() -> tuple[str, ...]:
    """The tags of the languages that come with Offhook, sorted: one file each."""
    names = (each.name for each in (resources.files(__package__) / "prompts").iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml")))


@functools.cache
def prompt_language(tag: str) -> PromptLanguage:
    """The language `tag` (BCP 47). Raises LocalError if it isn't among them."""
    known = prompt_languages()
    if tag not in known:
        raise LocalError(f"there are no prompts in {tag!r}; languages: {', '.join(known)}")
    path = resources.files(__package__) / "prompts" / f"{tag}.toml"
    return read_prompt_language(path.read_text("utf-8"))


def read_prompt_language(text: str) -> PromptLanguage:
    """A language out of TOML. Raises DocumentInvalid with all problems, or TOMLDecodeError."""
    return walk(PromptLanguage, tomllib.loads(text))
