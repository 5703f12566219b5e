from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.sas_words import octets_of, sas_words, words_of


def test_every_octet_has_two_words_and_no_word_stands_for_two_things() -> None:
    words = [word.lower() for pair in sas_words() for word in pair]
    assert len(sas_words()) == 256
    assert len(set(words)) == 512


def test_the_list_is_the_known_one() -> None:
    assert sas_words()[0x00] == ("aardvark", "adroitness")
    assert sas_words()[0xFF] == ("Zulu", "Yucatan")


def test_octets_are_said_by_alternating_words_so_that_a_swap_is_heard() -> None:
    assert words_of(b"\xe5\x82") == ("topmost", "Istanbul")
    assert words_of(b"\x82\xe5") != words_of(b"\xe5\x82")[::-1]


def test_nothing_has_no_words() -> None:
    with pytest.raises(LocalError):
        words_of(b"")


def test_words_are_read_back_as_the_octets_that_they_say() -> None:
    octets = bytes(range(256))
    assert octets_of(words_of(octets)) == octets
    with pytest.raises(LocalError):
        octets_of(["topmost", "topmost"])
