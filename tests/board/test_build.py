"""Who builds when: an image that is there is taken, and two callers make it once."""

from __future__ import annotations

import concurrent.futures
import time
from pathlib import Path

import pytest
from board.image import build as building
from board.image import update
from board.image.build import Order, build
from board.image.recipe import MANIFEST
from board.image.tell import Work
from board.image.tools import BuildError, MirrorMoved


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


def test_two_who_want_it_compressed_compress_it_once(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(Order(packed=False))
    packed: list[Path] = []

    def pack(folder: Path, _epoch: int) -> None:
        packed.append(folder)
        time.sleep(0.2)
        (folder / "rpi-imager.json").write_text("{}")

    monkeypatch.setattr(building, "_pack", pack)
    with concurrent.futures.ThreadPoolExecutor(2) as callers:
        folders = set(callers.map(build, [Order()] * 2))
    assert packed == list(folders)
    assert made.times == 1


def test_what_is_there_needs_no_rights_and_what_is_not_says_what_it_needs(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build(Order(packed=False))
    monkeypatch.setattr(building, "obstacle", lambda: "the moon is down")
    assert build(Order(packed=False)) == folder
    with pytest.raises(BuildError, match="the moon is down"):
        build(Order(test=True, packed=False))
    assert made.times == 1


def test_a_test_follows_a_mirror_that_moved_on_and_a_release_does_not(
    made: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(update, "CACHE", tmp_path / "cache")

    def make(work: Work, out: Path, order: Order) -> None:
        if order.manifest == MANIFEST:
            raise MirrorMoved("gone: linux-image 7.3.4")
        made(work, out, order)

    def moved(manifest: Path, written: Path) -> list[str]:
        written.write_text(manifest.read_text() + "# moved\n")
        return ["linux-image: 7.3.4 → 7.3.5"]

    monkeypatch.setattr(building, "_make", make)
    monkeypatch.setattr(update, "moved", moved)
    with pytest.raises(BuildError, match=r"gone: linux-image 7\.3\.4"):
        build(Order(packed=False))
    folder = update.build_anyway(Order(packed=False))
    assert (folder / "offhook.img").read_text() == "1"
    assert "7.3.4 → 7.3.5" in capsys.readouterr().err
