from __future__ import annotations

import pytest

from offhook.base.errors import LocalError
from offhook.base.schema.key_tones import key_tone


@pytest.mark.parametrize(
    ("symbol", "hz"),
    [
        ("1", (697, 1209)),
        ("5", (770, 1336)),
        ("0", (941, 1336)),
        ("#", (941, 1477)),
        ("*", (941, 1209)),
        ("A", (697, 1633)),
        ("D", (941, 1633)),
    ],
)
def test_a_key_has_the_two_frequencies_of_its_row_and_column(
    symbol: str, hz: tuple[int, int]
) -> None:
    (segment,) = key_tone(symbol).once
    assert segment.hz == hz


@pytest.mark.parametrize("symbol", ["", "E", "12", "mute", "123A"])
def test_what_is_no_key_has_no_tone(symbol: str) -> None:
    with pytest.raises(LocalError):
        key_tone(symbol)
