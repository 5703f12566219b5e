"""Who builds when: an image that is there is taken, and two callers make it once."""

from __future__ import annotations

import concurrent.futures
import time
from pathlib import Path

import pytest
from board.image import build as building
from board.image.build import Order, build
from board.image.tell import Work
from board.image.tools import BuildError


class Made:
    """Stands for what takes a quarter of an hour: counts how often it was done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, _work: Work, out: Path, _order: Order) -> None:
        self.times += 1
        time.sleep(0.2)
        (out / "offhook.img").write_text(str(self.times))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    made = Made()
    for name, folder in (("ROOT", ""), ("CACHE", "cache"), ("SHARED", "shared")):
        monkeypatch.setattr(building, name, tmp_path / folder)
    monkeypatch.setattr(building, "_make", made)
    monkeypatch.setattr(building, "obstacle", lambda: None)
    return made


def test_two_who_ask_at_once_get_one_image(made: Made) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as callers:
        folders = list(callers.map(build, [Order(packed=False)] * 2))
    assert folders[0] == folders[1]
    assert made.times == 1


def test_what_is_there_is_taken_and_fresh_makes_it_anew(made: Made) -> None:
    folder = build(Order(packed=False))
    assert build(Order(packed=False)) == folder
    assert made.times == 1
    assert build(Order(fresh=True, packed=False)) == folder
    assert made.times == 2
    assert (folder / "offhook.img").read_text() == "2"


def test_what_is_there_needs_no_rights_and_what_is_not_says_what_it_needs(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build(Order(packed=False))
    monkeypatch.setattr(building, "obstacle", lambda: "the moon is down")
    assert build(Order(packed=False)) == folder
    with pytest.raises(BuildError, match="the moon is down"):
        build(Order(test=True, packed=False))
    assert made.times == 1
