from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from offhook.shells.store.atomic import (
    TEMPORARY,
    StoreError,
    read_whole,
    sweep,
    write_atomically,
)


@contextmanager
def files_at_most(octets: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond `octets`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_content_and_mode_are_what_was_asked_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o077)
    try:
        write_atomically(path, b"one", 0o644)
    finally:
        os.umask(before)
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_leaves_the_old_content_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with files_at_most(1000), pytest.raises(StoreError, match="file"):
        write_atomically(path, b"n" * 5000)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_a_store_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        write_atomically(tmp_path / "nowhere" / "file", b"")


def test_a_link_in_the_files_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"untouched")
    link = tmp_path / "link"
    link.symlink_to(other)
    write_atomically(link, b"new")
    assert not link.is_symlink()
    assert other.read_bytes() == b"untouched"


def test_content_is_on_the_disk_before_its_name_and_the_name_before_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        real_fsync(handle)

    def replace(path: Path, target: Path) -> Path:
        steps.append("name")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(tmp_path / "file", b"x")
    assert steps == ["content", "name", "folder"]


@pytest.mark.parametrize("nth", range(3))
def test_whichever_step_fails_the_file_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    real = os.fsync
    count = iter(range(10))

    def fsync(handle: int) -> None:
        if next(count) == nth:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if nth < 2:
        with pytest.raises(StoreError, match="Input/output error"):
            write_atomically(path, b"new")
    else:
        write_atomically(path, b"new")
    assert path.read_bytes() == (b"old" if nth == 0 else b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([letter]) * 20_000 for letter in b"abc"]
    write_atomically(path, contents[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for index in range(100):
        write_atomically(path, contents[index % 3])
    done.set()
    reader.join()
    assert seen <= set(contents)


def test_a_sweep_removes_what_was_left_unfinished_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}0123").write_bytes(b"half")
    (tmp_path / "kept").write_bytes(b"whole")
    assert sweep(tmp_path) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
    with pytest.raises(StoreError):
        sweep(tmp_path / "nowhere")


def test_reading_stops_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_whole(path, 10) == b"x" * 10
    with pytest.raises(StoreError, match="longer than 9"):
        read_whole(path, 9)
    with pytest.raises(StoreError, match="No such file"):
        read_whole(tmp_path / "nothing", 9)
