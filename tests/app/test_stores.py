"""What the phone kept is read back; what is damaged or can't be read is said and lost, no more."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from offhook.app import call_store, line_store
from offhook.app.call_store import CallStore
from offhook.app.line_store import LineStore
from offhook.phone.call.left_over import LeftOver
from offhook.phone.line.memory import Memory
from offhook.phone.line.reset import CALLS, MEMORY
from offhook.shells.store.atomic import StoreError

DAMAGED = [
    b"",
    b"\xff\xfe",
    b"{",
    b"[]",
    b"null",
    b"7",
    b"1" * 5000,
    b"[" * 100_000,
    b" " * ((1 << 20) + 1),
    b'{"one": {}}',
    b'{"one": null}',
    b'{"one": "text"}',
    b'{"one": [{}]}',
    b'{"one": [{"routes": [], "cseq": 1, "call_id": "\\ud800"}]}',
    b'{"history": {"dialled": {}}}',
    b'{"ear_step": 1e999}',
]
STANDS = LeftOver(
    "1@phone",
    "<sip:phone@practice.example>;tag=a",
    "<sip:600@practice.example>;tag=b",
    "sip:600@192.0.2.1;transport=tls",
    (),
    2,
    secure=False,
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    complaints: list[str] = []
    for module in (call_store, line_store):
        monkeypatch.setattr(module, "complain", complaints.append)
    return complaints


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: repr(content[:24]))
def test_a_damaged_file_is_said_and_the_phone_starts_all_the_same(
    tmp_path: Path, said: list[str], content: bytes
) -> None:
    for name in (CALLS.name, MEMORY.name):
        (tmp_path / name).write_bytes(content)
    with closing(CallStore(tmp_path)) as calls:
        assert calls.left_over("one") == ()
        calls.keep("one", (STANDS,))
    memory = LineStore(tmp_path)
    assert memory.read() == Memory()
    assert any(CALLS.name in each for each in said)
    with closing(CallStore(tmp_path)) as again:
        assert again.left_over("one") == (STANDS,)


def test_a_new_telephone_complains_of_nothing(tmp_path: Path, said: list[str]) -> None:
    with closing(CallStore(tmp_path)) as calls:
        assert calls.left_over("one") == ()
    assert LineStore(tmp_path).read() == Memory()
    assert said == []


def test_what_was_kept_is_read_back(tmp_path: Path, said: list[str]) -> None:
    LineStore(tmp_path).write(Memory(ear_step=3))
    assert LineStore(tmp_path).read() == Memory(ear_step=3)
    with closing(CallStore(tmp_path)) as calls:
        calls.keep("one", (STANDS,))
        calls.keep("two", (STANDS,))
        calls.keep("two", ())
    assert set(json.loads((tmp_path / CALLS.name).read_text())) == {"one"}
    assert said == []


def test_a_store_that_can_not_be_searched_is_said(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    store = LineStore(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "stat", refuse)
    assert store.read() == Memory()
    assert "Permission denied" in said[0]


def test_a_folder_that_is_not_there_is_said_at_each_writing(
    tmp_path: Path, said: list[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    with closing(CallStore(nowhere)) as calls:
        calls.keep("one", (STANDS,))
    LineStore(nowhere).write(Memory())
    LineStore(nowhere).erase()
    assert len(said) == 3
    assert all("nowhere" in each for each in said)


def test_a_full_disk_is_said_and_the_file_is_as_it_was(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: bytes) -> None:
        raise StoreError(f"can't write {path}: No space left on device")

    with closing(CallStore(tmp_path)) as calls:
        calls.keep("one", (STANDS,))
        for module in (call_store, line_store):
            monkeypatch.setattr(module, "write_atomically", full)
        calls.keep("one", ())
        LineStore(tmp_path).write(Memory())
    assert len(said) == 2
    assert "No space left" in said[0]
    with closing(CallStore(tmp_path)) as again:
        assert again.left_over("one") == (STANDS,)


def test_another_phone_s_calls_are_left_alone(tmp_path: Path, said: list[str]) -> None:
    with closing(CallStore(tmp_path)) as first:
        first.keep("one", (STANDS,))
        with closing(CallStore(tmp_path)) as second:
            assert second.left_over("one") == ()
            second.keep("one", ())
    assert "another phone" in said[0]
    with closing(CallStore(tmp_path)) as again:
        assert again.left_over("one") == (STANDS,)
