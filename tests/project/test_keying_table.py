"""The page about trust shows what the real telephones agreed on, and nothing else."""

from __future__ import annotations

import json

import pytest
from scripts.lib.keying_table import PAGE, ROWS, filled, table


def test_the_page_has_the_table_of_the_measured_rows() -> None:
    page = PAGE.read_text()
    assert page == filled(page, table(json.loads(ROWS.read_text())))


def test_every_keying_was_agreed_on_in_both_directions() -> None:
    rows = json.loads(ROWS.read_text())
    seen = {(row["keying"], row["direction"]) for row in rows if "trust" in row}
    keyings, directions = ("sdes", "dtls-srtp", "zrtp"), ("Offhook calls", "the peer calls")
    assert seen == {(keying, direction) for keying in keyings for direction in directions}


def test_a_page_without_the_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="substring"):
        filled("no marks", table([]))
