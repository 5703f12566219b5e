from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from offhook.app import reset
from offhook.app.reset import erase_learned
from offhook.phone.line.reset import (
    CALLS,
    CLOCK_FLOOR,
    ENGINE_LOG,
    JOURNAL,
    LEARNED,
    MEMORY,
    STORE,
    ZRTP,
)
from offhook.shells.store.atomic import TEMPORARY, StoreError

APP = Path(reset.__file__).parent


def kept(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    for entry in STORE:
        (folder / entry.name).write_text(entry.holds)
    return folder


def test_what_was_learned_is_erased_and_the_rest_stays(store: Path) -> None:
    (store / "key.pem").write_text("the administrator's")
    (store / f"{TEMPORARY}0011").write_text('{"history": ')
    learned = (MEMORY, JOURNAL, LEARNED, ZRTP, ENGINE_LOG)
    assert erase_learned(store) == tuple(each.name for each in learned)
    assert kept(store) == {
        CALLS.name: CALLS.holds.encode(),
        CLOCK_FLOOR.name: CLOCK_FLOOR.holds.encode(),
        "key.pem": b"the administrator's",
    }


def test_a_new_telephone_has_nothing_to_erase(tmp_path: Path) -> None:
    assert erase_learned(tmp_path) == ()
    assert erase_learned(tmp_path) == ()


def test_a_link_is_erased_and_not_what_it_leads_to(store: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    (store / MEMORY.name).unlink()
    (store / MEMORY.name).symlink_to(elsewhere)
    erase_learned(store)
    assert not os.path.lexists(store / MEMORY.name)
    assert elsewhere.read_text() == "not ours"


def test_what_can_not_be_erased_is_named_and_the_rest_is_erased_all_the_same(store: Path) -> None:
    (store / MEMORY.name).unlink()
    (store / MEMORY.name).mkdir()
    with pytest.raises(StoreError, match=re.escape(MEMORY.name)):
        erase_learned(store)
    assert not (store / ENGINE_LOG.name).exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        erase_learned(tmp_path / "nowhere")


def test_the_list_has_every_name_that_the_app_writes_into_its_store() -> None:
    text = "\n".join(each.read_text() for each in APP.rglob("*.py"))
    named = r'^(_\w+)(?:: Final)? = "([a-z-]+(?:\.[a-z]+)?)"$'
    constants = dict(re.findall(named, text, re.MULTILINE))
    used = re.findall(r"store(?:\.directory)? / (_\w+)", text)
    assert used, "the app writes nothing that this test would see"
    assert {constants.get(each, each) for each in used} <= {entry.name for entry in STORE}
