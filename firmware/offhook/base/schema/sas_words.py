"""The words of a short authentication string of type B256 (RFC 6189 §5.1.6)."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Sequence
from importlib import resources

from offhook.base.errors import LocalError


@functools.cache
def sas_words() -> tuple[tuple[str, str], ...]:
    """For each octet its word at an even place and its word at an odd one: 512 different words."""
    path = resources.files(__package__) / "sas_words.toml"
    found = tomllib.loads(path.read_text("utf-8"))["words"]
    return tuple((even, odd) for even, odd in found)


def words_of(octets: bytes) -> tuple[str, ...]:
    """The words that say these octets: of a SAS, its leftmost 16 bits. LocalError for none."""
    if not octets:
        raise LocalError("a short authentication string has words")
    return tuple(sas_words()[octet][place % 2] for place, octet in enumerate(octets))


def octets_of(words: Sequence[str]) -> bytes:
    """The octets that these words say: the reverse of `words_of`. LocalError for any others."""
    known = [{word[place]: octet for octet, word in enumerate(sas_words())} for place in (0, 1)]
    try:
        return bytes(known[place % 2][word] for place, word in enumerate(words))
    except KeyError:
        raise LocalError("no words of a short authentication string") from None
